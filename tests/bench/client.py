"""What a report costs the bot that makes it, with the exporter there and away."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exporter.client import Client
from tests.bench.figure import Figure, quantile

BURST = 50_000  # reports one after another, more than the threads behind keep up with
PACED = 4_000
PAUSE = 0.0005  # seconds between two paced reports, in which a bot would wait for its exchange
AWAY = "http://127.0.0.1:9"  # discard: nobody listens there


def measure() -> Iterator[Figure]:
    """The time of each single call, by a clock before and after it."""
    logging.getLogger("exporter.client").addHandler(logging.NullHandler())  # that it is away is meant
    with _standin() as url:
        yield from _figures("exporter there", url)
    yield from _figures("exporter away", AWAY)
    idle = _durations(lambda **_: None, PACED, PAUSE)
    yield Figure("client, a call that does nothing, paced: p50", quantile(idle, 0.5), "µs")
    yield Figure("client, a call that does nothing, paced: p99", quantile(idle, 0.99), "µs")


def _figures(name: str, url: str) -> Iterator[Figure]:
    for kind, count, pause in (("burst", BURST, 0.0), ("paced", PACED, PAUSE)):
        with tempfile.TemporaryDirectory() as folder, Client(url, exchange="alpha", spool=folder) as reports:
            reports.flush(1.0, to_disk=True)
            durations = _durations(reports.fill, count, pause)
            reports.flush(30.0, to_disk=True)
            assert not reports.statistics.lost
        yield Figure(f"client fill(), {name}, {kind}: p50", quantile(durations, 0.5), "µs", "<= 20")
        yield Figure(f"client fill(), {name}, {kind}: p99", quantile(durations, 0.99), "µs", "<= 20")


def _durations(report: Callable[..., None], count: int, pause: float) -> list[float]:
    clock, durations = time.perf_counter_ns, []
    for number in range(count):
        if pause:
            time.sleep(pause)
        started = clock()
        report(
            symbol="BTC/USDT",
            trade_id=number,
            order_id="77",
            side="buy",
            price="60000.10",
            quantity="0.012",
            fee=("BNB", "0.0001"),
            liquidity="maker",
        )
        durations.append((clock() - started) / 1000)
    return durations


@contextmanager
def _standin() -> Iterator[str]:
    """Something that takes all, as a process of its own, so that it takes none of the bot's time."""
    command = [sys.executable, "-m", "tests.client.standin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()
