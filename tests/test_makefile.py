"""The Makefile and the scripts behind it: what a person or a machine that runs them can rely on."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TARGETS = (
    *("help", "setup", "demo", "test", "test-bots", "check", "fix", "generate", "bench"),
    *("provision-dashboards", "snapshot", "silence", "constraints", "clean"),
)

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine")


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},  # no settings of an outer make
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A copy of what the set-up needs, in which nothing was set up yet."""
    for name in ("Makefile", "pyproject.toml", ".ci/constraints.txt", ".ci/bootstrap.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("arguments", [(), ("help",)], ids=["default", "help"])
def test_help_lists_every_target(fresh: Path, arguments: tuple[str, ...]) -> None:
    """Without a target, and as help, make explains each target and sets nothing up."""
    result = make(*arguments, folder=fresh)
    assert result.returncode == 0, result.stderr
    assert tuple(re.findall(r"^  make (\S+) +\S", result.stdout, re.MULTILINE)) == TARGETS
    assert not (fresh / ".venv").exists()


@pytest.mark.parametrize("target", [target for target in TARGETS if target not in {"help", "clean"}])
def test_every_target_sets_up_what_it_needs(fresh: Path, target: str) -> None:
    """On a fresh checkout each target begins with the virtual environment."""
    result = make("--dry-run", "PYTHON=python-of-the-test", target, folder=fresh)
    assert result.returncode == 0, result.stderr
    assert "python-of-the-test .ci/bootstrap.py .venv" in result.stdout


def test_check_edits_nothing(fresh: Path) -> None:
    """The check looks at formatting and generated files without writing either."""
    recipe = make("--dry-run", "PYTHON=python3", "check", folder=fresh).stdout
    assert "--fix" not in recipe
    writers = ("ruff format", "exporter.reference", "grafana.generate", "exporter-config", "alertmanager.generate")
    for writer in writers:
        lines = [line for line in recipe.splitlines() if writer in line]
        assert lines, writer
        assert all("--check" in line for line in lines), lines


def test_test_checks_first_and_runs_pytest(fresh: Path) -> None:
    """make test is the whole check: lint, formatting, types, generated files, programs, then the tests."""
    recipe = make("--dry-run", "PYTHON=python3", "test", folder=fresh).stdout
    steps = ["ruff check", "ruff format --check", "bin/mypy", "simulator.stack install", "-m pytest"]
    places = [recipe.index(step) for step in steps]
    assert places == sorted(places)


def test_setup_ends_with_where_the_programs_are(fresh: Path) -> None:
    """Prometheus and Alertmanager may be in a cache of which nobody would think."""
    recipe = make("--dry-run", "PYTHON=python3", "setup", folder=fresh).stdout
    assert recipe.index("simulator.stack install --where") > recipe.index(".ci/bootstrap.py .venv")


def test_old_python_is_refused_with_words(fresh: Path) -> None:
    """A Python that is too old ends the set-up with one line that names it, before anything is made."""
    old = fresh / "python2"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = make(f"PYTHON={old}", "setup", folder=fresh)
    assert result.returncode != 0
    assert f"{old} is not Python 3.11 or newer" in result.stderr
    assert not (fresh / ".venv").exists()


def test_no_python_is_refused_with_the_steps(fresh: Path) -> None:
    """Where no Python is found the set-up says how to install one or name one."""
    result = make("PYTHON=", "setup", folder=fresh)
    assert result.returncode != 0
    assert "sudo apt-get install python3" in result.stderr
    assert "make PYTHON=/path/to/python3" in result.stderr


def test_every_requirement_is_pinned() -> None:
    """Each package that pyproject.toml asks for, and all that come with them, have one exact version."""
    pinned: dict[str, str] = {}
    for line in (ROOT / ".ci" / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, _, version = line.partition("==")
            assert version, line
            assert pinned.setdefault(_normal(name), version) == version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in project["project"]["optional-dependencies"].values():
        asked += extra
    names = {_normal(re.split(r"[<>=\[;]", requirement)[0]) for requirement in asked}
    assert names - {"trading-exporter"} <= pinned.keys()


def test_scripts_name_no_host() -> None:
    """What sets the project up takes packages from where this machine is told to, and names no server."""
    files = [ROOT / "Makefile", *(ROOT / ".ci").iterdir(), *(ROOT / "simulator" / "stack").glob("*.py")]
    for file in filter(Path.is_file, files):
        hosts = re.findall(r"https?://(?!127\.0\.0\.1)([a-z0-9.-]+\.[a-z]{2,})", file.read_text())
        assert not hosts, f"{file}: {hosts}"


def test_ci_runs_make_test() -> None:
    """The one script that a machine runs is executable, strict, and is make test."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert {"set -euo pipefail", "exec make test"} <= set(script.read_text().splitlines())


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="there is no shellcheck on this machine")
def test_shell_is_clean() -> None:
    """shellcheck has nothing to say about the script."""
    subprocess.run(["shellcheck", ROOT / ".ci" / "run"], timeout=60, check=True)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
