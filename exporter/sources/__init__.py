"""Where data enters and becomes events.

ccxt is an extra, so that an installation without exchanges stays small: its source is imported only when
the configuration names an exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Protocol

from exporter.config import Config
from exporter.errors import ServiceError
from exporter.intake import Intake
from exporter.state.state import OWN, State


class Source(Protocol):
    """Brings events into the intake."""

    async def run(self) -> None:
        """Run until cancelled; by raising it asks to be made anew."""


def sources(config: Config, state: State, intake: Intake) -> dict[str, Callable[[], Source]]:
    """What the configuration asks for, by name: for each source a way to make it."""
    if not config.exchanges:
        return {}
    make = _ccxt().CcxtSource
    found: dict[str, Callable[[], Source]] = {}
    watched: set[str] = set()
    for each in config.exchanges:
        symbols = [] if each.name in watched else _markets(config, each.name)
        watched.add(each.name)
        found[f"{OWN}/{each.name}/{each.account}"] = partial(make, each, symbols, state, intake)
    return found


def _markets(config: Config, name: str) -> list[str]:
    """The symbols that all accounts of an exchange need market data of; its first account watches them."""
    accounts = [exchange for exchange in config.exchanges if exchange.name == name]
    return list(dict.fromkeys(symbol for each in accounts for symbol in (*each.symbols, *each.rate_symbols)))


def known_exchanges() -> list[str] | None:
    """The ids that ``exchanges[].id`` may have; None where ccxt is not installed, so that nobody knows."""
    try:
        known: list[str] = _ccxt().known_exchanges()
    except ServiceError:
        return None
    return known


def _ccxt() -> Any:
    try:
        return import_module("exporter.sources.ccxt")
    except ModuleNotFoundError as error:
        raise ServiceError(f"{error}; to watch exchanges: pip install 'trading-exporter[ccxt]'") from None
