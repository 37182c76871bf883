"""The time that an exporter with a long past takes to start, and the memory that it then has."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psutil

from exporter.events import Book, Fee, Fill
from exporter.intake import Intake
from exporter.journal import Journal
from exporter.recovery import Keeper
from exporter.state.state import State
from simulator.stack.ports import free_port
from tests.bench.figure import Figure
from tests.builders import config

FILLS = int(os.environ.get("BENCH_FILLS", "5000000"))
BOOKS = 50
_SLICE = 1000
_CONFIG = """
web: {{listen: "127.0.0.1:{port}"}}
currency: {{pegs: {{USDT: 1}}}}
journal: {{path: "{journal}"}}
"""


def measure() -> Iterator[Figure]:
    """Write a past of that many fills through the intake, stop, and start the program on it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        asyncio.run(_past(path))
        size = path.stat().st_size
        yield Figure("restart: fills in the journal", FILLS, "fills")
        yield Figure("restart: journal", size / FILLS, "bytes/fill")
        seconds, memory = _start(Path(folder), path)
        yield Figure("restart: start to first answer", seconds, "s", "<= 10 for 5 million")
        yield Figure("restart: memory after it", memory / 1e6, "MB")


async def _past(path: Path) -> None:
    journal = Journal.open(path)
    writer = asyncio.create_task(journal.run())
    state = State(config(), log=journal)
    intake, begun = Intake(state), time.time() - FILLS / 1000 - 60
    for number in range(BOOKS):
        intake.accept(_book(number, begun), "bench")
    drawn = random.Random(1)
    quantities = [Decimal(drawn.randint(1, 10**6)).scaleb(-6) for _ in range(1000)]
    prices = [Decimal(drawn.randint(5_999_000, 6_001_000)).scaleb(-2) for _ in range(1000)]
    for start in range(0, FILLS, _SLICE):
        for number in range(start, min(start + _SLICE, FILLS)):
            intake.accept(_fill(number, begun, prices[number % 997], quantities[number % 991]), "bench")
        await intake.durable()
        if start % 1_000_000 == 0 and sys.stderr.isatty():
            print(f"\rrestart: {start} of {FILLS} fills written", end="", file=sys.stderr)
    await Keeper(state, 600).end()
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    journal.close()


def _book(number: int, ts: float) -> Book:
    symbol = f"C{number}/USDT"
    return Book(exchange="alpha", symbol=symbol, ts=ts, bid=59999.0, bid_quantity=1.0, ask=60001.0, ask_quantity=1.0)


def _fill(number: int, begun: float, price: Decimal, quantity: Decimal) -> Fill:
    return Fill(
        exchange="alpha",
        account="main",
        strategy="maker",
        symbol=f"C{number % BOOKS}/USDT",
        trade_id=str(10**9 + number),
        order_id=str(5 * 10**9 + number // 2),
        side="sell" if number % 7 < 3 else "buy",
        price=price,
        quantity=quantity,
        fee=Fee("USDT", quantity.scaleb(-3)),
        liquidity="maker",
        ts=begun + number / 1000,
    )


def _start(folder: Path, journal: Path) -> tuple[float, int]:
    """Seconds until the program answers, imports included, and its resident memory in bytes."""
    port = free_port()
    file = folder / "exporter.yml"
    file.write_text(_CONFIG.format(port=port, journal=journal))
    started = time.perf_counter()
    command = [sys.executable, "-m", "exporter", "run", "--config", str(file)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            while not _answers(port):
                if process.poll() is not None:
                    raise RuntimeError("the exporter did not start")
                time.sleep(0.02)
            seconds = time.perf_counter() - started
            return seconds, psutil.Process(process.pid).memory_info().rss
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
