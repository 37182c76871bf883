"""Our own quotes: how wide, how long on both sides, how long at the best price."""

from __future__ import annotations

from collections.abc import Iterator

from exporter import metrics
from exporter.events import SIDES
from exporter.exposition import Batch
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """The present spread as a gauge, and integrals over time up to this scrape."""
    quotes = state.quality.quotes
    state.quality.integrate(state.clock())
    yield (
        metrics.QUOTE_SPREAD_RATIO,
        [(key, q.spread_ratio) for key, q in quotes.items() if q.spread_ratio is not None],
    )
    yield metrics.QUOTE_SPREAD_SECONDS, [(key, q.spread_seconds) for key, q in quotes.items()]
    yield metrics.QUOTE_TWO_SIDED_SECONDS, [(key, q.two_sided_seconds) for key, q in quotes.items()]
    yield metrics.QUOTE_SECONDS, [(key, q.seconds) for key, q in quotes.items()]
    yield metrics.QUOTE_COMPARED_SECONDS, [(key, q.compared_seconds) for key, q in quotes.items()]
    yield (
        metrics.QUOTE_AT_BEST_SECONDS,
        [((*key, side), q.at_best_seconds[side]) for key, q in quotes.items() for side in SIDES],
    )
