"""When an exchange is asked again after failures, on a clock that only goes on when nobody has anything to do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from ccxt.base.errors import ExchangeNotAvailable, RateLimitExceeded, RequestTimeout

from exporter.config import Exchange
from exporter.intake import Intake
from exporter.sources.ccxt.history import Reader
from exporter.sources.ccxt.link import Link
from exporter.sources.ccxt.streams import StreamKeeper
from exporter.state.exchange import Stream
from exporter.state.state import State
from tests.builders import config


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time passes at once."""

    _passed = 0.0

    def time(self) -> float:
        return self._passed

    def _run_once(self) -> None:
        due = [timer._when for timer in self._scheduled if not timer._cancelled]  # type: ignore[attr-defined]
        if due and not self._ready:  # type: ignore[attr-defined]
            self._passed = max(self._passed, min(due))
        super()._run_once()  # type: ignore[misc]


class Route:
    """Something that an exchange answers from ``well_at`` on; what is asked before fails after ``takes`` seconds."""

    def __init__(self, well_at: float, takes: float = 0.05, error: Exception | None = None) -> None:
        self.asked: list[float] = []
        self._well_at = well_at
        self._takes = takes
        self._error = error or ExchangeNotAvailable("503")

    async def __call__(self, *_: Any) -> None:
        now = asyncio.get_running_loop().time()
        self.asked.append(now)
        if now < self._well_at:
            await asyncio.sleep(self._takes)
            raise self._error

    @property
    def late(self) -> float:
        """Seconds after which it was asked again once it was well."""
        return self.asked[-1] - self._well_at


def play(scene: Callable[[Link], Coroutine[Any, Any, None]], *wakes: float) -> None:
    """Let a scene happen in which the exchange comes back at these moments."""

    async def perform() -> None:
        state = State(config())
        link = Link(Exchange(name="alpha", id="binance", account="main"), state, Intake(state))
        for at in wakes:
            asyncio.get_running_loop().call_at(at, link.wake)
        await scene(link)
        await link.client.close()

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(perform())


async def by_reading(link: Link, route: Callable[..., Awaitable[None]]) -> None:
    await link.until_done("part", route)


async def by_stream(link: Link, route: Callable[..., Awaitable[None]]) -> None:
    """Keep a stream until it has told something."""
    stood = asyncio.Event()

    async def watch() -> None:
        if stood.is_set():
            await asyncio.Event().wait()
        await route()

    keeper = StreamKeeper(link, Stream.FILLS, "part", watch, lambda _: stood.set())
    task = asyncio.create_task(keeper.run())
    await stood.wait()
    task.cancel()


@pytest.mark.parametrize("way", [by_reading, by_stream])
@pytest.mark.parametrize(
    ("well_at", "wakes", "takes"),
    [
        (300.0, [300.5], 5.0),  # the news comes while an attempt is under way, which fails for what was before
        (301.0, [300.0], 0.05),  # the probe is answered before the rest is
        (12.0, [2.0, 4.0, 6.0, 8.0, 10.0], 0.05),  # the probe comes and goes
    ],
)
def test_an_exchange_that_came_back_is_asked_again_soon(
    way: Any, well_at: float, wakes: list[float], takes: float
) -> None:
    """However long it was away, its return makes the pauses short again, also for an attempt that was under way."""
    for seed in range(40):
        random.seed(seed)
        route = Route(well_at, takes, RequestTimeout("no answer"))
        play(lambda link, route=route: way(link, route), *wakes)  # type: ignore[misc]
        assert route.late <= takes + 4.0


def test_one_route_that_fails_is_asked_again_as_often_as_it_would_be_read() -> None:
    """A reader's pauses grow no longer than twice its interval, so that what is well again is read soon."""
    route = Route(well_at=200.0)

    async def scene(link: Link) -> None:
        reader = Reader(link, "part", 1.5, route)
        task = asyncio.create_task(reader.run())
        await asyncio.sleep(204.0)
        task.cancel()

    play(scene)
    first = next(at for at in route.asked if at >= 200.0)
    assert first <= 203.0
    assert min(b - a for a, b in zip(route.asked[4:], route.asked[5:], strict=False)) >= 1.4


def test_an_exchange_that_is_asked_too_often_is_left_alone_longer() -> None:
    """Pauses after a refusal for asking too often grow to half a minute, however short the interval is."""
    route = Route(well_at=400.0, error=RateLimitExceeded("429"))
    play(lambda link: link.until_done("part", route, longest=2.0))
    assert len([at for at in route.asked if at > 100.0]) <= 22
