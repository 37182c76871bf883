"""The journal: what it holds, and whether what is accepted gets on disk."""

from __future__ import annotations

from collections.abc import Iterator

from exporter import metrics
from exporter.exposition import Batch
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """Its size, its commits, and what waits for them."""
    figures = state.journal.figures
    yield metrics.JOURNAL_UP, [((), int(figures.failing_since is None))]
    yield metrics.JOURNAL_ROWS, [((group,), rows) for group, rows in figures.rows.items()]
    yield metrics.JOURNAL_RECORDS, [((group,), records) for group, records in figures.records.items()]
    yield metrics.JOURNAL_SIZE, [((), figures.size)]
    yield metrics.JOURNAL_PENDING, [((), figures.pending)]
    yield metrics.JOURNAL_COMMITS, [((), state.journal.commits)]
    yield metrics.JOURNAL_COMMIT_FAILURES, [((), figures.failures)]
    if figures.last_commit is not None:
        yield metrics.JOURNAL_LAST_COMMIT, [((), figures.last_commit)]
    yield metrics.JOURNAL_SALVAGED, [((), int(figures.salvaged))]
    yield metrics.JOURNAL_LOST_ROWS, [((), figures.lost_rows)]
    yield metrics.JOURNAL_TORN_BOOKS, [((), len(state.ledger.torn))]
