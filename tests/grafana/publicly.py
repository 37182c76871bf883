"""A Grafana with the Public dashboard and its figures, the snapshot command, and what strangers see."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests

from grafana import public
from grafana.dashboards import public as dashboard
from grafana.names import DATASOURCE_NAME, DATASOURCE_UID
from grafana.snapshot.command import main
from tests.grafana.conftest import SECRETS
from tests.grafana.standin import TOKEN, Grafana

PUBLIC: dict[str, Any] = dashboard.build()
UID: str = PUBLIC["uid"]
EXCHANGES = ("alpha", "gamma-futures")
ACCOUNT, KEY = "prop-desk-7", "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"

Snapshot = Callable[..., tuple[int, str, str]]


def provisioned(grafana: Grafana) -> None:
    """Put in what `make provision-dashboards` makes of it, and a value for every public series."""
    grafana.add_data_source(uid=DATASOURCE_UID, name=DATASOURCE_NAME, type="prometheus")
    grafana.add_dashboard(copy.deepcopy(PUBLIC), "")
    for number, name in enumerate(public.SERIES, 1):
        of = [{"exchange": each} for each in EXCHANGES] if name.startswith("exchange:") else [{}]
        grafana.series[name] = [(labels, number / 4) for labels in of]


def write(folder: Path, model: dict[str, Any]) -> Path:
    """Write a dashboard as the Public one among those that are committed."""
    (folder / "everyone").mkdir(parents=True, exist_ok=True)
    (folder / "everyone" / "public.json").write_text(json.dumps(model))
    return folder


def runner(folder: Path, capsys: pytest.CaptureFixture[str]) -> Snapshot:
    """Return the command; every run checks that no secret is printed, and nothing that is not public."""

    def run(grafana: Grafana, *argv: str, stop: Event | None = None, **environ: str) -> tuple[int, str, str]:
        settings = {"GRAFANA_URL": grafana.url, "GRAFANA_TOKEN": TOKEN} | environ
        code = main(argv, settings, folder, stop)
        out, err = capsys.readouterr()
        assert not any(secret in out + err for secret in (*SECRETS, ACCOUNT, KEY))
        assert "Traceback" not in err
        return code, out, err

    return run


def snapshot_of(grafana: Grafana) -> dict[str, Any]:
    """Return the one snapshot that there is, as a stranger reads it."""
    [key] = grafana.snapshots
    answer = requests.get(f"{grafana.url}/api/snapshots/{key}", timeout=10)
    assert answer.status_code == 200
    model: dict[str, Any] = answer.json()["dashboard"]
    return model


def shared_with_strangers(grafana: Grafana) -> list[Any]:
    """Return all that a stranger's browser is sent of the shared dashboard."""
    [share] = grafana.shares
    base = f"{grafana.url}/api/public/dashboards/{share['accessToken']}"
    first = requests.get(base, timeout=10)
    assert first.status_code == 200
    limits = {"intervalMs": 15_000, "maxDataPoints": 100}
    asking = [panel["id"] for panel in PUBLIC["panels"] if panel.get("targets")]
    answers = [requests.post(f"{base}/panels/{number}/query", json=limits, timeout=10) for number in asking]
    assert [answer.status_code for answer in answers] == [200] * len(asking)
    return [first.json()["dashboard"], *(answer.json()["results"] for answer in answers)]


def texts(value: Any) -> Iterator[str]:
    """Give every text in a value, the keys of mappings as well."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def labelled(**labels: str) -> Callable[[dict[str, Any]], None]:
    """Return what gives every series of an answer further labels."""

    def spoil(frame: dict[str, Any]) -> None:
        frame["schema"]["fields"][1]["labels"] |= labels

    return spoil


def with_text(frame: dict[str, Any]) -> None:
    """Put a column of text beside the numbers of an answer."""
    frame["schema"]["fields"].append({"name": "account", "type": "string", "labels": {}})
    frame["data"]["values"].append([ACCOUNT])


def with_words(frame: dict[str, Any]) -> None:
    """Put a text in the place of a number."""
    frame["data"]["values"][1][0] = ACCOUNT


REFUSED: tuple[tuple[str, Callable[[dict[str, Any]], None], str], ...] = (
    ("account", labelled(account=ACCOUNT), "the label account"),
    (
        "several",
        labelled(strategy="momentum-9", account=ACCOUNT, symbol="BTC/USDT"),
        "the labels account, strategy, sy",
    ),
    ("instance", labelled(instance="10.0.0.7:9850"), "the label instance"),
    ("series", labelled(__name__="trading_equity_usd"), "a series that is not public"),
    ("text", with_text, "more than times and numbers"),
    ("words", with_words, "a text among its numbers"),
)
"""Answers that hold what is not public, and what the refusal calls it."""
