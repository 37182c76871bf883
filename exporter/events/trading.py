"""What happens on a market and to our orders: fills, orders, our quotes, and the top of the book."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

import msgspec

from exporter.errors import EventError
from exporter.events.base import (
    HIGHEST,
    LARGEST,
    LATEST_SECOND,
    LOWEST,
    ONE,
    SMALLEST,
    Currency,
    Event,
    Id,
    Liquidity,
    Name,
    OptionalId,
    Side,
    Word,
    check_finite,
    check_name,
    check_positive,
    check_symbol,
    check_time,
)

OrderStatus = Literal["new", "open", "partially_filled", "filled", "canceled", "rejected", "expired"]
ENDED: frozenset[OrderStatus] = frozenset(("filled", "canceled", "rejected", "expired"))


class Fee(msgspec.Struct, frozen=True, gc=False):
    """A fee in units of ``currency``; negative when it is a rebate."""

    currency: Currency
    amount: Decimal

    def __post_init__(self) -> None:
        try:
            if self.currency and (SMALLEST <= self.amount <= LARGEST or LOWEST <= self.amount <= HIGHEST):
                return  # as below, without the calls
        except InvalidOperation:  # NaN cannot be compared
            pass
        check_finite("fee.amount", self.amount)
        check_name("fee.currency", self.currency, "name the currency that the fee was paid in")


class Fill(Event, frozen=True, kw_only=True, gc=False, tag="fill"):
    """One execution of an order.

    ``price`` is in the quote currency. ``quantity`` is in the base currency, and for contracts in contracts of
    ``contract_size`` (of the base currency when linear, of the quote currency when inverse).
    ``decision_price`` is the price on which the bot decided to trade, from which slippage is counted.
    Its identity is (exchange, account, symbol, trade_id).
    """

    symbol: Name
    trade_id: Id
    side: Side
    price: Decimal
    quantity: Decimal
    account: Name = "default"
    strategy: Name = "default"
    order_id: OptionalId = ""
    fee: Fee | Annotated[tuple[Fee, ...], msgspec.Meta(max_length=10)] | None = None
    liquidity: Liquidity = "unknown"
    contract_size: Decimal = ONE
    decision_price: Decimal | None = None

    def __post_init__(self) -> None:
        decision = self.decision_price
        try:
            if (  # all of `_check` at once, whose calls would be a sixth of the reading of a fill
                0.0 < self.ts < LATEST_SECOND
                and SMALLEST <= self.price <= LARGEST
                and SMALLEST <= self.quantity <= LARGEST
                and self.trade_id
                and (self.contract_size is ONE or SMALLEST <= self.contract_size <= LARGEST)
                and (decision is None or SMALLEST <= decision <= LARGEST)
            ):
                check_symbol(self.symbol)
                return
        except InvalidOperation:  # NaN cannot be compared
            pass
        self._check()

    def _check(self) -> None:
        """Say what is wrong."""
        check_time("ts", self.ts)
        check_positive("price", self.price)
        check_positive("quantity", self.quantity)
        check_symbol(self.symbol)
        check_name("trade_id", self.trade_id, "without it a repeat cannot be told from a new fill")
        if self.contract_size is not ONE:
            check_positive("contract_size", self.contract_size)
        if self.decision_price is not None:
            check_positive("decision_price", self.decision_price)

    @property
    def fees(self) -> tuple[Fee, ...]:
        """All fees of the fill, one for each currency."""
        if self.fee is None:
            return ()
        return self.fee if isinstance(self.fee, tuple) else (self.fee,)


class Order(Event, frozen=True, kw_only=True, gc=False, tag="order"):
    """The state of an order at ``ts``.

    ``reason`` says why it was rejected, as a short word. ``sent_ts`` and ``ack_ts`` are the bot's own times of
    sending the order and of the exchange's answer; ``decision_price`` as in `Fill`. ``quantity`` as in `Fill`.
    """

    symbol: Name
    order_id: Id
    status: OrderStatus
    side: Side
    price: Decimal | None = None
    quantity: Decimal | None = None
    account: Name = "default"
    strategy: Name = "default"
    reason: Word = ""
    sent_ts: float | None = None
    ack_ts: float | None = None
    decision_price: Decimal | None = None

    def __post_init__(self) -> None:
        check_time("ts", self.ts)
        check_symbol(self.symbol)
        check_name("order_id", self.order_id, "without it an order cannot be followed")
        for name in ("price", "quantity", "decision_price"):
            value = getattr(self, name)
            if value is not None:
                check_positive(name, value)
        for name in ("sent_ts", "ack_ts"):
            time = getattr(self, name)
            if time is not None:
                check_time(name, time)


class _Top(Event, frozen=True, kw_only=True, gc=False):
    """A best bid and ask with their quantities; None where a side is empty."""

    symbol: Name
    bid: float | None = None
    bid_quantity: float | None = None
    ask: float | None = None
    ask_quantity: float | None = None

    def __post_init__(self) -> None:
        check_time("ts", self.ts)
        check_symbol(self.symbol)
        for name, price in (("bid", self.bid), ("ask", self.ask)):
            if price is not None and not (1e-24 <= price <= 1e24):  # its square has to be a float, too
                raise EventError("price", f"{name} is {price!r}; a price is between 1e-24 and 1e24")
        for name, quantity in (("bid_quantity", self.bid_quantity), ("ask_quantity", self.ask_quantity)):
            if quantity is not None and not (0 <= quantity < math.inf):
                raise EventError("quantity", f"{name} is {quantity!r}; a quantity is a finite number from 0 on")
        if self.bid is not None and self.ask is not None and self.bid >= self.ask:
            raise EventError("crossed_book", f"bid {self.bid} is not below ask {self.ask}")

    @property
    def mid(self) -> float | None:
        """The middle of best bid and ask, in the quote currency; None unless both sides are there."""
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2


class Book(_Top, frozen=True, kw_only=True, gc=False, tag="book"):
    """The best bid and ask of a market with their quantities, without our own orders where that is known."""


class Quote(_Top, frozen=True, kw_only=True, gc=False, tag="quote"):
    """Our own best bid and ask from ``ts`` on, until the next one; None where we do not quote a side."""

    account: Name = "default"
    strategy: Name = "default"
