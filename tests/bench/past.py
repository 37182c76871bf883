"""A Prometheus with a past: hours of everything at 5 s, and before that a month of what is recorded, at 5 min.

The past is written by Prometheus' remote write and stays in the user's cache, in `FOLDER` under a name that is made of
all it depends on; ``make clean`` removes it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from simulator.stack import ensure_binaries, find_binary
from simulator.stack.ports import LOOPBACK, free_port
from simulator.stack.processes import answers
from tests.bench import world
from tests.bench.wire import Writer
from tests.bench.world import Series

DAYS = float(os.environ.get("BENCH_PAST_DAYS", "30"))
HOURS = float(os.environ.get("BENCH_PAST_HOURS", "6"))
END = 1_767_268_800
"""The Unix time at which this past ends, a full hour; questions are asked as if it was now."""

STEP, OLD_STEP = 5, 300  # seconds between two samples
_WINDOW, _OLD_WINDOW = 96, 144  # samples of a series that are written at once
FOLDER = Path.home() / ".cache" / "trading-exporter"
_FORM = 1  # of what is written, in the name of what is kept
_READY_SECONDS = 180

_COMPACTIONS = re.compile(r"^prometheus_tsdb_(?:compactions_total|head_chunks|head_min_time) .*", re.MULTILINE)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Server:
    """A running Prometheus."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"

    def processor_seconds(self) -> float:
        """What it has used of all processors so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def prometheus() -> Iterator[Server]:
    """Give a Prometheus with the whole past, which is written first unless it is there."""
    ensure_binaries(_say)
    folder, complete = _folder()
    if not complete.exists():
        with _serving(folder) as server:
            _write(server.port)
            _settle(server.url)
        complete.touch()
    with _serving(folder) as server:
        _settle(server.url)
        yield server


def _folder() -> tuple[Path, Path]:
    """Give where this past is kept, and the file that says that all of it is there; forget other and broken ones."""
    said = repr((_FORM, END, DAYS, HOURS, world.raw(), world.kept()))
    name = f"bench-{hashlib.sha256(said.encode()).hexdigest()[:12]}"
    complete = FOLDER / name / "complete"
    for old in FOLDER.glob("bench-*"):
        if old.name != name or not complete.exists():
            shutil.rmtree(old)
    (FOLDER / name).mkdir(parents=True, exist_ok=True)
    return FOLDER / name, complete


@contextmanager
def _serving(folder: Path) -> Iterator[Server]:
    port = free_port()
    (folder / "prometheus.yml").write_text("{}")
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "storage.tsdb.retention.time": "60d",
        "web.listen-address": f"{LOOPBACK}:{port}",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [str(find_binary("prometheus")), *flags, "--web.enable-remote-write-receiver"]
    with (folder / "prometheus.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            server = Server(port, process.pid)
            _until_ready(server.url, process, folder / "prometheus.log")
            yield server
        finally:
            process.terminate()


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not answers(url, "/-/ready"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Prometheus does not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


class Values:
    """The values of many series, window after window."""

    def __init__(self, series: Sequence[Series]) -> None:
        sources = sorted({each.source for each in series})
        numbers = {source: number for number, source in enumerate(sources)}
        self._source = np.array([numbers[each.source] for each in series])
        self._scale = np.array([each.scale for each in series])[:, None]
        self._kinds = {kind: np.array([each.kind == kind for each in series]) for kind in {s.kind for s in series}}
        self._chance = np.random.default_rng(7)
        self._pace = self._chance.exponential(1.0, len(sources))[:, None]
        self._counts = np.zeros((len(sources), 1))
        self._levels = 1.0 + self._chance.random((len(sources), 1))

    def at(self, times: Floats) -> Floats:
        """Give the values of all series at the next times (Unix seconds), a row a series."""
        shape, apart = (len(self._pace), len(times)), times[1] - times[0]
        counts = self._counts + np.cumsum(self._chance.poisson(self._pace * apart, shape), axis=1)
        levels = self._levels + np.cumsum(self._chance.normal(0, 0.001, shape), axis=1)
        self._counts, self._levels = counts[:, -1:], levels[:, -1:]
        one = np.ones(shape)
        drawn = {"count": counts, "sum": counts * 1.37, "level": levels, "one": one, "time": one * times - 0.3}
        values = np.empty((len(self._source), len(times)))
        for kind, chosen in self._kinds.items():
            values[chosen] = drawn[kind][self._source[chosen]] * self._scale[chosen]
        counted = self._kinds.get("count", np.zeros(len(values), bool))
        values[counted] = np.floor(values[counted])
        return values


def _write(port: int) -> None:
    """Write all of it, the oldest first."""
    began, raw, kept = time.monotonic(), world.raw(), world.kept()
    recent = END - int(HOURS * 3600)
    old = np.arange(END - int(DAYS * 86_400), recent, OLD_STEP, dtype=np.float64)
    new = np.arange(recent, END + STEP, STEP, dtype=np.float64)
    writer, values, recorded = Writer(port), Values(raw), Values(kept)
    total = len(old) * len(kept) + len(new) * (len(raw) + len(kept))
    for times in _windows(old, _OLD_WINDOW):
        writer.write(kept, recorded.at(times), times)
        _progress(writer.samples, total)
    for times in _windows(new, _WINDOW):
        writer.write(raw, values.at(times), times)
        writer.write(kept, recorded.at(times), times)
        _progress(writer.samples, total)
    _say(f"{total:,} samples of {len(raw):,} + {len(kept):,} series written in {time.monotonic() - began:.0f} s")


def _windows(times: Floats, size: int) -> Iterator[Floats]:
    """Give the times, some at once, and never a single one."""
    for first in range(0, len(times) - 1, size):
        last = len(times) if len(times) - first - size < 2 else first + size
        yield times[first:last]


def _settle(url: str) -> None:
    """Wait until nothing more is put together on disk."""
    seen, since = "", time.monotonic()
    while time.monotonic() - since < 5:
        with urllib.request.urlopen(f"{url}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        if (now := " ".join(_COMPACTIONS.findall(text))) != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.5)


def _progress(done: int, total: int) -> None:
    share = done / total
    print(f"\rbench: writing what Prometheus knows of the past: {share:4.0%}", end="", file=sys.stderr, flush=True)
    if done == total:
        print(file=sys.stderr)


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)
