"""WebSockets: who subscribed to what, and an ordered outbox per connection that faults can disturb."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from aiohttp import WSMsgType, web

from simulator import dialect
from simulator.exchange import Exchange
from simulator.faults import (
    STREAM,
    DuplicateFills,
    Faults,
    Garbage,
    LateFills,
    Latency,
    LostFills,
    Timeout,
)
from simulator.orders import BalancesChanged, Event, OrderChanged, Publication, TradePrinted

if TYPE_CHECKING:
    from simulator.statistics import Statistics

KINDS = ("depth@100ms", "bookTicker", "trade", "aggTrade", "miniTicker", "ticker")
PRIVATE_PATH = "/ws-api/v3"
NOT_JSON = b'{"e":"depthUpdate","E":'
LONGEST_OUTBOX = 20_000
"""Frames after which a reader is too slow and is dropped."""
POLL_SECONDS = 0.05

encode = msgspec.json.Encoder().encode


class Connection:
    """One WebSocket of a client: frames leave in order, later or spoilt when a fault says so."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, faults: Faults) -> None:
        self._socket = socket
        self._transport = request.transport
        self._faults = faults
        self._outbox: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(LONGEST_OUTBOX)
        self._last_due = 0.0
        self.path = request.path

    def send(self, frame: bytes) -> None:
        """Queue one text frame."""
        now = asyncio.get_running_loop().time()
        latency = self._faults.strike(Latency, self.path, stream=True)
        self._last_due = max(self._last_due, now + (latency.seconds if latency else 0.0))
        if self._faults.strike(Garbage, self.path, stream=True, flavours=("not_json_frame",)):
            frame = NOT_JSON
        try:
            self._outbox.put_nowait((self._last_due, frame))
        except asyncio.QueueFull:
            self.drop()

    def drop(self) -> None:
        """Cut the connection without a closing handshake."""
        if self._transport is not None:
            self._transport.abort()

    async def pump(self) -> None:
        """Send what is queued until the connection ends."""
        loop = asyncio.get_running_loop()
        while True:
            due, frame = await self._outbox.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            while self._faults.find(Timeout, self.path, stream=True):  # noqa: ASYNC110 - it may end by the clock
                await asyncio.sleep(POLL_SECONDS)
            try:
                await self._socket.send_frame(frame, WSMsgType.TEXT)
            except ConnectionError:
                return


class Hub:
    """All connections of one exchange; hears the engine's events and passes them on as frames."""

    def __init__(self, exchange: Exchange, faults: Faults, statistics: Statistics) -> None:
        self._exchange = exchange
        self._faults = faults
        self._statistics = statistics
        self._connections: set[Connection] = set()
        self._subscribers: defaultdict[str, set[Connection]] = defaultdict(set)
        self._private: dict[Connection, int] = {}
        self._pending: set[asyncio.TimerHandle] = set()
        self._next_subscription = 0
        self._ids = {s: instrument.market_id for s, instrument in exchange.instruments.items()}

    # -- connections

    def join(self, connection: Connection) -> None:
        """Add an open connection."""
        self._connections.add(connection)

    def leave(self, connection: Connection) -> None:
        """Forget a connection and its subscriptions."""
        self._connections.discard(connection)
        self._private.pop(connection, None)
        for subscribers in self._subscribers.values():
            subscribers.discard(connection)

    def drop(self, route: str | None) -> int:
        """Cut all connections whose path contains ``route`` (None or ``stream``: all); returns how many."""
        chosen = [c for c in self._connections if route in (None, STREAM) or str(route) in c.path]
        for connection in chosen:
            connection.drop()
        return len(chosen)

    def close(self) -> None:
        """Cancel what was to be sent later."""
        for handle in self._pending:
            handle.cancel()
        self._pending.clear()

    # -- subscriptions

    @property
    def stream_count(self) -> int:
        """How many subscriptions to market streams there are."""
        return sum(map(len, self._subscribers.values()))

    @property
    def private_count(self) -> int:
        """How many connections receive the account's events."""
        return len(self._private)

    def knows(self, stream: str) -> bool:
        """Return whether ``<symbol>@<kind>`` exists here."""
        market_id, _, kind = stream.partition("@")
        return kind in KINDS and market_id.upper() in self._ids.values()

    def subscribe(self, connection: Connection, stream: str) -> None:
        """Send ``stream`` to ``connection`` from now on."""
        self._subscribers[stream].add(connection)

    def unsubscribe(self, connection: Connection, stream: str) -> None:
        """Stop sending ``stream`` to ``connection``."""
        self._subscribers[stream].discard(connection)

    def subscriptions(self, connection: Connection) -> list[str]:
        """Return the streams that ``connection`` receives."""
        return sorted(stream for stream, who in self._subscribers.items() if connection in who)

    def subscribe_private(self, connection: Connection) -> int:
        """Send the account's events to ``connection``; returns the subscription's id."""
        if connection not in self._private:
            self._private[connection] = self._next_subscription
            self._next_subscription += 1
        return self._private[connection]

    def unsubscribe_private(self, connection: Connection) -> None:
        """Stop sending the account's events to ``connection``."""
        self._private.pop(connection, None)

    # -- events

    def hear(self, event: Event) -> None:
        """Pass an event of the engine on to those who subscribed to it."""
        if isinstance(event, Publication):
            self._publication(event)
        elif isinstance(event, TradePrinted):
            self._trade(event)
        elif isinstance(event, OrderChanged):
            self._order(event)
        else:
            self._balances(event)

    def tickers(self, now: int) -> None:
        """Send the rolling statistics of each symbol; called once a second."""
        for symbol, market_id in self._ids.items():
            self._public(market_id, "miniTicker", partial(self._statistics.mini, symbol, now))
            self._public(market_id, "ticker", partial(self._statistics.ticker, symbol, now))

    def _publication(self, event: Publication) -> None:
        market_id = self._ids[event.symbol]
        self._public(market_id, "depth@100ms", lambda: dialect.depth_update(market_id, event))
        if event.best_changed:
            self._public(market_id, "bookTicker", lambda: dialect.stream_book_ticker(market_id, event))

    def _trade(self, event: TradePrinted) -> None:
        market_id = self._ids[event.symbol]
        self._public(market_id, "trade", lambda: dialect.stream_trade(market_id, event))
        self._public(market_id, "aggTrade", lambda: dialect.stream_aggregate_trade(market_id, event))

    def _public(self, market_id: str, kind: str, message: Callable[[], dialect.Json]) -> None:
        subscribers = self._subscribers.get(f"{market_id.lower()}@{kind}")
        if subscribers:
            frame = encode(message())
            for connection in list(subscribers):
                connection.send(frame)

    def _order(self, event: OrderChanged) -> None:
        if not self._private:
            return
        instrument = self._exchange.instruments[event.order.request.symbol]
        frame = encode(dialect.execution_report(instrument, event))
        if event.fill is None:
            self._send_private(frame)
        else:
            self._send_fill(frame)

    def _send_fill(self, frame: bytes) -> None:
        if self._faults.strike(LostFills, PRIVATE_PATH, stream=True):
            return
        late = self._faults.strike(LateFills, PRIVATE_PATH, stream=True)
        delay = late.delay if late else 0.0
        self._later(delay, frame)
        twice = self._faults.strike(DuplicateFills, PRIVATE_PATH, stream=True)
        for _ in range(twice.copies if twice else 0):
            self._later(delay + (twice.delay if twice else 0.0), frame)

    def _balances(self, event: BalancesChanged) -> None:
        if self._private:
            self._send_private(encode(dialect.account_position(self._exchange.account, event.assets, event.time)))

    def _later(self, delay: float, frame: bytes) -> None:
        if delay <= 0:
            self._send_private(frame)
            return

        def send() -> None:
            self._pending.discard(handle)
            self._send_private(frame)

        handle = asyncio.get_running_loop().call_later(delay, send)
        self._pending.add(handle)

    def _send_private(self, frame: bytes) -> None:
        for connection, number in list(self._private.items()):
            connection.send(b'{"subscriptionId":%d,"event":%b}' % (number, frame))
