"""The machine that we run on, as psutil sees it."""

from __future__ import annotations

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from exporter.config import Config
from exporter.intake import Intake
from exporter.state.state import OWN, State
from exporter.supervision import Makers

_LOOPBACK = ("lo", "Loopback")
_TAKEN_BACK = 3.0  # seconds of a processor's time that a kernel may count too early


def sources(config: Config, state: State, intake: Intake) -> Makers:  # noqa: ARG001 - nothing of it is an event
    """One source, unless it is switched off."""
    return {f"{OWN}/host": partial(HostSource, state)} if config.host.enabled else {}


class Rising:
    """Sums that never fall, made of those that may: one that fell would count as begun anew, with all it ever had.

    What falls by no more than ``taken_back`` was counted too early, and stands still until it is made up. What falls
    further lost a part, such as a network card that is gone, and goes on from where it was.
    """

    def __init__(self, taken_back: float = 0.0) -> None:
        self._taken_back = taken_back
        self._sums: dict[str, float] = {}
        self._lost: defaultdict[str, float] = defaultdict(float)

    def read(self, told: Mapping[str, float]) -> dict[str, float]:
        """What the sums are, after what the system tells now."""
        for name, value in told.items():
            before = self._sums.get(name, value)
            if before - value - self._lost[name] > self._taken_back:
                self._lost[name] = before - value
            self._sums[name] = max(before, value + self._lost[name])
        return dict(self._sums)


class HostSource:
    """Keeps the figures up to date until `run` is cancelled.

    All of them are sums since the machine started, or of this moment, so that it does not matter when they are read.
    """

    def __init__(self, state: State) -> None:
        self._figures = state.host
        self._cpu = Rising(_TAKEN_BACK)
        self._disk, self._disk_bytes, self._network = Rising(), Rising(), Rising()
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
        cpu = psutil.cpu_times()._asdict()
        for part in ("guest", "guest_nice"):  # which user and nice contain
            cpu.pop(part, None)
        figures.cpu = self._cpu.read(cpu)
        memory = psutil.virtual_memory()
        figures.memory_bytes, figures.memory_available_bytes = memory.total, memory.available
        disk = psutil.disk_io_counters()
        if disk is not None:  # in some containers
            figures.disk = self._disk.read({"read": disk.read_count, "write": disk.write_count})
            figures.disk_bytes = self._disk_bytes.read({"read": disk.read_bytes, "write": disk.write_bytes})
        others = [card for name, card in psutil.net_io_counters(pernic=True).items() if not name.startswith(_LOOPBACK)]
        sums = {"receive": sum(card.bytes_recv for card in others), "transmit": sum(card.bytes_sent for card in others)}
        figures.network_bytes = self._network.read(sums)
        if self._journal is not None:
            with suppress(OSError):
                figures.journal_free_bytes = shutil.disk_usage(self._journal).free
        figures.boot = psutil.boot_time()
