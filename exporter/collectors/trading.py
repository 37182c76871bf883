"""Fills, positions and PnL by account, symbol and strategy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from exporter import metrics
from exporter.events import LIQUIDITIES, SIDES, BookKey
from exporter.exposition import Batch, Sample
from exporter.state.state import State

_SPLITS = [(side, liquidity) for side in SIDES for liquidity in LIQUIDITIES]


def collect(state: State) -> Iterator[Batch]:
    """What each book holds and has earned; a figure that lacks a rate is left out, never shown as zero."""
    ledger = state.ledger
    books = list(ledger.books.items())
    yield metrics.FILLS, [((*key, *split), book.counts[split]) for key, book in books for split in _SPLITS]
    yield (
        metrics.FILL_VOLUME_USD,
        [((*key, *split), book.volume_usd[split]) for key, book in books for split in _SPLITS],
    )
    accounts = ledger.accounts.items()
    yield metrics.DUPLICATE_FILLS, [(account, counts.duplicates) for account, counts in accounts]
    yield metrics.CONFLICTING_FILLS, [(account, counts.conflicts) for account, counts in accounts]
    yield metrics.LATE_FILLS, [(account, counts.late) for account, counts in accounts]
    yield metrics.APPROXIMATE_FILLS, [(key, book.approximate) for key, book in books]
    figures = [(key, ledger.figures(key, state.clock())) for key, _ in books]
    yield metrics.PNL_REALIZED, _known((key, f.realized) for key, f in figures)
    yield metrics.PNL_UNREALIZED, _known((key, f.unrealized) for key, f in figures)
    yield metrics.PNL_TOTAL, _known((key, f.total) for key, f in figures)
    yield metrics.FEES, _known((key, f.fees) for key, f in figures)
    yield metrics.REBATES, _known((key, f.rebates) for key, f in figures)
    yield metrics.POSITION_BASE, [(key, book.position.quantity) for key, book in books]
    yield metrics.POSITION_NOTIONAL, _known((key, f.notional) for key, f in figures)
    yield metrics.POSITION_AVERAGE_PRICE, _known((key, book.position.average_price) for key, book in books)


def _known(values: Iterable[tuple[BookKey, Decimal | None]]) -> list[Sample]:
    return [(key, value) for key, value in values if value is not None]
