"""Records what nautilus writes to Redis, for the quick tests: ``python -m tests.bots.nautilus.record [--python PATH]``.

Each file of ``tests/sources/nautilus/recorded/`` is one run of its simulated venues: all entries of all streams, and
nautilus's own account of the run. ``--python`` is one that has another version of nautilus than the environment.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from redis import Redis

from simulator.stack.processes import ROOT
from tests.bots.environments import program
from tests.bots.nautilus.program import backtest
from tests.servers import redis_server

FOLDER = ROOT / "tests" / "sources" / "nautilus" / "recorded"
TRADER = "TESTER-001"
RUNS: dict[str, dict[str, Any]] = {
    "json": {"encoding": "json"},
    "msgpack": {"encoding": "msgpack"},
    "json-iso8601-one-stream": {"encoding": "json", "iso8601": True, "stream_per_topic": False},
}
QUOTES = 19  # of each instrument; the strategies end in the midst of their third turn, with open positions


def record(name: str, python: Path) -> None:
    """Record one run."""
    asked = [str(python), "-c", "import nautilus_trader; print(nautilus_trader.__version__)"]
    version = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as place, redis_server(Path(place)) as server:
        settings = {"port": server.port, "trader_id": TRADER, "quotes": QUOTES}
        report = backtest(Path(place), settings | RUNS[name], python)
        entries = _entries(server.port)
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"version": version, "report": report}), *map(json.dumps, entries)]
    (FOLDER / f"{version}-{name}.ndjson").write_text("\n".join(lines) + "\n")


def _entries(port: int) -> list[dict[str, Any]]:
    """All entries in the order in which they were written, as text where they are text."""
    found = []
    with Redis(port=port) as client:
        for key in client.scan_iter(_type="stream"):
            for number, fields in client.xrange(key):
                told = {name.decode(): _text(value) for name, value in fields.items()}
                found.append({"key": key.decode(), "id": number.decode(), "fields": told})
    return sorted(found, key=lambda entry: [int(part) for part in entry["id"].split("-")])


def _text(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path)
    parser.add_argument("runs", nargs="*", default=list(RUNS))
    options = parser.parse_args()
    for name in options.runs:
        record(name, options.python or program("nautilus", "python"))


if __name__ == "__main__":
    main()
