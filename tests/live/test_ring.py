"""What is measured from second to second, over a state that a test fills and a clock that it moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.events import Business, Cache, Request
from exporter.intake import Intake
from exporter.live import Live
from exporter.metrics import LATENCY_BUCKETS
from exporter.state.exchange import PROBE, ErrorKind
from exporter.state.state import State
from tests.builders import T0, book, config, fill, quote


class World:
    """A state, what is told to it, and its ring, at a time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = T0
        self.state = State(config(), clock=lambda: self.now)
        self.intake = Intake(self.state)
        self.ring = Live(self.state).ring

    async def wait(self, seconds: int) -> None:
        """Let time pass, with a look every second."""
        for _ in range(seconds):
            self.now += 1
            await self.ring.read()
            self.ring.look()

    def tell(self, *events: Any) -> None:
        for each in events:
            assert self.intake.accept(each, "push")

    def requests(self, *durations: float, status: int = 200) -> None:
        self.tell(*(Request(route="/", status=status, duration=each, ts=self.now) for each in durations))

    def figures(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ring.text)
        return found


@pytest.fixture
def world() -> World:
    return World()


async def test_requests_of_the_last_minute(world: World) -> None:
    """Mean, quantiles, pace and errors; what was before the minute does not count."""
    world.requests(*[9.0] * 100)
    await world.wait(70)
    world.requests(*[0.04] * 90, 0.15)
    world.requests(*[0.4] * 9, status=503)
    await world.wait(1)
    figures = world.figures()
    assert figures["avg_response_time_ms"] == pytest.approx((90 * 0.04 + 0.15 + 9 * 0.4) * 10, rel=1e-4)
    assert 25 < figures["p50_response_time_ms"] <= 50
    assert 200 < figures["p95_response_time_ms"] <= 500
    assert figures["p99_response_time_ms"] > figures["p95_response_time_ms"]
    assert figures["requests_per_second"] == pytest.approx(100 / 60, rel=0.1)
    assert figures["error_rate_percent"] == 9
    assert figures["api_calls_per_minute"] == pytest.approx(100, rel=0.1)
    assert not any("response" in place for place in figures["missing"])


async def test_an_api_without_requests_has_a_pace_of_zero_and_no_mean(world: World) -> None:
    """Nothing told is no data; told, but not within the minute, is zero requests and no response time."""
    await world.wait(2)
    untold = world.figures()
    assert untold["requests_per_second"] is None
    assert untold["missing"]["requests_per_second"] == "nobody reports requests; optional, docs/signals.md says how"
    world.requests(0.1)
    await world.wait(80)
    quiet = world.figures()
    assert (quiet["requests_per_second"], quiet["avg_response_time_ms"], quiet["error_rate_percent"]) == (0, None, None)
    assert quiet["missing"]["avg_response_time_ms"] == "no request in the last minute"


def test_every_figure_is_null_with_its_reason_at_first(world: World) -> None:
    """Before a second look nothing can be said, and that is said."""
    figures = world.figures()
    values = {name: value for name, value in figures.items() if not isinstance(value, dict) and name != "timestamp"}
    assert set(values.values()) == {None}
    assert set(figures["missing"]) == set(values)
    assert figures["missing"]["avg_response_time_ms"] == "it takes two looks, a second apart"


@given(st.lists(st.floats(0.0005, 9.9), min_size=1, max_size=300), st.sampled_from([50, 95, 99]))
def test_quantiles_are_right_to_the_bucket(durations: list[float], percent: int) -> None:
    """A quantile lies within the bucket that the exact one, of the values in order, is in."""
    world = World()
    world.requests(*durations)
    world.now += 1
    world.ring.look()
    exact = float(np.quantile(durations, percent / 100, method="inverted_cdf"))
    above = next(place for place, bound in enumerate(LATENCY_BUCKETS) if exact <= bound)
    low = LATENCY_BUCKETS[above - 1] if above else 0.0
    found = world.figures()[f"p{percent}_response_time_ms"] / 1000
    assert low - 1e-6 <= found <= LATENCY_BUCKETS[above] + 1e-6


async def test_what_is_slower_than_every_bound_counts_as_the_last(world: World) -> None:
    """As with Prometheus: beyond it nothing is known."""
    world.requests(60.0)
    await world.wait(1)
    assert world.figures()["p99_response_time_ms"] == 10_000


async def test_caches_by_tier_and_together(world: World) -> None:
    """Hits of what was asked in the minute; a cache that began anew counts from zero, and its past does not count."""
    world.tell(cache("a", "l1", 1000, 0), cache("b", "l1", 0, 1000), cache("c", "l3", 50, 50))
    await world.wait(1)
    world.tell(cache("a", "l1", 1030, 10), cache("b", "l1", 0, 1000), cache("c", "l3", 8, 2))
    await world.wait(5)
    figures = world.figures()
    assert figures["l1_hit_rate_percent"] == 75
    assert figures["l3_hit_rate_percent"] == 80
    assert figures["overall_cache_hit_rate"] == 76
    assert figures["l2_hit_rate_percent"] is None
    assert "no" in figures["missing"]["l2_hit_rate_percent"]
    await world.wait(70)
    assert world.figures()["missing"]["l1_hit_rate_percent"] == "not asked anything in the last minute"


async def test_warming_is_of_all_time(world: World) -> None:
    """Of all caches that tell both figures."""
    world.tell(cache("a", "l1", 1, 1, warmed_entries=100, warmed_hits=80), cache("b", "l1", 1, 1, warmed_entries=7))
    world.tell(cache("c", "l2", 1, 1, warmed_entries=100, warmed_hits=20))
    await world.wait(1)
    assert world.figures()["cache_warming_effectiveness"] == 50


async def test_exchanges_over_five_minutes(world: World) -> None:
    """Mean time, errors of all kinds, and availability, which is the lower one of all requests and of probes."""
    alpha, beta = world.state.exchanges["alpha"], world.state.exchanges["beta"]
    alpha.request(PROBE, 9.0, ErrorKind.TIMEOUT)
    await world.wait(310)
    for _ in range(96):
        alpha.request("create_order", 0.01, None)
    alpha.request("create_order", 0.01, ErrorKind.REJECTED)
    alpha.request(PROBE, 0.01, None)
    alpha.request(PROBE, 0.05, ErrorKind.NETWORK)
    alpha.request(PROBE, 0.05, None)
    await world.wait(200)
    figures = world.figures()
    assert figures["exchange_response_times"] == {"alpha": pytest.approx(10.8, rel=1e-3), "beta": None}
    assert figures["exchange_error_rates"] == {"alpha": 2, "beta": None}
    assert figures["exchange_availability"] == {"alpha": pytest.approx(66.6667), "beta": None}
    assert figures["missing"]["exchange_availability.beta"] == "no request in the last five minutes"
    assert world.ring.checked == {"alpha": T0 + 311}
    assert beta.operations == {}


async def test_the_machine(world: World) -> None:
    """What it did between two looks; a sum that falls, as idle time does, takes nothing away."""
    host = world.state.host
    host.memory_bytes, host.memory_available_bytes = 1000, 250
    host.cpu, host.disk, host.network_bytes = {"user": 100, "idle": 900, "iowait": 50}, {"read": 7}, {"receive": 10}
    await world.wait(1)
    host.cpu = {"user": 130, "idle": 960, "iowait": 60}
    host.disk, host.network_bytes = {"read": 10, "write": 7}, {"receive": 10, "transmit": 2_500_000}
    await world.wait(1)
    figures = world.figures()
    assert (figures["cpu_usage_percent"], figures["memory_usage_percent"]) == (30, 75)
    assert (figures["disk_io_ops_per_sec"], figures["network_throughput_mbps"]) == (5, 10)
    host.cpu = {"user": 130, "idle": 959, "iowait": 60}
    await world.wait(1)
    assert world.figures()["cpu_usage_percent"] == 30


async def test_business_as_it_is_told(world: World) -> None:
    """Levels as they are, calls a minute, and revenue an hour of what is known."""
    world.tell(Business(name="active_users", value=1250, ts=T0))
    world.tell(Business(name="revenue_usd", value=0, kind="increment", ts=T0))
    await world.wait(1800)
    world.tell(Business(name="api_calls", value=90, kind="increment", ts=world.now))
    world.tell(Business(name="revenue_usd", value=50, kind="increment", ts=world.now))
    await world.wait(1)
    figures = world.figures()
    assert (figures["active_users"], figures["api_calls_per_minute"]) == (1250, pytest.approx(90, rel=0.1))
    assert figures["revenue_per_hour"] == pytest.approx(100, rel=0.01)
    await world.wait(3700)
    assert world.figures()["revenue_per_hour"] == 0


async def test_result_and_spreads(world: World) -> None:
    """PnL of all books now, and spreads over time of the markets that are quoted on."""
    world.tell(book(99.0, 101.0, T0), book(50.0, 150.0, T0, symbol="BNB/USDT"))
    await world.wait(2)
    assert world.figures()["market_spread_bps"] == pytest.approx((200 + 10_000) / 2)
    world.tell(quote(99.5, 100.5, world.now))
    world.tell(fill("1", "buy", "99", "2", T0))
    await world.wait(3)
    figures = world.figures()
    assert (figures["market_spread_bps"], figures["quote_spread_bps"]) == (200, 100)
    assert figures["pnl_usd"] == 2
    world.tell(fill("2", "buy", "99", "2", T0, symbol="XRP/USDT"))
    await world.wait(1)
    figures = world.figures()
    assert figures["pnl_usd"] is None
    assert figures["missing"]["pnl_usd"].startswith(
        "XRP/USDT on alpha has no price now; it needs an entry of exchanges"
    )
    world.tell(book(99.0, 101.0, world.now, symbol="XRP/USDT"), fill("3", "buy", "1", "2", T0, symbol="ETH/JPY"))
    await world.wait(1)
    assert world.figures()["missing"]["pnl_usd"].startswith("JPY has no rate in USD now; watch a market of it")


async def test_history_is_an_hour_in_steps_of_five_seconds(world: World) -> None:
    """The oldest first; nothing older than asked for, and never more than an hour."""
    await world.wait(4000)
    samples = [json.loads(sample) for sample in world.ring.history(60)]
    assert len(samples) == 720
    assert "missing" not in samples[0]
    seconds = [int(sample["timestamp"][17:19]) for sample in samples]
    assert {second % 5 for second in seconds} == {int(T0) % 5}
    assert samples == sorted(samples, key=lambda sample: sample["timestamp"])
    assert len(world.ring.history(1)) == 12


async def test_a_clock_that_is_set_back(world: World) -> None:
    """What was measured by the other time is forgotten; figures go on from there."""
    world.requests(0.1)
    await world.wait(30)
    world.now -= 3600
    await world.wait(2)
    world.requests(0.1)
    await world.wait(1)
    assert world.figures()["requests_per_second"] == pytest.approx(0.5)
    assert len(world.ring.history(60)) <= 2


def cache(name: str, tier: str, hits: float, misses: float, **more: float) -> Cache:
    return Cache(cache=name, tier=tier, hits=hits, misses=misses, ts=T0, **more)


def parts(world: World) -> Iterator[tuple[str, float]]:
    for name in world.state.components:
        yield name, world.ring.scores.of(name)


async def test_scores_are_the_share_of_five_minutes(world: World) -> None:
    """Each part by itself, and all together by the configured penalties."""
    for name in ("source/journal", "exchange/alpha"):
        world.state.components[name].up = True
    await world.wait(10)
    world.state.components["exchange/alpha"].up = False
    await world.wait(5)
    world.state.components["source/journal"].up = False
    await world.wait(5)
    assert dict(parts(world)) == {"source/journal": 75, "exchange/alpha": 50}
    assert world.ring.scores.overall() == 100 - 20 * 0.25 - 5 * 0.5
    await world.wait(300)
    assert dict(parts(world)) == {"source/journal": 0, "exchange/alpha": 0}
    assert world.ring.scores.overall() == 75
