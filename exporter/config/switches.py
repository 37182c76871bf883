"""Switching parts off: ``enabled: false``, at an entry of a list or in a section of its own.

What is off is as if it did not stand in the file, so that nothing but this module has to know: its secrets need not be
there, and it may have the name of another. Its keys and values must be right all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar

from msgspec.structs import replace

from exporter.config.base import Section
from exporter.config.schema import Config

_LISTS = ("exchanges", "freqtrade", "hummingbot", "nautilus", "caches")
_ON_BY: dict[str, dict[str, Any]] = {
    "push": {"tokens": []},
    "incidents": {"token": None},
    "sms": {"token": None, "urls": []},
}
"""Sections that are on when they have certain keys, and what these are when they are off."""


class Switched(Protocol):
    """An entry of a list, or a section, that can be switched off."""

    @property
    def enabled(self) -> bool:
        """Whether it is on."""


E = TypeVar("E", bound=Switched)


def switched_on(entries: Sequence[E]) -> Iterator[tuple[int, E]]:
    """The entries that are on, with their places in the file."""
    return ((place, entry) for place, entry in enumerate(entries) if entry.enabled)


def sections(config: Config) -> Config:
    """The configuration without the sections that are off."""
    changed = {name: _off(getattr(config, name), given) for name, given in _ON_BY.items()}
    servers = {name: getattr(config.upstream, name) for name in ("prometheus", "alertmanager")}
    kept = {name: server if server is not None and server.enabled else None for name, server in servers.items()}
    return replace(config, **changed, upstream=replace(config.upstream, **kept))


def entries(config: Config) -> Config:
    """The configuration without the entries that are off."""
    return replace(config, **{name: [each for _, each in switched_on(getattr(config, name))] for name in _LISTS})


def _off(section: Any, given: dict[str, Any]) -> Section:
    kept: Section = section if section.enabled else replace(section, **given)
    return kept
