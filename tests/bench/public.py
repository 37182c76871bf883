"""A thousand viewers of the public page for a minute, while bots push all that the exporter takes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from simulator.stack import components
from simulator.stack.ports import LOOPBACK, free_port
from simulator.stack.processes import Stack
from tests.bench import push
from tests.bench.figure import Figure, quantile
from tests.bench.processes import TOKEN

VIEWERS = int(os.environ.get("BENCH_PUBLIC_VIEWERS", "1000"))
SECONDS = 60.0
ALONE = 10.0  # seconds of pushing before anybody looks


def measure() -> Iterator[Figure]:
    """Answers to the viewers, and the fills taken beside them."""
    yield from asyncio.run(_measure())


async def _measure() -> list[Figure]:
    port, prometheus = free_port(), free_port()
    config = {
        "web": {"listen": f"{LOOPBACK}:{port}"},
        "currency": {"pegs": {"USDT": 1}},
        "push": {"tokens": [{"name": "bench", "token": {"env": "BENCH_TOKEN"}}]},
        "pages": {"public": True},
        "upstream": {"prometheus": {"url": components.local_url(prometheus)}},
        "log": {"level": "error"},
    }
    with tempfile.TemporaryDirectory() as folder:
        async with Stack(Path(folder), lambda _: None) as stack:
            exporter = components.exporter(stack.run_dir, port=port, config=config, environment={"BENCH_TOKEN": TOKEN})
            scraping = components.prometheus(
                stack.run_dir, port=prometheus, exporter_port=port, alertmanager_port=free_port()
            )
            await stack.start(exporter, scraping)
            await _figures_are_there(exporter.url)
            return await _watched(exporter.url)


async def _watched(url: str) -> list[Figure]:
    with _Flood(urlsplit(url).port or 0) as flood:
        await asyncio.sleep(ALONE)
        alone = flood.taken / ALONE
        before = flood.taken
        seconds, failures = await _view(url)
        beside = (flood.taken - before) / SECONDS
    name = f"public: {VIEWERS} viewers for {SECONDS:.0f} s"
    return [
        Figure(f"{name}: answers/s", len(seconds) / SECONDS, "1/s"),
        Figure(f"{name}: that failed", len(failures), "", "<= 0"),
        Figure(f"{name}: p50", quantile(seconds, 0.5) * 1000, "ms"),
        Figure(f"{name}: p99", quantile(seconds, 0.99) * 1000, "ms", "<= 100"),
        Figure("public: durable fills/s beside them", beside, "1/s"),
        Figure("public: durable fills/s without them", alone, "1/s"),
    ]


async def _view(url: str) -> tuple[list[float], list[str]]:
    command = (sys.executable, "-m", "tests.bench.viewers", url, str(VIEWERS), str(SECONDS))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    seen = json.loads(out)
    return seen["seconds"], seen["failures"]


async def _figures_are_there(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(300):
            async with session.get(f"{url}/public.json") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.2)
    raise RuntimeError("there are no public figures")


class _Flood:
    """A bot that pushes fills as quickly as they are taken, until the block ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._done: list[tuple[float, int]] = []

    def __enter__(self) -> _Flood:
        push.prepare(self._port)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def taken(self) -> int:
        """How many fills were taken so far."""
        return sum(count for _, count in self._done)

    def _run(self) -> None:
        first = 1
        while not self._ended.is_set():
            push.send(self._port, [push.fills(first + n * push.BATCH, push.BATCH) for n in range(5)], self._done)
            first += 5 * push.BATCH
            time.sleep(0)
