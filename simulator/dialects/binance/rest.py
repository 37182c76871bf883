"""The REST endpoints under ``/api/v3`` and ``/sapi/v1``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import TypeVar

from simulator.dialects.binance import tickers, words
from simulator.dialects.binance.candles import INTERVALS, candles
from simulator.dialects.binance.weight import WeightMeter
from simulator.dialects.binance.words import Refused, missing
from simulator.engine.instruments import Instrument, text
from simulator.engine.money import Movement, MovementKind
from simulator.engine.orders import ZERO, Kind, Order, OrderRequest, Reason, Refusal, Side, TimeInForce, TradePrinted
from simulator.web.faults import Maintenance
from simulator.web.venue import Venue

DAY_MS = 24 * 60 * 60 * 1000
ChoiceT = TypeVar("ChoiceT", Side, Kind, TimeInForce)


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its parameters, from query and form alike, and the exchange that it is for."""

    venue: Venue
    weight: WeightMeter
    path: str
    params: dict[str, str]

    @property
    def now(self) -> int:
        """The exchange's time in milliseconds."""
        return self.venue.server_time(self.path)

    def need(self, name: str) -> str:
        """Return a mandatory parameter; raises Refused."""
        if not self.params.get(name):
            raise missing(name)
        return self.params[name]

    def integer(self, name: str) -> int | None:
        """Return an optional whole number; raises Refused when it is none."""
        value = self.params.get(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit():
            raise Refused(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
        return int(value)

    def limit(self, default: int, most: int) -> int:
        """Return the parameter ``limit``, capped."""
        value = self.integer("limit")
        return default if value is None else max(1, min(value, most))

    def decimal(self, name: str) -> Decimal:
        """Return a number, 0 when it was not sent; raises Refused."""
        try:
            value = Decimal(self.params.get(name, "0"))
        except InvalidOperation:
            raise Refused(-1100, f"Illegal characters found in parameter '{name}'.") from None
        if not value.is_finite() or value < ZERO:
            raise Refused(-1100, f"Illegal characters found in parameter '{name}'.")
        return value

    def choice(self, name: str, kind: type[ChoiceT], value: str) -> ChoiceT:
        """Return ``value`` as a member of ``kind``; raises Refused."""
        try:
            return kind(value)
        except ValueError:
            raise Refused(-1116, f"Invalid {name}.") from None

    def instrument(self) -> Instrument:
        """Return the instrument of the parameter ``symbol``; raises Refused."""
        return self._instrument(self.need("symbol"))

    def instruments(self) -> list[Instrument]:
        """Return the instruments named by ``symbol`` or ``symbols``, or all."""
        if "symbol" in self.params:
            return [self.instrument()]
        if "symbols" not in self.params:
            return list(self.venue.exchange.instruments.values())
        try:
            names = json.loads(self.params["symbols"])
        except ValueError:
            names = None
        if not isinstance(names, list):
            raise Refused(-1100, "Illegal characters found in parameter 'symbols'.")
        return [self._instrument(str(name)) for name in names]

    def _instrument(self, market_id: str) -> Instrument:
        for instrument in self.venue.exchange.instruments.values():
            if instrument.market_id == market_id:
                return instrument
        raise Refused(-1121, "Invalid symbol.")


Handler = Callable[[Call], object]
Weight = int | Callable[[dict[str, str]], int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method and path, what it weighs, and who may call it: who signs, or only who has the key."""

    method: str
    path: str
    handler: Handler
    weight: Weight
    signed: bool = False
    keyed: bool = False

    def cost(self, params: dict[str, str]) -> int:
        """Return the weight of a request with these parameters."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


# -- public


def ping(_call: Call) -> object:
    """Answer nothing."""
    return {}


def server_time(call: Call) -> object:
    """Tell the exchange's time."""
    return {"serverTime": call.now}


def exchange_info(call: Call) -> object:
    """Describe the markets."""
    return words.exchange_info(call.instruments(), call.now, call.weight.limit)


def depth(call: Call) -> object:
    """Give the book as last published, so that the diffs after it continue it without a gap."""
    instrument = call.instrument()
    book, most = call.venue.exchange.book(instrument.symbol), call.limit(100, 5000)
    bids, asks = (words.levels(book.published(side)[:most]) for side in (Side.BUY, Side.SELL))
    return {"lastUpdateId": book.last_update, "bids": bids, "asks": asks}


def trades(call: Call) -> object:
    """Give the most recent trades, or with ``fromId`` those from there on."""
    return [words.public_trade(trade) for trade in _tape(call)]


def aggregate_trades(call: Call) -> object:
    """Give trades as ``aggTrades``."""
    return [words.aggregate_trade(trade) for trade in _tape(call)]


def _tape(call: Call) -> list[TradePrinted]:
    tape = list(call.venue.exchange.tape[call.instrument().symbol])
    most = call.limit(500, 1000)
    first, start, end = call.integer("fromId"), call.integer("startTime"), call.integer("endTime")
    if first is None and start is None:
        return [trade for trade in tape if end is None or trade.time <= end][-most:]
    chosen = (
        trade
        for trade in tape
        if trade.trade_id >= (first or 0) and (start or 0) <= trade.time and (end is None or trade.time <= end)
    )
    return list(islice(chosen, most))


def book_ticker(call: Call) -> object:
    """Give best bid and ask."""
    published = call.venue.exchange.publications
    found = [words.book_ticker(i.market_id, published[i.symbol]) for i in call.instruments()]
    return found[0] if "symbol" in call.params else found


def price_ticker(call: Call) -> object:
    """Give the last price."""
    last = call.venue.statistics.of
    found = [{"symbol": i.market_id, "price": text(last(i.symbol).last)} for i in call.instruments()]
    return found[0] if "symbol" in call.params else found


def day_ticker(call: Call) -> object:
    """Give statistics since the start, in the place of those of the last 24 hours."""
    statistics, published = call.venue.statistics, call.venue.exchange.publications
    found = [
        tickers.day(i, statistics.of(i.symbol), published[i.symbol], statistics.started, call.now)
        for i in call.instruments()
    ]
    return found[0] if "symbol" in call.params else found


def klines(call: Call) -> object:
    """Give candles: the last ones, or from a time on."""
    instrument, width = call.instrument(), INTERVALS.get(call.need("interval"))
    if width is None:
        raise Refused(-1120, "Invalid interval.")
    most, end = call.limit(500, 1000), call.integer("endTime")
    last = call.now if end is None else min(end, call.now)
    start = call.integer("startTime")
    first = max(0, last - (most - 1) * width) if start is None else start
    price = call.venue.statistics.of(instrument.symbol).last
    return candles(call.venue.exchange.tape[instrument.symbol], price, width, first, last)[:most]


def system_status(call: Call) -> object:
    """Tell whether the exchange is under maintenance."""
    closed = call.venue.faults.find(Maintenance, call.path) is not None
    return {"status": int(closed), "msg": "system_maintenance" if closed else "normal"}


# -- the account


def account(call: Call) -> object:
    """Give the balances."""
    exchange = call.venue.exchange
    return words.account(exchange.account, exchange.fees, call.now)


def trade_fee(call: Call) -> object:
    """Give the fee rates of each symbol."""
    fees = call.venue.exchange.fees
    rates = {"makerCommission": text(fees.maker), "takerCommission": text(fees.taker)}
    return [{"symbol": i.market_id, **rates} for i in call.instruments()]


def my_trades(call: Call) -> object:
    """Give the account's fills of a symbol: the last ones, or from a time or an id on."""
    instrument = call.instrument()
    start, end, first = call.integer("startTime"), call.integer("endTime"), call.integer("fromId")
    order_id, most = call.integer("orderId"), call.limit(500, 1000)
    if first is not None and (start is not None or end is not None):
        raise Refused(-1128, "Combination of optional parameters invalid.")
    if start is not None and end is not None and end - start > DAY_MS:
        raise Refused(-1127, "More than 24 hours between startTime and endTime.")
    fills = [
        fill
        for fill in call.venue.exchange.fills
        if fill.symbol == instrument.symbol
        and (order_id is None or fill.order_id == order_id)
        and (start is None or fill.time >= start)
        and (end is None or fill.time <= end)
        and (first is None or fill.trade_id >= first)
    ]
    from_the_end = first is None and start is None
    chosen = fills[-most:] if from_the_end else fills[:most]
    return [words.my_trade(instrument, fill) for fill in chosen]


def place_order(call: Call) -> object:
    """Place an order."""
    instrument = call.instrument()
    order = call.venue.exchange.place(request(call, instrument), call.venue.now())
    return words.placed(instrument, order)


def test_order(call: Call) -> object:
    """Check the form of an order without placing it."""
    request(call, call.instrument())
    return {}


def request(call: Call, instrument: Instrument) -> OrderRequest:
    """Return what an order asks for; raises Refused."""
    kind = call.choice("orderType", Kind, call.need("type"))
    side = call.choice("side", Side, call.need("side").lower())
    if kind is Kind.LIMIT:
        call.need("timeInForce")
    if kind is not Kind.MARKET:
        call.need("price")
    if "quoteOrderQty" not in call.params or kind is not Kind.MARKET:
        call.need("quantity")
    return OrderRequest(
        symbol=instrument.symbol,
        side=side,
        kind=kind,
        quantity=call.decimal("quantity"),
        price=call.decimal("price"),
        time_in_force=call.choice("timeInForce", TimeInForce, call.params.get("timeInForce", "GTC")),
        client_id=call.params.get("newClientOrderId") or f"web_{call.venue.exchange.next_order_id}",
        quote_quantity=call.decimal("quoteOrderQty") if kind is Kind.MARKET else ZERO,
    )


def found(call: Call) -> tuple[Instrument, Order]:
    """Return the order that a request names; raises Refused or Refusal."""
    instrument, number = call.instrument(), call.integer("orderId")
    client_id = "" if number is not None else call.need("origClientOrderId")
    return instrument, call.venue.exchange.find(instrument.symbol, number, client_id)


def get_order(call: Call) -> object:
    """Give one order."""
    instrument, order = found(call)
    return words.order(instrument, order)


def cancel_order(call: Call) -> object:
    """Cancel one order."""
    try:
        instrument, order = found(call)
        call.venue.exchange.cancel(order, call.venue.now())
    except Refusal as refusal:
        if refusal.reason is Reason.UNKNOWN_ORDER:
            raise Refused(*words.CANCEL_UNKNOWN) from refusal
        raise
    return words.canceled(instrument, order, call.params.get("newClientOrderId", order.request.client_id))


def cancel_all(call: Call) -> object:
    """Cancel all open orders of a symbol."""
    instrument = call.instrument()
    orders = call.venue.exchange.open_orders(instrument.symbol)
    if not orders:
        raise Refused(*words.CANCEL_UNKNOWN)
    for order in orders:
        call.venue.exchange.cancel(order, call.venue.now())
    return [words.canceled(instrument, order, order.request.client_id) for order in orders]


def open_orders(call: Call) -> object:
    """Give the open orders of a symbol, or of all."""
    exchange = call.venue.exchange
    symbol = call.instrument().symbol if "symbol" in call.params else None
    return [words.order(exchange.instruments[o.request.symbol], o) for o in exchange.open_orders(symbol)]


def all_orders(call: Call) -> object:
    """Give orders of a symbol in any state: the last ones, or from an id or a time on."""
    instrument, most = call.instrument(), call.limit(500, 1000)
    first, start, end = call.integer("orderId"), call.integer("startTime"), call.integer("endTime")
    orders = [
        order
        for order in call.venue.exchange.orders.values()
        if order.request.symbol == instrument.symbol
        and order.id >= (first or 0)
        and order.created >= (start or 0)
        and (end is None or order.created <= end)
    ]
    from_the_end = first is None and start is None
    return [words.order(instrument, o) for o in (orders[-most:] if from_the_end else orders[:most])]


# -- money


def moved(call: Call, *kinds: MovementKind) -> list[Movement]:
    """Return movements of these kinds between ``startTime`` and ``endTime``, of ``coin`` if one is named."""
    start, end, asset = call.integer("startTime"), call.integer("endTime"), call.params.get("coin")
    return [
        movement
        for movement in call.venue.exchange.movements
        if movement.kind in kinds
        and (start is None or movement.time >= start)
        and (end is None or movement.time <= end)
        and asset in (None, movement.asset)
    ]


def deposits(call: Call) -> object:
    """Give deposits, the newest first."""
    found = moved(call, MovementKind.DEPOSIT)
    return [words.deposit(each) for each in reversed(found)][: call.limit(1000, 1000)]


def withdrawals(call: Call) -> object:
    """Give withdrawals, the newest first."""
    found = moved(call, MovementKind.WITHDRAWAL)
    return [words.withdrawal(each) for each in reversed(found)][: call.limit(1000, 1000)]


def transfers(call: Call) -> object:
    """Give transfers between wallets, the newest first: here all are to and from the wallet of linear contracts."""
    kind, size = call.need("type"), min(call.integer("size") or 10, 100)
    sign = {"MAIN_UMFUTURE": -1, "UMFUTURE_MAIN": 1}.get(kind, 0)
    found = [each for each in moved(call, MovementKind.TRANSFER) if each.amount * sign > ZERO]
    return {"total": len(found), "rows": [words.transfer(each, kind) for each in reversed(found)][:size]}


# -- the table


def _depth_weight(params: dict[str, str]) -> int:
    limit = params.get("limit", "100")
    size = int(limit) if limit.isascii() and limit.isdigit() else 100
    return next((weight for most, weight in ((100, 5), (500, 25), (1000, 50)) if size <= most), 250)


def _one_or_all(one: int, everything: int) -> Callable[[dict[str, str]], int]:
    return lambda params: one if "symbol" in params else everything


API, SAPI = "/api/v3/", "/sapi/v1/"
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", API + "ping", ping, 1),
    Endpoint("GET", API + "time", server_time, 1),
    Endpoint("GET", API + "exchangeInfo", exchange_info, 20),
    Endpoint("GET", API + "depth", depth, _depth_weight),
    Endpoint("GET", API + "trades", trades, 25),
    Endpoint("GET", API + "historicalTrades", trades, 25),
    Endpoint("GET", API + "aggTrades", aggregate_trades, 4),
    Endpoint("GET", API + "klines", klines, 2),
    Endpoint("GET", API + "ticker/bookTicker", book_ticker, _one_or_all(2, 4)),
    Endpoint("GET", API + "ticker/price", price_ticker, _one_or_all(2, 4)),
    Endpoint("GET", API + "ticker/24hr", day_ticker, _one_or_all(2, 80)),
    Endpoint("GET", API + "account", account, 20, signed=True),
    Endpoint("GET", API + "myTrades", my_trades, 20, signed=True),
    Endpoint("POST", API + "order", place_order, 1, signed=True),
    Endpoint("POST", API + "order/test", test_order, 1, signed=True),
    Endpoint("GET", API + "order", get_order, 4, signed=True),
    Endpoint("DELETE", API + "order", cancel_order, 1, signed=True),
    Endpoint("GET", API + "openOrders", open_orders, _one_or_all(6, 80), signed=True),
    Endpoint("DELETE", API + "openOrders", cancel_all, 1, signed=True),
    Endpoint("GET", API + "allOrders", all_orders, 20, signed=True),
    Endpoint("GET", SAPI + "system/status", system_status, 1),
    Endpoint("GET", SAPI + "asset/tradeFee", trade_fee, 1, signed=True),
    Endpoint("GET", SAPI + "capital/deposit/hisrec", deposits, 1, signed=True),
    Endpoint("GET", SAPI + "capital/withdraw/history", withdrawals, 1, signed=True),
    Endpoint("GET", SAPI + "asset/transfer", transfers, 1, signed=True),
)
