"""The exporter as it is measured: a process of its own, on a core of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from simulator.stack.ports import free_port

TOKEN = secrets.token_hex(16)
"""What bots push with; the configuration reads it from ``BENCH_TOKEN``."""


@contextmanager
def exporter(config: str, **values: object) -> Iterator[tuple[int, psutil.Process]]:
    """Run it until the block ends; its port is filled into ``config`` as well as a ``folder`` and ``values``."""
    with tempfile.TemporaryDirectory() as folder:
        port, file = free_port(), Path(folder) / "exporter.yml"
        file.write_text(config.format(port=port, folder=folder, **values))
        command = [sys.executable, "-m", "exporter", "run", "--config", str(file)]
        with subprocess.Popen(command, env={**os.environ, "BENCH_TOKEN": TOKEN}) as process:
            try:
                pin(process.pid, {_cores()[0]})
                until_listening(port)
                yield port, psutil.Process(process.pid)
            finally:
                process.terminate()


def pin(pid: int, cores: set[int]) -> None:
    """Keep a process on these cores, where that can be said."""
    with suppress(AttributeError, OSError):
        os.sched_setaffinity(pid, cores)


def other_cores() -> set[int]:
    """Those that the exporter is not on."""
    first, *others = _cores()
    return set(others) or {first}


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def until_listening(port: int) -> None:
    """Wait until somebody does."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens on port {port}")
