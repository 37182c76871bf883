"""Exchanges through ccxt: WebSocket where the exchange has it, REST otherwise."""

from __future__ import annotations

from functools import partial

from exporter.config import Config
from exporter.intake import Intake
from exporter.sources.ccxt.client import known_exchanges
from exporter.sources.ccxt.source import CcxtSource
from exporter.state.state import OWN, State
from exporter.supervision import Makers

__all__ = ["known_exchanges", "sources"]


def sources(config: Config, state: State, intake: Intake) -> Makers:
    """One source for each account."""
    found: Makers = {}
    watched: set[str] = set()
    for each in config.exchanges:
        symbols = [] if each.name in watched else _markets(config, each.name)
        watched.add(each.name)
        found[f"{OWN}/{each.name}/{each.account}"] = partial(CcxtSource, each, symbols, state, intake)
    return found


def _markets(config: Config, name: str) -> list[str]:
    """The symbols that all accounts of an exchange need market data of; its first account watches them."""
    accounts = [exchange for exchange in config.exchanges if exchange.name == name]
    return list(dict.fromkeys(symbol for each in accounts for symbol in (*each.symbols, *each.rate_symbols)))
