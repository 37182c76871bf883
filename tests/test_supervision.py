"""Parts that fail: begun anew, left alone for growing times, never given up, and ended in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import collectors
from exporter.config import Supervision, Web
from exporter.exposition import Batch
from exporter.metrics import EXCHANGE_UP, FILLS
from exporter.state.breaker import Breaker
from exporter.state.state import OWN, State
from exporter.supervision import Parts
from tests.builders import MINIMAL, config
from tests.stack.exporting import Scrape
from tests.stack.harness import eventually
from tests.web.serving import serving

QUICK = "supervision: {retry_after: 0.001, steady_after: 0.05, open_after: 3, open_for: 0.01, open_longest: 0.02}\n"
PATIENT = "supervision: {retry_after: 0.001, steady_after: 0.05, open_after: 3, open_for: 3600}\n"
PART = f"{OWN}/mine"


class Ends:
    """Does something each time it runs, and ends by that; ``runs`` counts."""

    def __init__(self, how: Callable[[], object]) -> None:
        self.runs = 0
        self._how = how

    async def run(self) -> None:
        self.runs += 1
        await asyncio.sleep(0)
        self._how()


def fail() -> None:
    raise ZeroDivisionError("the password is hunter2")


def cancel() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


def leave() -> None:
    """End as if all were done."""


def several() -> None:
    raise ExceptionGroup("two", [ValueError(), OSError()])


class Supervised:
    """Parts over a state, and what the HTTP side says of them."""

    def __init__(self, state: State, parts: Parts, url: str, session: aiohttp.ClientSession) -> None:
        self.state, self.parts = state, parts
        self._url, self._session = url, session

    async def health(self) -> Any:
        """What /health says of the part."""
        async with self._session.get(f"{self._url}/health") as answer:
            return (await answer.json())["services"][PART]

    async def scrape(self) -> Scrape:
        async with self._session.get(f"{self._url}/metrics") as answer:
            return Scrape(await answer.text())

    async def until(self, condition: Callable[[Any], bool]) -> Any:
        """What /health says, once it is as wanted."""

        async def found() -> Any:
            health = await self.health()
            return health if condition(health) else None

        return await eventually(found)


@asynccontextmanager
async def supervised(settings: str) -> AsyncIterator[Supervised]:
    state = State(config(MINIMAL + settings))
    parts = Parts(state)
    async with serving(Web(listen="127.0.0.1:0"), state) as url, aiohttp.ClientSession() as session:
        yield Supervised(state, parts, url, session)
        await parts.end(5.0)


@pytest.mark.parametrize(
    ("how", "word"),
    [(fail, "ZeroDivisionError"), (cancel, "CancelledError"), (leave, "ended by itself"), (several, "ExceptionGroup")],
)
async def test_however_a_part_ends_it_is_begun_anew(how: Callable[[], object], word: str) -> None:
    """By a fault, by cancelling itself, for no reason: its restarts are counted, and what it said is kept private."""
    part = Ends(how)
    async with supervised(QUICK) as world:
        world.parts.start(PART, lambda: part)
        health = await world.until(lambda health: health["restarts"] > 5 and health["state"] == "down")
        assert word in health["detail"]
        assert "hunter2" not in health["detail"]
        assert part.runs > 5
        assert (await world.scrape()).value("component_restarts_total", component=PART) > 5  # type: ignore[operator]


async def test_a_part_that_cannot_even_be_made() -> None:
    """A fault in its making is a fault of the part."""
    async with supervised(QUICK) as world:
        world.parts.start(PART, lambda: 1 / 0)  # type: ignore[arg-type, return-value]
        await world.until(lambda health: health["restarts"] > 3)


async def test_what_fails_again_and_again_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """The circuit is open: /health, a metric and the log say it, and for a long time nothing is tried."""
    part = Ends(fail)
    async with supervised(PATIENT) as world:
        world.parts.start(PART, lambda: part)
        health = await world.until(lambda health: health["circuit"] == "open")
        assert health["state"] == "down"
        assert "ZeroDivisionError; begun anew after 3 failures in a row in" in health["detail"]
        assert part.runs == 3
        scrape = await world.scrape()
        assert scrape.value("component_circuit_open", component=PART) == 1
        assert scrape.value("component_restarts_total", component=PART) == 2
        assert "its circuit is open" in caplog.text


async def test_what_works_again_is_taken_back() -> None:
    """It was never given up; once it has run for a while the circuit is closed."""
    broken = True

    class Mended:
        async def run(self) -> None:
            if broken:
                raise ZeroDivisionError
            await asyncio.Event().wait()

    async with supervised(QUICK) as world:
        world.parts.start(PART, Mended)
        await world.until(lambda health: health["circuit"] == "open" and health["restarts"] > 8)
        broken = False
        trial = await world.until(lambda health: health["state"] == "up")
        assert trial["circuit"] == "closed" or "begun anew after" in trial["detail"]
        health = await world.until(lambda health: health["circuit"] == "closed")
        assert (health["state"], health["detail"]) == ("up", "")


async def test_one_part_that_fails_disturbs_no_other() -> None:
    """Each has its own pauses and its own circuit."""
    broken, quiet = Ends(fail), asyncio.Event()

    class Quiet:
        async def run(self) -> None:
            await quiet.wait()

    async with supervised(QUICK) as world:
        world.parts.start(f"{OWN}/quiet", Quiet)
        world.parts.start(PART, lambda: broken)
        await world.until(lambda health: health["restarts"] > 5)
        assert world.state.components[f"{OWN}/quiet"].up
        assert world.state.breakers[f"{OWN}/quiet"].restarts == 0


RULES = st.builds(
    Supervision,
    retry_after=st.floats(0.001, 100),
    open_after=st.integers(1, 20),
    open_for=st.floats(0.001, 1000),
    open_longest=st.floats(0.001, 86_400),
)


@given(RULES, st.integers(1, 200), st.booleans())
def test_pauses_grow_within_their_bounds(rules: Supervision, failures: int, vital: bool) -> None:
    """They double; chance may take off half at first. What is vital is never left alone for long."""
    breaker = Breaker(rules, vital)
    longest = rules.open_for if vital else max(rules.open_for, rules.open_longest)
    for number in range(1, failures + 1):
        pause, beyond = breaker.failed(), number - rules.open_after
        assert breaker.is_open == (beyond >= 0)
        if beyond < 0:
            expected = min(30.0, rules.retry_after * 2.0 ** (number - 1))
        else:
            expected = min(longest, rules.open_for * 2.0 ** min(beyond, 30))
        assert (expected if breaker.is_open else expected / 2) <= pause <= expected
    breaker.works()
    assert not breaker.is_open


# The end.


async def test_parts_end_together_and_tidy_up_undisturbed(caplog: pytest.LogCaptureFixture) -> None:
    """One that needs a while is asked once; one that does not end is left behind and named."""
    begun, tidied, free = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Tidy:
        async def run(self) -> None:
            try:
                begun.set()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.1)
                tidied.set()

    class Stubborn:
        async def run(self) -> None:
            while not free.is_set():
                try:
                    await free.wait()
                except asyncio.CancelledError:
                    continue

    state = State(config(MINIMAL + QUICK))
    parts = Parts(state)
    parts.start(f"{OWN}/stubborn", Stubborn)
    parts.start(f"{OWN}/broken", lambda: Ends(fail))
    parts.start(f"{OWN}/tidy", Tidy)
    await begun.wait()
    await parts.end(1.0)
    assert tidied.is_set()
    assert "source/stubborn did not end within 1.0 s" in caplog.text
    assert "source/tidy did not" not in caplog.text
    free.set()


# Collectors.


class Broken:
    """A collector that tells one family, and fails at the next until it is mended."""

    def __init__(self, settings: str) -> None:
        self.state = State(config(MINIMAL + settings))
        self.broken, self.tries = True, 0
        chosen = {"mine": self.collect, "service": collectors.discover()["service"]}
        self._gatherer = collectors.Gatherer(chosen, self.state)

    def collect(self, _: State) -> Iterator[Batch]:
        yield EXCHANGE_UP, [(("alpha",), 1)]
        self.tries += 1
        yield FILLS, [(("alpha", "main", "BTC/USDT", "maker", "buy", "maker"), 1 / (not self.broken))]

    def scraped(self) -> dict[str, Any]:
        return {family.name.removeprefix("trading_"): dict(samples) for family, samples in self._gatherer.batches()}

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Scrape until it is as wanted."""

        async def found() -> dict[str, Any]:
            scraped = self.scraped()
            return scraped if condition(scraped) else {}

        return await eventually(found)


async def test_a_collector_that_fails_again_and_again_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """What it tells before its fault is still there; the log has each failure once, and no more than there were."""
    mine = Broken(PATIENT)
    await mine.until(lambda found: found["component_circuit_open"][("collector/mine",)])
    for _ in range(20):
        found = mine.scraped()
        assert found["exchange_up"] == {("alpha",): 1}
        assert "fills_total" not in found
        assert found["collector_success"] == {("mine",): 0, ("service",): 1}
    assert mine.tries == 3
    assert caplog.text.count("collector failed") == 3
    assert not mine.state.components["collector/mine"].up


async def test_a_collector_is_tried_again() -> None:
    """It was never given up; when it works all of it is there."""
    mine = Broken(QUICK)
    await mine.until(lambda _: mine.tries > 5)
    mine.broken = False
    found = await mine.until(lambda found: "fills_total" in found)
    assert found["collector_success"][("mine",)] == 1
    assert not mine.scraped()["component_circuit_open"][("collector/mine",)]
    assert mine.state.components["collector/mine"].up


async def test_a_part_of_the_metrics_can_be_switched_off() -> None:
    """As its name in the configuration says; the others are there."""
    state = State(config(MINIMAL + "collectors: {service: {enabled: false}, targets: {enabled: true}}"))
    async with (
        serving(Web(listen="127.0.0.1:0"), state) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/metrics") as answer,
    ):
        text = await answer.text()
    assert "trading_build_info" not in text
    assert 'trading_collector_success{collector="service"}' not in text
    assert "trading_target_error_ratio{" in text
