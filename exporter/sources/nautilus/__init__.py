"""Nodes of nautilus_trader, through the streams in Redis that their message bus writes."""

from __future__ import annotations

from functools import partial

from exporter.config import Config
from exporter.intake import Intake
from exporter.sources.nautilus.source import NautilusSource
from exporter.state.state import OWN, State
from exporter.supervision import Makers

__all__ = ["sources"]


def sources(config: Config, state: State, intake: Intake) -> Makers:
    """One source for each node."""
    return {f"{OWN}/nautilus/{each.name}": partial(NautilusSource, each, state, intake) for each in config.nautilus}
