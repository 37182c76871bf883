"""The REST endpoints under ``/0/public`` and ``/0/private``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from simulator.dialects.kraken import names, words
from simulator.dialects.kraken.tokens import Tokens
from simulator.dialects.kraken.words import Refused
from simulator.engine.fees import FeeSchedule
from simulator.engine.instruments import Instrument
from simulator.engine.orders import Fill, Kind, Order, OrderRequest, Reason, Refusal, Side, TimeInForce
from simulator.web.dialect import Json
from simulator.web.faults import Maintenance
from simulator.web.venue import Venue

PAGE = 50
"""Trades and ended orders that are given at once."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its parameters, the exchange that it is for, and the tokens of its WebSocket."""

    venue: Venue
    tokens: Tokens
    path: str
    params: Mapping[str, str]

    @property
    def now(self) -> int:
        """The exchange's time in milliseconds."""
        return self.venue.server_time(self.path)

    def need(self, name: str) -> str:
        """Return a mandatory parameter; raises Refused."""
        if not self.params.get(name):
            raise Refused(f"{words.INVALID_ARGUMENTS}:{name}")
        return self.params[name]

    def decimal(self, name: str) -> Decimal:
        """Return a mandatory number above zero; raises Refused."""
        try:
            value = Decimal(self.need(name))
        except InvalidOperation:
            raise Refused(f"{words.INVALID_ARGUMENTS}:{name}") from None
        if not value.is_finite() or value <= 0:
            raise Refused(f"{words.INVALID_ARGUMENTS}:{name}")
        return value

    def whole(self, name: str, default: int) -> int:
        """Return an optional whole number; raises Refused."""
        value = self.params.get(name, str(default))
        if not value.isascii() or not value.isdigit():
            raise Refused(f"{words.INVALID_ARGUMENTS}:{name}")
        return int(value)

    def choice(self, name: str, known: Iterable[str], default: str | None = None) -> str:
        """Return a parameter that is one of the known words; raises Refused."""
        value = self.need(name) if default is None else self.params.get(name, default)
        if value not in known:
            raise Refused(f"{words.INVALID_ARGUMENTS}:{name}")
        return value

    def instrument(self) -> Instrument:
        """Return the instrument of the parameter ``pair``; raises Refused."""
        return self._named(self.need("pair"))

    def instruments(self) -> list[Instrument]:
        """Return the instruments that ``pair`` names, separated by commas, or all."""
        if "pair" not in self.params:
            return list(self.venue.exchange.instruments.values())
        return [self._named(name) for name in self.params["pair"].split(",")]

    def _named(self, name: str) -> Instrument:
        for instrument in self.venue.exchange.instruments.values():
            if name in (names.pair_id(instrument), names.alternative_pair(instrument), names.socket_name(instrument)):
                return instrument
        raise Refused(words.UNKNOWN_PAIR)

    def orders(self) -> dict[str, Order]:
        """Return all orders that are remembered, by their ids here."""
        return {names.order_txid(order.id): order for order in self.venue.exchange.orders.values()}

    def instrument_of(self, order: Order | Fill) -> Instrument:
        """Return what an order or a fill is for."""
        symbol = order.symbol if isinstance(order, Fill) else order.request.symbol
        return self.venue.exchange.instruments[symbol]


Handler = Callable[[Call], object]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and path, what a call adds to the counter, and whether it is signed."""

    method: str
    path: str
    handler: Handler
    cost: int = 0
    signed: bool = False


# -- public


def server_time(call: Call) -> object:
    """Tell the exchange's time, in whole seconds."""
    now = call.now // 1000
    return {"unixtime": now, "rfc1123": f"{datetime.fromtimestamp(now, UTC):%a, %d %b %y %H:%M:%S} +0000"}


def system_status(call: Call) -> object:
    """Tell whether the exchange is under maintenance."""
    closed = call.venue.faults.find(Maintenance, call.path) is not None
    now = f"{datetime.fromtimestamp(call.now // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {"status": "maintenance" if closed else "online", "timestamp": now}


def assets(call: Call) -> object:
    """Describe the currencies."""
    return {names.asset_id(code): words.asset(code) for code in call.venue.exchange.account.assets()}


def asset_pairs(call: Call) -> object:
    """Describe the markets."""
    fees = call.venue.exchange.fees
    return {names.pair_id(i): words.pair(i, fees) for i in call.instruments()}


def ticker(call: Call) -> object:
    """Give best prices and statistics since the start."""
    exchange, statistics = call.venue.exchange, call.venue.statistics
    return {
        names.pair_id(i): words.ticker(statistics.of(i.symbol), exchange.publications[i.symbol])
        for i in call.instruments()
    }


def depth(call: Call) -> object:
    """Give the book as last published."""
    instrument, most = call.instrument(), call.whole("count", 100)
    book = call.venue.exchange.book(instrument.symbol)
    bids, asks = (words.levels(book.published(side)[:most], call.now) for side in (Side.BUY, Side.SELL))
    return {names.pair_id(instrument): {"asks": asks, "bids": bids}}


def trades(call: Call) -> object:
    """Give the public trades after ``since`` (seconds, or nanoseconds as in ``last``), else the newest ones."""
    instrument, most = call.instrument(), call.whole("count", 1000)
    given = call.whole("since", 0)
    since = given // 1_000_000 if given > 10**14 else given * 1000
    tape = [trade for trade in call.venue.exchange.tape[instrument.symbol] if trade.time > since]
    chosen = tape[:most] if since else tape[-most:]
    last = chosen[-1].time if chosen else since
    return {names.pair_id(instrument): [words.public_trade(trade) for trade in chosen], "last": f"{last}000000"}


# -- the account


def balances(call: Call) -> object:
    """Give what the account has of each currency."""
    holdings = call.venue.exchange.account
    return {names.asset_id(code): words.balance(holdings, code)["balance"] for code in holdings.assets()}


def extended_balances(call: Call) -> object:
    """Give what the account has, and what its orders hold."""
    holdings = call.venue.exchange.account
    return {names.asset_id(code): words.balance(holdings, code) for code in holdings.assets()}


def trade_volume(call: Call) -> object:
    """Give the fee rates of the pairs, in percent."""

    def rates(fees: FeeSchedule, *, is_maker: bool) -> Json:
        rate = {"fee": f"{fees.rate(is_maker=is_maker) * 100:.4f}"}
        return {names.pair_id(i): rate for i in call.instruments()}

    fees = call.venue.exchange.fees
    return {
        "currency": "ZUSD",
        "volume": "0.0000",
        "fees": rates(fees, is_maker=False),
        "fees_maker": rates(fees, is_maker=True),
    }


def trades_history(call: Call) -> object:
    """Give the account's fills of all pairs, the newest first, in pages: ``start`` is exclusive, ``end`` is not."""
    start, end = _bounds(call)
    fills = [fill for fill in reversed(call.venue.exchange.fills) if start < _time(fill) <= end]
    page = fills[call.whole("ofs", 0) :][:PAGE]
    return {"trades": {names.trade_txid(fill): _trade(call, fill) for fill in page}, "count": len(fills)}


def query_trades(call: Call) -> object:
    """Give the fills with these ids."""
    wanted = call.need("txid").split(",")
    found = {names.trade_txid(fill): fill for fill in call.venue.exchange.fills}
    return {txid: _trade(call, found[txid]) for txid in wanted if txid in found}


def _trade(call: Call, fill: Fill) -> Json:
    order = call.venue.exchange.orders.get(fill.order_id)
    return words.trade(call.instrument_of(fill), fill, order.request.kind if order else Kind.LIMIT)


def _time(fill: Fill) -> float:
    return words.seconds(fill.time, words.microseconds_of(fill))


def _bounds(call: Call) -> tuple[float, float]:
    """Return the times (seconds) between which results are asked for; each may also be a trade's id."""
    times = {names.trade_txid(fill): _time(fill) for fill in call.venue.exchange.fills}

    def bound(name: str, default: float) -> float:
        given = call.params.get(name)
        try:
            return default if given is None else times.get(given) or float(given)
        except ValueError:
            raise Refused(f"{words.INVALID_ARGUMENTS}:{name}") from None

    return bound("start", 0.0), bound("end", float("inf"))


def ledgers(call: Call) -> object:
    """Give the money that moved other than by trading, the newest first, in pages; trades are left out."""
    start, end = _bounds(call)
    kind = call.params.get("type", "all")
    moved = [
        movement
        for movement in reversed(call.venue.exchange.movements)
        if kind in ("all", movement.kind) and movement.is_done and start < movement.time / 1000 <= end
    ]
    page = moved[call.whole("ofs", 0) :][:PAGE]
    return {"ledger": {names.ledger_id(m.id): words.ledger_entry(m) for m in page}, "count": len(moved)}


def open_orders(call: Call) -> object:
    """Give the orders that rest, of all pairs."""
    orders = call.venue.exchange.open_orders()
    return {"open": {names.order_txid(o.id): words.order(call.instrument_of(o), o) for o in orders}}


def closed_orders(call: Call) -> object:
    """Give the orders that have ended, the newest first, in pages."""
    start, end = _bounds(call)
    ended = [
        order
        for order in reversed(call.venue.exchange.orders.values())
        if not order.status.is_open and start < order.updated / 1000 <= end
    ]
    page = ended[call.whole("ofs", 0) :][:PAGE]
    told = {names.order_txid(o.id): words.order(call.instrument_of(o), o) for o in page}
    return {"closed": told, "count": len(ended)}


def query_orders(call: Call) -> object:
    """Give the orders with these ids; one that is not known is left out."""
    found, with_trades = call.orders(), call.params.get("trades", "").lower() == "true"
    wanted = [txid for txid in call.need("txid").split(",") if txid in found]
    return {txid: words.order(call.instrument_of(found[txid]), found[txid], with_trades=with_trades) for txid in wanted}


def add_order(call: Call) -> object:
    """Place an order. One that may only rest and cannot is taken all the same, and cancelled at once."""
    exchange, request = call.venue.exchange, _request(call)
    if call.params.get("validate", "").lower() == "true":
        return {"descr": {"order": "validated"}}
    number = exchange.next_order_id
    try:
        exchange.place(request, call.venue.now())
    except Refusal as refusal:
        if refusal.reason is not Reason.WOULD_TAKE:
            raise
    order = exchange.orders[number]
    told = words.description(call.instrument_of(order), order)["order"]
    return {"descr": {"order": told}, "txid": [names.order_txid(number)]}


def _request(call: Call) -> OrderRequest:
    instrument, flags = call.instrument(), call.params.get("oflags", "").split(",")
    is_market = call.choice("ordertype", ("market", "limit")) == "market"
    kind = Kind.MARKET if is_market else Kind.LIMIT_MAKER if "post" in flags else Kind.LIMIT
    volume, in_quote = call.decimal("volume"), "viqc" in flags
    return OrderRequest(
        symbol=instrument.symbol,
        side=Side(call.choice("type", ("buy", "sell"))),
        kind=kind,
        quantity=Decimal(0) if in_quote else volume,
        price=Decimal(0) if is_market else call.decimal("price"),
        time_in_force=TimeInForce(call.choice("timeinforce", ("GTC", "IOC"), "GTC")),
        client_id=call.params.get("cl_ord_id") or f"{words.NO_CLIENT_ID}{call.venue.exchange.next_order_id}",
        quote_quantity=volume if in_quote else Decimal(0),
    )


def cancel_order(call: Call) -> object:
    """Cancel one order, by its id or by the client's."""
    exchange, client_id = call.venue.exchange, call.params.get("cl_ord_id")
    resting = exchange.open_orders()
    if client_id:
        found = [order for order in resting if order.request.client_id == client_id]
    else:
        txid = call.need("txid")
        found = [order for order in resting if names.order_txid(order.id) == txid]
    if not found:
        raise Refused(words.UNKNOWN_ORDER)
    for order in found:
        exchange.cancel(order, call.venue.now())
    return {"count": len(found)}


def cancel_all(call: Call) -> object:
    """Cancel all open orders of all pairs."""
    orders = call.venue.exchange.open_orders()
    for order in orders:
        call.venue.exchange.cancel(order, call.venue.now())
    return {"count": len(orders)}


def websockets_token(call: Call) -> object:
    """Give a token that opens the account's channels."""
    return {"token": call.tokens.issue(call.venue.now()), "expires": call.tokens.lifetime}


PUBLIC, PRIVATE = "/0/public/", "/0/private/"
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", PUBLIC + "Time", server_time),
    Endpoint("GET", PUBLIC + "SystemStatus", system_status),
    Endpoint("GET", PUBLIC + "Assets", assets),
    Endpoint("GET", PUBLIC + "AssetPairs", asset_pairs),
    Endpoint("GET", PUBLIC + "Ticker", ticker),
    Endpoint("GET", PUBLIC + "Depth", depth),
    Endpoint("GET", PUBLIC + "Trades", trades),
    Endpoint("POST", PRIVATE + "Balance", balances, 1, signed=True),
    Endpoint("POST", PRIVATE + "BalanceEx", extended_balances, 1, signed=True),
    Endpoint("POST", PRIVATE + "TradeVolume", trade_volume, 1, signed=True),
    Endpoint("POST", PRIVATE + "TradesHistory", trades_history, 2, signed=True),
    Endpoint("POST", PRIVATE + "QueryTrades", query_trades, 1, signed=True),
    Endpoint("POST", PRIVATE + "Ledgers", ledgers, 2, signed=True),
    Endpoint("POST", PRIVATE + "OpenOrders", open_orders, 1, signed=True),
    Endpoint("POST", PRIVATE + "ClosedOrders", closed_orders, 1, signed=True),
    Endpoint("POST", PRIVATE + "QueryOrders", query_orders, 1, signed=True),
    Endpoint("POST", PRIVATE + "AddOrder", add_order, 0, signed=True),
    Endpoint("POST", PRIVATE + "CancelOrder", cancel_order, 0, signed=True),
    Endpoint("POST", PRIVATE + "CancelAll", cancel_all, 1, signed=True),
    Endpoint("POST", PRIVATE + "GetWebSocketsToken", websockets_token, 1, signed=True),
)
