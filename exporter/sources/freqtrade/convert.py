"""freqtrade's trades and orders → events. Money comes from the text that the bot sent.

A trade of freqtrade is a position from its opening to its close, with all orders that made it. Its fee is a rate
for each side, not an amount for each order: ``fee_open_cost`` and ``fee_close_cost`` are of one order only, or
reckoned anew without leverage, and not always in the currency beside them. So an order's fee is the side's rate
times what the order moved, in the currency that the trade is settled in; a fee taken out of the coins themselves is
kept for each order, and is told as such.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from exporter.config import Freqtrade
from exporter.errors import EventError
from exporter.events import ZERO, Fee, Fill, Funding, Order, OrderStatus, Side

_LONGEST = 100  # characters of a label
_STATUSES: dict[str, OrderStatus] = {
    "open": "open",
    "closed": "filled",
    "canceled": "canceled",
    "cancelled": "canceled",
    "expired": "expired",
    "rejected": "rejected",
}


class OrderRow(msgspec.Struct, gc=False):
    """An order as it stands in a trade; times in milliseconds, amounts in the base currency."""

    order_id: str
    ft_order_side: str
    is_open: bool = False
    status: str | None = None
    safe_price: Decimal | None = None
    amount: Decimal | None = None
    filled: Decimal | None = None
    order_timestamp: float | None = None
    order_filled_timestamp: float | None = None
    ft_fee_base: Decimal | None = None
    funding_fee: Decimal | None = None


class TradeRow(msgspec.Struct):
    """A trade; ``close_timestamp`` in milliseconds."""

    trade_id: int
    pair: str
    is_open: bool
    orders: list[OrderRow]
    is_short: bool = False
    exchange: str = ""
    strategy: str | None = None
    quote_currency: str = ""
    fee_open: Decimal | None = None
    fee_open_currency: str | None = None
    fee_close: Decimal | None = None
    fee_close_currency: str | None = None
    close_timestamp: float | None = None


class Labels(NamedTuple):
    """Whose trades these are; ``exchange_id`` is freqtrade's name of the exchange, ``exchange`` the label for it."""

    exchange_id: str
    exchange: str
    account: str
    strategy: str | None

    @classmethod
    def of(cls, config: Freqtrade, exchange_id: str, *, dry_run: bool) -> Labels:
        """The configured ones, and what the bot says where none are; each dry run has a wallet of its own."""
        account = config.account or (f"dry-run-{config.name}"[:_LONGEST] if dry_run else "default")
        return cls(exchange_id, config.exchange or exchange_id, account, config.strategy)

    def common(self, trade: TradeRow) -> dict[str, Any]:
        """The labels of a trade; one made on another exchange, before the bot moved, keeps that one's name."""
        is_elsewhere = trade.exchange not in ("", self.exchange_id)
        return {
            "exchange": trade.exchange if is_elsewhere else self.exchange,
            "account": self.account,
            "strategy": self.strategy or trade.strategy or "default",
            "symbol": trade.pair,
        }


def trade_row(raw: msgspec.Raw) -> TradeRow:
    """Read one trade; `EventError` says what is missing in it."""
    try:
        return msgspec.json.decode(raw, type=TradeRow)
    except msgspec.MsgspecError as error:
        raise EventError("trade", f"a trade of the bot cannot be read: {error}; bring it to a newer version") from None


def side(trade: TradeRow, order: OrderRow) -> Side:
    """Whether the order buys or sells; a stop-loss closes the trade."""
    name = order.ft_order_side
    if name == "stoploss":
        return "buy" if trade.is_short else "sell"
    if name == "buy":
        return "buy"
    if name == "sell":
        return "sell"
    raise EventError("side", f"the side of order {order.order_id} is {name!r}; it must be buy, sell or stoploss")


def is_entry(trade: TradeRow, order: OrderRow) -> bool:
    """Whether the order opens the trade, or adds to it."""
    return order.ft_order_side == ("sell" if trade.is_short else "buy")


def is_further_entry(trade: TradeRow, order: OrderRow) -> bool:
    """Whether the order adds to a trade that is open already."""
    if not is_entry(trade, order):
        return False
    first = next(each for each in trade.orders if is_entry(trade, each))
    return first is not order


def settled_in(trade: TradeRow) -> str:
    """The currency of the trade's results: behind the colon of a contract, else the quote currency."""
    pair, _, settlement = trade.pair.partition(":")
    return settlement or pair.partition("/")[2] or trade.quote_currency


def fee_currency(trade: TradeRow, order: OrderRow) -> str | None:
    """The currency that the bot found the fee of this order's side in; None before it has looked."""
    return trade.fee_open_currency if is_entry(trade, order) else trade.fee_close_currency


def fill(trade: TradeRow, order: OrderRow, labels: Labels) -> Fill:
    """An order that has ended, as one fill of all that it filled."""
    price, quantity = _required(order, "safe_price"), _required(order, "filled")
    return Fill(
        **labels.common(trade),
        trade_id=f"order:{order.order_id}",
        order_id=order.order_id,
        side=side(trade, order),
        price=price,
        quantity=quantity,
        fee=_fee(trade, order, price * quantity),
        ts=filled_at(order),
    )


def filled_at(order: OrderRow) -> float:
    """Unix time of the order's last execution; `EventError` when the bot does not know it."""
    milliseconds = order.order_filled_timestamp or order.order_timestamp
    if not milliseconds:
        raise EventError("ts", f"order {order.order_id} has no time; bring the bot to a newer version")
    return milliseconds / 1000


def _fee(trade: TradeRow, order: OrderRow, worth: Decimal) -> Fee | None:
    if order.ft_fee_base:
        return Fee(trade.pair.partition("/")[0], order.ft_fee_base)
    rate = trade.fee_open if is_entry(trade, order) else trade.fee_close
    return None if rate is None else Fee(settled_in(trade), rate * worth)


def funding(trade: TradeRow, order: OrderRow, labels: Labels) -> Funding | None:
    """What the trade was paid, or paid, for holding it from the order before this one; None if nothing is known."""
    if not order.funding_fee:
        return None
    return Funding(
        **labels.common(trade),
        funding_id=f"order:{order.order_id}",
        currency=settled_in(trade),
        amount=order.funding_fee,
        ts=filled_at(order),
    )


def order(trade: TradeRow, row: OrderRow, labels: Labels, status: OrderStatus, ts: float) -> Order:
    """The state of an order."""
    return Order(
        **labels.common(trade),
        order_id=row.order_id,
        status=status,
        side=side(trade, row),
        price=row.safe_price or None,
        quantity=row.amount or None,
        ts=ts,
    )


def status(row: OrderRow) -> OrderStatus:
    """The order's state in our words; `EventError` for one that is not known."""
    found = _STATUSES.get((row.status or "").lower())
    if found is None or (found == "open") != row.is_open:
        found = "open" if row.is_open else "filled"
    if found == "open" and (row.filled or ZERO) > ZERO:
        return "partially_filled"
    return found


def _required(row: OrderRow, name: str) -> Decimal:
    value: Decimal | None = getattr(row, name)
    if value is None:
        raise EventError(name, f"order {row.order_id} has no {name}; bring the bot to a newer version")
    return value
