"""The two WebSockets: market streams, and the request API that carries the account's events."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from simulator.dialects.binance import tickers, words
from simulator.dialects.binance.signing import check_message
from simulator.dialects.binance.words import Refused
from simulator.engine.orders import BalancesChanged, Event, OrderChanged, Publication, TradePrinted
from simulator.web.dialect import Json, encode, route_of
from simulator.web.hub import Connection, Frame
from simulator.web.venue import Venue

KINDS = ("depth@100ms", "bookTicker", "trade", "aggTrade", "miniTicker", "ticker")
MARKET_ROUTE, PRIVATE_ROUTE = "/stream/ws/", "/ws-api/v3"
INVALID_REQUEST = {"code": 2, "msg": "Invalid request: it is not a JSON object with a method"}


class Streams:
    """What the clients of one exchange ask for over WebSocket, and what they are sent."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.hub = venue.hub
        self.ids = {symbol: instrument.market_id for symbol, instrument in venue.exchange.instruments.items()}

    def has_socket(self, route: str) -> bool:
        """Return whether there is a WebSocket here: ``/stream/ws/<n>`` or the request API."""
        return route == PRIVATE_ROUTE or (route.startswith(MARKET_ROUTE) and len(route) > len(MARKET_ROUTE))

    def opened(self, connection: Connection) -> None:
        """Say nothing: clients speak first."""

    # -- what clients ask for

    def heard(self, connection: Connection, text: str) -> None:
        """Answer a text frame."""
        is_private = route_of(connection.path) == PRIVATE_ROUTE
        answer = self._api_answer(connection, text) if is_private else self.market_answer(connection, text)
        connection.send(encode(answer))

    def market_answer(self, connection: Connection, text: str) -> Json:
        """Answer a request for market streams."""
        message = _parsed(text)
        if message is None:
            return {"error": INVALID_REQUEST, "id": None}
        number, method, params = message.get("id"), message["method"], message.get("params", [])
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": self.hub.subscriptions(connection), "id": number}
        streams = [str(stream) for stream in params] if isinstance(params, list) else [str(params)]
        unknown = [stream for stream in streams if not self._knows(stream)]
        if unknown:
            return {"error": {"code": 2, "msg": f"Invalid request: invalid stream {unknown[0]}"}, "id": number}
        if method == "SUBSCRIBE":
            for stream in streams:
                self.hub.subscribe(connection, stream)
        elif method == "UNSUBSCRIBE":
            for stream in streams:
                self.hub.unsubscribe(connection, stream)
        else:
            return {"error": {"code": 2, "msg": f"Invalid request: unknown method {method}"}, "id": number}
        return {"result": None, "id": number}

    def _knows(self, stream: str) -> bool:
        """Return whether ``<symbol>@<kind>`` exists here."""
        market_id, _, kind = stream.partition("@")
        return kind in KINDS and market_id.upper() in self.ids.values()

    def _api_answer(self, connection: Connection, text: str) -> Json:
        message = _parsed(text)
        if message is None:
            return {"id": None, "status": 400, "error": INVALID_REQUEST}
        try:
            result = self._api_result(connection, message)
        except Refused as refused:
            return {"id": message.get("id"), "status": refused.status, "error": refused.body()}
        return {"id": message.get("id"), "status": 200, "result": result, "rateLimits": []}

    def _api_result(self, connection: Connection, message: Json) -> Json:
        method, params = message["method"], message.get("params")
        if method == "ping":
            return {}
        if method == "time":
            return {"serverTime": self.venue.server_time(connection.path)}
        if method == "userDataStream.subscribe.signature":
            signed = params if isinstance(params, dict) else {}
            check_message(self.venue.credentials, signed, self.venue.server_time(connection.path))
            return {"subscriptionId": self.hub.subscribe_private(connection)}
        if method == "userDataStream.unsubscribe":
            self.hub.unsubscribe_private(connection)
            return {}
        raise Refused(-1020, f"This operation is not supported: {method}")

    # -- what they are sent

    def hear(self, event: Event) -> None:
        """Pass an event of the engine on to those who subscribed to it."""
        if isinstance(event, Publication):
            self.publication(event)
        elif isinstance(event, TradePrinted):
            self._trade(event)
        elif isinstance(event, OrderChanged):
            self.order(event)
        else:
            self.balances(event)

    def each_second(self, now: int) -> None:
        """Send the rolling statistics of each symbol."""
        statistics, published = self.venue.statistics, self.venue.exchange.publications
        for symbol, instrument in self.venue.exchange.instruments.items():
            totals, best = statistics.of(symbol), published[symbol]
            self.public(instrument.market_id, "miniTicker", partial(tickers.mini, instrument, totals, now))
            full = partial(tickers.ticker, instrument, totals, best, statistics.started, now)
            self.public(instrument.market_id, "ticker", full)

    def publication(self, event: Publication) -> None:
        """Send a change of a book."""
        market_id = self.ids[event.symbol]
        self.public(market_id, "depth@100ms", lambda: words.depth_update(market_id, event))
        if event.best_changed:
            self.public(market_id, "bookTicker", lambda: words.stream_book_ticker(market_id, event))

    def _trade(self, event: TradePrinted) -> None:
        market_id = self.ids[event.symbol]
        self.public(market_id, "trade", lambda: words.stream_trade(market_id, event))
        self.public(market_id, "aggTrade", lambda: words.stream_aggregate_trade(market_id, event))

    def public(self, market_id: str, kind: str, message: Callable[[], Json]) -> None:
        """Send a message to those who subscribed to a kind of stream of a market."""
        self.hub.publish(f"{market_id.lower()}@{kind}", lambda: encode(message()))

    def order(self, event: OrderChanged) -> None:
        """Tell the account of a change of an order."""
        if not self.hub.is_heard():
            return
        instrument = self.venue.exchange.instruments[event.order.request.symbol]
        frame = _private(encode(words.execution_report(instrument, event)))
        if event.fill is None:
            self.hub.tell(frame)
        else:
            self.hub.tell_fill(frame)

    def balances(self, event: BalancesChanged) -> None:
        """Tell the account of changed balances."""
        if self.hub.is_heard():
            holdings = self.venue.exchange.account
            self.hub.tell(_private(encode(words.account_position(holdings, event.assets, event.time))))


def _private(event: bytes) -> Frame:
    return lambda _, number: b'{"subscriptionId":%d,"event":%b}' % (number, event)


def _parsed(text: str) -> Json | None:
    try:
        message = msgspec.json.decode(text, type=dict[str, object])
    except msgspec.DecodeError:
        return None
    return message if isinstance(message.get("method"), str) else None
