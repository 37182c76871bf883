"""ccxt's unified structures → events.

Money comes from the text that the exchange sent, which the client puts beside ccxt's floats under `EXACT`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from exporter.config import Exchange
from exporter.errors import EventError
from exporter.events import (
    ONE,
    ZERO,
    Balance,
    Fee,
    Fill,
    Funding,
    Order,
    OrderStatus,
    PositionReport,
    Transfer,
)

EXACT = "exact"

_STATUSES: dict[str, OrderStatus] = {
    "open": "open",
    "closed": "filled",
    "canceled": "canceled",
    "canceling": "open",
    "expired": "expired",
    "rejected": "rejected",
}


def fill(trade: Mapping[str, Any], exchange: Exchange, contract_size: Decimal = ONE) -> Fill:
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
        contract_size=contract_size,
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


def balances(answer: Mapping[str, Any], exchange: Exchange, currencies: Collection[str], ts: float) -> list[Balance]:
    """What the account has of some currencies, of those that it has no word of nothing."""
    totals = answer.get(EXACT) or answer.get("total") or {}
    return [
        Balance(
            exchange=exchange.name,
            account=exchange.account,
            currency=currency,
            total=_optional_decimal(totals, currency) or ZERO,
            ts=ts,
        )
        for currency in sorted(currencies)
    ]


def held(answer: Mapping[str, Any]) -> set[str]:
    """The currencies of which the account has something, or owes something."""
    totals = answer.get(EXACT) or answer.get("total") or {}
    return {currency for currency in totals if _optional_decimal(totals, currency)}


def position(
    found: Iterable[Mapping[str, Any]], exchange: Exchange, symbol: str, contract_size: Decimal, ts: float
) -> PositionReport:
    """The position in a contract: long less short, nothing where the exchange lists none."""
    quantity = sum((_signed(each) for each in found if each.get("symbol") == symbol), ZERO)
    return PositionReport(
        exchange=exchange.name,
        account=exchange.account,
        symbol=symbol,
        quantity=quantity,
        contract_size=contract_size,
        ts=ts,
    )


def _signed(found: Mapping[str, Any]) -> Decimal:
    exact = found.get(EXACT) or found
    contracts = abs(_optional_decimal(exact, "contracts") or ZERO)
    if not contracts:
        return ZERO
    side = found.get("side")
    if side not in ("long", "short"):
        raise EventError("side", f"the side of a position is {side!r}; it must be 'long' or 'short'")
    return contracts if side == "long" else -contracts


def funding(payment: Mapping[str, Any], exchange: Exchange, symbol: str) -> Funding:
    """A ccxt entry of the funding history; where the exchange gives no id, what else tells payments apart is one."""
    amount, timestamp = _decimal(payment.get(EXACT) or payment, "amount"), _required(payment, "timestamp")
    return Funding(
        exchange=exchange.name,
        account=exchange.account,
        strategy=exchange.strategy,
        symbol=symbol,
        funding_id=str(payment.get("id") or f"{timestamp}:{amount.normalize():f}"),
        currency=_required(payment, "code"),
        amount=amount,
        ts=timestamp / 1000,
    )


def transfers(entry: Mapping[str, Any], exchange: Exchange, prefix: str, sign: int) -> list[Transfer]:
    """What a ccxt entry of deposits, withdrawals, transfers or the ledger did to the wallet.

    ``sign`` is 1 for what came and -1 for what left, and 0 where the entry tells; what left also paid its fee, as
    all that stands in a ledger did. Ids of different records are told apart by ``prefix``.
    """
    exact, currency = entry.get(EXACT) or entry, _required(entry, "currency")
    timestamp = (entry.get("updated") if sign > 0 else None) or _required(entry, "timestamp")
    amount = abs(_decimal(exact, "amount")) * (sign or _direction(entry))
    changes = {currency: amount}
    for fee in _listed(exact) if sign <= 0 else ():
        paid = str(fee.get("currency") or currency)
        changes[paid] = changes.get(paid, ZERO) - _decimal(fee, "cost")
    identity = entry.get("id") or f"{timestamp}:{amount.normalize():f}"
    return [
        Transfer(
            exchange=exchange.name,
            account=exchange.account,
            transfer_id=f"{prefix}:{identity}:{name}",
            currency=name,
            amount=change,
            ts=timestamp / 1000,
        )
        for name, change in changes.items()
        if change
    ]


def _direction(entry: Mapping[str, Any]) -> int:
    direction = entry.get("direction")
    if direction not in ("in", "out"):
        raise EventError("direction", f"the direction of a ledger's entry is {direction!r}; it must be 'in' or 'out'")
    return 1 if direction == "in" else -1


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
