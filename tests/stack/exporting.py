"""The exporter as its users run it: a process of its own, which may be killed, and the commands for its journal."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp

from exporter import cli
from simulator.stack import components
from simulator.stack.ports import LOOPBACK, free_port
from simulator.stack.processes import ComponentError, Stack

TOKEN = "0123456789abcdef"

_SAMPLE = re.compile(r"trading_(\w+)(?:\{(.*)\})? ([-+.\deE]+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Scrape:
    """The samples of one answer of ``/metrics``, exact."""

    def __init__(self, text: str) -> None:
        self.samples: dict[tuple[str, frozenset[tuple[str, str]]], Fraction] = {}
        for line in text.splitlines():
            if found := _SAMPLE.fullmatch(line):
                labels = frozenset((name, value) for name, value in _LABEL.findall(found[2] or ""))
                self.samples[found[1], labels] = Fraction(found[3])

    def value(self, family: str, **labels: str) -> Fraction | None:
        """One sample; None when it is not there."""
        return self.samples.get((family, frozenset(labels.items())))

    def sum(self, family: str, **labels: str) -> Fraction:
        """Of all samples that have these labels."""
        wanted = labels.items()
        return sum(
            (value for (name, found), value in self.samples.items() if name == family and wanted <= found), Fraction(0)
        )


class Exporter:
    """An exporter that is started again and again on the same port with the same journal.

    ``under`` is a command that runs it, such as a tracer.
    """

    def __init__(
        self,
        stack: Stack,
        session: aiohttp.ClientSession,
        settings: Mapping[str, Any],
        under: tuple[str, ...] = (),
    ) -> None:
        port, folder = free_port(), stack.run_dir / "exporter"
        folder.mkdir(exist_ok=True)
        (folder / "token").write_text(TOKEN)
        push = {"tokens": [{"name": "bot", "token": {"file": str(folder / "token")}}]}
        self.journal = folder / "journal"
        self.url = components.local_url(port)
        self._stack = stack
        self._session = session
        given = {"web": {"listen": f"{LOOPBACK}:{port}"}, "push": push, **settings}
        given["journal"] = {"path": str(self.journal), **given.get("journal", {})}
        component = components.exporter(stack.run_dir, port=port, config=given)
        self._component = replace(component, command=(*under, *component.command))

    @property
    def log(self) -> str:
        """All that the processes so far have said."""
        return self._stack.log_path("exporter").read_text()

    @property
    def pid(self) -> int:
        return self._stack.pid("exporter")

    async def start(self) -> None:
        """Start it and wait until it answers."""
        await self._stack.start(self._component)

    async def kill(self) -> None:
        """End it with SIGKILL."""
        await self._stack.stop("exporter", kill=True)

    async def stop(self) -> None:
        """End it with SIGTERM, as an operator does."""
        await self._stack.stop("exporter")

    @asynccontextmanager
    async def starting(self) -> AsyncIterator[asyncio.Task[None]]:
        """Start it; in the block the process runs, be it ready or not. It is killed at the end of the block."""
        task = asyncio.create_task(self.start())
        while not (self._is_there() or task.done()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        try:
            yield task
        finally:
            if self._is_there():
                await self.kill()
            with contextlib.suppress(ComponentError):
                await task

    def _is_there(self) -> bool:
        try:
            return self.pid > 0
        except KeyError:
            return False

    async def scrape(self) -> Scrape:
        async with self._session.get(f"{self.url}/metrics", raise_for_status=True) as answer:
            return Scrape(await answer.text())

    async def push(self, events: Iterable[Mapping[str, Any]], session: aiohttp.ClientSession | None = None) -> Any:
        """Push events; the exporter's answer, which must be 200."""
        body = "".join(json.dumps(event) + "\n" for event in events)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (session or self._session).post(f"{self.url}/v1/events", data=body, headers=headers) as answer:
            found = await answer.json()
            assert answer.status == 200, found
            return found

    def verify(self) -> tuple[int, str]:
        """``trading-exporter journal verify``: its exit status and its words."""
        return command("journal", "verify", str(self.journal))

    def exported(self, *kinds: str) -> list[dict[str, Any]]:
        """The events of these kinds that the journal has, by ``trading-exporter journal export``."""
        chosen = [part for kind in kinds for part in ("--kind", kind)]
        status, text = command("journal", "export", str(self.journal), *chosen)
        assert status == 0, text
        return [json.loads(line) for line in text.splitlines()]


def command(*arguments: str) -> tuple[int, str]:
    """Run ``trading-exporter`` with these arguments; its exit status and its output."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        status = cli.main(arguments)
    return status, output.getvalue() or errors.getvalue()


def damaged(journal: Path) -> list[Path]:
    """The damaged journals that are kept beside this one."""
    return [file for file in journal.parent.glob(f"{journal.name}.damaged-*") if not file.name.endswith("-wal")]
