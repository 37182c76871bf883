"""Turns: what changed goes to the tables, from there to the channels, from there to the clients.

Clients are divided among shards whose turns follow each other evenly within the interval, so that no turn takes long
and nobody has to wait for a thousand others to be served.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from time import perf_counter

from exporter.config import Stream as Settings
from exporter.state.state import State
from exporter.stream import protocol
from exporter.stream.channel import Channel
from exporter.stream.client import Client
from exporter.stream.protocol import Selection, Subscribe
from exporter.stream.views import AlertsView, PnlView, SpreadsView, TradesView, View

_SHARDS = 16
_BUDGET = 0.001  # seconds for bringing tables up to date, or for telling, before everybody else has a turn

Key = tuple[str, Selection, int]


class Shard:
    """Some of the clients, and the channels that they listen to."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self.channels: dict[Key, Channel] = {}
        self.turns = 0

    def tell(self, now: float) -> Iterator[None]:
        """One turn, in steps: each channel whose turn it is tells its clients what changed."""
        self.turns += 1
        for channel in list(self.channels.values()):
            if self.turns % channel.every == 0:
                yield from channel.tell(now)


class Hub:
    """All streams and all clients; ``epoch`` names this run, within which numbers of changes count.

    ``more`` are streams of what is worked out elsewhere.
    """

    def __init__(self, state: State, settings: Settings, more: Mapping[str, View] | None = None) -> None:
        self.epoch = secrets.token_hex(4)
        self.settings = settings
        self._state = state
        self._views: dict[str, View] = {
            "alerts": AlertsView(state),
            "trades": TradesView(state),
            "pnl": PnlView(state),
            "spreads": SpreadsView(state),
            **(more or {}),
        }
        self._order = deque(self._views)
        self._listened: dict[str, int] = dict.fromkeys(self._views, 0)
        self._refreshing: dict[str, Iterator[None]] = {}
        self._completing = {stream: asyncio.Lock() for stream in self._views}
        self._shards = [Shard() for _ in range(_SHARDS)]
        self._wanted = asyncio.Event()
        self._channels = 0
        self._closed = False

    @property
    def strangers(self) -> int:
        """Connections of those without the token."""
        return sum(not client.trusted for shard in self._shards for client in shard.clients)

    @property
    def streams(self) -> Collection[str]:
        """Those that there are."""
        return self._views.keys()

    def enter(self, client: Client) -> None:
        """A connection begins."""
        shard = min(self._shards, key=lambda each: len(each.clients))
        shard.clients.add(client)
        self._state.stream.connections += 1
        if self._closed:
            _go_away(client)

    def exit(self, client: Client) -> None:
        """A connection is over."""
        client.leave_all()
        for shard in self._shards:
            if client in shard.clients:
                shard.clients.remove(client)
                self._state.stream.connections -= 1

    async def subscribe(self, client: Client, wanted: Subscribe) -> None:
        """Begin to tell a client of a stream; all that there is now is on its way when this returns."""
        await self._complete(wanted.stream)
        shard = next((each for each in self._shards if client in each.clients), None)
        if shard is None:  # it left meanwhile
            return
        key = wanted.stream, wanted.selection, self._every(wanted.interval_ms)
        channel = shard.channels.get(key)
        if channel is None:
            self._channels += 1
            channel = Channel(self._channels, wanted.stream, self._views[wanted.stream].table, *key[1:])
            shard.channels[key] = channel
        if channel.number not in client.channels:
            self._listened[wanted.stream] += 1
            self._wanted.set()
        client.channels[channel.number] = lambda: self._leave(client, shard, key)
        client.say(protocol.told("subscribed", wanted, stream=wanted.stream, channel=channel.number))
        for _ in channel.join(client, self.epoch, wanted.resume, self._state.clock()):
            await asyncio.sleep(0)  # a turn of the loop for everybody else
            if not await client.room():
                return

    def _every(self, interval_ms: float) -> int:
        return max(1, round(interval_ms / 1000 / self.settings.interval_seconds))

    def _leave(self, client: Client, shard: Shard, key: Key) -> None:
        self._listened[key[0]] -= 1
        channel = shard.channels[key]
        channel.leave(client)
        if channel.is_empty:
            del shard.channels[key]

    async def run(self) -> None:
        """Take turns as long as anybody listens."""
        step = self.settings.interval_seconds / _SHARDS
        at = perf_counter()
        while True:
            if not any(self._listened.values()):
                self._wanted.clear()
                await self._wanted.wait()
                at = perf_counter()
            for shard in self._shards:
                at = max(at + step, perf_counter() - self.settings.interval_seconds)  # no more is made up for
                await asyncio.sleep(at - perf_counter())
                self._refresh()
                await self._tell(shard)

    async def _tell(self, shard: Shard) -> None:
        until = perf_counter() + _BUDGET
        for _ in shard.tell(self._state.clock()):
            if perf_counter() > until:
                await asyncio.sleep(0)
                until = perf_counter() + _BUDGET

    def close(self) -> None:
        """End all connections, those that are just being made as well, with the reason."""
        self._closed = True
        for shard in self._shards:
            for client in list(shard.clients):
                _go_away(client)

    def _refresh(self) -> None:
        """Bring the tables up to date, for as long as a turn may take; the one that is next begins the next turn."""
        until = perf_counter() + _BUDGET
        for _ in self._views:
            stream = self._order[0]
            self._order.rotate(-1)
            if self._listened[stream] and not self._step(stream, until):
                return

    def _step(self, stream: str, until: float) -> bool:
        """Whether all of a stream was done in time."""
        steps = self._refreshing.get(stream) or self._views[stream].refresh()
        for _ in steps:
            if perf_counter() > until:
                self._refreshing[stream] = steps
                return False
        self._refreshing.pop(stream, None)
        return True

    async def _complete(self, stream: str) -> None:
        """Bring a stream's table up to date for a first look, with pauses for everybody else.

        While nobody listened, what changes by time alone went unseen. Only one at a time does this, since a thousand
        clients that come back at once would leave no pauses.
        """
        async with self._completing[stream]:
            if not self._listened[stream]:
                self._views[stream].look_again()
                self._refreshing.pop(stream, None)
            while True:
                if self._step(stream, perf_counter() + _BUDGET):
                    return
                await asyncio.sleep(0)


def _go_away(client: Client) -> None:
    client.end(protocol.GOING_AWAY, "the exporter stops; come again")
