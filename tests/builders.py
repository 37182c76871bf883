"""Short ways to write events and configurations in tests."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from exporter.config import Config, parse
from exporter.errors import OverloadError
from exporter.events import Book, Fee, Fill, Order, Quote
from exporter.journal.records import Record

T0 = 1_760_000_000.0

MINIMAL = """
web: {listen: "127.0.0.1:0"}
currency: {pegs: {USDT: 1}}
"""


def fill(trade_id: str, side: str, price: str, quantity: str, ts: float = T0, /, **rest: Any) -> Fill:
    """A fill of BTC/USDT on alpha, with what a test does not care about filled in."""
    fields: dict[str, Any] = {"exchange": "alpha", "account": "main", "symbol": "BTC/USDT", "strategy": "maker"}
    fields |= {"trade_id": trade_id, "side": side, "price": Decimal(price), "quantity": Decimal(quantity), "ts": ts}
    return Fill(**(fields | rest))


def fee(amount: str, currency: str = "USDT") -> Fee:
    return Fee(currency, Decimal(amount))


def book(
    bid: float | None, ask: float | None, ts: float = T0, symbol: str = "BTC/USDT", exchange: str = "alpha"
) -> Book:
    return Book(exchange=exchange, symbol=symbol, ts=ts, bid=bid, bid_quantity=1.0, ask=ask, ask_quantity=1.0)


def quote(bid: float | None, ask: float | None, ts: float = T0, /, **rest: Any) -> Quote:
    fields: dict[str, Any] = {"exchange": "alpha", "account": "main", "symbol": "BTC/USDT", "strategy": "maker"}
    return Quote(**(fields | {"bid": bid, "ask": ask, "ts": ts} | rest))


def order(order_id: str, status: str, side: str = "buy", ts: float = T0, /, **rest: Any) -> Order:
    fields: dict[str, Any] = {"exchange": "alpha", "account": "main", "symbol": "BTC/USDT", "strategy": "maker"}
    fields |= {"order_id": order_id, "status": status, "side": side, "ts": ts}
    return Order(**(fields | rest))


def config(text: str = MINIMAL) -> Config:
    return parse(text)


class ListLog:
    """A log in memory with rows of a few records."""

    def __init__(self, per_row: int = 3) -> None:
        self._rows: list[list[Record]] = [[]]
        self._per_row = per_row

    @property
    def row(self) -> int:
        return len(self._rows)

    def append(self, record: Record) -> None:
        self._rows[-1].append(record)
        if len(self._rows[-1]) == self._per_row:
            self.cut()

    def cut(self) -> None:
        """Begin a new row, unless this one is empty."""
        if self._rows[-1]:
            self._rows.append([])

    def records(self, row: int) -> list[Record]:
        return self._rows[row - 1]

    def since(self, ts: float) -> Iterator[tuple[int, list[Record]]]:  # noqa: ARG002 - more rows than asked for are fine
        yield from enumerate(self._rows, start=1)


class FullLog(ListLog):
    """A log that takes nothing while it ``is_full``."""

    is_full = False

    def append(self, record: Record) -> None:
        if self.is_full:
            raise OverloadError("the log is full")
        super().append(record)
