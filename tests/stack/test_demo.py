"""`make demo` as a person sees it: its words, its addresses, its end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from simulator.stack.processes import ROOT
from tests.stack.harness import ended, until

DEFAULT_SIMULATOR_PORT = 9860


class Demo:
    """A demo of its own, in a run directory of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._output = folder / "demo.out"
        command = [sys.executable, "-m", "simulator.demo", "--run-dir", str(folder / "run"), *arguments]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)

    def text(self) -> str:
        return self._output.read_text()

    def wait_for(self, words: str) -> None:
        until(lambda: words in self.text() or self.process.poll() is not None)
        assert words in self.text(), self.text()

    def children(self) -> dict[str, int]:
        """The process id of each part by a word of its command line."""
        words = ("exchange", "maker", "exporter", "alertmanager", "prometheus", "redis", "memcached", "app")
        found = {}
        for child in psutil.Process(self.process.pid).children():
            line = " ".join(child.cmdline()[1:4]) + " " + Path(child.exe()).name
            found[next(word for word in words if word in line)] = child.pid
        return found

    def end(self) -> None:
        """Make sure that it is gone, whatever a test found out about it."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)


@contextlib.contextmanager
def taken(port: int) -> Iterator[None]:
    """Listen on a port, or leave it to whoever listens there already."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            listener.listen()
        yield


def quick(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator.demo", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def demo(tmp_path: Path, binaries: dict[str, Path]) -> Iterator[Demo]:
    with taken(DEFAULT_SIMULATOR_PORT):
        running = Demo(tmp_path)
        yield running
        running.end()


def test_demo_from_start_to_ctrl_c(demo: Demo, tmp_path: Path) -> None:
    """Every address works, a taken port is replaced, a part that is killed comes back, Ctrl-C ends it all."""
    demo.wait_for("Ctrl-C ends everything")
    assert f"port {DEFAULT_SIMULATOR_PORT} is taken; simulator uses" in demo.text()
    addresses = re.findall(r"^  [A-Za-z]+ +(http://\S+)", demo.text(), re.MULTILINE)
    assert len(addresses) >= 6
    assert {urlsplit(address).path for address in addresses} >= {"/live", "/public", "/metrics"}
    for address in addresses:
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.status == 200

    second = quick("--run-dir", str(tmp_path / "run"))
    assert second.returncode == 1
    assert "a demo runs already" in second.stdout

    before = demo.children()
    os.kill(before["exporter"], signal.SIGKILL)
    demo.wait_for("exporter runs again")
    assert "exporter died; the end of" in demo.text()
    after = demo.children()
    assert after["exporter"] != before["exporter"]
    assert {**after, "exporter": 0} == {**before, "exporter": 0}

    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(30) == 0
    until(lambda: all(ended(pid) for pid in after.values()))
    assert "Traceback" not in demo.text()


def test_demo_ends_by_itself(tmp_path: Path, binaries: dict[str, Path]) -> None:
    """With --for it ends after that time with status 0."""
    demo = Demo(tmp_path, "--for", "0.5")
    try:
        demo.wait_for("time is up")
        assert demo.process.wait(30) == 0
    finally:
        demo.end()


def test_part_that_cannot_start_ends_the_demo(tmp_path: Path, binaries: dict[str, Path]) -> None:
    """A recording that the simulator cannot read ends the demo with status 1 and the simulator's words."""
    broken = tmp_path / "broken.csv"
    broken.write_text("this is not a recording\n")
    result = quick("--run-dir", str(tmp_path / "run"), "--replay", str(broken), str(broken))
    assert result.returncode == 1
    assert "simulator ended with status" in result.stdout
    assert "  simulator | " in result.stdout
    assert "Traceback" not in result.stderr


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """A run directory with other files in it is refused and stays as it was."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "precious.txt").write_text("keep me")
    result = quick("--run-dir", str(tmp_path))
    assert result.returncode == 1
    assert "choose another --run-dir" in result.stdout
    assert (tmp_path / "logs" / "precious.txt").read_text() == "keep me"


def test_missing_recording_is_a_usage_error() -> None:
    """A file that is not there is named, with status 2, before anything starts."""
    result = quick("--replay", "/nowhere/trades.csv", "/nowhere/quotes.csv")
    assert result.returncode == 2
    assert "there is no file /nowhere/trades.csv" in result.stderr
