"""Whatever fails, in whatever order: what was safe on disk arrives at least once."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.client.program import start
from tests.client.standin import Behaviour, Request, StandIn, standin
from tests.client.test_delivery import client
from tests.client.test_spool import segments

# Reports without end; after each few it says which are safe.
RESTLESS = """
reports = Client(url, exchange="alpha", spool=spool, timeout=0.2, retry_seconds=0.02)
name, number = sys.argv[3], 0
while True:
    for _ in range(40):
        fill(reports, f"{name}-{number}")
        reports.book(symbol="BTC/USDT", bid=1, ask=2)
        number += 1
    if reports.flush(5, to_disk=True):
        print(number, flush=True)
"""


def unreliable(dice: random.Random) -> Behaviour:
    """An exporter that fails in every way it can, and sometimes works."""

    def behave(request: Request) -> None:
        size = len(request.events)
        match dice.randrange(12):
            case 0:
                request.take()
                request.reset()
            case 1:
                request.reset()
            case 2:
                taken = request.take(0, size // 2)
                body = {"accepted": taken, "duplicates": 0, "errors": [], "next_index": taken}
                request.answer(429, body, Retry_After="0")
            case 3:
                request.answer(503, "busy", Retry_After="0")
            case 4:
                request.answer(dice.choice((400, 401, 404, 500, 502)), "no")
            case 5 if size > 1:
                request.answer(413, "too large")
            case 6:
                request.garbage(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
            case 7:
                request.take(0, dice.randrange(size + 1))  # and ends in the middle, before it could say so
                request.garbage(b"")
            case _:
                request.accept()

    return behave


def life_and_death(server: StandIn, spool: Path, name: str, dice: random.Random) -> list[str]:
    """Run a bot, kill it at some moment while the exporter comes and goes; the trade ids that it knew to be safe."""
    safe = 0
    with start(RESTLESS, server.url, spool, name) as process:
        assert process.stdout is not None
        for _ in range(dice.randrange(1, 12)):
            safe = int(process.stdout.readline())
            if dice.random() < 0.3:
                server.stop()
                if dice.random() < 0.7:
                    safe = int(process.stdout.readline())
                server.start()
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait(60)
        safe = int(rest[-1]) if rest else safe
    return [f"{name}-{number}" for number in range(safe)]


@pytest.mark.parametrize("seed", range(3))
def test_every_fill_that_was_safe_on_disk_arrives(seed: int, tmp_path: Path) -> None:
    """Over kills with SIGKILL, restarts, and an exporter that resets, refuses, and takes without saying so."""
    dice = random.Random(seed)
    expected: list[str] = []
    with standin(unreliable(dice)) as server:
        for life in range(10):
            expected += life_and_death(server, tmp_path, f"{seed}-{life}", dice)
        with client(server, tmp_path, timeout=0.5) as reports:
            server.behave = Request.accept
            assert reports.flush(60)
            assert reports.statistics.lost == 0
        arrived = server.ids()
        assert set(expected) - set(arrived) == set()
        for life in range(10):  # the first arrival of each is in the order of the reports
            own = [trade_id for trade_id in dict.fromkeys(arrived) if trade_id.startswith(f"{seed}-{life}-")]
            assert own == sorted(own, key=lambda trade_id: int(trade_id.rpartition("-")[2]))
    assert segments(tmp_path) == []
