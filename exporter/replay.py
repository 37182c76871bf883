"""What a journal alone comes to: its events accounted for again, in lines for people."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from exporter.errors import JournalError
from exporter.events import BookKey, Fill
from exporter.journal.reader import Reader
from exporter.journal.records import Record, Valued
from exporter.journal.rows import LASTING
from exporter.ledger.currency import Rates
from exporter.ledger.instrument import instrument
from exporter.ledger.ledger import Ledger

_COLUMNS = (
    *("exchange", "account", "symbol", "strategy", "fills", "position", "average price"),
    *("realized USD", "fees USD", "rebates USD", "funding USD"),
)
_TEXTS = 4  # columns on the left


class _Past:
    """The rows of a journal that ends."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.row = 0

    def records(self, row: int) -> list[Record]:
        return self._reader.records(row)

    def since(self, ts: float) -> Iterator[tuple[int, list[Record]]]:
        return self._reader.since(ts)

    def append(self, record: Record) -> None:
        raise JournalError(
            f"a replay has told something new, which is a fault of the exporter: {type(record).__name__}"
        )


def lines(reader: Reader, options: argparse.Namespace) -> Iterator[str]:
    """A table of all books; - stands where a price was never known."""
    fills: Counter[BookKey] = Counter()
    ledger = Ledger(Rates({}, 0.0), _Past(reader), options.cost_basis)
    for number, records in reader.all(LASTING, 0):
        for record in records:
            ledger.restore(record, number)
            if isinstance(record, Valued):
                fill = record.fill
                fills[BookKey(fill.exchange, fill.account, fill.symbol, fill.strategy)] += 1
    for _ in ledger.catch_up():
        pass
    rows = [_COLUMNS, *(_row(ledger, key, fills[key]) for key in sorted(ledger.books))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(
            text.ljust(width) if index < _TEXTS else text.rjust(width) for index, (text, width) in enumerate(cells)
        ).rstrip()


def worth(fill: Fill) -> Decimal:
    """What was traded, in the settlement currency: of an inverse contract, the base currency."""
    amount = fill.quantity * fill.contract_size
    return amount / fill.price if instrument(fill.symbol).kind == "inverse" else amount * fill.price


def _row(ledger: Ledger, key: BookKey, fills: int) -> tuple[str, ...]:
    book, figures = ledger.books[key], ledger.figures(key, 0.0)
    numbers = (book.base, book.average_price, figures.realized, figures.fees, figures.rebates, figures.funding)
    return (*key, str(fills), *map(_number, numbers))


def _number(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:.8f}".rstrip("0").rstrip(".")
