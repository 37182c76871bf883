"""ccxt's unified structures → events.

Money comes from the text that the exchange sent, which the client puts beside ccxt's floats under `EXACT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from exporter.config import Exchange
from exporter.errors import EventError
from exporter.events import Fee, Fill, Order, OrderStatus

EXACT = "exact"

_STATUSES: dict[str, OrderStatus] = {
    "open": "open",
    "closed": "filled",
    "canceled": "canceled",
    "canceling": "open",
    "expired": "expired",
    "rejected": "rejected",
}


def fill(trade: Mapping[str, Any], exchange: Exchange) -> Fill:
    """A ccxt trade of ours as a fill; `EventError` names what is missing or wrong in it."""
    exact = trade.get(EXACT) or trade
    return Fill(
        exchange=exchange.name,
        account=exchange.account,
        strategy=exchange.strategy,
        symbol=_required(trade, "symbol"),
        trade_id=str(_required(trade, "id")),
        order_id=str(trade.get("order") or ""),
        side=_side(trade),
        price=_decimal(exact, "price"),
        quantity=_decimal(exact, "amount"),
        fee=_fees(exact),
        liquidity=trade.get("takerOrMaker") or "unknown",
        ts=_required(trade, "timestamp") / 1000,
    )


def order(report: Mapping[str, Any], exchange: Exchange, now: float) -> Order:
    """A ccxt order of ours as an event; ``now`` stands in for a time that the exchange left out."""
    status = _STATUSES.get(_required(report, "status"))
    if status is None:
        raise EventError("status", f"order status {report['status']!r} is not one of {sorted(_STATUSES)}")
    if status == "open" and (report.get("filled") or 0) > 0:
        status = "partially_filled"
    timestamp = report.get("lastUpdateTimestamp") or report.get("lastTradeTimestamp") or report.get("timestamp")
    return Order(
        exchange=exchange.name,
        account=exchange.account,
        strategy=exchange.strategy,
        symbol=_required(report, "symbol"),
        order_id=str(_required(report, "id")),
        status=status,
        side=_side(report),
        price=_optional_decimal(report, "price"),
        quantity=_optional_decimal(report, "amount"),
        ts=timestamp / 1000 if timestamp else now,
    )


def _fees(trade: Mapping[str, Any]) -> Fee | tuple[Fee, ...] | None:
    """One fee for each currency; ccxt gives one as ``fee`` and several as ``fees``."""
    fees = tuple(
        Fee(str(fee.get("currency") or ""), cost)
        for fee in _listed(trade)
        for cost in [_decimal(fee, "cost")]
        if fee.get("currency") or cost
    )
    return fees[0] if len(fees) == 1 else fees or None


def _listed(trade: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The fees that a trade tells the cost of."""
    return [fee for fee in trade.get("fees") or [trade.get("fee")] if fee and fee.get("cost") is not None]


def has_fee(trade: Mapping[str, Any]) -> bool:
    """Whether the trade says what it cost, be it nothing; some exchanges leave it out on the stream."""
    return bool(_listed(trade))


def _required(values: Mapping[str, Any], key: str) -> Any:
    value = values.get(key)
    if value is None:
        raise EventError(key, f"the exchange sent no {key}: {dict(values.get('info') or {})!r:.200}")
    return value


def _side(values: Mapping[str, Any]) -> Any:
    side = _required(values, "side")
    if side not in ("buy", "sell"):
        raise EventError("side", f"side is {side!r}; it must be 'buy' or 'sell'")
    return side


def _decimal(values: Mapping[str, Any], key: str) -> Decimal:
    value = _required(values, key)
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise EventError(key, f"{key} is {value!r}; it must be a number") from None


def _optional_decimal(values: Mapping[str, Any], key: str) -> Decimal | None:
    return None if values.get(key) is None else _decimal(values, key)
