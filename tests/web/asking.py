"""A running exporter, and what its HTTP API says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from exporter.config import parse
from exporter.events import Business, Cache, Event, Request
from exporter.intake import Intake
from exporter.service import running
from exporter.state.exchange import PROBE
from exporter.state.state import State
from tests.builders import book, fill, quote
from tests.live.standin import Standin, all_series, standin, told

Json = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """Asks one exporter."""

    url: str
    session: aiohttp.ClientSession
    state: State

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.session.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.json()

    async def ask(self, path: str) -> Any:
        """The answer, which must be 200."""
        status, found = await self.get(path)
        assert status == 200, found
        return found

    async def until(self, path: str, condition: Callable[[Any], bool]) -> Any:
        """Ask until the answer is as wanted."""
        async with asyncio.timeout(20):
            while not condition(found := await self.ask(path)):  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def asking(**config: Any) -> AsyncIterator[Api]:
    """An exporter that runs until the block ends."""
    given = {"web": {"listen": "127.0.0.1:0"}, "currency": {"pegs": {"USDT": 1}}} | config
    async with running(parse(yaml.safe_dump(given))) as (url, state), aiohttp.ClientSession() as session:
        yield Api(url, session, state)


@asynccontextmanager
async def full_standin() -> AsyncIterator[Standin]:
    """Prometheus and Alertmanager that know everything."""
    async with standin() as found:
        found.series = all_series()
        found.alerts = [
            told("TradingCpuHigh", "warning", instance="host-1"),
            told("TradingWatchdog", "info"),
            told("TradingExchangeUnavailable", "critical", "2026-11-20T11:00:00.000Z", exchange="beta"),
            told("TradingAnomaly", "info", signal="requests"),
        ]
        yield found


@asynccontextmanager
async def knowing(server: Standin, folder: Path, **config: Any) -> AsyncIterator[Api]:
    """An exporter that asks them, and is told everything itself."""
    (folder / "incidents").write_text("a1b2c3d4e5f6a7b8")
    upstream = {"prometheus": {"url": server.url}, "alertmanager": {"url": server.url}, "interval": 0.05}
    incidents = {"token": {"file": str(folder / "incidents")}}
    async with asking(upstream=upstream, incidents=incidents, **config) as found:
        tell(found)
        yield found


def tell(api: Api) -> None:
    """One event of each kind that a figure comes from."""
    now = api.state.clock()
    intake = Intake(api.state)
    events: tuple[Event, ...] = (
        *(Request(route="/", status=200, duration=0.04, ts=now) for _ in range(10)),
        *(
            Cache(cache="c", tier=t, hits=0, misses=0, warmed_entries=4, warmed_hits=3, ts=now)
            for t in ("l1", "l2", "l3")
        ),
        Business(name="active_users", value=1250, ts=now),
        Business(name="revenue_usd", value=12.5, kind="increment", ts=now),
        book(99.0, 101.0, now),
        quote(99.5, 100.5, now),
        fill("1", "buy", "99", "2", now),
    )
    for event in events:
        assert intake.accept(event, "push")
    api.state.exchanges["alpha"].request(PROBE, 0.012, None)
