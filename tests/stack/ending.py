"""An exporter as a process of its own, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from simulator.stack.components import local_url
from simulator.stack.ports import LOOPBACK, free_port
from simulator.stack.processes import ROOT
from tests.stack.harness import eventually

TOKEN = "0123456789abcdef"
PROMISED = 5.0  # seconds from the signal to the end of the process


@dataclass(frozen=True)
class Exporter:
    """A process that runs; ``folder`` has its files."""

    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession
    url: str
    folder: Path

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def said(self) -> str:
        """Its log."""
        return (self.folder / "log").read_text()

    def lines(self) -> list[dict[str, Any]]:
        """Its log, line by line."""
        return [json.loads(line) for line in self.said.splitlines()]

    def messages(self) -> list[str]:
        return [line["message"] for line in self.lines()]

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def until_said(self, text: str) -> None:
        async def found() -> bool:
            return text in self.said

        await eventually(found)

    async def ended(self) -> int:
        """Its exit status, which must be there within what is promised."""
        async with asyncio.timeout(PROMISED):
            return await self.process.wait()

    async def push(self, *events: Mapping[str, Any]) -> int:
        """Push events; the status of the answer."""
        body = "".join(json.dumps(event) + "\n" for event in events)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.session.post(f"{self.url}/v1/events", data=body, headers=headers) as answer:
            return answer.status


@asynccontextmanager
async def started(folder: Path, *program: str, **settings: Any) -> AsyncIterator[Exporter]:
    """Run it until the block ends; it answers already, and is killed at the end if it is still there."""
    port = free_port()
    (folder / "token").write_text(TOKEN)
    push = {"tokens": [{"name": "bot", "token": {"file": str(folder / "token")}}]}
    given = {"push": push, "journal": {"path": str(folder / "journal")}} | settings
    given["web"] = {"listen": f"{LOOPBACK}:{port}", **settings.get("web", {})}
    (folder / "exporter.yml").write_text(yaml.safe_dump(given))
    command = (*(program or ("-m", "exporter")), "run", "--config", str(folder / "exporter.yml"))
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        exporter = Exporter(process, session, local_url(port), folder)
        try:
            await exporter.until_said("ready on")
            yield exporter
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
