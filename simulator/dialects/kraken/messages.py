"""The shapes of what is sent over WebSocket. Unlike over REST, prices and quantities are numbers here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zlib import crc32

import msgspec

from simulator.dialects.kraken import names, words
from simulator.engine.instruments import Instrument
from simulator.engine.orders import ZERO, Fill, Kind, Order, OrderChanged, Publication, Side, Status, TradePrinted
from simulator.engine.statistics import Totals
from simulator.web.dialect import Json

Level = tuple[Decimal, Decimal]
Top = dict[Side, dict[Decimal, Decimal]]
"""The best levels of a book by side, best first: price to quantity."""

NOTHING = ZERO
CHECKED_LEVELS = 10
_EIGHT = Decimal("0.00000001")

# Every digit is sent, as the exchange does.
encode = msgspec.json.Encoder(decimal_format="number").encode


def timestamp(time: int, microseconds: int = 0) -> str:
    """Return milliseconds as the text that the exchange writes."""
    return f"{datetime.fromtimestamp(time // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{time % 1000:03d}{microseconds:03d}Z"


def status() -> Json:
    """Return the greeting of a new connection."""
    data = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": 6447481662169813000}
    return {"channel": "status", "type": "update", "data": [data]}


# -- market data


def book(symbol: str, levels: Mapping[Side, Sequence[Level]], after: Top, time: int | None) -> Json:
    """Return changed levels (``time`` in ms), or without a time the snapshot of all levels.

    ``after`` is the book that a client has then, which the checksum is of.
    """
    data: Json = {
        "symbol": symbol,
        "bids": [_level(level) for level in levels[Side.BUY]],
        "asks": [_level(level) for level in levels[Side.SELL]],
        "checksum": checksum(after),
    }
    if time is not None:
        data["timestamp"] = timestamp(time)
    return {"channel": "book", "type": "snapshot" if time is None else "update", "data": [data]}


def _level(level: Level) -> Json:
    price, quantity = level
    return {"price": price, "qty": quantity.quantize(_EIGHT)}


def checksum(top: Top) -> int:
    """Return the CRC-32 of the ten best asks and then bids: the digits of price and quantity, without leading zeros."""
    best = [level for side in (Side.SELL, Side.BUY) for level in list(top[side].items())[:CHECKED_LEVELS]]
    return crc32("".join(_digits(price) + _digits(quantity.quantize(_EIGHT)) for price, quantity in best).encode())


def _digits(value: Decimal) -> str:
    return f"{value:f}".replace(".", "").lstrip("0")


def public_trade(trade: TradePrinted) -> Json:
    """Return one trade of the tape."""
    data = {
        "symbol": trade.symbol,
        "side": str(trade.aggressor),
        "price": trade.price,
        "qty": trade.quantity,
        "ord_type": "market",
        "trade_id": trade.trade_id,
        "timestamp": timestamp(trade.time),
    }
    return {"channel": "trade", "type": "update", "data": [data]}


def ticker(symbol: str, kind: str, totals: Totals, best: Publication) -> Json:
    """Return best prices and statistics."""
    data = {
        "symbol": symbol,
        "bid": best.best_bid[0],
        "bid_qty": best.best_bid[1],
        "ask": best.best_ask[0],
        "ask_qty": best.best_ask[1],
        "last": totals.last,
        "volume": totals.volume,
        "vwap": totals.average,
        "low": totals.low,
        "high": totals.high,
        "change": totals.change,
        "change_pct": totals.percent,
    }
    return {"channel": "ticker", "type": kind, "data": [data]}


# -- the account


def holding(code: str, total: Decimal) -> Json:
    """Return what the account has of one currency."""
    wallet = {"type": "spot", "id": "main", "balance": total}
    return {"asset": code, "asset_class": "currency", "balance": total, "wallets": [wallet]}


def order(instrument: Instrument, item: Order, exec_type: str = "new") -> Json:
    """Return everything about an order, as when it is placed and in snapshots."""
    request = item.request
    told: Json = {
        "order_id": names.order_txid(item.id),
        "order_userref": 0,
        "symbol": instrument.symbol,
        "order_qty": request.quantity,
        "cum_qty": item.filled,
        "cum_cost": item.quote_filled,
        "time_in_force": str(request.time_in_force),
        "exec_type": exec_type,
        "side": str(request.side),
        "order_type": words.order_type(request.kind),
        "limit_price_type": "static",
        "stop_price": ZERO,
        "post_only": request.kind is Kind.LIMIT_MAKER,
        "order_status": exec_type if exec_type == "pending_new" else _status(item.status),
        "fee_usd_equiv": ZERO,
        "fee_ccy_pref": words.flags(instrument, item).partition(",")[0],
        "timestamp": timestamp(item.updated),
    }
    if request.kind is not Kind.MARKET:
        told["limit_price"] = request.price
    if words.client_id(item):
        told["cl_ord_id"] = request.client_id
    return told


def _status(status: Status) -> str:
    return {Status.NEW: "new", Status.PARTIALLY_FILLED: "partially_filled", Status.FILLED: "filled"}.get(
        status, "canceled"
    )


def trade(instrument: Instrument, fill: Fill, item: Order | None) -> Json:
    """Return one execution; of an order that it fills, another message tells that it is filled."""
    return {
        "order_id": names.order_txid(fill.order_id),
        "order_userref": 0,
        "exec_id": names.trade_txid(fill),
        "exec_type": "trade",
        "trade_id": fill.trade_id,
        "symbol": instrument.symbol,
        "side": str(fill.side),
        "last_qty": fill.quantity,
        "last_price": fill.price,
        "liquidity_ind": "m" if fill.is_maker else "t",
        "cost": fill.notional,
        "order_type": words.order_type(item.request.kind) if item else "limit",
        "order_status": "partially_filled",
        "timestamp": timestamp(fill.time, words.microseconds_of(fill)),
        "fee_usd_equiv": fill.commission * fill.commission_mid,
        "fees": [{"asset": fill.commission_asset, "qty": fill.commission}],
    }


def changes(instrument: Instrument, event: OrderChanged) -> list[Json]:
    """Return the messages about a change of an order, beside its executions.

    Only the first message of an order says all about it; the later ones say only what is new.
    """
    item = event.order
    if event.execution == "NEW":
        return [order(instrument, item, "pending_new"), _change(item, "new", event.time)]
    if event.fill is not None:
        return [_ended(item, "filled", event.time)] if item.status is Status.FILLED else []
    if item.status is Status.REJECTED:
        if item.request.kind is not Kind.LIMIT_MAKER:
            return []  # the request was refused: there is no order
        return [order(instrument, item, "pending_new"), _ended(item, "canceled", event.time)]
    return [_ended(item, "expired" if item.status is Status.EXPIRED else "canceled", event.time)]


def _change(item: Order, what: str, time: int) -> Json:
    return {
        "timestamp": timestamp(time),
        "order_status": what,
        "exec_type": what,
        "order_userref": 0,
        "order_id": names.order_txid(item.id),
    }


def _ended(item: Order, what: str, time: int) -> Json:
    average = item.quote_filled / item.filled if item.filled else ZERO
    told = _change(item, what, time) | {"cum_qty": item.filled, "cum_cost": item.quote_filled, "fee_usd_equiv": ZERO}
    told["avg_price"] = average.quantize(_EIGHT)
    if what == "canceled":
        told |= {"cancel_reason": words.reason(item), "reason": words.reason(item)}
    return told
