"""Where data enters and becomes events.

Each kind of source is a package or module here with ``sources(config, state, intake)``, which gives for each
configured source its name and a way to make it. What a kind needs beyond a small installation is an extra, so
a kind is imported only when the configuration names it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from exporter.config import Config
from exporter.errors import ServiceError
from exporter.intake import Intake
from exporter.state.state import State

KINDS = {"exchanges": "ccxt", "freqtrade": "freqtrade", "hummingbot": "hummingbot", "nautilus": "nautilus"}
"""The keys of the configuration that list sources, and the module (and extra) that serves each."""


class Source(Protocol):
    """Brings events into the intake."""

    async def run(self) -> None:
        """Run until cancelled; by raising it asks to be made anew."""


Makers = dict[str, Callable[[], Source]]


def sources(config: Config, state: State, intake: Intake) -> Makers:
    """What the configuration asks for, by name: for each source a way to make it."""
    found: Makers = {}
    for key, kind in KINDS.items():
        if getattr(config, key):
            found |= _kind(kind).sources(config, state, intake)
    return found


def known_exchanges() -> list[str] | None:
    """The ids that ``exchanges[].id`` may have; None where ccxt is not installed, so that nobody knows."""
    try:
        known: list[str] = _kind("ccxt").known_exchanges()
    except ServiceError:
        return None
    return known


def _kind(name: str) -> Any:
    try:
        return import_module(f"exporter.sources.{name}")
    except ModuleNotFoundError as error:
        raise ServiceError(f"{error}; install what it needs: pip install 'trading-exporter[{name}]'") from None
