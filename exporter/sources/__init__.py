"""Where data enters and becomes events.

Each kind of source is a package or module here with ``sources(config, state, intake)``, which gives for each
configured source its name and a way to make it. What a kind needs beyond a small installation is an extra, so
a kind is imported only when the configuration names it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from exporter.config import Config
from exporter.errors import ServiceError
from exporter.intake import Intake
from exporter.state.state import State
from exporter.supervision import Makers

KINDS = {
    "exchanges": "ccxt",
    "freqtrade": "freqtrade",
    "hummingbot": "hummingbot",
    "nautilus": "nautilus",
    "caches": "caches",
    "host": "host",
}
"""The keys of the configuration that list sources, and the module (and extra) that serves each."""

_PACKAGES = {"ccxt": "ccxt", "hummingbot": "aiomqtt", "nautilus": "redis"}
"""What kinds need beyond a small installation, where it is needed at all."""


def sources(config: Config, state: State, intake: Intake) -> Makers:
    """What the configuration asks for, by name: for each source a way to make it."""
    found: Makers = {}
    for key, kind in KINDS.items():
        if getattr(config, key):
            found |= _kind(kind).sources(config, state, intake)
    return found


def lacking(config: Config) -> list[str]:
    """What has to be installed for what the configuration asks for, a line each; nothing is imported."""
    asked = {kind for key, kind in KINDS.items() if getattr(config, key)}
    if all(bot.mqtt is None for bot in config.hummingbot):  # a database alone needs nothing
        asked.discard("hummingbot")
    return [
        f"{key}: the package {_PACKAGES[kind]} is not installed; {how_to_install(kind)}"
        for key, kind in KINDS.items()
        if kind in asked and kind in _PACKAGES and find_spec(_PACKAGES[kind]) is None
    ]


def how_to_install(kind: str) -> str:
    """What to do where a kind's packages are missing."""
    return f"make setup installs it, as does, in an environment of your own: pip install '.[{kind}]' in the clone"


def known_exchanges() -> Mapping[str, Collection[str]] | None:
    """The ids that ``exchanges[].id`` may have, each with the keys that the exchange asks for, in ccxt's words.

    None where ccxt is not installed, so that nobody knows.
    """
    try:
        known: Mapping[str, Collection[str]] = _kind("ccxt").known_exchanges()
    except ServiceError:
        return None
    return known


def _kind(name: str) -> Any:
    try:
        return import_module(f"exporter.sources.{name}")
    except ModuleNotFoundError as error:
        raise ServiceError(f"{error}; {how_to_install(name)}") from None
