"""Fills, positions and PnL by account, symbol and strategy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from exporter import metrics
from exporter.events import LIQUIDITIES, SIDES, BookKey
from exporter.exposition import Batch, Sample
from exporter.ledger.book import Book, Split, SplitSums
from exporter.state.state import State

_NOTHING = SplitSums()
_SPLITS: list[Split] = [(side, liquidity) for side in SIDES for liquidity in LIQUIDITIES]


def collect(state: State) -> Iterator[Batch]:
    """What each book holds and has earned; a figure that lacks a rate is left out, never shown as zero."""
    ledger = state.ledger
    books = list(ledger.books.items())
    yield metrics.FILLS, [((*key, *s), _split(book, s).count) for key, book in books for s in _SPLITS]
    yield (
        metrics.FILL_VOLUME_USD,
        [((*key, *s), _split(book, s).volume_usd) for key, book in books for s in _SPLITS],
    )
    accounts = ledger.accounts.items()
    yield metrics.DUPLICATE_FILLS, [(account, counts.duplicates) for account, counts in accounts]
    yield metrics.CONFLICTING_FILLS, [(account, counts.conflicts) for account, counts in accounts]
    yield metrics.LATE_FILLS, [(account, counts.late) for account, counts in accounts]
    yield metrics.APPROXIMATE_FILLS, [(key, book.sums.approximate) for key, book in books]
    now = state.clock()  # once, so that each rate is worked out once
    figures = [(key, ledger.figures(key, now)) for key, _ in books]
    yield metrics.PNL_REALIZED, _known((key, f.realized) for key, f in figures)
    yield metrics.PNL_UNREALIZED, _known((key, f.unrealized) for key, f in figures)
    yield metrics.PNL_TOTAL, _known((key, f.total) for key, f in figures)
    yield metrics.FEES, _known((key, f.fees) for key, f in figures)
    yield metrics.REBATES, _known((key, f.rebates) for key, f in figures)
    yield metrics.FUNDING, _known((key, f.funding) for key, f in figures)
    yield (
        metrics.PNL_ATTRIBUTION,
        [((*key, part), value) for key, f in figures for part, value in f.parts().items() if value is not None],
    )
    yield metrics.PNL_ATTRIBUTION_ERROR, _known((key, f.error) for key, f in figures)
    yield metrics.POSITION_BASE, _known((key, book.base) for key, book in books)
    yield metrics.POSITION_NOTIONAL, _known((key, f.notional) for key, f in figures)
    yield metrics.POSITION_AVERAGE_PRICE, _known((key, book.average_price) for key, book in books)


def _split(book: Book, split: Split) -> SplitSums:
    return book.sums.splits.get(split, _NOTHING)


def _known(values: Iterable[tuple[BookKey, Decimal | None]]) -> list[Sample]:
    return [(key, value) for key, value in values if value is not None]
