"""Follows each order through nautilus's events, of which none says all.

The first, ``OrderInitialized``, says what was ordered; the later ones only what became of it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from exporter.events import ENDED, ZERO, Order, OrderStatus, Side
from exporter.sources.nautilus.convert import Converter, side
from exporter.sources.nautilus.instruments import Instrument, venue
from exporter.sources.nautilus.messages import OrderEvent, OrderFilled, seconds

_REMEMBER = 100_000
_STATUSES: dict[str, OrderStatus] = {
    "OrderAccepted": "open",
    "OrderRejected": "rejected",
    "OrderDenied": "rejected",
    "OrderCanceled": "canceled",
    "OrderExpired": "expired",
}
_FUNDS = ("insufficient", "not enough", "balance", "margin")


@dataclass(slots=True)
class _Order:
    """An order so far; ``told`` is the last that was said of it."""

    side: Side
    quantity: Decimal | None
    price: Decimal | None
    strategy: str
    account: str = ""
    order_id: str = ""
    sent: float | None = None
    ack: float | None = None
    fills: dict[str, Decimal] = field(default_factory=dict)
    told: Order | None = None


class Orders:
    """The orders of one node."""

    def __init__(self, convert: Converter) -> None:
        self._convert = convert
        self._orders: OrderedDict[str, _Order] = OrderedDict()  # by the id that nautilus gave it
        self._accounts: dict[str, str] = {}  # the last account at each venue, which a denied order does not name

    def update(self, kind: str, told: OrderEvent) -> Order | None:
        """Take an event; what it says of its order, None when that is nothing new or the order is not known.

        Taking the same event twice does no harm. `EventError` names what is wrong in it.
        """
        if kind == "OrderInitialized":
            self._begin(told)
            return None
        order = self._orders.get(told.client_order_id)
        if order is None:  # placed before what can be read now
            return None
        self._note(order, told)
        status = self._advance(order, kind, told)
        if status is None:
            return None
        order.told = self._event(order, kind, told, status)
        return order.told

    def forget(self, told: OrderEvent) -> None:
        """Drop an order that has ended, and was handed on."""
        order = self._orders.get(told.client_order_id)
        if order is not None and order.told is not None and order.told.status in ENDED:
            del self._orders[told.client_order_id]

    def resting(self) -> list[Order]:
        """The last that was said of each order that has not ended."""
        return [order.told for order in self._orders.values() if order.told and order.told.status not in ENDED]

    def _begin(self, told: OrderEvent) -> None:
        options = told.options if isinstance(told.options, dict) else {}
        self._orders[told.client_order_id] = _Order(
            side=side(told.order_side),
            quantity=None if told.quote_quantity else told.quantity,
            price=told.price or _decimal(options.get("price")),
            strategy=told.strategy_id,
        )
        if len(self._orders) > _REMEMBER:
            self._orders.popitem(last=False)

    def _note(self, order: _Order, told: OrderEvent) -> None:
        order.order_id = order.order_id or told.venue_order_id or ""
        if told.account_id:
            order.account = self._convert.account(told.account_id)
            self._accounts[venue(told.instrument_id)] = order.account

    def _advance(self, order: _Order, kind: str, told: OrderEvent) -> OrderStatus | None:
        """What the order has come to; None where that is not to be said."""
        if isinstance(told, OrderFilled):
            order.fills[told.trade_id] = told.last_qty
            # An order for an amount of money is one at the market; that it fills in parts is not told.
            is_whole = order.quantity is None or sum(order.fills.values(), ZERO) >= order.quantity
            return "filled" if is_whole else "partially_filled"
        if kind == "OrderUpdated":
            order.quantity, order.price = told.quantity or order.quantity, told.price or order.price
            return order.told.status if order.told else None
        if kind == "OrderSubmitted":
            order.sent = seconds("ts_init", told.ts_init)
        elif order.ack is None and kind in ("OrderAccepted", "OrderRejected"):
            order.ack = seconds("ts_init", told.ts_init)
        return _STATUSES.get(kind)

    def _event(self, order: _Order, kind: str, told: OrderEvent, status: OrderStatus) -> Order:
        instrument: Instrument = self._convert.instruments.find(told.instrument_id)
        return Order(
            exchange=instrument.exchange,
            account=order.account or self._accounts.get(venue(told.instrument_id), "default"),
            strategy=order.strategy,
            symbol=instrument.symbol,
            order_id=order.order_id or told.client_order_id,
            status=status,
            side=order.side,
            price=order.price,
            quantity=order.quantity,
            reason=_reason(kind, told) if status == "rejected" else "",
            sent_ts=order.sent,
            ack_ts=order.ack,
            ts=seconds("ts_event", told.ts_event),
        )


def _reason(kind: str, told: OrderEvent) -> str:
    """Why an order was rejected, in a word; the venue's own words would make a label each."""
    text = (told.reason or "").lower().replace("_", " ")
    if kind == "OrderDenied":
        return "denied"
    if told.due_post_only or "post only" in text:
        return "post_only"
    return "insufficient_funds" if any(word in text for word in _FUNDS) else "exchange"


def _decimal(value: Any) -> Decimal | None:
    if not isinstance(value, str):
        return None
    try:
        found = Decimal(value)
    except ArithmeticError:
        return None
    return found if found.is_finite() and found > ZERO else None
