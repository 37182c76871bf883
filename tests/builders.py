"""Short ways to write events and configurations in tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from exporter.config import Config, parse
from exporter.events import Book, Fee, Fill, Order

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


def order(order_id: str, status: str, side: str = "buy", ts: float = T0, /, **rest: Any) -> Order:
    fields: dict[str, Any] = {"exchange": "alpha", "account": "main", "symbol": "BTC/USDT", "strategy": "maker"}
    fields |= {"order_id": order_id, "status": status, "side": side, "ts": ts}
    return Order(**(fields | rest))


def config(text: str = MINIMAL) -> Config:
    return parse(text)
