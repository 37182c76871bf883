"""What hummingbot tells, in its database or its messages → events.

Both ways lead through `Trade`, `OrderReport` and `Payment`, so that the same fill is the same event whichever
way it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from exporter.config import Hummingbot
from exporter.errors import EventError
from exporter.events import Fill, Funding, Order, OrderStatus, Side
from exporter.sources.hummingbot import fees

_SIDES: dict[str, Side] = {"BUY": "buy", "SELL": "sell"}
_STATUSES: dict[str, OrderStatus] = {
    "BuyOrderCreated": "open",
    "SellOrderCreated": "open",
    "OrderFilled": "partially_filled",
    "BuyOrderCompleted": "filled",
    "SellOrderCompleted": "filled",
    "OrderCancelled": "canceled",
    "OrderExpired": "expired",
    "OrderFailure": "rejected",
}
_MILLISECONDS_FROM = 1e11  # as seconds that is the year 5138


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A fill in hummingbot's words. ``ts`` is Unix time in seconds, ``fee`` the decoded JSON of its fee."""

    market: str
    pair: str
    strategy: str
    ts: float
    order_id: str
    side: str
    order_type: str
    price: Decimal
    quantity: Decimal
    fee: Any
    trade_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What happened to an order, in hummingbot's words: ``status`` is the name of its event."""

    market: str
    pair: str
    strategy: str
    ts: float
    order_id: str
    status: str
    side: str
    price: Decimal | None
    quantity: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A funding payment in hummingbot's words; ``time`` in seconds or milliseconds, as its connector has it."""

    market: str
    pair: str
    strategy: str
    time: float
    amount: Decimal


class Converter:
    """Gives what one bot tells its labels and its symbols."""

    def __init__(self, bot: Hummingbot) -> None:
        self._bot = bot

    def fill(self, trade: Trade) -> Fill:
        """The trade as a fill; `EventError` names what is wrong in it. Where it has no id, its order's is one."""
        symbol = self._symbol(trade.market, trade.pair)
        side = _side(trade.side)
        return Fill(
            exchange=self._exchange(trade.market),
            account=self._bot.account,
            strategy=self._strategy(trade.strategy),
            symbol=symbol,
            trade_id=trade.trade_id or trade.order_id,
            order_id=trade.order_id,
            side=side,
            price=trade.price,
            quantity=trade.quantity,
            fee=fees.paid(trade.fee, symbol, side, trade.price, trade.quantity),
            liquidity="maker" if _last_word(trade.order_type) == "LIMIT_MAKER" else "unknown",
            ts=trade.ts,
        )

    def order(self, report: OrderReport) -> Order:
        """The report as an event; `EventError` as of `fill`."""
        status = _STATUSES.get(report.status)
        if status is None:
            raise EventError("status", f"order status {report.status!r} is not one of {sorted(_STATUSES)}")
        return Order(
            exchange=self._exchange(report.market),
            account=self._bot.account,
            strategy=self._strategy(report.strategy),
            symbol=self._symbol(report.market, report.pair),
            order_id=report.order_id,
            status=status,
            side=_side(report.side),
            price=_positive(report.price),
            quantity=_positive(report.quantity),
            ts=report.ts,
        )

    def funding(self, payment: Payment) -> Funding:
        """The payment as an event; its identity is its second, which both ways tell alike."""
        symbol = self._symbol(payment.market, payment.pair)
        seconds = payment.time / 1000 if payment.time >= _MILLISECONDS_FROM else payment.time
        return Funding(
            exchange=self._exchange(payment.market),
            account=self._bot.account,
            strategy=self._strategy(payment.strategy),
            symbol=symbol,
            funding_id=str(int(seconds)),
            currency=symbol.partition("/")[2].rpartition(":")[2],
            amount=payment.amount,
            ts=seconds,
        )

    def _exchange(self, market: str) -> str:
        return self._bot.venues.get(market, market)

    def _strategy(self, name: str) -> str:
        return self._bot.strategy or name or self._bot.name

    def _symbol(self, market: str, pair: str) -> str:
        configured = self._bot.symbols.get(f"{market}:{pair}") or self._bot.symbols.get(pair)
        if configured:
            return configured
        base, _, quote = pair.partition("-")
        return f"{base}/{quote}:{quote}" if "_perpetual" in market else f"{base}/{quote}"


def _positive(value: Decimal | None) -> Decimal | None:
    """None for the 0 that hummingbot keeps where a market order has no price."""
    return value if value is not None and value > 0 else None


def _side(text: str) -> Side:
    side = _SIDES.get(_last_word(text))
    if side is None:
        raise EventError("side", f"trade_type is {text!r:.60}; it must be BUY or SELL")
    return side


def _last_word(text: str) -> str:
    """``BUY`` of ``TradeType.BUY``, as messages have it, or of ``BUY``, as the database has it."""
    return text.rpartition(".")[2]
