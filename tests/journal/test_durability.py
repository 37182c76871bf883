"""Acknowledged means on disk: killed processes, traced system calls, a full disk."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.journal import Journal
from tests.journal.helpers import numbers

ROUNDS = 100
WRITER = [sys.executable, "-m", "tests.journal.writer"]


def test_killed_at_random_moments(tmp_path: Path) -> None:
    """A hundred times under load: what was acknowledged is there, once and in order."""
    path = tmp_path / "journal.db"
    chance = random.Random(1)
    row, known, acknowledged = 0, 0, 0
    with subprocess.Popen(
        [*WRITER, str(path), "forks"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin
        assert parent.stdout
        for _ in range(ROUNDS):
            parent.stdin.write("go\n")
            parent.stdin.flush()
            acknowledged = max(acknowledged, killed_after(chance.uniform(0.0, 0.08), parent.stdout))
            journal = Journal.open(path)
            for number, records in journal.lasting(row):
                found = numbers(records)
                assert found == list(range(known, known + len(found)))
                row, known = number, known + len(found)
            assert journal.salvaged is None
            journal.close()
            assert known >= acknowledged
        parent.stdin.close()
    assert acknowledged > 10 * ROUNDS
    journal = Journal.open(path)
    assert [number for _, records in journal.lasting() for number in numbers(records)] == list(range(known))
    journal.close()


def killed_after(seconds: float, lines: Iterator[str]) -> int:
    """Kill the writer that tells its pid next; the highest number that it acknowledged."""
    highest = 0
    for line in lines:
        word, _, number = line.partition(" ")
        if word == "pid":
            time.sleep(seconds)  # the random moment, whatever it does meanwhile
            os.kill(int(number), signal.SIGKILL)
        elif word == "ack":
            highest = max(highest, int(number))
        elif word == "dead\n":
            return highest
    raise AssertionError("the writer's parent ended")


def test_no_acknowledgement_without_a_sync(tmp_path: Path) -> None:
    """The system calls show it: before each acknowledgement all that was written to the WAL was synced."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("NOT TESTED that acknowledged means synced: there is no strace; install it (Debian: strace)")
    log, count = tmp_path / "trace", 25
    traced = [strace, "-f", "-y", "-o", str(log), "-e", "trace=write,pwrite64,pwritev,fdatasync,fsync"]
    ended = subprocess.run(
        [*traced, *WRITER, str(tmp_path / "journal.db"), "one", str(count)], capture_output=True, text=True, check=False
    )
    if "ptrace" in ended.stderr and ended.returncode:
        pytest.skip(f"NOT TESTED that acknowledged means synced: strace may not trace here: {ended.stderr.strip()}")
    assert ended.stdout.splitlines() == [f"ack {number}" for number in range(count)]
    assert list(syncs_before_acknowledgements(log)) == [True] * count


def syncs_before_acknowledgements(log: Path) -> Iterator[bool]:
    """For each acknowledgement, whether since the last one the WAL was written, and synced after that."""
    written = synced = False
    begun: dict[str, str] = {}
    for line in log.read_text(errors="replace").splitlines():
        thread, call = line.split(maxsplit=1)
        if call.endswith("<unfinished ...>"):
            begun[thread] = call
        if "resumed>" in call:
            call = begun.pop(thread) + call
        if re.match(r"p?write(64|v)?\(\d+<[^>]*-wal>", call):
            written, synced = True, False
        elif re.match(r"f(data)?sync\(\d+<[^>]*-wal>.*= 0$", call):
            synced = written
        elif re.match(r"write\(1<.*\"ack ", call) and "resumed>" not in call:
            yield synced
            written = synced = False


def test_a_full_disk(tmp_path: Path) -> None:
    """It is reported, nothing acknowledged is lost, and when there is room again all is written, once."""
    folder = tmp_path / "small"
    folder.mkdir()
    inside = (
        f"mount -t tmpfs -o size=1M none '{folder}' && exec '{sys.executable}' -m tests.journal.full_disk '{folder}'"
    )
    ended = subprocess.run(
        ["unshare", "-rm", "sh", "-c", inside], capture_output=True, text=True, timeout=120, check=False
    )
    if re.search(r"unshare|mount", ended.stderr) and not ended.stdout:
        pytest.skip(f"NOT TESTED what a full disk does: no small file system can be mounted: {ended.stderr.strip()}")
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert re.fullmatch(
        r".*journal\.db cannot be written: no space is left on its disk; make room there\. \d+ records wait in memory "
        r"and are tried again by themselves",
        seen["error"],
    )
    assert seen["overload"].startswith("2000 records wait to be written, no more are taken now; deliver again later: ")
    facts = ("word", "failing", "pending", "readable", "recovered", "left", "kept", "salvaged")
    assert [seen[fact] for fact in facts] == ["full", True, 2000, True, True, 0, True, False]
    assert 50 <= seen["acknowledged"] < seen["appended_when_full"] < seen["appended"]
