"""Redis and memcached, as far as they tell what they count."""

from __future__ import annotations

from functools import partial

from exporter.config import Config
from exporter.intake import Intake
from exporter.sources.caches.source import CacheSource
from exporter.state.state import OWN, State
from exporter.supervision import Makers

__all__ = ["sources"]


def sources(config: Config, state: State, intake: Intake) -> Makers:  # noqa: ARG001 - nothing of it is an event
    """One source for each server."""
    return {f"{OWN}/cache/{each.name}": partial(CacheSource, each, state) for each in config.caches}
