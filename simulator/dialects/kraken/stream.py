"""The WebSockets: public channels of market data, and the account's channels, which a token opens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from weakref import WeakKeyDictionary

import msgspec

from simulator.dialects.kraken import messages
from simulator.dialects.kraken.messages import encode
from simulator.dialects.kraken.tokens import Tokens
from simulator.dialects.kraken.words import Refused
from simulator.engine.orders import BalancesChanged, Event, OrderChanged, Publication, Side, TradePrinted
from simulator.web.dialect import Json, route_of
from simulator.web.hub import Connection, Frame
from simulator.web.venue import Venue

PUBLIC_ROUTE, PRIVATE_ROUTE = "/ws/v2", "/ws-auth/v2"
DEPTHS = (10, 25, 100, 500, 1000)
SNAPSHOT_TRADES = 50
EXECUTIONS, BALANCES = "executions", "balances"
HEARTBEAT = b'{"channel":"heartbeat"}'


class Streams:
    """What the clients of one exchange ask for over WebSocket, and what they are sent."""

    def __init__(self, venue: Venue, tokens: Tokens) -> None:
        self._venue = venue
        self._hub = venue.hub
        self._tokens = tokens
        self._books: dict[str, messages.Top] = {}
        self._told: dict[str, object] = {}  # each currency's total as the balances channel last had it
        self._sequences: WeakKeyDictionary[Connection, int] = WeakKeyDictionary()
        self._sent: WeakKeyDictionary[Connection, int] = WeakKeyDictionary()

    # -- connections

    def opened(self, connection: Connection) -> None:
        """Say that all is well, as the exchange does unasked."""
        connection.send(encode(messages.status()))

    def beat(self) -> None:
        """Send a heartbeat to those who subscribed to something and heard nothing in the last second."""
        for connection in self._hub.subscribers():
            if connection.sent == self._sent.get(connection):
                connection.send(HEARTBEAT)
            self._sent[connection] = connection.sent

    # -- what clients ask for

    def heard(self, connection: Connection, text: str) -> None:
        """Answer a text frame."""
        message, time = _parsed(text), messages.timestamp(self._venue.server_time(connection.path))
        answered: Json = {} if message.get("req_id") is None else {"req_id": message["req_id"]}
        answered |= {"time_in": time, "time_out": time}
        method, params = message.get("method"), message.get("params")
        if method == "ping":
            connection.send(encode({"method": "pong", **answered}))
        elif method in ("subscribe", "unsubscribe") and isinstance(params, dict):
            answered["method"] = method
            self._subscription(connection, params, answered, begins=method == "subscribe")
        else:
            connection.send(encode({"error": "Malformed request", "success": False, **answered}))

    def _subscription(self, connection: Connection, params: Json, answered: Json, *, begins: bool) -> None:
        """Begin or end what is asked for, each symbol on its own."""
        is_private = params.get("channel") in (EXECUTIONS, BALANCES)
        for symbol in [None] if is_private else _symbols(params):
            named = {} if symbol is None else {"symbol": symbol}
            try:
                result, snapshot = self._channel(connection, params, symbol, begins=begins)
            except Refused as refused:
                connection.send(encode({"error": refused.error, "success": False, **named, **answered}))
            else:
                connection.send(encode({"result": {**result, **named}, "success": True, **answered}))
                if begins:
                    for frame in snapshot:
                        connection.send(frame)

    def _channel(
        self, connection: Connection, params: Json, symbol: str | None, *, begins: bool
    ) -> tuple[Json, Sequence[bytes]]:
        """Begin or end one subscription; returns what is confirmed, and the snapshot that it begins with."""
        name = params.get("channel")
        if symbol is None:
            return self._private_channel(connection, params, begins=begins)
        if name not in ("book", "ticker", "trade") or route_of(connection.path) != PUBLIC_ROUTE:
            raise Refused("Subscription name invalid")
        if symbol not in self._venue.exchange.instruments:
            raise Refused(f"Currency pair not supported {symbol}")
        topic, result = _topic(params, symbol)
        if begins:
            self._hub.subscribe(connection, topic)
        else:
            self._hub.unsubscribe(connection, topic)
        return result, self._public_snapshot(params, symbol, topic)

    def _private_channel(self, connection: Connection, params: Json, *, begins: bool) -> tuple[Json, Sequence[bytes]]:
        channel = str(params["channel"])
        if route_of(connection.path) != PRIVATE_ROUTE:
            raise Refused("Subscription name invalid")
        self._tokens.check(params.get("token"), self._venue.now())
        if begins:
            self._hub.subscribe_private(connection, channel)
        else:
            self._hub.unsubscribe_private(connection, channel)
        data = self._balances() if channel == BALANCES else self._executions(params)
        return {"channel": channel}, [self._numbered(connection, channel, "snapshot", data)] if begins else []

    # -- snapshots

    def _public_snapshot(self, params: Json, symbol: str, topic: str) -> Sequence[bytes]:
        if params.get("snapshot") is False or params["channel"] == "trade":
            return []
        if params["channel"] == "ticker":
            return [self._ticker(symbol, "snapshot")]
        self._books[topic] = self._top(topic, symbol)
        book = self._books[topic]
        everything = {side: list(book[side].items()) for side in Side}
        return [encode(messages.book(symbol, everything, book, None))]

    def _executions(self, params: Json) -> list[Json]:
        exchange, data = self._venue.exchange, []
        if params.get("snap_orders") is not False:
            data += [messages.order(exchange.instruments[o.request.symbol], o) for o in exchange.open_orders()]
        if params.get("snap_trades") is True:
            last = reversed(exchange.fills[-SNAPSHOT_TRADES:])
            data += [messages.trade(exchange.instruments[f.symbol], f, exchange.orders.get(f.order_id)) for f in last]
        return data

    def _balances(self) -> list[Json]:
        holdings = self._venue.exchange.account
        self._told = {code: holdings.total(code) for code in holdings.assets()}
        return [messages.holding(code, holdings.total(code)) for code in holdings.assets()]

    # -- what they are sent

    def hear(self, event: Event) -> None:
        """Pass an event of the engine on to those who subscribed to it."""
        if isinstance(event, Publication):
            self._publication(event)
        elif isinstance(event, TradePrinted):
            self._hub.publish(f"trade/{event.symbol}", lambda: encode(messages.public_trade(event)))
            self._hub.publish(f"ticker/trades/{event.symbol}", partial(self._ticker, event.symbol, "update"))
        elif isinstance(event, OrderChanged):
            self._order(event)
        else:
            self._balance(event)

    def _publication(self, event: Publication) -> None:
        for depth in DEPTHS:
            topic = f"book/{depth}/{event.symbol}"
            if self._hub.is_wanted(topic):
                before, after = self._books[topic], self._top(topic, event.symbol)
                self._books[topic] = after
                changes = {side: self._changes(event.symbol, side, before, after) for side in Side}
                if any(changes.values()):
                    message = messages.book(event.symbol, changes, after, event.time)
                    self._hub.publish(topic, partial(encode, message))
        if event.best_changed:
            self._hub.publish(f"ticker/bbo/{event.symbol}", partial(self._ticker, event.symbol, "update"))

    def _top(self, topic: str, symbol: str) -> messages.Top:
        depth, book = int(topic.split("/")[1]), self._venue.exchange.book(symbol)
        return {side: dict(book.published(side)[:depth]) for side in Side}

    def _changes(self, symbol: str, side: Side, before: messages.Top, after: messages.Top) -> list[messages.Level]:
        """What a client has to change: what only fell out of its depth, it leaves out by itself."""
        published = {price for price, _ in self._venue.exchange.book(symbol).published(side)}
        gone = [(price, messages.NOTHING) for price in before[side] if price not in published]
        return [*gone, *(level for level in after[side].items() if before[side].get(level[0]) != level[1])]

    def _ticker(self, symbol: str, kind: str) -> bytes:
        totals, best = self._venue.statistics.of(symbol), self._venue.exchange.publications[symbol]
        return encode(messages.ticker(symbol, kind, totals, best))

    def _order(self, event: OrderChanged) -> None:
        if not self._hub.is_heard(EXECUTIONS):
            return
        instrument = self._venue.exchange.instruments[event.order.request.symbol]
        if event.fill is not None:
            trade = messages.trade(instrument, event.fill, event.order)
            self._hub.tell_fill(self._frame(EXECUTIONS, [trade]), EXECUTIONS)
        for change in messages.changes(instrument, event):
            self._hub.tell(self._frame(EXECUTIONS, [change]), EXECUTIONS)

    def _balance(self, event: BalancesChanged) -> None:
        """Tell of totals that changed; what orders hold is not told here."""
        if not self._hub.is_heard(BALANCES):
            return
        holdings = self._venue.exchange.account
        changed = [code for code in event.assets if holdings.total(code) != self._told.get(code)]
        if changed:
            self._told |= {code: holdings.total(code) for code in changed}
            data = [messages.holding(code, holdings.total(code)) for code in changed]
            self._hub.tell(self._frame(BALANCES, data), BALANCES)

    def _frame(self, channel: str, data: list[Json]) -> Frame:
        return lambda connection, _: self._numbered(connection, channel, "update", data)

    def _numbered(self, connection: Connection, channel: str, kind: str, data: list[Json]) -> bytes:
        """Return a frame of the account's channels: each connection's have numbers without a gap."""
        self._sequences[connection] = self._sequences.get(connection, 0) + 1
        return encode({"channel": channel, "type": kind, "data": data, "sequence": self._sequences[connection]})


def _topic(params: Json, symbol: str) -> tuple[str, Json]:
    """Return the hub's name of a public subscription, and what is confirmed of it."""
    channel, result = str(params["channel"]), {"channel": params["channel"]}
    if channel == "book":
        depth = params.get("depth", DEPTHS[0])
        if depth not in DEPTHS:
            raise Refused("Subscription depth not supported")
        return f"book/{depth}/{symbol}", {**result, "depth": depth}
    if channel == "ticker":
        trigger = params.get("event_trigger", "trades")
        if trigger not in ("trades", "bbo"):
            raise Refused("Subscription object unsupported field")
        return f"ticker/{trigger}/{symbol}", {**result, "event_trigger": trigger}
    return f"trade/{symbol}", result


def _symbols(params: Json) -> Iterable[str]:
    symbols = params.get("symbol")
    return map(str, symbols) if isinstance(symbols, list) else [str(symbols)]


def _parsed(text: str) -> Json:
    """Return the message, an empty one when it is none."""
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except msgspec.DecodeError:
        return {}
