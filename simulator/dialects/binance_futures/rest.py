"""The REST endpoints under ``/fapi`` and ``/dapi``, where they differ from those of spot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.dialects.binance import rest as spot
from simulator.dialects.binance.rest import Call, Endpoint
from simulator.dialects.binance.words import CANCEL_UNKNOWN, Refused, levels
from simulator.dialects.binance_futures import words
from simulator.engine.orders import Order, Reason, Refusal, Side
from simulator.web.dialect import Json

if TYPE_CHECKING:
    from simulator.dialects.binance_futures.stream import FuturesStreams

WEEK_MS = 7 * spot.DAY_MS
WEIGHT_LIMIT = 2400


def exchange_info(call: Call) -> object:
    """Describe the contracts."""
    return words.exchange_info(call.venue.exchange.instruments.values(), call.now, call.weight.limit)


def depth(call: Call) -> object:
    """Give the book as last published, with its time."""
    instrument = call.instrument()
    book, most = call.venue.exchange.book(instrument.symbol), call.limit(500, 1000)
    bids, asks = (levels(book.published(side)[:most]) for side in (Side.BUY, Side.SELL))
    time = call.venue.exchange.publications[instrument.symbol].time
    return {"lastUpdateId": book.last_update, "E": time, "T": time, "bids": bids, "asks": asks}


# -- orders and trades


def user_trades(call: Call) -> object:
    """Give the account's fills of a symbol: the last ones, or from a time or an id on, at most of a week."""
    instrument = call.instrument()
    start, end, first = call.integer("startTime"), call.integer("endTime"), call.integer("fromId")
    if start is not None and end is not None and end - start > WEEK_MS:
        raise Refused(-4165, "Invalid time interval: it is longer than 7 days.")
    last = start + WEEK_MS if end is None and start is not None else end
    fills = [
        fill
        for fill in call.venue.exchange.fills
        if fill.symbol == instrument.symbol
        and (start is None or fill.time >= start)
        and (last is None or fill.time <= last)
        and (first is None or fill.trade_id >= first)
    ]
    most = call.limit(500, 1000)
    chosen = fills[-most:] if first is None and start is None else fills[:most]
    return [words.user_trade(instrument, fill) for fill in chosen]


def place_order(call: Call) -> object:
    """Place an order; one that may only rest has the time in force ``GTX``."""
    instrument, params = call.instrument(), dict(call.params)
    if params.get("timeInForce") == "GTX":
        params |= {"type": "LIMIT_MAKER", "timeInForce": "GTC"}
    request = spot.request(replace(call, params=params), instrument)
    return words.order(instrument, call.venue.exchange.place(request, call.venue.now()))


def get_order(call: Call) -> object:
    """Give one order."""
    return words.order(*spot.found(call))


def cancel_order(call: Call) -> object:
    """Cancel one order."""
    try:
        instrument, order = spot.found(call)
        call.venue.exchange.cancel(order, call.venue.now())
    except Refusal as refusal:
        if refusal.reason is Reason.UNKNOWN_ORDER:
            raise Refused(*CANCEL_UNKNOWN) from refusal
        raise
    return words.order(instrument, order)


def cancel_all(call: Call) -> object:
    """Cancel all open orders of a symbol."""
    for order in call.venue.exchange.open_orders(call.instrument().symbol):
        call.venue.exchange.cancel(order, call.venue.now())
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def open_orders(call: Call) -> object:
    """Give the open orders of a symbol, or of all."""
    symbol = call.instrument().symbol if "symbol" in call.params else None
    return [_told(call, order) for order in call.venue.exchange.open_orders(symbol)]


def all_orders(call: Call) -> object:
    """Give the last orders of a symbol, in any state."""
    symbol, most = call.instrument().symbol, call.limit(500, 1000)
    orders = [order for order in call.venue.exchange.orders.values() if order.request.symbol == symbol]
    return [_told(call, order) for order in orders[-most:]]


def _told(call: Call, order: Order) -> Json:
    return words.order(call.venue.exchange.instruments[order.request.symbol], order)


# -- the account


def account(call: Call) -> object:
    """Give wallets and positions."""
    return words.account(call.venue.exchange, call.now)


def balance(call: Call) -> object:
    """Give wallets."""
    exchange = call.venue.exchange
    return [words.balance(exchange, asset, call.now) for asset in exchange.account.assets()]


def position_risk(call: Call) -> object:
    """Give the positions that are open, and all of those that are asked for by version 1."""
    exchange = call.venue.exchange
    every = "/v3/" not in call.path
    return [words.position_risk(exchange, s) for s, held in exchange.positions.items() if held.quantity or every]


def income(call: Call) -> object:
    """Give what changed the wallets, the oldest first, from a time on or of the last week."""
    exchange, kind = call.venue.exchange, call.params.get("incomeType")
    symbol = call.instrument().market_id if "symbol" in call.params else None
    start, end = call.integer("startTime"), call.integer("endTime")
    entries = [words.movement_income(exchange, m) for m in exchange.movements if m.is_done]
    for fill in exchange.fills:
        entries += words.fill_income(exchange.instruments[fill.symbol], fill)
    first = call.now - WEEK_MS if start is None else start
    chosen = [
        entry
        for entry in sorted(entries, key=lambda entry: int(str(entry["time"])))
        if int(str(entry["time"])) >= first
        and (end is None or int(str(entry["time"])) <= end)
        and kind in (None, entry["incomeType"])
        and symbol in (None, entry["symbol"])
    ]
    return chosen[: call.limit(100, 1000)]


def leverage_bracket(call: Call) -> object:
    """Give a single bracket for each symbol."""
    return [words.leverage_bracket(instrument) for instrument in call.venue.exchange.instruments.values()]


# -- the table


def endpoints(api: str, streams: FuturesStreams) -> tuple[Endpoint, ...]:
    """Return the endpoints under ``/fapi`` or ``/dapi``; ``streams`` give out the keys of private WebSockets."""
    v1, v2, v3 = (f"/{api}/{version}/" for version in ("v1", "v2", "v3"))

    def listen_key(_call: Call) -> object:
        return {"listenKey": streams.listen_key()}

    return (
        Endpoint("GET", v1 + "ping", spot.ping, 1),
        Endpoint("GET", v1 + "time", spot.server_time, 1),
        Endpoint("GET", v1 + "exchangeInfo", exchange_info, 1),
        Endpoint("GET", v1 + "depth", depth, 10),
        Endpoint("GET", v1 + "trades", spot.trades, 5),
        Endpoint("GET", v1 + "aggTrades", spot.aggregate_trades, 20),
        Endpoint("GET", v1 + "klines", spot.klines, 5),
        Endpoint("GET", v1 + "ticker/bookTicker", spot.book_ticker, 2),
        Endpoint("GET", v1 + "ticker/price", spot.price_ticker, 1),
        Endpoint("GET", v1 + "ticker/24hr", spot.day_ticker, 1),
        Endpoint("GET", v1 + "userTrades", user_trades, 5, signed=True),
        Endpoint("POST", v1 + "order", place_order, 1, signed=True),
        Endpoint("GET", v1 + "order", get_order, 1, signed=True),
        Endpoint("DELETE", v1 + "order", cancel_order, 1, signed=True),
        Endpoint("GET", v1 + "openOrders", open_orders, 1, signed=True),
        Endpoint("DELETE", v1 + "allOpenOrders", cancel_all, 1, signed=True),
        Endpoint("GET", v1 + "allOrders", all_orders, 5, signed=True),
        *(Endpoint("GET", version + "account", account, 5, signed=True) for version in (v1, v2, v3)),
        *(Endpoint("GET", version + "balance", balance, 5, signed=True) for version in (v1, v2, v3)),
        *(Endpoint("GET", version + "positionRisk", position_risk, 5, signed=True) for version in (v1, v2, v3)),
        Endpoint("GET", v1 + "income", income, 30, signed=True),
        *(Endpoint("GET", version + "leverageBracket", leverage_bracket, 1, signed=True) for version in (v1, v2)),
        Endpoint("POST", v1 + "listenKey", listen_key, 1, keyed=True),
        Endpoint("PUT", v1 + "listenKey", listen_key, 1, keyed=True),
    )
