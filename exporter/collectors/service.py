"""The exporter itself: its version, its parts, what came in and what was refused."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from exporter import __version__, metrics
from exporter.exposition import Batch
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """Counts of events and the state of components."""
    intake = state.intake
    yield metrics.BUILD_INFO, [((__version__, platform.python_version()), 1)]
    yield metrics.EVENTS, [(key, n) for key, n in intake.accepted.items()]
    yield metrics.EVENTS_REJECTED, [((reason,), n) for reason, n in intake.rejected.items()]
    yield metrics.EVENT_LAG, [((kind,), lag) for kind, lag in intake.lag.items()]
    yield metrics.SERIES_DROPPED, [((family,), n) for family, n in state.dropped.items()]
    yield metrics.COMPONENT_UP, [((name,), part.up) for name, part in state.components.items()]
    yield metrics.COMPONENT_RESTARTS, [((name,), each.restarts) for name, each in state.breakers.items()]
    yield metrics.COMPONENT_CIRCUIT_OPEN, [((name,), each.is_open) for name, each in state.breakers.items()]
