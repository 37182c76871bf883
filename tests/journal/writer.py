"""A process that writes a journal and tells on standard output what was acknowledged, to be killed or traced.

``python -m tests.journal.writer PATH one COUNT`` writes records one after the other. ``… PATH forks`` forks, for each
line on standard input, a process that writes bursts until it is killed, and tells when that has ended.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from contextlib import suppress
from pathlib import Path

from exporter.journal import Journal
from tests.journal.helpers import lasting, valued


def tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # in one piece, and not held back


async def one_by_one(path: Path, count: int) -> None:
    journal = Journal.open(path)
    task = asyncio.create_task(journal.run())
    await asyncio.sleep(0)
    for number in range(count):
        journal.append(valued(number))
        await journal.durable()
        tell(f"ack {number}")
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    journal.close()


async def bursts(path: Path) -> None:
    """Several clients at once: each appends some records, waits until they are kept, and says so."""
    journal = Journal.open(path)
    task = asyncio.create_task(journal.run())
    count = len(lasting(journal))
    chance = random.Random(count)

    async def client() -> None:
        nonlocal count
        while True:
            for _ in range(chance.choice((1, 1, 3, 40, 700))):
                journal.append(valued(count))
                count += 1
            appended = count
            await journal.durable()
            tell(f"ack {appended}")

    tell("ready")
    await asyncio.gather(task, *(client() for _ in range(4)))


def forks(path: Path) -> None:
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            asyncio.run(bursts(path))
        tell(f"pid {child}")
        os.waitpid(child, 0)
        tell("dead")


if __name__ == "__main__":
    if sys.argv[2] == "forks":
        forks(Path(sys.argv[1]))
    else:
        asyncio.run(one_by_one(Path(sys.argv[1]), int(sys.argv[3])))
