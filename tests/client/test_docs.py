"""``docs/client.md`` is true."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

from exporter.client import Client
from exporter.client.outbox import MOMENTARY
from exporter.client.spool import MEMORY_BYTES
from tests.client.program import ROOT
from tests.client.standin import standin
from tests.client.test_contract import GIVEN, LABELS, fields
from tests.client.test_spool import segments

TEXT = (ROOT / "docs" / "client.md").read_text()


def test_the_example_runs_and_reports(tmp_path: Path) -> None:
    """As it stands on the page, in about ten lines, as a program of its own."""
    example, *_ = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len([line for line in example.splitlines() if line]) <= 10
    with standin() as server:
        environment = {"EXPORTER_URL": server.url, "EXPORTER_TOKEN": "t", "BOT_SPOOL": str(tmp_path / "spool")}
        environment |= {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
        command = [sys.executable, "-S", "-W", "error", "-c", example]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert [event["type"] for event in server.taken] == ["quote", "order", "fill"]
        assert server.taken[-1]["fee"] == {"currency": "USDT", "amount": "0.072"}
    assert segments(tmp_path / "spool") == []


def test_the_table_names_each_field_and_which_are_needed() -> None:
    """The page, the methods and the events say the same."""
    table = TEXT.partition("## What can be reported")[2].partition("## ")[0]
    told = {}
    for row in re.findall(r"^\| (`.*?) \| (.*?) \|$", table, re.MULTILINE):
        needed, _, others = row[1].partition(";")
        for method in re.findall(r"`(\w+)`", row[0]):
            told[method] = (re.findall(r"`(\w+)`", needed), re.findall(r"`(\w+)`", others))
    assert told.keys() == GIVEN.keys()
    for method, (needed, others) in told.items():
        own = {name: field for name, field in fields(method).items() if name not in LABELS}
        assert set(needed) == {name for name, field in own.items() if field.required}, method
        assert set(others) == {name for name, field in own.items() if not field.required}, method


def test_the_figures_are_those_of_the_client() -> None:
    """Defaults and bounds on the page are the program's."""
    defaults = {name: each.default for name, each in inspect.signature(Client).parameters.items()}
    assert f"`spool_bytes` ({defaults['spool_bytes'] // 2**20} MB)" in TEXT
    assert f"`sync_seconds` ({defaults['sync_seconds']:g} by default" in TEXT
    assert f"`retry_seconds` ({defaults['retry_seconds']:g})" in TEXT
    assert f"`queue` reports ({defaults['queue']:,})" in TEXT
    assert f"does not fit into {MEMORY_BYTES // 2**20} MB of memory" in TEXT
    assert f"the last {MOMENTARY:,} are kept" in TEXT
