"""The quality of fills: effective spread, slippage, and what the price did afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from exporter import metrics
from exporter.exposition import Batch
from exporter.state.state import State

_SLICES = 16  # of half a millisecond; what remains is done between scrapes


def collect(state: State) -> Iterator[Batch]:
    """Sums by book, liquidity and horizon; what unknown liquidity leaves open has no sample."""
    quality = state.quality
    for _ in islice(quality.advance(state.clock()), _SLICES):
        pass
    books = list(quality.fills.items())
    tracks = [((*key, track.liquidity), track) for key, book in books for track in book.tracks.values()]
    sided = [(key, track) for key, track in tracks if track.liquidity != "unknown"]
    yield metrics.FILL_EFFECTIVE_SPREAD, [(key, track.ratios) for key, track in sided]
    yield metrics.FILL_EFFECTIVE_SPREAD_USD, [(key, track.effective) for key, track in sided]
    yield metrics.FILL_EFFECTIVE_VOLUME, [(key, track.effective_volume) for key, track in sided]
    decided = [(key, book) for key, book in books if book.slippage_volume or book.decisions]
    yield metrics.FILL_SLIPPAGE, [(key, book.slippages) for key, book in decided]
    yield metrics.FILL_SLIPPAGE_USD, [(key, book.slippage) for key, book in decided]
    yield metrics.FILL_SLIPPAGE_VOLUME, [(key, book.slippage_volume) for key, book in decided]
    names = {seconds: f"{seconds:g}" for seconds in quality.horizons}
    passed = [((*key, names[h.seconds]), h) for key, track in tracks for h in track.horizons]
    passed_sided = [((*key, names[h.seconds]), h) for key, track in sided for h in track.horizons]
    yield metrics.MARKOUT_USD, [(key, horizon.markout) for key, horizon in passed]
    yield metrics.MARKOUT_VOLUME, [(key, horizon.volume) for key, horizon in passed]
    yield metrics.REALIZED_SPREAD_USD, [(key, horizon.realized) for key, horizon in passed_sided]
    yield metrics.PRICE_IMPACT_USD, [(key, horizon.impact) for key, horizon in passed_sided]
    yield (
        metrics.MARKOUT_MISSING,
        [((*key, names[seconds]), n) for key, book in books for seconds, n in book.missing().items()],
    )
    yield metrics.MARKOUT_HORIZON, [((name,), seconds) for seconds, name in names.items()]
