"""What makes alerts fire: the systems around an exporter, which a test lets misbehave.

Everything enters by the front door: events over HTTP, real cache servers, streams in Redis, files on disk.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import aiomcache
import psutil
from redis.asyncio import Redis

from simulator.stack.ports import LOOPBACK

PULSE = 0.5
"""Seconds between two tellings of everything that goes on."""

TRADER = "TESTER-001"

Event = dict[str, Any]


class Desk:
    """A desk whose systems tell what they do; its attributes are what may go wrong.

    ``seconds`` is how long its own API takes, ``failing`` the share of requests that it fails; ``sol`` the price of
    what it holds; ``feature`` what its model is told. On each of ``exchanges`` its account ``vault`` reports ``vault``
    dollars and ``contracts``, of which the books know nothing.
    """

    def __init__(self, *exchanges: str) -> None:
        self.seconds = 0.02
        self.failing = 0.0
        self.sol = 100.0
        self.feature = 0.0
        self.vault = "1000"
        self.contracts = "0"
        self.exchanges = exchanges
        self._chance = random.Random(7)
        self._number = 0

    def trades(self) -> list[Event]:
        """Buy more than is allowed, in parts whose mean price has no end; one pays a fee that has no rate."""
        bought = [
            self._fill(symbol="SOL/USDT", price=price, quantity=size) for price, size in (("100", "70"), ("99", "50"))
        ]
        bought.append(self._fill(symbol="SOL/USDT", price="98.7", quantity="7", side="sell"))
        unknown = {"currency": "QQQ", "amount": "1"}
        return [*bought, self._fill(symbol="ETH/USDT", price="2000", quantity="0.01", account="odd", fee=unknown)]

    def moment(self) -> list[Event]:
        """All that is told of one moment."""
        events = [*self._books(), *self._requests(), *self._predictions()]
        return [*events, *(event for exchange in self.exchanges for event in self._reports(exchange))]

    def _fill(self, **fields: Any) -> Event:
        self._number += 1
        head = {"type": "fill", "exchange": "desk", "account": "main", "strategy": "held", "side": "buy"}
        return {**head, "trade_id": str(self._number), "ts": time.time(), **fields}

    def _books(self) -> Iterator[Event]:
        """Prices, and quotes that are ten times as wide as the market."""
        now = time.time()
        for exchange in self.exchanges:
            yield top("book", exchange, "BTC/USDT:USDT", 60_000.0, 1.0, now)
        yield top("book", "desk", "SOL/USDT", self.sol, 0.1, now)
        yield top("book", "desk", "ETH/USDT", 2000.0, 1.0, now)
        yield top("quote", "desk", "ETH/USDT", 2000.0, 10.0, now) | {"account": "main", "strategy": "wide"}

    def _requests(self) -> Iterator[Event]:
        for number in range(10):
            status = 500 if number < 10 * self.failing else 200
            yield {"type": "request", "route": "/orders", "status": status, "duration": self.seconds, "ts": time.time()}

    def _predictions(self) -> Iterator[Event]:
        """A model that is always wrong."""
        for _ in range(5):
            self._number += 1
            head = {"model": "mid-5s", "prediction_id": f"p{self._number}", "ts": time.time()}
            features = {"imbalance": self.feature + self._chance.random()}
            yield {"type": "prediction", "value": "up", "features": features, **head}
            yield {"type": "outcome", "value": "down", **head}

    def _reports(self, exchange: str) -> Iterator[Event]:
        head = {"exchange": exchange, "account": "vault", "ts": time.time()}
        yield {"type": "balance", "currency": "USDT", "total": self.vault, **head}
        yield {"type": "position", "symbol": "BTC/USDT:USDT", "quantity": self.contracts, **head}


def top(  # noqa: PLR0917 - a line of an order book
    kind: str, exchange: str, symbol: str, mid: float, half: float, ts: float
) -> Event:
    """A book or a quote around a price."""
    sizes = {"bid_quantity": 1.0, "ask_quantity": 1.0}
    return {
        "type": kind,
        "exchange": exchange,
        "symbol": symbol,
        "bid": mid - half,
        "ask": mid + half,
        "ts": ts,
        **sizes,
    }


@asynccontextmanager
async def going_on(*happen: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Let each of these happen again and again, a pulse apart, until the block ends."""

    ended = asyncio.Event()

    async def repeat(each: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while not ended.is_set():
            with suppress(aiohttp.ClientConnectionError):  # what it happens to may have been killed
                await each()
            await asyncio.sleep(PULSE)

    tasks = [asyncio.create_task(repeat(each)) for each in happen]
    try:
        yield
    finally:
        ended.set()  # some client or other swallows a cancellation
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if result is not None:
            raise result


async def miss_in_redis(client: Redis) -> None:
    """Ask a Redis for what it has not got."""
    for _ in range(10):
        await client.get("absent")


async def miss_in_memcached(client: aiomcache.Client) -> None:
    """Ask a memcached for what it has not got."""
    for _ in range(10):
        await client.get(b"absent")


async def heartbeat(client: Redis) -> None:
    """What a node of nautilus writes to Redis to show that it runs."""
    topic = "health:heartbeat"
    await client.xadd(
        f"trader-{TRADER}:stream:{topic}", {"topic": topic, "payload": "2026-11-21T13:29:03.265236790+00:00"}
    )


async def use_up_limit(session: aiohttp.ClientSession, exchange: str, enough: int = 5000) -> None:
    """Be another program on the same address: ask until so many of the minute's 6000 weights are used."""
    used = 0
    while used < enough:
        async with session.get(f"{exchange}/api/v3/ticker/24hr") as answer:
            used = int(answer.headers["X-MBX-USED-WEIGHT-1M"])


def damage(journal: Path, row: int) -> None:
    """Let the disk lose what is in one row of a journal."""
    with closing(sqlite3.connect(journal, timeout=20)) as file, file:
        file.execute("UPDATE lasting SET payload = zeroblob(length(payload)) WHERE number = ?", (row,))


def rows(journal: Path) -> int:
    """How many rows a journal has."""
    with closing(sqlite3.connect(journal, timeout=20)) as file:
        (count,) = file.execute("SELECT max(number) FROM lasting").fetchone()
    return int(count)


def book(exchange: str, ts: float) -> list[Event]:
    """The price of what `fills` trade."""
    return [top("book", exchange, "SOL/USDT", 100.0, 1.0, ts)]


def fills(first: int, last: int, began: float, name: str = "") -> list[Event]:
    """Fills of one book, a second apart, from one number to another."""
    head = {"type": "fill", "exchange": "spare", "symbol": "SOL/USDT", "price": "100", "quantity": "1"}
    return [
        {**head, "side": ("buy", "sell")[number % 2], "trade_id": f"{name}{number}", "ts": began + number}
        for number in range(first, last)
    ]


def fill_disk(pid: int, room: int) -> None:
    """Let the kernel refuse a process to write any file beyond so many bytes, as a full disk would."""
    psutil.Process(pid).rlimit(resource.RLIMIT_FSIZE, (room, room))


def memcached(port: int) -> aiomcache.Client:
    """A client of the memcached on this port."""
    return aiomcache.Client(LOOPBACK, port)
