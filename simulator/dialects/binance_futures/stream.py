"""The WebSockets of futures: market streams, and one that sends the account's events to whoever has its key."""

from __future__ import annotations

from urllib.parse import parse_qs

from simulator.dialects.binance.stream import Streams
from simulator.dialects.binance_futures import words
from simulator.engine.orders import BalancesChanged, OrderChanged, Publication
from simulator.web.dialect import encode, route_of
from simulator.web.hub import Connection
from simulator.web.venue import Venue

LISTEN_KEY = "simulatedListenKey"
LINEAR_ROUTES = ("/public/ws/", "/market/ws/")
LINEAR_PRIVATE = "/private/ws"
INVERSE_ROUTE = "/ws/"


class FuturesStreams(Streams):
    """As of spot, but for the private one, and for the shapes of what is sent."""

    def __init__(self, venue: Venue, *, inverse: bool) -> None:
        super().__init__(venue)
        self._inverse = inverse

    def listen_key(self) -> str:
        """Return the key that opens the private WebSocket; it stays the same."""
        return f"{LISTEN_KEY}{self.venue.name}"

    def has_socket(self, route: str) -> bool:
        """Return whether there is a WebSocket here."""
        routes = (INVERSE_ROUTE,) if self._inverse else LINEAR_ROUTES
        is_market = any(route.startswith(each) and len(route) > len(each) for each in routes)
        return is_market or (route == LINEAR_PRIVATE and not self._inverse)

    def opened(self, connection: Connection) -> None:
        """Subscribe whoever comes with the key to the account's events, and drop who has a wrong one."""
        route, key = route_of(connection.path), self.listen_key()
        if self._inverse:
            if route == INVERSE_ROUTE + key:
                self.hub.subscribe_private(connection)
        elif route == LINEAR_PRIVATE:
            if parse_qs(connection.query).get("listenKey") == [key]:
                self.hub.subscribe_private(connection)
            else:
                connection.drop()

    def heard(self, connection: Connection, text: str) -> None:
        """Answer a text frame."""
        connection.send(encode(self.market_answer(connection, text)))

    def publication(self, event: Publication) -> None:
        """Send a change of a book."""
        instrument = self.venue.exchange.instruments[event.symbol]
        self.public(instrument.market_id, "depth@100ms", lambda: words.depth_update(instrument, event))
        if event.best_changed:
            self.public(instrument.market_id, "bookTicker", lambda: words.book_ticker(instrument, event))

    def order(self, event: OrderChanged) -> None:
        """Tell the account of a change of an order."""
        if not self.hub.is_heard():
            return
        instrument = self.venue.exchange.instruments[event.order.request.symbol]
        frame = encode(words.order_trade_update(instrument, event))
        tell = self.hub.tell if event.fill is None else self.hub.tell_fill
        tell(lambda _connection, _number: frame)

    def balances(self, event: BalancesChanged) -> None:
        """Tell the account of changed balances and positions."""
        if self.hub.is_heard():
            frame = encode(words.account_update(self.venue.exchange, event.assets, event.time))
            self.hub.tell(lambda _connection, _number: frame)
