"""WebSockets: who subscribed to what, and an ordered outbox per connection that faults can disturb."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from aiohttp import WSMsgType, web

from simulator.web.faults import (
    STREAM,
    DuplicateFills,
    Faults,
    Garbage,
    LateFills,
    Latency,
    LostFills,
    Timeout,
)

NOT_JSON = b'{"e":"depthUpdate","E":'
LONGEST_OUTBOX = 20_000
"""Frames after which a reader is too slow and is dropped."""
POLL_SECONDS = 0.05


class Connection:
    """One WebSocket of a client: frames leave in order, later or spoilt when a fault says so."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, faults: Faults) -> None:
        self._socket = socket
        self._transport = request.transport
        self._faults = faults
        self._outbox: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(LONGEST_OUTBOX)
        self._last_due = 0.0
        self.path = request.path
        self.query = request.query_string
        self.sent = 0
        """How many frames were queued so far."""

    def send(self, frame: bytes) -> None:
        """Queue one text frame."""
        self.sent += 1
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


Frame = Callable[[Connection, int], bytes]
"""Makes the frame that a connection gets, from the number of its private subscription."""


class Hub:
    """All connections of one exchange and what they subscribed to: topics, and channels of the account's events.

    What topics and channels are called is the dialect's business.
    """

    def __init__(self, faults: Faults, private_path: str) -> None:
        self._faults = faults
        self._private_path = private_path
        self._connections: set[Connection] = set()
        self._subscribers: defaultdict[str, dict[Connection, None]] = defaultdict(dict)
        self._private: defaultdict[str, dict[Connection, int]] = defaultdict(dict)
        self._pending: set[asyncio.TimerHandle] = set()
        self._next_subscription = 0

    # -- connections

    def join(self, connection: Connection) -> None:
        """Add an open connection."""
        self._connections.add(connection)

    def leave(self, connection: Connection) -> None:
        """Forget a connection and its subscriptions."""
        self._connections.discard(connection)
        for topic in self._subscribers:
            self.unsubscribe(connection, topic)
        for channel in self._private:
            self.unsubscribe_private(connection, channel)

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

    # -- subscriptions to what is public

    @property
    def stream_count(self) -> int:
        """How many subscriptions to market streams there are."""
        return sum(map(len, self._subscribers.values()))

    def subscribe(self, connection: Connection, topic: str) -> None:
        """Send ``topic`` to ``connection`` from now on."""
        self._subscribers[topic][connection] = None

    def unsubscribe(self, connection: Connection, topic: str) -> None:
        """Stop sending ``topic`` to ``connection``."""
        self._subscribers[topic].pop(connection, None)

    def subscriptions(self, connection: Connection) -> list[str]:
        """Return the topics that ``connection`` receives, sorted."""
        return sorted(topic for topic, who in self._subscribers.items() if connection in who)

    def is_wanted(self, topic: str) -> bool:
        """Return whether anybody subscribed to ``topic``."""
        return bool(self._subscribers.get(topic))

    def subscribers(self) -> list[Connection]:
        """Return the connections with a subscription of any kind."""
        public = {connection: None for who in self._subscribers.values() for connection in who}
        return list(public | {connection: None for who in self._private.values() for connection in who})

    def publish(self, topic: str, frame: Callable[[], bytes]) -> None:
        """Send a frame, made only if somebody wants it, to those who subscribed to ``topic``."""
        subscribers = self._subscribers.get(topic)
        if subscribers:
            made = frame()
            for connection in list(subscribers):
                connection.send(made)

    # -- the account's events

    @property
    def private_count(self) -> int:
        """How many connections receive the account's events."""
        return len({connection for who in self._private.values() for connection in who})

    def subscribe_private(self, connection: Connection, channel: str = "") -> int:
        """Send the account's events of ``channel`` to ``connection``; returns the subscription's number."""
        subscribed = self._private[channel]
        if connection not in subscribed:
            subscribed[connection] = self._next_subscription
            self._next_subscription += 1
        return subscribed[connection]

    def unsubscribe_private(self, connection: Connection, channel: str = "") -> None:
        """Stop sending the account's events of ``channel`` to ``connection``."""
        self._private[channel].pop(connection, None)

    def is_heard(self, channel: str = "") -> bool:
        """Return whether anybody receives the account's events of ``channel``."""
        return bool(self._private.get(channel))

    def tell(self, frame: Frame, channel: str = "") -> None:
        """Send an event of the account to those who subscribed to ``channel``."""
        for connection, number in list(self._private[channel].items()):
            connection.send(frame(connection, number))

    def tell_fill(self, frame: Frame, channel: str = "") -> None:
        """Send a fill as `tell` does, but late, twice or not at all when a fault says so."""
        if self._faults.strike(LostFills, self._private_path, stream=True):
            return
        late = self._faults.strike(LateFills, self._private_path, stream=True)
        delay = late.delay if late else 0.0
        self._later(delay, frame, channel)
        twice = self._faults.strike(DuplicateFills, self._private_path, stream=True)
        for _ in range(twice.copies if twice else 0):
            self._later(delay + (twice.delay if twice else 0.0), frame, channel)

    def _later(self, delay: float, frame: Frame, channel: str) -> None:
        if delay <= 0:
            self.tell(frame, channel)
            return

        def send() -> None:
            self._pending.discard(handle)
            self.tell(frame, channel)

        handle = asyncio.get_running_loop().call_later(delay, send)
        self._pending.add(handle)
