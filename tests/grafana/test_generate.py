"""The command that writes the dashboards' JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grafana import generate
from grafana.names import FOLDERS


def test_committed_files_are_what_the_code_makes() -> None:
    """The committed JSON equals what is generated now."""
    assert generate.differing(generate.FOLDER) == []


def test_missing_changed_and_foreign_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A check names a missing, a changed and a foreign file and ends with 1; writing mends all three."""
    arguments = ["--folder", str(tmp_path)]
    assert generate.main([*arguments, "--check"]) == 1
    assert "desk/trading.json: differs" in capsys.readouterr().err
    generate.main(arguments)
    assert generate.main([*arguments, "--check"]) == 0
    (tmp_path / "desk" / "trading.json").write_text("{}\n")
    (tmp_path / "risk" / "risk.json").unlink()
    (tmp_path / "trading.json").write_text("{}\n")
    capsys.readouterr()
    assert generate.main([*arguments, "--check"]) == 1
    named = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert named == ["desk/trading.json", "risk/risk.json", "trading.json"]
    generate.main(arguments)
    assert generate.main([*arguments, "--check"]) == 0
    assert not (tmp_path / "trading.json").exists()


def test_each_dashboard_is_in_the_folder_of_its_readers(tmp_path: Path) -> None:
    """The files lie as the folders of Grafana do, so that file provisioning needs no more than the files."""
    generate.write(tmp_path)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")}
    assert found == {f"{folder.name}/{name}.json" for folder in FOLDERS for name in folder.dashboards}


def test_text_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    """Two processes with different hash seeds write the same bytes, sorted and ending in a newline."""
    texts = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        command = [sys.executable, "-m", "grafana.generate", "--folder", str(folder)]
        environ = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run(command, check=True, timeout=60, cwd=generate.FOLDER.parents[1], env=environ)
        texts.append((folder / "desk" / "trading.json").read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert texts[0] == json.dumps(json.loads(texts[0]), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
