"""Whether Prometheus still scrapes, as the exporter learns it from the scrapes themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import aiohttp
import pytest

from exporter.config import Web
from exporter.publish.scrapes import Scrapes
from exporter.state.state import State
from tests.builders import config
from tests.sources.test_link import Loop
from tests.web.serving import serving

PROMETHEUS = {"User-Agent": "Prometheus/3.4.1"}


def downs(gaps: Iterable[float], ends: float = 0.0) -> list[tuple[int, str]]:
    """Which scrapes, counted from 0, find the component down, and what it says; ``ends`` seconds after the last."""
    state = State(config())
    found = []

    async def perform() -> None:
        scrapes = Scrapes(state)
        scrapes.came(PROMETHEUS)
        part = state.components["prometheus"]
        for number, gap in enumerate((*gaps, ends)):
            await asyncio.sleep(gap)
            if not part.up:
                found.append((number, part.detail))
            scrapes.came(PROMETHEUS)
            assert (part.up, part.detail) == (True, "")
        scrapes.stop()

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(perform())
    return found


@pytest.mark.parametrize(("every", "patience"), [(1.0, 15), (5.0, 20), (60.0, 240)])
def test_prometheus_is_away_after_several_usual_gaps(every: float, patience: int) -> None:
    """Four of them, and no less than 15 s; the next scrape ends it."""
    assert downs([every] * 20, ends=patience - 0.1) == []
    ((number, detail),) = downs([every] * 20, ends=patience + 0.1)
    assert number == 20
    assert detail.startswith(f"no scrape for {patience} s, usually there is one each {every:.0f} s; is Prometheus up")


def test_before_there_is_a_habit_it_has_time() -> None:
    """After the first scrape nobody knows when the next is due."""
    assert downs([], ends=239.0) == []
    assert downs([], ends=241.0)


@pytest.mark.parametrize("gaps", [[0.5, 4.5], [5.0, 5.0, 50.0], [1.0, 59.0]])
def test_several_that_scrape_in_turn_are_no_absence(gaps: list[float]) -> None:
    """However close together two of them come."""
    assert downs(gaps * 30) == []


def test_an_absence_is_not_learned_and_a_new_interval_is() -> None:
    """After a long absence the next one is seen as soon; scrapes that are seldom from now on are soon usual."""
    assert [number for number, _ in downs([5.0] * 12 + [600.0] + [5.0] * 3, ends=21.0)] == [12, 16]
    assert [number for number, _ in downs([5.0] * 12 + [60.0] * 20)] == [12, 13, 14]


async def test_only_prometheus_and_what_acts_like_it_is_one() -> None:
    """A person who looks at the metrics is none; other programs that scrape tell their time-out as it does."""
    state = State(config())
    async with serving(Web(listen="127.0.0.1:0"), state) as url, aiohttp.ClientSession() as session:

        async def look(**headers: str) -> str:
            async with session.get(f"{url}/metrics", headers=headers) as answer:
                return await answer.text()

        assert 'component="prometheus"' not in await look()
        assert "prometheus" not in state.components
        assert 'trading_component_up{component="prometheus"} 1' in await look(**PROMETHEUS)
        del state.components["prometheus"]
        await look(**{"X-Prometheus-Scrape-Timeout-Seconds": "4"})
        assert state.components["prometheus"].up
