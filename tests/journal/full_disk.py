"""What a journal does when its disk is full, told as JSON; to be run where FOLDER is a small file system of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from exporter.errors import JournalError, OverloadError
from exporter.journal import Journal
from tests.journal.helpers import lasting, numbers, valued, written


def fill_up(file: Path) -> None:
    """Take all the room there is."""
    with file.open("wb", buffering=0) as out:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    out.write(bytes(size))
            except OSError:
                continue


async def until_written(journal: Journal) -> None:
    """As a sender would: what was not kept is waited for again."""
    while True:
        try:
            await journal.durable()
        except JournalError:
            await asyncio.sleep(0.02)
        else:
            return


async def main(folder: Path) -> dict[str, object]:
    path, ballast = folder / "journal.db", folder / "ballast"
    seen: dict[str, object] = {}
    async with written(Journal.open(path, max_pending=2000)) as journal:
        figures, appended, acknowledged = journal.figures, 0, 0
        for _ in range(50):
            journal.append(valued(appended))
            appended += 1
            await journal.durable()
            acknowledged = appended
        fill_up(ballast)
        try:
            while True:
                for _ in range(20):
                    journal.append(valued(appended))
                    appended += 1
                await journal.durable()
                acknowledged = appended
        except JournalError as error:
            seen["error"] = str(error)
        seen |= {"acknowledged": acknowledged, "appended_when_full": appended, "word": figures.error}
        seen["failing"] = figures.failing_since is not None
        try:
            while True:
                journal.append(valued(appended))
                appended += 1
        except OverloadError as error:
            seen |= {"overload": str(error), "pending": figures.pending}
        seen["readable"] = numbers(lasting(journal)) == list(range(appended))
        ballast.unlink()
        await until_written(journal)
        seen |= {"recovered": figures.failing_since is None and not figures.error, "left": figures.pending}
        journal.append(valued(appended))
        appended += 1
        await journal.durable()
        fill_up(ballast)
    ballast.unlink()
    async with written(Journal.open(path)) as journal:
        seen |= {"appended": appended, "kept": numbers(lasting(journal)) == list(range(appended))}
        seen["salvaged"] = journal.salvaged is not None
    return seen


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
