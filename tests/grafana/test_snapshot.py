"""A snapshot of the Public dashboard, against a stand-in Grafana of 9.4 and of 13."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from grafana.names import DATASOURCE_UID
from grafana.snapshot import kept
from tests.grafana.publicly import EXCHANGES, PUBLIC, UID, Snapshot, provisioned, runner, snapshot_of, write
from tests.grafana.standin import PASSWORD, USER, Fault, Grafana

TAKEN = "POST /api/snapshots"
PANELS = {panel["id"]: panel for panel in PUBLIC["panels"]}


@pytest.fixture
def snapshot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Snapshot:
    """The command."""
    return runner(write(tmp_path / "json", PUBLIC), capsys)


def titled(model: dict[str, Any], title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(panel for panel in model["panels"] if panel["title"] == title)
    return found


def test_snapshot_has_the_dashboards_panels_with_their_data(grafana: Grafana, snapshot: Snapshot) -> None:
    """Every panel is there at its place with its look, and each query's answer is inside in both forms."""
    provisioned(grafana)
    code, out, err = snapshot(grafana)
    assert (code, err) == (0, "")
    model = snapshot_of(grafana)
    assert [panel["id"] for panel in model["panels"]] == list(PANELS)
    for panel in model["panels"]:
        original = PANELS[panel["id"]]
        for key in ("title", "type", "gridPos", "description", "fieldConfig", "options"):
            assert panel.get(key) == original.get(key), panel["title"]
        if not original.get("targets"):
            assert not {"targets", "snapshotData"} & panel.keys()
            continue
        [target] = panel["targets"]
        assert (target["queryType"], target["datasource"], panel["datasource"]) == ("snapshot", *2 * (SOURCE,))
        new = [(frame["schema"]["fields"], frame["data"]["values"]) for frame in target["snapshot"]]
        old = [(frame["fields"], [field["values"] for field in frame["fields"]]) for frame in panel["snapshotData"]]
        assert [values for _, values in new] == [values for _, values in old]
        assert [_named(fields) for fields, _ in new] == [_named(fields) for fields, _ in old]
        assert len(new) >= len(original["targets"])
    assert f"  {grafana.url}/dashboard/snapshot/{next(iter(grafana.snapshots))}\n" in out


SOURCE = {"type": "grafana", "uid": "grafana"}


def _named(fields: list[dict[str, Any]]) -> list[Any]:
    return [(field["name"], field["type"], field["config"], field.get("labels")) for field in fields]


def test_figures_are_those_that_grafana_answers(grafana: Grafana, snapshot: Snapshot) -> None:
    """A stat has the one value of this moment, a curve the values of a week, each exchange a line of its name."""
    provisioned(grafana)
    grafana.series["system:public_pnl:ratio"] = [({}, 0.0421)]
    snapshot(grafana)
    model = snapshot_of(grafana)
    [frame] = titled(model, "PnL by capital")["snapshotData"]
    assert frame["fields"][1]["values"] == [0.0421]
    [frame] = titled(model, "PnL by capital over time")["snapshotData"]
    times, values = (field["values"] for field in frame["fields"])
    assert set(values) == {0.0421}
    assert times[-1] - times[0] == pytest.approx(7 * 86_400_000, rel=0.01)
    assert 100 < len(times) < 1000
    frames = titled(model, "Exchanges")["snapshotData"]
    assert [frame["fields"][1]["config"]["displayNameFromDS"] for frame in frames] == list(EXCHANGES)


def test_two_figures_of_one_panel_have_their_own_names(grafana: Grafana, snapshot: Snapshot) -> None:
    """The legends stay those of the dashboard, by which the panel's settings of single series go on working."""
    provisioned(grafana)
    snapshot(grafana)
    frames = titled(snapshot_of(grafana), "Measured since")["snapshotData"]
    assert [frame["fields"][1]["config"]["displayNameFromDS"] for frame in frames] == ["Date", "Begun"]


def test_snapshot_asks_nobody_for_anything(grafana: Grafana, snapshot: Snapshot) -> None:
    """Its time is absolute, it does not refresh, and has no choices, no links, and marks that hold nothing."""
    provisioned(grafana)
    snapshot(grafana)
    model = snapshot_of(grafana)
    begin, end = (datetime.fromisoformat(model["time"][side]) for side in ("from", "to"))
    assert end - begin == timedelta(days=7)
    assert datetime.now(UTC) - end < timedelta(minutes=5)
    assert (model["refresh"], model["links"], model["templating"], model["tags"]) == ("", [], {"list": []}, [])
    assert [note["snapshotData"] for note in model["annotations"]["list"]] == [[]]
    assert all(panel["links"] == [] for panel in model["panels"])
    assert DATASOURCE_UID not in str(model)


def test_links_in_a_panels_settings_stay_behind(grafana: Grafana, tmp_path: Path, capsys: Any) -> None:
    """Also those of its fields, and those that are an override of one series."""
    model = copy.deepcopy(PUBLIC)
    config = titled(model, "Volume")["fieldConfig"]
    config["defaults"]["links"] = [{"url": "https://inside.test"}]
    config["overrides"].append(
        {"matcher": {}, "properties": [{"id": "links", "value": [{"url": "https://inside.test"}]}]}
    )
    provisioned(grafana)
    assert runner(write(tmp_path / "json", model), capsys)(grafana)[0] == 0
    assert "inside.test" not in str(snapshot_of(grafana))


def test_what_is_not_known_is_said_to_be_unknown(grafana: Grafana, snapshot: Snapshot) -> None:
    """Without any figure the snapshot is taken all the same, and the command says that nothing is known."""
    provisioned(grafana)
    grafana.series.clear()
    code, out, _ = snapshot(grafana)
    assert code == 0
    assert " 0 known values; has Prometheus scraped the exporter" in out
    [frame] = titled(snapshot_of(grafana), "Volume")["snapshotData"]
    assert frame["fields"][1]["values"] == [None]
    assert titled(snapshot_of(grafana), "Volume over time")["snapshotData"] == []


@pytest.mark.parametrize(
    ("argv", "environ", "seconds"),
    [
        ((), {}, 86_400),
        (("--expires", "12h"), {"SNAPSHOT_EXPIRES": "3d"}, 43_200),
        ((), {"SNAPSHOT_EXPIRES": "30m"}, 1800),
    ],
)
def test_snapshot_expires(
    grafana: Grafana, snapshot: Snapshot, argv: tuple[str, ...], environ: dict[str, str], seconds: int
) -> None:
    """After a day, or when the option or the environment says; it is never sent to another company's server."""
    provisioned(grafana)
    assert snapshot(grafana, *argv, **environ)[0] == 0
    [made] = grafana.snapshots.values()
    assert made["expires"] - made["created"] == timedelta(seconds=seconds)
    assert grafana.external == []


def old_ones(grafana: Grafana, count: int) -> list[str]:
    """Add snapshots of ours, one a day until yesterday; return their keys, the oldest first."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    keys = [f"ours-{days}" for days in reversed(range(count))]
    for days, key in zip(reversed(range(count)), keys, strict=True):
        name = kept.name_at(yesterday - timedelta(days=days))
        grafana.add_snapshot(name, key, dashboard={}, expires=86_400 * 30)
    return keys


OTHERS = (
    "Trading exporter: Public",
    "Trading exporter: Public, of last week",
    "Public 2026-01-01 00:00:00 UTC",
    "Risk",
)


@pytest.mark.parametrize(("argv", "stay"), [((), 5), (("--keep", "1"), 1), (("--keep", "100"), 9)])
def test_old_ones_are_deleted(grafana: Grafana, snapshot: Snapshot, argv: tuple[str, ...], stay: int) -> None:
    """The newest of ours stay, the new one among them; those of others stay whatever they are called."""
    provisioned(grafana)
    for name in OTHERS:
        grafana.add_snapshot(name, f"theirs {name}", dashboard={}, expires=1)
    old = old_ones(grafana, 8)
    code, out, _ = snapshot(grafana, *argv)
    assert code == 0
    ours = [key for key in grafana.snapshots if not key.startswith("theirs ")]
    assert len(ours) == stay
    assert [key for key in ours if key in old] == old[len(old) - stay + 1 :]
    assert len(grafana.snapshots) - len(ours) == len(OTHERS)
    assert out.count(": deleted\n") == 9 - stay


def test_one_that_somebody_else_deleted_is_as_good_as_deleted(grafana: Grafana, snapshot: Snapshot) -> None:
    """That an old one is gone when it is to be deleted is no failure."""
    provisioned(grafana)
    old_ones(grafana, 3)
    grafana.fault = Fault(404, '{"message": "Failed to get dashboard snapshot"}', method="DELETE")
    assert snapshot(grafana, "--keep", "1")[0] == 0


def test_dry_run_changes_nothing_and_says_all(grafana: Grafana, snapshot: Snapshot) -> None:
    """It asks for the figures and shows what would be published and deleted."""
    provisioned(grafana)
    old = old_ones(grafana, 6)
    code, out, err = snapshot(grafana, "--dry-run")
    assert (code, err, list(grafana.snapshots)) == (0, "", old)
    assert {call for call in grafana.writes if not call.endswith("/api/ds/query")} == set()
    assert ": would be created: for everybody until " in out
    assert f", {sum(bool(panel.get('targets')) for panel in PUBLIC['panels'])} panels, " in out
    assert out.count(": would be deleted\n") == 2


def test_public_dashboard_that_is_not_there_is_explained(grafana: Grafana, snapshot: Snapshot) -> None:
    """Before anything was provisioned the command ends with 6 and says what to run; nothing is published."""
    code, _, err = snapshot(grafana)
    assert (code, grafana.writes) == (6, [])
    assert f"the dashboard Public (uid {UID}) is not in this Grafana: run `make provision-dashboards` first" in err


def test_data_source_that_is_not_there_is_explained(grafana: Grafana, snapshot: Snapshot) -> None:
    """A dashboard without its data source ends the command with 6 as well."""
    provisioned(grafana)
    grafana.data_sources.clear()
    code, _, err = snapshot(grafana)
    assert (code, TAKEN in grafana.writes) == (6, False)
    assert "no data source Trading Prometheus: run `make provision-dashboards` first" in err


def test_prometheus_that_does_not_answer_is_named(grafana: Grafana, snapshot: Snapshot) -> None:
    """A snapshot without data is not published; the reason is Prometheus' own, without a password in it."""
    provisioned(grafana)
    grafana.prometheus_error = "Post http://root:sesame@prometheus:9090/api/v1/query: connection refused"
    code, _, err = snapshot(grafana)
    assert (code, TAKEN in grafana.writes) == (3, False)
    assert "no answer from Prometheus for the panel Spread improvement: Post http://***@prometheus:9090" in err


def test_snapshots_that_are_switched_off_are_explained(grafana: Grafana, snapshot: Snapshot) -> None:
    """Grafana's own reason is passed on."""
    provisioned(grafana)
    grafana.snapshots_enabled = False
    code, _, err = snapshot(grafana)
    assert code == 5
    assert "Dashboard Snapshots are disabled" in err


@pytest.mark.parametrize(
    "permission", ["dashboards:read", "datasources:query", "snapshots:create", "snapshots:read", "snapshots:delete"]
)
def test_missing_permission_is_named(grafana: Grafana, snapshot: Snapshot, permission: str) -> None:
    """A missing right ends the command with 4 and the permission's name."""
    provisioned(grafana)
    old_ones(grafana, 5)
    grafana.missing = {permission}
    code, _, err = snapshot(grafana)
    assert code == 4
    assert f"the permission {permission} is missing" in err


def test_link_is_told_even_when_old_ones_cannot_be_deleted(grafana: Grafana, snapshot: Snapshot) -> None:
    """What was published is said before anything else can fail."""
    provisioned(grafana)
    old_ones(grafana, 5)
    grafana.missing = {"snapshots:delete"}
    _, out, _ = snapshot(grafana)
    assert f"{grafana.url}/dashboard/snapshot/" in out


def test_login_by_password_does_as_well(grafana: Grafana, snapshot: Snapshot) -> None:
    """An Admin's user and password are as good as a token."""
    provisioned(grafana)
    assert snapshot(grafana, GRAFANA_TOKEN="", GRAFANA_USER=USER, GRAFANA_PASSWORD=PASSWORD)[0] == 0


def test_link_is_the_one_for_strangers(grafana: Grafana, snapshot: Snapshot, tmp_path: Path) -> None:
    """Where strangers know Grafana by another address the link has that; it is also in the file that was asked for."""
    provisioned(grafana)
    file = tmp_path / "link"
    file.write_text("http://old.test\n")
    _, out, _ = snapshot(grafana, "--link-file", str(file), GRAFANA_PUBLIC_URL="https://grafana.test/monitoring/")
    link = f"https://grafana.test/monitoring/dashboard/snapshot/{next(iter(grafana.snapshots))}\n"
    assert f"  {link}" in out
    assert file.read_text() == link
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["link"]


@pytest.mark.parametrize(
    ("argv", "environ", "word"),
    [
        (("--expires", "0d"), {}, "--expires (SNAPSHOT_EXPIRES) is a time from 1m to 366d"),
        (("--expires", "forever"), {}, "--expires"),
        ((), {"SNAPSHOT_EXPIRES": "-1"}, "--expires"),
        ((), {"SNAPSHOT_EVERY": "1x"}, "--every (SNAPSHOT_EVERY) is a time from 1m"),
        (("--every", "2d"), {}, "--expires is less than --every"),
        (("--keep", "0"), {}, "--keep (SNAPSHOT_KEEP) is a number from 1 to 1000"),
        ((), {"SNAPSHOT_KEEP": "many"}, "--keep"),
        ((), {"GRAFANA_PUBLIC_URL": "grafana.test"}, "GRAFANA_PUBLIC_URL is not a URL"),
        ((), {"GRAFANA_PUBLIC_URL": "https://root:sesame@grafana.test"}, "GRAFANA_PUBLIC_URL must not hold"),
        ((), {"SHARE_PUBLIC": "perhaps"}, "SHARE_PUBLIC is yes, no, or nothing"),
        ((), {"GRAFANA_TOKEN": ""}, "no credentials"),
    ],
)
def test_wrong_setting_is_named_before_any_call(
    old: Grafana, snapshot: Snapshot, argv: tuple[str, ...], environ: dict[str, str], word: str
) -> None:
    """A setting that cannot be used ends the command with 2, before Grafana is asked."""
    code, _, err = snapshot(old, *argv, **environ)
    assert (code, old.calls) == (2, [])
    assert word in err


def test_file_that_cannot_be_written_is_named(old: Grafana, snapshot: Snapshot, tmp_path: Path) -> None:
    """The link is told all the same."""
    provisioned(old)
    code, out, err = snapshot(old, "--link-file", str(tmp_path / "no" / "link"))
    assert code == 2
    assert "/dashboard/snapshot/" in out
    assert "cannot be written into" in err
