"""The time that a scrape takes, beside prometheus-client's for the same samples."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporter.collectors import discover, gather
from exporter.exposition import Exposition
from exporter.intake import Intake
from exporter.state.state import State
from tests.bench.figure import Figure
from tests.builders import T0, book, config, fee, fill

SERIES = 10_000
_OF_A_BOOK = 120
ROUNDS = 30


def measure() -> Iterator[Figure]:
    """Medians over rounds in which both take turns, so that a noisy machine troubles both alike."""
    state = world()
    exposition = Exposition(10**6, 10**6, state.dropped)
    text = scrape(exposition, state)
    registry = peer(text)
    lines = sum(1 for line in text.splitlines() if not line.startswith("#"))
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(timed(lambda: scrape(exposition, state)))
        theirs.append(timed(lambda: generate_latest(registry)))
    mine, peers = statistics.median(ours), statistics.median(theirs)
    yield Figure("scrape: series", lines, "series")
    yield Figure("scrape: collect and render, median", mine * 1000, "ms", "<= 10")
    yield Figure("scrape: prometheus_client generate_latest, median", peers * 1000, "ms")
    yield Figure("scrape: ours / prometheus_client", mine / peers, "ratio")


def world() -> State:
    """A state with enough books, each with fills, position and PnL, for the number of series."""
    state = State(config(), clock=lambda: T0 + 2)
    intake = Intake(state)
    for number in range(SERIES // _OF_A_BOOK):
        symbol = f"C{number}/USDT"
        intake.accept(book(99.0, 101.0, symbol=symbol), "bench")
        for trade in range(4):
            side = "sell" if trade % 2 else "buy"
            intake.accept(fill(str(trade), side, "100.5", "0.123", T0 + trade, symbol=symbol, fee=fee("0.01")), "bench")
    return state


def peer(text: str) -> CollectorRegistry:
    """The same samples as gauges of prometheus-client."""
    registry = CollectorRegistry()
    for family in text_string_to_metric_families(text):
        if family.type == "histogram" or not family.samples:
            continue
        labels = list(family.samples[0].labels)
        gauge = Gauge(family.name, family.documentation, labels, registry=registry)
        for sample in family.samples:
            (gauge.labels(**sample.labels) if labels else gauge).set(sample.value)
    return registry


def scrape(exposition: Exposition, state: State) -> str:
    """Everything that ``/metrics`` does but the socket."""

    async def render() -> str:
        return "".join([part async for part in exposition.render(gather(discovered, state))])

    return loop.run_until_complete(render())


def timed(call: object) -> float:
    """Seconds for one call."""
    started = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - started


discovered = discover()
loop = asyncio.new_event_loop()
