"""How long the queries of each dashboard take, all at once, on a Prometheus with ten thousand series and a past.

Grafana asks for each panel by itself, and for the queries of a panel one after another; a browser has six of its
requests under way. What is measured is from the first question to the last answer, as a reader waits for it.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import aiohttp

from tests.bench import past
from tests.bench.figure import Figure
from tests.grafana.asking import Question, models, questions

CONNECTIONS = 6
ROUNDS = 5
TARGET = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """One load of a dashboard: the seconds that it took in all, and those of each panel."""

    seconds: float
    panels: dict[str, float]


def measure() -> Iterator[Figure]:
    """Medians of some loads, after one that is not counted."""
    with past.prometheus() as server:
        yield Figure("dashboards: others that want a processor before", os.getloadavg()[0], "")
        for name, model in models().items():
            before = server.processor_seconds()
            loads = asyncio.run(_loads(server.url, list(questions(name, model))))
            used = (server.processor_seconds() - before) / (ROUNDS + 1)
            total = statistics.median(load.seconds for load in loads)
            note = f"{used:.2f} s of processors; {_slowest(loads)}"
            yield Figure(f"dashboard {name}: all its queries", total, "s", f"<= {TARGET:g}", note)


def _slowest(loads: Sequence[Load]) -> str:
    """Say which panel took longest."""
    medians = {panel: statistics.median(load.panels[panel] for load in loads) for panel in loads[0].panels}
    panel = max(medians, key=lambda each: medians[each])
    return f"slowest {panel}, {medians[panel]:.2f} s"


async def _loads(url: str, asked: Sequence[Question]) -> list[Load]:
    panels: defaultdict[str, list[Question]] = defaultdict(list)
    for question in asked:
        panels[question.panel].append(question)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        return [await _load(session, url, panels) for _ in range(ROUNDS + 1)][1:]


async def _load(session: aiohttp.ClientSession, url: str, panels: dict[str, list[Question]]) -> Load:
    places, took = asyncio.Semaphore(CONNECTIONS), dict[str, float]()

    async def one(panel: str) -> None:
        async with places:
            began = time.perf_counter()
            for question in panels[panel]:
                await _ask(session, url, question)
            took[panel] = time.perf_counter() - began

    began = time.perf_counter()
    await asyncio.gather(*map(one, panels))
    return Load(time.perf_counter() - began, took)


async def _ask(session: aiohttp.ClientSession, url: str, question: Question) -> None:
    """Ask, and take the answer as it comes: reading it is the browser's work, on another machine."""
    path, parameters = question.request(past.END)
    async with session.post(f"{url}{path}", data=parameters) as response:
        body = await response.read()
        if not body.startswith(b'{"status":"success"'):
            raise RuntimeError(f"{question.dashboard}, {question.panel}: {body[:500].decode()}")
