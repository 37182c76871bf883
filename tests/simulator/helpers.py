"""What the simulator's tests share: ccxt clients, waiting, and a recorder of the depth stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp
import ccxt.pro

from simulator.server import Simulator

T = TypeVar("T")
PATIENCE = 30.0


@asynccontextmanager
async def client(simulator: Simulator, exchange: str = "alpha", **more: object) -> AsyncIterator[Any]:
    """A ccxt.pro client of one exchange, closed at the end."""
    settings = {**simulator.ccxt_config(exchange), "enableRateLimit": False, "timeout_on_exit": 10, **more}
    instance = getattr(ccxt.pro, simulator.ccxt_id(exchange))(settings)
    try:
        yield instance
    finally:
        await instance.close()


async def until(question: Callable[[], T | bool | None]) -> T:
    """Ask until the answer is true, and give it; fails when that takes too long."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = question()
            if answer:
                return answer  # type: ignore[return-value]  # a plain True is only for those who ignore it
            await asyncio.sleep(0.01)


async def soon(work: Awaitable[T]) -> T:
    """Await, but not for ever."""
    async with asyncio.timeout(PATIENCE):
        return await work


@dataclass
class Recorder:
    """Keeps a book from raw depth messages, and every (time, mid, update id) that the stream published."""

    symbol: str
    last_update: int = -1
    bids: dict[Decimal, Decimal] = field(default_factory=dict)
    asks: dict[Decimal, Decimal] = field(default_factory=dict)
    mids: list[tuple[int, Decimal]] = field(default_factory=list)
    gaps: int = 0

    def load(self, snapshot: dict[str, Any]) -> None:
        """Start from a REST snapshot."""
        self.last_update = snapshot["lastUpdateId"]
        self.bids = {Decimal(p): Decimal(q) for p, q in snapshot["bids"]}
        self.asks = {Decimal(p): Decimal(q) for p, q in snapshot["asks"]}
        self.mids.append((0, self.mid))

    def apply(self, message: dict[str, Any]) -> None:
        """Apply one diff that is newer than the book."""
        if message["u"] <= self.last_update:
            return
        self.gaps += message["U"] != self.last_update + 1
        self.last_update = message["u"]
        for book, changes in ((self.bids, message["b"]), (self.asks, message["a"])):
            for price, quantity in changes:
                if Decimal(quantity):
                    book[Decimal(price)] = Decimal(quantity)
                else:
                    del book[Decimal(price)]
        self.mids.append((message["E"], self.mid))

    @property
    def mid(self) -> Decimal:
        return (max(self.bids) + min(self.asks)) / 2

    def mid_at(self, time: int) -> Decimal:
        """The mid of the last publication at or before `time` (ms)."""
        return [mid for published, mid in self.mids if published <= time][-1]


@asynccontextmanager
async def recording(simulator: Simulator, exchange: str, *symbols: str) -> AsyncIterator[dict[str, Recorder]]:
    """Record the depth streams of `symbols` from raw frames, without ccxt and without the engine."""
    recorders = {symbol.replace("/", ""): Recorder(symbol) for symbol in symbols}
    root = f"{simulator.base_url}/{exchange}"
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{root}/stream/ws/0") as socket:
        streams = [f"{name.lower()}@depth@100ms" for name in recorders]
        await socket.send_json({"method": "SUBSCRIBE", "params": streams, "id": 1})
        assert json.loads((await socket.receive()).data) == {"result": None, "id": 1}
        for name, recorder in recorders.items():
            async with session.get(f"{root}/api/v3/depth", params={"symbol": name}) as answer:
                recorder.load(await answer.json())

        async def follow() -> None:
            async for frame in socket:
                message = json.loads(frame.data)
                recorders[message["s"]].apply(message)

        task = asyncio.create_task(follow())
        try:
            yield {recorder.symbol: recorder for recorder in recorders.values()}
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
