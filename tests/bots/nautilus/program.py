"""How nautilus_trader is run beside a test: its program, its settings, and what it says of itself at the end."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bots.environments import program

BOT = Path(__file__).parent / "node" / "bot.py"
_SECONDS = 120


def _command(mode: str, folder: Path, settings: dict[str, Any], python: Path | None) -> tuple[list[str], Path]:
    report, file = folder / "report.json", folder / "settings.json"
    file.write_text(json.dumps(settings | {"report": str(report)}))
    return [str(python or program("nautilus", "python")), str(BOT), mode, str(file)], report


def backtest(folder: Path, settings: dict[str, Any], python: Path | None = None) -> dict[str, Any]:
    """Run a backtest to its end; nautilus's own account of it."""
    command, report = _command("backtest", folder, settings, python)
    with (folder / "nautilus.log").open("wb") as log:
        subprocess.run(command, stdout=log, stderr=log, check=True, timeout=_SECONDS)
    return read(report)


@contextmanager
def node(folder: Path, settings: dict[str, Any]) -> Iterator[Path]:
    """A live node until the block ends; gives the file that its own account is written to then."""
    command, report = _command("node", folder, settings, None)
    with (folder / "nautilus.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield report
        finally:
            process.terminate()
            try:
                process.wait(timeout=_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def read(report: Path) -> dict[str, Any]:
    """Nautilus's own account."""
    told: dict[str, Any] = json.loads(report.read_text())
    return told
