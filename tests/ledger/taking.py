"""A fill on its way into a ledger, as the intake does it."""

from __future__ import annotations

from exporter.events import BookKey, Fill
from exporter.journal.records import Valued
from exporter.ledger.ledger import Ledger


def take(ledger: Ledger, fill: Fill, *, redelivery: bool = False) -> Valued | None:
    """Account for a fill in its book (see `Ledger.take`)."""
    book = ledger.book(BookKey(fill.exchange, fill.account, fill.symbol, fill.strategy))
    return ledger.take(book, fill, redelivery=redelivery)
