"""A stand-in Grafana, the dashboards to put into it, and the command that does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grafana.names import DATASOURCE_UID, FOLDERS, MARK, TAG
from grafana.provision.command import main
from tests.grafana.standin import PASSWORD, TOKEN, Grafana, serve

PROMETHEUS = "http://prometheus.test:9090"
SECRETS = (TOKEN, PASSWORD, "sesame")
NAMES = tuple(name for folder in FOLDERS for name in folder.dashboards)

Run = Callable[..., tuple[int, str, str]]


def model_of(name: str) -> dict[str, Any]:
    """A small dashboard in the form of ours."""
    source = {"type": "prometheus", "uid": DATASOURCE_UID}
    place = {"h": 8, "w": 12, "x": 0, "y": 0}
    panel = {"id": 1, "type": "stat", "title": "p", "gridPos": place, "datasource": source}
    frame = {"uid": f"trading-{name}", "title": name.capitalize(), "schemaVersion": 39, "tags": [TAG, MARK]}
    return frame | {"panels": [panel], "time": {"from": "now-1h", "to": "now"}}


def write_dashboard(folder: Path, name: str, model: dict[str, Any] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(model or model_of(name)))
    return path


@pytest.fixture(params=["9.4.7", "13.2.0"])
def grafana(request: pytest.FixtureRequest) -> Iterator[Grafana]:
    """A Grafana of each generation."""
    with serve(Grafana(version=request.param)) as server:
        yield server


@pytest.fixture
def old() -> Iterator[Grafana]:
    """A Grafana that refuses what later versions allow."""
    with serve(Grafana(version="9.4.7")) as server:
        yield server


@pytest.fixture
def new() -> Iterator[Grafana]:
    """A Grafana with folders within folders."""
    with serve(Grafana(version="13.2.0")) as server:
        yield server


@pytest.fixture
def dashboards(tmp_path: Path) -> Path:
    """A folder with a small dashboard for each of ours."""
    for name in NAMES:
        write_dashboard(tmp_path / "json", name)
    return tmp_path / "json"


@pytest.fixture
def run_against(dashboards: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command against a Grafana; every run checks that no secret is printed and no error has two lines."""

    def run_command(grafana: Grafana, *argv: str, **environ: str) -> tuple[int, str, str]:
        settings = {"GRAFANA_URL": grafana.url, "GRAFANA_TOKEN": TOKEN, "PROMETHEUS_URL": PROMETHEUS} | environ
        code = main(argv, settings, dashboards)
        out, err = capsys.readouterr()
        assert not any(secret in out + err for secret in SECRETS)
        assert len(err.splitlines()) <= 1
        assert "Traceback" not in err
        return code, out, err

    return run_command


@pytest.fixture
def run(grafana: Grafana, run_against: Run) -> Run:
    """Run the command with a token."""
    return lambda *argv, **environ: run_against(grafana, *argv, **environ)
