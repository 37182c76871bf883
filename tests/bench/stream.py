"""A crowd of readers on the stream, with scrapes and events beside it; then some of them misbehave."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psutil

from tests.bench.figure import Figure, quantile
from tests.bench.processes import TOKEN, exporter, other_cores, pin
from tests.bench.readers import Plan, Seen, connect, text

READERS = int(os.environ.get("BENCH_STREAM_READERS", "1000"))
SAMPLED = 10
SECONDS = 10.0
MARKETS, PER_READER = 100, 5
EVENTS = 5_000  # a second
BATCH = 100
BOOKS = 120  # about 10,000 series
INTERVALS = (0.1, 0.05, 0.02)
MISBEHAVING = 200
_CONFIG = """
web: {{listen: "127.0.0.1:{port}"}}
currency: {{pegs: {{USDT: 1}}}}
journal: {{path: "{folder}/journal"}}
push: {{tokens: [{{name: bench, token: {{env: BENCH_TOKEN}}}}]}}
stream: {{interval_seconds: {interval}, connections: 5000, slow_seconds: 3}}
log: {{level: error}}
"""


def measure() -> Iterator[Figure]:
    """50 updates a second to each reader, in ten messages; then shorter intervals, as long as they hold."""
    for interval in INTERVALS:
        wanted = PER_READER / interval
        with _exporter(interval) as run, run.fed(), run.scraped():
            seen, cpu, grown = run.crowd(READERS)
            name = f"stream: {READERS} readers, {wanted:.0f} updates/s each"
            p99 = quantile(seen.delays, 0.99) * 1000
            yield Figure(f"{name}: updates/s delivered", READERS * seen.things / SAMPLED / SECONDS, "1/s", ">= 50000")
            yield Figure(f"{name}: frames/s", READERS * seen.frames / SAMPLED / SECONDS, "1/s")
            yield Figure(f"{name}: delivery p50", quantile(seen.delays, 0.5) * 1000, "ms", "<= 2")
            yield Figure(f"{name}: delivery p99", p99, "ms", "<= 5")
            yield Figure(f"{name}: readers lost", seen.lost, "", "<= 0")
            yield Figure(f"{name}: server, of one core", cpu, "")
            if interval == INTERVALS[0]:
                yield Figure("stream: memory a connection", grown / READERS / 1e3, "kB")
                yield Figure("stream: series scraped every 5 s", run.series, "series")
                yield Figure("stream: events/s coming in", run.events / run.fed_seconds, "1/s")
                yield Figure(f"stream: saved by compression, {PER_READER} things a message", run.saved(), "", ">= 0.7")
                yield from _misbehave(run)
        if seen.things / SAMPLED / SECONDS < 0.95 * wanted:
            return


def _misbehave(run: _Run) -> Iterator[Figure]:
    """200 that stop reading, 200 that vanish, one that floods, one with a bad frame, one that asks for nonsense."""
    before = run.process.memory_info().rss
    stuck = run.readers(Plan(drained=MISBEHAVING, asked=[{"stream": "spreads"}], stuck=True, seconds=SECONDS + 4))
    gone = [connect(run.url, {"stream": "spreads"}) for _ in range(MISBEHAVING)]
    for connection in gone:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        connection.close()
    for payload in (
        text("{") + text('{"op":"subscribe","stream":"no"}'),
        b"\xff\xff\xff\xff",
        text('{"op":"ping"}') * 500,
    ):
        connect(run.url, {"stream": "spreads"}).sendall(payload)
    seen, _, _ = run.crowd(MISBEHAVING)
    yield Figure(
        "stream: delivery p99 to the others, 400 misbehaving", quantile(seen.delays, 0.99) * 1000, "ms", "<= 5"
    )
    yield Figure("stream: others lost, 400 misbehaving", seen.lost, "", "<= 0")
    yield Figure("stream: memory that they cost", (run.process.memory_info().rss - before) / 1e6, "MB")
    stuck.wait(timeout=60)


class _Run:
    """One exporter on one core, and what is done to it from the other."""

    def __init__(self, process: psutil.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.series = self.events = 0
        self.fed_seconds = 0.0
        self._port = port

    def readers(self, plan: Plan) -> subprocess.Popen[str]:
        """Readers in a process of their own, once all are connected."""
        command = [sys.executable, "-m", "tests.bench.readers", self.url, msgspec.json.encode(plan).decode()]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        pin(process.pid, other_cores())
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def crowd(self, readers: int) -> tuple[Seen, float, int]:
        """What the sampled ones saw, the exporter's share of a core meanwhile, and the memory that they cost."""
        asked: list[dict[str, object]] = [
            {"stream": "spreads", "symbol": [f"M{(group * PER_READER + n) % MARKETS}/USDT" for n in range(PER_READER)]}
            for group in range(10)
        ]
        before = self.process.memory_info().rss
        drained = self.readers(Plan(drained=readers - SAMPLED, asked=asked, seconds=SECONDS + 1))
        grown = self.process.memory_info().rss - before
        sampled = self.readers(Plan(sampled=SAMPLED, asked=asked, seconds=SECONDS))
        cpu = self._cpu()
        began = time.monotonic()
        out, _ = sampled.communicate(timeout=60)
        used = (self._cpu() - cpu) / (time.monotonic() - began)
        others, _ = drained.communicate(timeout=60)
        seen = msgspec.json.decode(out, type=Seen)
        seen.lost += msgspec.json.decode(others, type=Seen).lost
        return seen, used, grown

    def saved(self) -> float:
        """The share of bytes that compression saved."""
        made, sent = (self._metric(f"trading_stream_{name}_bytes_total") for name in ("made", "sent"))
        return 1 - sent / made

    @contextmanager
    def fed(self) -> Iterator[None]:
        """Books and markets at first, then market data at a steady pace until the block ends."""
        self._push(_fills())
        with _repeated(self._feed):
            yield

    @contextmanager
    def scraped(self) -> Iterator[None]:
        """Scrapes every five seconds until the block ends."""
        with _repeated(self._scrape):
            yield

    def _feed(self, ended: threading.Event) -> None:
        connection, began, count = http.client.HTTPConnection("127.0.0.1", self._port), time.monotonic(), 0
        cents: dict[int, int] = {}
        while not ended.is_set():
            self._push(_ticks(count, cents), connection)
            count += BATCH
            self.events, self.fed_seconds = count, time.monotonic() - began
            time.sleep(max(0.0, began + count / EVENTS - time.monotonic()))

    def _scrape(self, ended: threading.Event) -> None:
        while not ended.wait(5):
            self.series = sum(not line.startswith("#") for line in self._get("/metrics").splitlines())

    def _push(self, body: str, connection: http.client.HTTPConnection | None = None) -> None:
        connection = connection or http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("POST", "/v1/events", body, {"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()

    def _get(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    def _metric(self, name: str) -> float:
        (line,) = (line for line in self._get("/metrics").splitlines() if line.startswith(f"{name} "))
        return float(line.split()[1])

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def _repeated(work: Callable[[threading.Event], None]) -> Iterator[None]:
    ended = threading.Event()
    thread = threading.Thread(target=work, args=(ended,))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _exporter(interval: float) -> Iterator[_Run]:
    with exporter(_CONFIG, interval=interval) as (port, process):
        yield _Run(process, port)


def _fills() -> str:
    made = (
        {
            **{"type": "fill", "exchange": f"e{n % 4}", "account": "main", "strategy": f"s{n % 3}"},
            **{"symbol": f"M{n % MARKETS}/USDT", "trade_id": str(n), "side": "buy", "price": "100"},
            **{"quantity": "1", "liquidity": "maker", "ts": time.time()},
        }
        for n in range(BOOKS)
    )
    return "\n".join(map(json.dumps, made))


def _ticks(first: int, cents: dict[int, int]) -> str:
    """Moves of markets by a few ticks, the spread mostly one tick, as those of liquid markets are."""
    rng, now = random.Random(first), time.time()
    for n in range(first, first + BATCH):
        market = n % MARKETS
        cents[market] = cents.get(market, 6_000_000 + 7_919 * market) + rng.randint(-30, 30)
    made = (
        {
            **{"type": "book", "exchange": "e0", "symbol": f"M{market}/USDT", "ts": now},
            **{"bid": cents[market] / 100, "bid_quantity": 1},
            **{"ask": (cents[market] + rng.choice((1, 1, 1, 5))) / 100, "ask_quantity": 1},
        }
        for market in (n % MARKETS for n in range(first, first + BATCH))
    )
    return "\n".join(map(json.dumps, made))
