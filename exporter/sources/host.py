"""The machine that we run on, as psutil sees it."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from exporter.config import Config
from exporter.intake import Intake
from exporter.sources import Makers
from exporter.state.state import OWN, State

_LOOPBACK = ("lo", "Loopback")


def sources(config: Config, state: State, intake: Intake) -> Makers:  # noqa: ARG001 - nothing of it is an event
    """One source, unless it is switched off."""
    return {f"{OWN}/host": partial(HostSource, state)} if config.host.enabled else {}


class HostSource:
    """Keeps the figures up to date until `run` is cancelled.

    All of them are sums since the machine started, or of this moment, so that it does not matter when they are read.
    """

    def __init__(self, state: State) -> None:
        self._figures = state.host
        self._interval = state.config.host.interval
        path = state.config.journal.path
        self._journal = Path(path).absolute().parent if path else None

    async def run(self) -> None:
        """Look; returns only by cancellation."""
        while True:
            self.read()
            await asyncio.sleep(self._interval)

    def read(self) -> None:
        """Look once; takes about a millisecond."""
        figures = self._figures
        figures.cpu = dict(psutil.cpu_times()._asdict())
        for part in ("guest", "guest_nice"):  # which user and nice contain
            figures.cpu.pop(part, None)
        memory = psutil.virtual_memory()
        figures.memory_bytes, figures.memory_available_bytes = memory.total, memory.available
        disk = psutil.disk_io_counters()
        if disk is not None:  # in some containers
            figures.disk = {"read": disk.read_count, "write": disk.write_count}
            figures.disk_bytes = {"read": disk.read_bytes, "write": disk.write_bytes}
        others = [card for name, card in psutil.net_io_counters(pernic=True).items() if not name.startswith(_LOOPBACK)]
        sums = {"receive": sum(card.bytes_recv for card in others), "transmit": sum(card.bytes_sent for card in others)}
        figures.network_bytes = dict(sums)
        if self._journal is not None:
            with suppress(OSError):
                figures.journal_free_bytes = shutil.disk_usage(self._journal).free
        figures.boot = psutil.boot_time()
