"""Nothing but public figures leaves by a snapshot or by the shared dashboard, whatever Grafana answers."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grafana import public
from grafana.generate import DASHBOARDS
from tests.grafana.conftest import Run
from tests.grafana.publicly import (
    ACCOUNT,
    EXCHANGES,
    KEY,
    PUBLIC,
    REFUSED,
    UID,
    Snapshot,
    labelled,
    provisioned,
    runner,
    shared_with_strangers,
    snapshot_of,
    texts,
    write,
)
from tests.grafana.standin import Grafana

each_refusal = pytest.mark.parametrize(
    ("spoil", "word"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
)

# What Grafana's own formats say around the data.
FORMAT = {
    *("grafana", "snapshot", "snapshotData", "snapshots", "timestamp", "queryType", "schema", "meta", "data", "values"),
    *("fields", "config", "labels", "exchange", "interval", "displayNameFromDS", "typeInfo", "frame", "refId", "name"),
    *("Time", "Value", "time", "number", "time.Time", "float64", "timeseries-multi", "A", "B"),
}
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|Public, as of \d{4}-\d\d-\d\d \d\d:\d\d UTC")


@pytest.fixture
def snapshot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Snapshot:
    """The command."""
    return runner(write(tmp_path / "json", PUBLIC), capsys)


def chatty(frame: dict[str, Any]) -> None:
    """Put what is not public into every corner of an answer in which no figure is."""
    frame["schema"]["name"] = f"equity of {ACCOUNT}"
    frame["schema"]["meta"] |= {
        "executedQueryString": f'trading_equity_usd{{account="{ACCOUNT}"}}',
        "custom": {"account": ACCOUNT},
        "notices": [{"severity": "warning", "text": f"slow: {ACCOUNT}"}],
    }
    for field in frame["schema"]["fields"]:
        links = [{"title": ACCOUNT, "url": f"https://inside.test/?key={KEY}"}]
        field["config"] |= {"description": ACCOUNT, "links": links, "displayNameFromDS": ACCOUNT, "displayName": KEY}
        field["name"] = ACCOUNT
    frame["data"]["entities"] = [None, {"NaN": [0], "account": ACCOUNT}]


def test_snapshot_holds_no_other_word(grafana: Grafana, snapshot: Snapshot) -> None:
    """Every text in it is the dashboard's own, a time, an exchange's name, or a word of the format."""
    provisioned(grafana)
    grafana.spoil = chatty
    assert snapshot(grafana)[0] == 0
    found = set(texts(snapshot_of(grafana))) - set(texts(PUBLIC)) - FORMAT - set(EXCHANGES)
    assert {text for text in found if not TIMES.fullmatch(text)} == set()


def test_snapshot_holds_no_query(grafana: Grafana, snapshot: Snapshot) -> None:
    """Neither how Prometheus was asked nor where it is stands in it."""
    provisioned(grafana)
    snapshot(grafana)
    inside = " ".join(texts(snapshot_of(grafana)))
    assert [name for name in public.SERIES if name in inside] == []
    assert "prometheus" not in inside


@each_refusal
def test_figures_of_anything_else_are_not_published(
    grafana: Grafana, snapshot: Snapshot, spoil: Callable[[dict[str, Any]], None], word: str
) -> None:
    """The command ends with 7 and says which panel would have shown what, without any value; nothing is published."""
    provisioned(grafana)
    grafana.spoil = spoil
    code, out, err = snapshot(grafana)
    assert (code, grafana.snapshots) == (7, {})
    assert f"the panel Spread improvement would show strangers {word}" in err
    assert "momentum-9" not in out + err


@pytest.mark.parametrize(
    "value",
    [KEY, "glsa_0123456789abcdef", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045", "a@b.test", "10.0.0.7/main", "x" * 41],
)
def test_exchange_that_is_a_key_is_not_published(grafana: Grafana, snapshot: Snapshot, value: str) -> None:
    """What looks like a key or an address is no exchange's name; it is not repeated in the message."""
    provisioned(grafana)
    grafana.series["exchange:public_status:level"].append(({"exchange": value}, 1))
    code, out, err = snapshot(grafana)
    assert (code, grafana.snapshots) == (7, {})
    assert "the panel Exchanges would show strangers a value of the label exchange that looks like a key" in err
    assert value not in out + err


@pytest.mark.parametrize(
    "name",
    ["binance", "binance-futures", "coinbaseinternational", "OKX (EU)".replace("(", "").replace(")", ""), "gate.io"],
)
def test_names_of_exchanges_are_names(name: str) -> None:
    """What people call an exchange passes."""
    assert public.is_name(name)


def edited(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Return the Public dashboard with one change."""
    model = copy.deepcopy(PUBLIC)
    change(model)
    return model


def _ask(model: dict[str, Any]) -> None:
    model["panels"][0]["targets"][0]["expr"] = "sum(trading_equity_usd)"


def _hide(model: dict[str, Any]) -> None:
    row = next(panel for panel in model["panels"] if panel["type"] == "row")
    row["panels"] = [{"id": 99, "title": "x", "targets": [{"refId": "A", "expr": "trading_equity_usd"}]}]


def _name(model: dict[str, Any]) -> None:
    model["panels"][0]["targets"][0]["legendFormat"] = "of {{ account }}"


def _title(model: dict[str, Any]) -> None:
    model["panels"][0]["title"] = "Figures of ${__user.login}"


def _text(model: dict[str, Any]) -> None:
    text = next(panel for panel in model["panels"] if panel["type"] == "text")
    text["options"]["content"] += "\nof [[account]]"


def _choose(model: dict[str, Any]) -> None:
    model["templating"]["list"].append({"query": "label_values(trading_equity_usd, account)"})


each_edit = pytest.mark.parametrize(
    ("change", "word"),
    [
        (_ask, "sum, trading_equity_usd"),
        (_hide, "trading_equity_usd"),
        (_name, "{{account}}"),
        (_title, "${__user"),
        (_text, "[[account"),
        (_choose, "account, label_values, trading_equity_usd"),
    ],
)


@each_edit
def test_dashboard_that_asks_for_more_is_not_published(
    grafana: Grafana, tmp_path: Path, capsys: Any, change: Callable[[dict[str, Any]], None], word: str
) -> None:
    """A query, a legend, a title, a text or a choice that is not public ends the command with 7; nothing is asked."""
    provisioned(grafana)
    code, _, err = runner(write(tmp_path / "json", edited(change)), capsys)(grafana)
    assert (code, grafana.writes) == (7, [])
    assert f"the dashboard Public asks for what is not public: {word}" in err


def test_no_other_dashboard_can_take_its_place(grafana: Grafana, tmp_path: Path, capsys: Any) -> None:
    """A role's dashboard under the name of the Public one is refused."""
    provisioned(grafana)
    for name, build in DASHBOARDS.items():
        if name != "public":
            assert runner(write(tmp_path / name, build() | {"uid": UID}), capsys)(grafana)[0] == 7, name
    assert grafana.writes == []


@pytest.fixture
def publicly(dashboards: Path, run_against: Run) -> Run:
    """Provisioning with the real Public dashboard among small ones."""
    (dashboards / "public.json").unlink()
    write(dashboards, PUBLIC)
    return run_against


def figures(grafana: Grafana) -> None:
    """Give every public series a value, and nothing else."""
    provisioned(grafana)
    grafana.dashboards.clear()
    grafana.data_sources.clear()


def test_strangers_are_sent_no_other_word(grafana: Grafana, publicly: Run) -> None:
    """Of the shared dashboard a stranger gets its own texts, exchanges' names and words of the format, and no more."""
    figures(grafana)
    assert publicly(grafana, SHARE_PUBLIC="yes")[0] == 0
    found = set(texts(shared_with_strangers(grafana))) - set(texts(PUBLIC)) - FORMAT - set(EXCHANGES)
    assert found - set(public.SERIES) <= {"id", "version", "frames", "status", "__name__"}


@each_refusal
def test_figures_of_anything_else_are_not_shared(
    grafana: Grafana, publicly: Run, spoil: Callable[[dict[str, Any]], None], word: str
) -> None:
    """Provisioning is done, but ends with 7 and says which panel would have shown what; nothing is shared."""
    figures(grafana)
    grafana.spoil = spoil
    code, out, err = publicly(grafana, SHARE_PUBLIC="yes")
    assert (code, grafana.shares) == (7, [])
    assert f"the panel Spread improvement would show strangers {word}" in err
    assert not any(value in out + err for value in (ACCOUNT, KEY, "momentum-9"))


@each_edit
def test_dashboard_that_asks_for_more_is_not_shared(
    grafana: Grafana, dashboards: Path, publicly: Run, change: Callable[[dict[str, Any]], None], word: str
) -> None:
    """What a snapshot refuses is not shared either."""
    figures(grafana)
    write(dashboards, edited(change))
    code, _, err = publicly(grafana, SHARE_PUBLIC="yes")
    assert (code, grafana.shares) == (7, [])
    assert word in err


def test_sharing_stops_when_more_would_be_seen(grafana: Grafana, publicly: Run) -> None:
    """What was shared while all was well is switched off by the run that sees more in it, and says so."""
    figures(grafana)
    publicly(grafana, SHARE_PUBLIC="yes")
    grafana.spoil = labelled(account=ACCOUNT)
    code, _, err = publicly(grafana, SHARE_PUBLIC="yes")
    assert (code, [share["isEnabled"] for share in grafana.shares]) == (7, [False])
    assert err.endswith("; the sharing that there was was switched off\n")
    grafana.spoil = None
    assert publicly(grafana, SHARE_PUBLIC="yes")[0] == 0
    assert [share["isEnabled"] for share in grafana.shares] == [True]
