"""An exporter with something that does not let itself be ended: its disk, or what it watches in place of its host.

Run as the command is: ``python -m tests.stack.stubborn HOW run --config FILE``.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from exporter import cli
from exporter.config import Config
from exporter.intake import Intake
from exporter.state.state import OWN, State
from exporter.supervision import Makers

_LONG = 600.0  # seconds


class IgnoresCancellation:
    """Goes on whatever it is told."""

    async def run(self) -> None:
        while True:
            try:
                await asyncio.sleep(_LONG)
            except asyncio.CancelledError:
                continue


class TidiesUp:
    """Wants to say good-bye to somebody who does not answer."""

    async def run(self) -> None:
        try:
            await asyncio.sleep(_LONG)
        finally:
            await asyncio.sleep(_LONG)


class Blocks:
    """Keeps the event loop for itself, once all else has begun."""

    async def run(self) -> None:
        await asyncio.sleep(1)
        print("the loop stands still", flush=True)
        time.sleep(_LONG)  # noqa: ASYNC251 - the fault that is shown


class Fails:
    """Has a fault, and says a secret in it."""

    async def run(self) -> None:
        raise RuntimeError("the address was https://host/?token=0123456789abcdef")


KINDS = {kind.__name__: kind for kind in (IgnoresCancellation, TidiesUp, Blocks, Fails)}


def source(how: str) -> ModuleType:
    """A module as those in ``exporter/sources`` are."""

    def sources(config: Config, state: State, intake: Intake) -> Makers:
        return {f"{OWN}/stubborn": KINDS[how]}

    module = ModuleType("exporter.sources.host")
    vars(module)["sources"] = sources
    return module


class SlowDisk(sqlite3.Connection):
    """Takes as many seconds for each writing as the file ``slow`` beside the configuration says, once it is there."""

    file = Path(sys.argv[-1]).with_name("slow")

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if self.file.exists() and not sql.startswith(("SELECT", "PRAGMA")):
            time.sleep(float(self.file.read_text()))
        return super().execute(sql, *parameters)


if __name__ == "__main__":
    if sys.argv[1] == SlowDisk.__name__:
        sqlite3.connect = partial(sqlite3.connect, factory=SlowDisk)  # type: ignore[assignment]
    else:
        sys.modules["exporter.sources.host"] = source(sys.argv[1])
    sys.exit(cli.main(sys.argv[2:]))
