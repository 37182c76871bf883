"""Kraken's words: the shapes of its answers over REST, and its errors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from simulator.dialects.kraken import names
from simulator.engine.account import Account
from simulator.engine.fees import FeeSchedule
from simulator.engine.instruments import Instrument, text
from simulator.engine.money import Movement
from simulator.engine.orders import ZERO, Fill, Kind, Order, Publication, Reason, Side, Status, TradePrinted
from simulator.engine.statistics import Totals
from simulator.web.dialect import Json

INVALID_KEY = "EAPI:Invalid key"
INVALID_SIGNATURE = "EAPI:Invalid signature"
INVALID_NONCE = "EAPI:Invalid nonce"
INVALID_SESSION = "ESession:Invalid session"
RATE_LIMIT = "EAPI:Rate limit exceeded"
UNAVAILABLE = "EService:Unavailable"
INTERNAL = "EGeneral:Internal error"
INVALID_ARGUMENTS = "EGeneral:Invalid arguments"
UNKNOWN_PAIR = "EQuery:Unknown asset pair"
UNKNOWN_ORDER = "EOrder:Unknown order"

REFUSALS: dict[Reason, str] = {
    Reason.UNKNOWN_SYMBOL: UNKNOWN_PAIR,
    Reason.PRICE: "EOrder:Invalid price",
    Reason.QUANTITY: f"{INVALID_ARGUMENTS}:volume",
    Reason.NOTIONAL: "EOrder:Cost minimum not met",
    Reason.INSUFFICIENT: "EOrder:Insufficient funds",
    Reason.DUPLICATE: f"{INVALID_ARGUMENTS}:cl_ord_id",
    Reason.NO_LIQUIDITY: "EOrder:Insufficient liquidity",
    Reason.UNKNOWN_ORDER: UNKNOWN_ORDER,
}
NO_CLIENT_ID = "#"
"""What the engine's own name of an order begins with that has none from its client."""
POST_ONLY = "Post only order"
USER_REQUESTED = "User requested"

_STATUSES = {
    Status.NEW: "open",
    Status.PARTIALLY_FILLED: "open",
    Status.FILLED: "closed",
    Status.CANCELED: "canceled",
    Status.REJECTED: "canceled",
    Status.EXPIRED: "expired",
    Status.EXPIRED_IN_MATCH: "canceled",
}
_EIGHT = Decimal("0.00000001")


@dataclass
class Refused(Exception):  # noqa: N818 - an answer of the exchange, not a defect
    """A request that is answered with an error of the dialect."""

    error: str


def envelope(result: object) -> Json:
    """Return the answer that carries a result."""
    return {"error": [], "result": result}


def refusal(error: str) -> Json:
    """Return the answer that carries an error; its HTTP status is 200 all the same."""
    return {"error": [error]}


def seconds(time: int, digits: int = 0) -> float:
    """Return milliseconds as seconds; ``digits`` (0 to 999) stand for the microseconds that the engine has not."""
    return float(f"{time // 1000}.{time % 1000:03d}{digits:03d}")


def microseconds_of(fill: Fill) -> int:
    """Return the microseconds within a fill's millisecond: made up, but always the same."""
    return fill.trade_id * 377 % 1000


def eight(value: Decimal) -> str:
    """Return a quantity with eight digits."""
    return text(value.quantize(_EIGHT))


# -- markets


def asset(code: str) -> Json:
    """Return one entry of ``Assets``."""
    name = names.alternative(code)
    return {"aclass": "currency", "altname": name, "decimals": 10, "display_decimals": 5, "status": "enabled"}


def pair(instrument: Instrument, fees: FeeSchedule) -> Json:
    """Return one entry of ``AssetPairs``."""
    return {
        "altname": names.alternative_pair(instrument),
        "wsname": names.socket_name(instrument),
        "aclass_base": "currency",
        "base": names.asset_id(instrument.base),
        "aclass_quote": "currency",
        "quote": names.asset_id(instrument.quote),
        "lot": "unit",
        "pair_decimals": _decimals(instrument.tick),
        "cost_decimals": 5,
        "lot_decimals": _decimals(instrument.lot),
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, float(fees.taker * 100)]],
        "fees_maker": [[0, float(fees.maker * 100)]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": text(instrument.lot),
        "costmin": text(instrument.min_notional),
        "tick_size": text(instrument.tick),
        "status": "online",
    }


def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def ticker(totals: Totals, best: Publication) -> Json:
    """Return one entry of ``Ticker``; what is asked of the last day is told of the time since the start."""
    (bid, bid_quantity), (ask, ask_quantity) = best.best_bid, best.best_ask
    return {
        "a": [text(ask), text(ask_quantity.to_integral_value()), text(ask_quantity)],
        "b": [text(bid), text(bid_quantity.to_integral_value()), text(bid_quantity)],
        "c": [text(totals.last), eight(totals.quantity)],
        "v": [eight(totals.volume)] * 2,
        "p": [text(totals.average)] * 2,
        "t": [totals.trades] * 2,
        "l": [text(totals.low)] * 2,
        "h": [text(totals.high)] * 2,
        "o": text(totals.open),
    }


def levels(pairs: Iterable[tuple[Decimal, Decimal]], time: int) -> list[list[object]]:
    """Return book levels as [[price, quantity, seconds], ...]."""
    return [[text(price), eight(quantity), time // 1000] for price, quantity in pairs]


def public_trade(trade: TradePrinted) -> list[object]:
    """Return one entry of ``Trades``."""
    side = "b" if trade.aggressor is Side.BUY else "s"
    return [text(trade.price), eight(trade.quantity), seconds(trade.time), side, "m", "", trade.trade_id]


# -- the account


def balance(holdings: Account, code: str) -> Json:
    """Return one entry of ``BalanceEx``."""
    return {"balance": text(holdings.total(code)), "hold_trade": text(holdings.locked(code))}


def ledger_entry(movement: Movement) -> Json:
    """Return one entry of ``Ledgers``: what came or went, and the fee that was taken as well."""
    return {
        "aclass": "currency",
        "amount": text(movement.amount),
        "asset": names.asset_id(movement.asset),
        "fee": text(movement.fee),
        "refid": f"simulated-{movement.id}",
        "time": seconds(movement.time),
        "type": str(movement.kind),
        "subtype": "",
    }


def fee_in_quote(instrument: Instrument, fill: Fill) -> Decimal:
    """Return what a fill cost in quote currency, whatever it was paid in: REST knows no other."""
    if fill.commission_asset == instrument.quote:
        return fill.commission
    return (fill.commission * fill.price).quantize(_EIGHT, ROUND_HALF_UP)


def trade(instrument: Instrument, fill: Fill, kind: Kind) -> Json:
    """Return one entry of ``TradesHistory``."""
    return {
        "ordertxid": names.order_txid(fill.order_id),
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": names.pair_id(instrument),
        "time": seconds(fill.time, microseconds_of(fill)),
        "type": str(fill.side),
        "ordertype": order_type(kind),
        "price": text(fill.price),
        "cost": text(fill.notional),
        "fee": text(fee_in_quote(instrument, fill)),
        "vol": eight(fill.quantity),
        "margin": "0.00000",
        "leverage": "0",
        "misc": "",
        "trade_id": fill.trade_id,
        "maker": fill.is_maker,
    }


def order_type(kind: Kind) -> str:
    """Return ``market`` or ``limit``."""
    return "market" if kind is Kind.MARKET else "limit"


def is_taken_in_base(instrument: Instrument, order: Order) -> bool:
    """Return whether an order's fees are paid in base currency."""
    return any(fill.commission_asset == instrument.base for fill in order.fills)


def description(instrument: Instrument, order: Order) -> Json:
    """Return what an order asks for, also in words."""
    request, pair_name = order.request, names.alternative_pair(instrument)
    is_market = request.kind is Kind.MARKET
    terms = "market" if is_market else f"limit {text(request.price)}"
    return {
        "pair": pair_name,
        "type": str(request.side),
        "ordertype": order_type(request.kind),
        "price": "0" if is_market else text(request.price),
        "price2": "0",
        "leverage": "none",
        "order": f"{request.side} {eight(request.quantity)} {pair_name} @ {terms}",
        "close": "",
    }


def flags(instrument: Instrument, order: Order) -> str:
    """Return an order's flags: where its fee is taken, and whether it may only rest."""
    fee = "fcib" if is_taken_in_base(instrument, order) else "fciq"
    return f"{fee},post" if order.request.kind is Kind.LIMIT_MAKER else fee


def order(instrument: Instrument, item: Order, *, with_trades: bool = False) -> Json:
    """Return an order as ``OpenOrders``, ``ClosedOrders`` and ``QueryOrders`` do."""
    fee = sum((fee_in_quote(instrument, fill) for fill in item.fills), ZERO)
    told: Json = {
        "refid": None,
        "userref": None,
        "cl_ord_id": client_id(item),
        "status": _STATUSES[item.status],
        "reason": reason(item),
        "opentm": seconds(item.created),
        "starttm": 0,
        "expiretm": 0,
        "descr": description(instrument, item),
        "vol": eight(item.request.quantity),
        "vol_exec": eight(item.filled),
        "cost": text(item.quote_filled),
        "fee": text(fee),
        "price": text(item.quote_filled / item.filled) if item.filled else "0.00000",
        "stopprice": "0.00000",
        "limitprice": "0.00000",
        "misc": "",
        "oflags": flags(instrument, item),
    }
    if not item.status.is_open:
        told["closetm"] = seconds(item.updated)
    if with_trades:
        told["trades"] = [names.trade_txid(fill) for fill in item.fills]
    return told


def client_id(item: Order) -> str | None:
    """Return the id that the client gave an order, None where it gave none."""
    return None if item.request.client_id.startswith(NO_CLIENT_ID) else item.request.client_id


def reason(item: Order) -> str | None:
    """Return why an order ended, None where that needs no reason."""
    return {
        Status.CANCELED: USER_REQUESTED,
        Status.REJECTED: POST_ONLY,
        Status.EXPIRED: "Expired",
        Status.EXPIRED_IN_MATCH: "Self trade prevention",
    }.get(item.status)
