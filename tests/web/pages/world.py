"""An exporter at a time that a test moves, so that an hour of figures is there at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import yaml

from exporter.config import parse
from exporter.events import Cache, Request
from exporter.intake import Intake
from exporter.live import Live
from exporter.live.ring import STEP
from exporter.state.exchange import PROBE
from exporter.state.state import State
from exporter.stream import Hub
from exporter.web.server import serve
from tests.builders import book, fill, quote


class World:
    """``now`` is its time; what is told to it happens then."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.now = time.time() // STEP * STEP
        self.state = State(parse(yaml.safe_dump(config)), clock=lambda: self.now)
        self.live = Live(self.state)
        self.hub = Hub(self.state, self.state.config.stream, self.live.views())
        self.intake = Intake(self.state)
        self.url = ""
        self._trades = 0

    def tell(self, *events: Any) -> None:
        for event in events:
            assert self.intake.accept(event, "push")

    def trade(self, **changes: Any) -> None:
        """A fill of BTC/USDT comes."""
        self._trades += 1
        self.tell(fill(str(self._trades), "buy", "63000.50", "0.0200", self.now, **changes))

    def busy(self) -> None:
        """A little of everything happens."""
        self.tell(
            *(Request(route="/", status=200, duration=0.04, ts=self.now) for _ in range(10)),
            book(62990.0, 63010.0, self.now),
            quote(62995.0, 63005.0, self.now),
        )
        for name, seconds in (("alpha", 0.02), ("beta", 0.3)):
            self.state.exchanges[name].request(PROBE, seconds, None)
        counted = int(self.now)
        self.tell(Cache(cache="c", tier="l1", hits=9 * counted, misses=counted, ts=self.now))

    def rush(self, seconds: int) -> None:
        """The same, so quickly that nobody else has a turn."""
        for _ in range(seconds):
            self.now += 1
            self.busy()
            self.live.ring.look()

    async def wait(self, seconds: int, happens: Callable[[], None] | None = None) -> None:
        """Let time pass, with a look every second."""
        for _ in range(seconds):
            self.now += 1
            (happens or self.busy)()
            await self.live.ring.read()
            self.live.ring.look()


@asynccontextmanager
async def world(**config: Any) -> AsyncIterator[World]:
    """One that is served until the block ends."""
    found = World({"web": {"listen": "127.0.0.1:0"}, "currency": {"pegs": {"USDT": 1}}} | config)
    web = found.state.config.web
    async with serve(web, found.state, found.hub, found.live) as found.url:
        telling = asyncio.create_task(found.hub.run())
        try:
            yield found
        finally:
            found.hub.close()
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
