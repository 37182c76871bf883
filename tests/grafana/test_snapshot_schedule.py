"""Snapshots again and again: what fails is tried again, and a signal ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from tests.grafana.publicly import PUBLIC, Snapshot, provisioned, runner, write
from tests.grafana.standin import TOKEN, Grafana

ROOT = Path(__file__).parents[2]


@pytest.fixture
def snapshot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Snapshot:
    """The command."""
    return runner(write(tmp_path / "json", PUBLIC), capsys)


class Waits(Event):
    """The end of a schedule, which comes after so many waits; each wait is over at once and kept."""

    def __init__(self, count: int, meanwhile: Callable[[int], None] = lambda _: None) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._count = count
        self._meanwhile = meanwhile

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0)
        self._meanwhile(len(self.seconds))
        if len(self.seconds) == self._count:
            self.set()
        return self.is_set()


def test_schedule_takes_one_after_the_other(grafana: Grafana, snapshot: Snapshot) -> None:
    """With --every it goes on, waits so long in between, and ends with 0 when it is told to stop."""
    provisioned(grafana)
    stop = Waits(3)
    code, out, err = snapshot(grafana, "--every", "1h", stop=stop)
    assert (code, err, stop.seconds) == (0, "", [3600, 3600, 3600])
    assert out.count(": created: ") == out.count("/dashboard/snapshot/") == 3


def test_schedule_tells_failures_and_tries_again_before_long(grafana: Grafana, snapshot: Snapshot) -> None:
    """Each failure is one line with its time; the waits grow up to ten minutes, and begin anew after a success."""

    def repair(waits: int) -> None:
        if waits == 8:
            provisioned(grafana)

    stop = Waits(10, repair)
    code, out, err = snapshot(grafana, stop=stop, SNAPSHOT_EVERY="6h")
    assert code == 0
    assert stop.seconds[:8] == [10, 20, 40, 80, 160, 320, 600, 600]
    assert stop.seconds[8:] == [21_600, 21_600]
    assert err.count("error: the dashboard Public") == len(err.splitlines()) == 8
    assert err.splitlines()[0].endswith("; the next try is in 10 s")
    assert out.count("/dashboard/snapshot/") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_schedule_ends_by_a_signal(new: Grafana, number: signal.Signals) -> None:
    """While it waits for the next one a signal ends it at once, with 0 and no further word."""
    provisioned(new)
    command = [sys.executable, "-m", "grafana.snapshot", "--every", "1h"]
    settings = os.environ | {"GRAFANA_URL": new.url, "GRAFANA_TOKEN": TOKEN}
    with subprocess.Popen(
        command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while "/dashboard/snapshot/" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert len(new.snapshots) == 1
