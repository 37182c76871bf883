"""What can happen, as immutable values: fills, orders, and the top of a market's book.

Every event has ``ts``, Unix time in seconds. Money and quantities of fills are `Decimal`, taken from the
text that the exchange sent; market prices are floats. ``symbol`` has the ccxt form, ``BTC/USDT``.
An event that breaks these rules raises `EventError` where it is made.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from exporter.errors import EventError

Side = Literal["buy", "sell"]
Liquidity = Literal["maker", "taker", "unknown"]
OrderStatus = Literal["new", "open", "partially_filled", "filled", "canceled", "rejected", "expired"]

SIDES: tuple[Side, ...] = ("buy", "sell")
LIQUIDITIES: tuple[Liquidity, ...] = ("maker", "taker", "unknown")
ENDED: frozenset[OrderStatus] = frozenset(("filled", "canceled", "rejected", "expired"))

_LATEST_SECOND = 1e11  # the year 5138; anything above was meant as milliseconds


class BookKey(NamedTuple):
    """Whose orders and fills these are: what a book of the ledger is kept for."""

    exchange: str
    account: str
    symbol: str
    strategy: str


class Fee(msgspec.Struct, frozen=True):
    """A fee in units of ``currency``; negative when it is a rebate."""

    currency: str
    amount: Decimal

    def __post_init__(self) -> None:
        if not self.amount.is_finite():
            raise EventError("fee", f"fee.amount is {self.amount}; give a finite number")
        if not self.currency:
            raise EventError("fee", "fee.currency is empty; name the currency that the fee was paid in")


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    """What all events share."""

    exchange: str
    symbol: str
    ts: float

    def __post_init__(self) -> None:
        if not (0 < self.ts < _LATEST_SECOND):
            hint = "that is milliseconds, divide by 1000" if self.ts >= _LATEST_SECOND else "it must be above 0"
            raise EventError("ts", f"ts is {self.ts!r}: give Unix time in seconds; {hint}")


class Fill(_Event, frozen=True, kw_only=True, tag="fill"):
    """One execution of an order; ``price`` in the quote currency, ``quantity`` in the base currency.

    Its identity is (exchange, account, symbol, trade_id).
    """

    trade_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    account: str = "default"
    strategy: str = "default"
    order_id: str = ""
    fee: Fee | tuple[Fee, ...] | None = None
    liquidity: Liquidity = "unknown"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.trade_id:
            raise EventError("trade_id", "trade_id is empty; without it a repeat cannot be told from a new fill")
        _positive("price", self.price)
        _positive("quantity", self.quantity)
        if self.symbol.count("/") != 1:
            raise EventError("symbol", f"symbol is {self.symbol!r}; write it as BASE/QUOTE")

    @property
    def fees(self) -> tuple[Fee, ...]:
        """All fees of the fill, one for each currency."""
        if self.fee is None:
            return ()
        return self.fee if isinstance(self.fee, tuple) else (self.fee,)


class Order(_Event, frozen=True, kw_only=True, tag="order"):
    """The state of an order at ``ts``; ``reason`` says why it was rejected, as a short word."""

    order_id: str
    status: OrderStatus
    side: Side
    price: Decimal | None = None
    quantity: Decimal | None = None
    account: str = "default"
    strategy: str = "default"
    reason: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.order_id:
            raise EventError("order_id", "order_id is empty; without it an order cannot be followed")


class Book(_Event, frozen=True, kw_only=True, tag="book"):
    """The best bid and ask of a market with their quantities; None where a side is empty."""

    bid: float | None
    bid_quantity: float | None
    ask: float | None
    ask_quantity: float | None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, price in (("bid", self.bid), ("ask", self.ask)):
            if price is not None and not (0 < price < math.inf):
                raise EventError("price", f"{name} is {price!r}; a price is a finite number above 0")
        if self.bid is not None and self.ask is not None and self.bid >= self.ask:
            raise EventError("crossed_book", f"bid {self.bid} is not below ask {self.ask}")

    @property
    def mid(self) -> float | None:
        """The middle of best bid and ask, in the quote currency; None unless both sides are there."""
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2


Event = Fill | Order | Book


def _positive(name: str, value: Decimal) -> None:
    if not value.is_finite() or value <= 0:
        raise EventError(name, f"{name} is {value}; give a finite number above 0")
