"""A trading system's own API and what stands around it, made up: requests, caches, a model, the business.

Nobody calls this API. What happens in a tick is drawn by chance, its keys are looked up in real caches, and all of it
is reported to an exporter as a program in production would, with `exporter.client`.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol
from zlib import crc32

import aiomcache
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from exporter.client import Client

TICK_SECONDS = 0.25
REPORT_SECONDS = 2.0
AWAY_SECONDS = 2.0
KEYS, ENTRIES, WARMED = 500, 400, 50
"""Different keys of each route, the entries of the program's own cache, and how many of a route are warmed."""
ANSWER = b"x" * 200
MODEL = "mid"


@dataclass(frozen=True)
class AppSetup:
    """Where the exporter is, the token to push with, and how busy the API is.

    Caches are ``HOST:PORT``, or empty; ``horizon`` is how many seconds the model looks ahead.
    """

    exporter_url: str
    token: str = field(repr=False)
    requests_per_second: float = 20.0
    redis: str = ""
    memcached: str = ""
    horizon: float = 5.0
    seed: int = 1


@dataclass(frozen=True)
class Route:
    """A path's pattern, its share of the requests, its usual seconds, and the share that fails."""

    pattern: str
    share: float
    seconds: float
    failing: float


ROUTES = (
    Route("/orders", 0.3, 0.030, 0.002),
    Route("/orders/{id}", 0.4, 0.012, 0.001),
    Route("/positions", 0.2, 0.018, 0.001),
    Route("/reports/{day}", 0.1, 0.090, 0.004),
)


class Tier(Protocol):
    """A cache."""

    async def get(self, key: str) -> bool:
        """Whether it had the key."""

    async def put(self, key: str) -> None:
        """Keep an answer under the key."""


class Server(Tier, Protocol):
    """A cache of another process, which may be away."""

    async def close(self) -> None:
        """Give the connections back."""


class Memory:
    """The program's own cache, which throws out what was not asked for the longest."""

    def __init__(self) -> None:
        self.hits = self.misses = self.evictions = self.warmed_hits = 0
        self._entries: OrderedDict[str, bool] = OrderedDict()  # whether it was warmed, and not asked for since

    def __len__(self) -> int:
        return len(self._entries)

    def warm(self, key: str) -> None:
        """Keep a key that nobody has asked for yet."""
        self._entries[key] = True

    async def get(self, key: str) -> bool:
        """Whether it had the key."""
        if key not in self._entries:
            self.misses += 1
            return False
        self.hits += 1
        self.warmed_hits += self._entries[key]
        self._entries[key] = False
        self._entries.move_to_end(key)
        return True

    async def put(self, key: str) -> None:
        """Keep an answer under the key."""
        self._entries[key] = False
        if len(self._entries) > ENTRIES:
            self._entries.popitem(last=False)
            self.evictions += 1


class Memcached:
    """A memcached server; entries end after half a minute to five, as in production."""

    def __init__(self, host: str, port: int) -> None:
        self._client = aiomcache.Client(host, port)

    async def get(self, key: str) -> bool:
        """Whether it had the key."""
        return await self._client.get(key.encode()) is not None

    async def put(self, key: str) -> None:
        """Keep an answer under the key."""
        await self._client.set(key.encode(), ANSWER, exptime=30 + crc32(key.encode()) % 270)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()


class RedisServer:
    """A Redis server; entries end after an hour."""

    def __init__(self, host: str, port: int) -> None:
        self._client = Redis(host=host, port=port, retry=Retry(NoBackoff(), 0))

    async def get(self, key: str) -> bool:
        """Whether it had the key."""
        return await self._client.get(key) is not None

    async def put(self, key: str) -> None:
        """Keep an answer under the key."""
        await self._client.set(key, ANSWER, ex=3600)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()


class Patient:
    """A server that may be away, and is then left alone for a while: it has nothing, and keeps nothing."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._again = 0.0

    async def get(self, key: str) -> bool:
        """Whether it had the key."""
        return bool(await self._asked(self._server.get, key))

    async def put(self, key: str) -> None:
        """Keep an answer under the key."""
        await self._asked(self._server.put, key)

    async def close(self) -> None:
        """Give the connections back."""
        await self._server.close()

    async def _asked(self, ask: Callable[[str], Awaitable[bool | None]], key: str) -> bool | None:
        if time.monotonic() < self._again:
            return None
        try:
            async with asyncio.timeout(1.0):
                return await ask(key)
        except (OSError, RedisError, aiomcache.exceptions.ClientException):
            self._again = time.monotonic() + AWAY_SECONDS
            return None


class App:
    """The made-up system; it reports to ``reports``."""

    def __init__(self, setup: AppSetup, reports: Client) -> None:
        self._setup = setup
        self._reports = reports
        self._random = random.Random(setup.seed)  # noqa: S311 - a made-up system needs no secrecy
        self._memory = Memory()
        servers = ((setup.memcached, Memcached), (setup.redis, RedisServer))
        self._servers = [Patient(kind(*_address(where))) for where, kind in servers if where]
        self._tiers: tuple[Tier, ...] = (self._memory, *self._servers)
        self._mid = 0.0
        self._predictions = 0

    async def run(self) -> None:
        """Work until cancelled."""
        await self._warm()
        for name in ("revenue_usd", "new_users"):
            self._reports.business(name=name, value=0, kind="increment")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_every(TICK_SECONDS, self._requests))
            tasks.create_task(_every(1.0, self._predict))
            tasks.create_task(_every(REPORT_SECONDS, self._tell))

    async def close(self) -> None:
        """Give the connections back."""
        for server in self._servers:
            await server.close()

    async def _warm(self) -> None:
        """Fetch what will be asked for: what is asked for most into the program's own cache, all into the servers."""
        for route in ROUTES:
            for number in range(1, KEYS + 1):
                if number <= WARMED:
                    self._memory.warm(f"{route.pattern}:{number}")
                for server in self._servers:
                    await server.put(f"{route.pattern}:{number}")

    async def _requests(self) -> None:
        """What is asked in a tick; more and less over ten minutes."""
        wave = 1 + 0.3 * math.sin(time.time() / 600 * 2 * math.pi)
        for _ in range(round(self._setup.requests_per_second * TICK_SECONDS * wave * self._random.uniform(0.7, 1.3))):
            await self._request()

    async def _request(self) -> None:
        chance = self._random
        (route,) = chance.choices(ROUTES, [route.share for route in ROUTES])
        tier = await self._look_up(f"{route.pattern}:{min(KEYS, int(chance.paretovariate(0.6)))}")
        seconds = route.seconds * (0.3 + 0.7 * tier / len(self._tiers)) * chance.lognormvariate(0, 0.4)
        status = 500 if chance.random() < route.failing else 200
        self._reports.request(app="desk", route=route.pattern, status=status, duration=min(seconds, 5.0))

    async def _look_up(self, key: str) -> int:
        """The number of the first tier that had the key, or how many there are; all before it get to know it."""
        found = len(self._tiers)
        for number, tier in enumerate(self._tiers):
            if await tier.get(key):
                found = number
                break
        for tier in self._tiers[:found]:
            await tier.put(key)
        return found

    async def _predict(self) -> None:
        """The model guesses how a price moves, and later learns what came true."""
        chance = self._random
        self._predictions += 1
        name = str(self._predictions)
        imbalance = chance.gauss(0, 1)
        self._reports.prediction(
            model=MODEL,
            value=0.3 * imbalance,
            prediction_id=name,
            inference_seconds=chance.lognormvariate(-6, 0.3),
            features={"imbalance": imbalance, "spread": abs(chance.gauss(2, 0.5))},
        )
        moved = 0.3 * imbalance + chance.gauss(0, 0.2)
        asyncio.get_running_loop().call_later(self._setup.horizon, self._come_true, name, moved)

    def _come_true(self, name: str, value: float) -> None:
        self._reports.outcome(model=MODEL, prediction_id=name, value=value)

    async def _tell(self) -> None:
        """What the program's own cache counted, and how the business goes."""
        memory, chance, tell = self._memory, self._random, self._reports.business
        self._reports.cache(
            cache="answers",
            hits=memory.hits,
            misses=memory.misses,
            evictions=memory.evictions,
            entries=len(memory),
            warmed_entries=WARMED * len(ROUTES),
            warmed_hits=memory.warmed_hits,
        )
        tell(name="active_users", value=round(1250 + 50 * math.sin(time.time() / 3600)))
        tell(name="acquisition_cost_usd", value=42.0)
        tell(name="lifetime_value_usd", value=380.0)
        tell(name="revenue_usd", value=round(chance.uniform(0.01, 0.09), 4), kind="increment")
        tell(name="new_users", value=float(chance.random() < 0.02), kind="increment")


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host, int(port)


async def run_app(setup: AppSetup) -> None:
    """Run it until cancelled, and hand over what is reported."""
    reports = Client(setup.exporter_url, token=setup.token, exchange="none", account="desk")
    app = App(setup, reports)
    try:
        await app.run()
    finally:
        await app.close()
        await asyncio.to_thread(reports.close)


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await work()
        await asyncio.sleep(seconds)
