"""Provisioning through the command line, against a stand-in Grafana of 9.4 and of 13."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from grafana import generate
from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, FOLDERS, MARK, TEAMS, folder_of, team_name
from grafana.provision.command import main
from tests.grafana.conftest import NAMES, PROMETHEUS, Run, model_of, write_dashboard
from tests.grafana.standin import PASSWORD, TOKEN, USER, Fault, Grafana

DESK = folder_of("trading")
EVERYTHING = 1 + 2 * len(FOLDERS) + 2 * len(TEAMS) + len(NAMES)
"""The data source, folders and their permissions, teams and their homes, dashboards."""


def ours(**values: Any) -> dict[str, Any]:
    settings = {"httpMethod": "POST", "timeInterval": "5s"}
    own = {"uid": DATASOURCE_UID, "name": DATASOURCE_NAME, "type": "prometheus", "access": "proxy"}
    return own | {"url": PROMETHEUS, "jsonData": settings} | values


def state_of(grafana: Grafana) -> Any:
    kinds = (grafana.folders, grafana.data_sources, grafana.dashboards, grafana.teams)
    return copy.deepcopy((*kinds, grafana.members, grafana.permissions, grafana.preferences))


def test_first_run_creates_everything(grafana: Grafana, run: Run) -> None:
    """The first run makes the data source, the folders, the teams and every dashboard in its folder."""
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out.count(": created\n") == 1 + len(FOLDERS) + len(TEAMS) + len(NAMES)
    source = grafana.data_sources[DATASOURCE_UID]
    assert {key: source[key] for key in ours()} == ours()
    assert {uid: folder["title"] for uid, folder in grafana.folders.items()} == {
        folder.uid: folder.title for folder in FOLDERS
    }
    for name in NAMES:
        saved = grafana.dashboards[f"trading-{name}"]
        assert saved["meta"]["folderUid"] == folder_of(name).uid
        assert {key: saved["dashboard"][key] for key in model_of(name)} == model_of(name)
        assert f"{grafana.url}/d/trading-{name}\n" in out


@pytest.mark.parametrize("login", [{}, {"GRAFANA_TOKEN": "", "GRAFANA_USER": USER, "GRAFANA_PASSWORD": PASSWORD}])
def test_further_runs_change_nothing_and_say_so(grafana: Grafana, run: Run, login: dict[str, str]) -> None:
    """A second and a third run send no change, leave the same state and say unchanged of everything."""
    run(**login)
    state = state_of(grafana)
    grafana.calls.clear()
    for _ in range(2):
        code, out, _ = run(**login)
        assert code == 0
        assert out.count(": unchanged\n") == EVERYTHING
        assert out.endswith(f"\n{EVERYTHING} unchanged\n")
    assert grafana.writes == []
    assert state_of(grafana) == state


def test_committed_dashboards_are_provisioned(grafana: Grafana, capsys: pytest.CaptureFixture[str]) -> None:
    """The dashboards of this project go into Grafana, each once, and not again."""
    environ = {"GRAFANA_URL": grafana.url, "GRAFANA_TOKEN": TOKEN}
    for _ in range(2):
        assert main([], environ) == 0
    out = capsys.readouterr().out
    assert set(grafana.dashboards) == {f"trading-{path.stem}" for path in generate.FOLDER.rglob("*.json")}
    assert out.splitlines()[-1].endswith(" unchanged")


@pytest.mark.parametrize("way", ["user", "url"])
def test_password_logs_in_as_well_as_a_token(grafana: Grafana, run: Run, way: str) -> None:
    """A user and password are accepted from their own settings and from GRAFANA_URL."""
    login = {"GRAFANA_USER": USER, "GRAFANA_PASSWORD": PASSWORD}
    inside = {"GRAFANA_URL": grafana.url.replace("://", f"://{USER}:{PASSWORD}@")}
    code, _, _ = run(GRAFANA_TOKEN="", **(login if way == "user" else inside))
    assert (code, len(grafana.dashboards)) == (0, len(NAMES))


def test_changed_prometheus_url_updates_the_data_source_alone(grafana: Grafana, run: Run) -> None:
    """Another PROMETHEUS_URL is written, while settings that somebody added to the data source stay."""
    extra = {"httpMethod": "GET", "timeInterval": "5s", "prometheusType": "Mimir"}
    grafana.add_data_source(**ours(url="http://old:9090", jsonData=extra, basicAuth=True, isDefault=True))
    _, out, _ = run()
    assert f"data source {DATASOURCE_NAME}: updated" in out
    source = grafana.data_sources[DATASOURCE_UID]
    assert (source["url"], source["basicAuth"], source["isDefault"]) == (PROMETHEUS, True, True)
    assert source["jsonData"] == {"httpMethod": "POST", "timeInterval": "5s", "prometheusType": "Mimir"}


def test_edited_dashboard_is_put_back(grafana: Grafana, run: Run) -> None:
    """A dashboard that somebody edited becomes ours again, one version later."""
    run()
    grafana.dashboards["trading-trading"]["dashboard"]["panels"][0]["title"] = "Mine"
    _, out, _ = run()
    assert "dashboard Trading: updated" in out
    saved = grafana.dashboards["trading-trading"]["dashboard"]
    assert (saved["panels"], saved["version"]) == (model_of("trading")["panels"], 2)


def test_dashboard_and_folder_that_were_moved_or_renamed_come_back(grafana: Grafana, run: Run) -> None:
    """A dashboard in another folder is moved back, and a renamed folder gets its title again."""
    run()
    grafana.dashboards["trading-trading"]["meta"]["folderUid"] = ""
    grafana.folders[DESK.uid]["title"] = "Mine"
    code, out, _ = run()
    assert (code, out.count(": updated\n")) == (0, 2)
    assert grafana.dashboards["trading-trading"]["meta"]["folderUid"] == DESK.uid
    assert grafana.folders[DESK.uid]["title"] == DESK.title


def test_folder_that_was_put_into_another_comes_back(new: Grafana, run_against: Run) -> None:
    """A folder within another would be open to that one's readers, so it goes back to the top."""
    run_against(new)
    new.folders[DESK.uid]["parentUid"] = "theirs"
    code, out, _ = run_against(new, "--dry-run")
    assert (code, new.folders[DESK.uid]["parentUid"]) == (0, "theirs")
    assert "- within: theirs\n" in out
    run_against(new)
    assert "parentUid" not in new.folders[DESK.uid]


def test_dashboard_of_the_former_version_moves_to_its_folder(grafana: Grafana, run: Run) -> None:
    """The one dashboard that there used to be, without today's tag and in the open folder, keeps its uid and moves."""
    grafana.add_folder("trading", "Trading exporter")
    grafana.add_dashboard(model_of("trading") | {"tags": ["trading"]}, "trading")
    code, out, _ = run()
    assert code == 0
    assert "dashboard Trading: updated" in out
    saved = grafana.dashboards["trading-trading"]
    assert (saved["meta"]["folderUid"], saved["dashboard"]["tags"]) == (DESK.uid, ["trading", MARK])


def test_dashboard_that_is_no_longer_in_the_code_is_deleted(grafana: Grafana, run: Run, dashboards: Path) -> None:
    """A dashboard that was made here, and that the code has no more, goes away; the dry run says so before."""
    path = write_dashboard(dashboards, "public", model_of("former"))
    run()
    assert "trading-former" in grafana.dashboards
    write_dashboard(dashboards, path.stem)
    _, out, _ = run("--dry-run")
    assert "dashboard Former: would be deleted" in out
    assert "trading-former" in grafana.dashboards
    _, out, _ = run()
    assert "dashboard Former: deleted" in out
    assert "trading-former" not in grafana.dashboards
    assert run()[1].endswith(f"\n{EVERYTHING} unchanged\n")


@pytest.mark.parametrize(
    ("values", "folder"),
    [
        ({"uid": "trading-theirs", "tags": ["trading"]}, DESK.uid),
        ({"uid": "copy-of-ours", "tags": ["trading", MARK]}, DESK.uid),
        ({"uid": "trading-former", "tags": [MARK]}, "theirs"),
        ({"uid": "trading-plain"}, DESK.uid),
    ],
)
def test_other_dashboards_stay(grafana: Grafana, run: Run, values: dict[str, Any], folder: str) -> None:
    """Whoever keeps dashboards in our folders, with a tag or a uid like ours, or takes one of ours away, keeps them."""
    run()
    grafana.add_folder("theirs", "Theirs")
    grafana.add_dashboard({"title": "Theirs", "panels": []} | values, folder)
    state = state_of(grafana)
    code, out, _ = run()
    assert (code, state_of(grafana)) == (0, state)
    assert "Theirs" not in out


def test_former_dashboard_that_a_file_keeps_is_named(grafana: Grafana, run: Run) -> None:
    """A dashboard that is no longer in the code and comes from a file is left, with the reason."""
    run()
    grafana.add_dashboard(model_of("former"), DESK.uid, provisioned=True)
    code, out, _ = run()
    assert code == 0
    assert "dashboard Former: kept: it comes from a provisioning file" in out


def test_search_that_lags_behind_deletes_nothing_twice(grafana: Grafana, run: Run) -> None:
    """A dashboard that the search still finds although it is gone is taken as absent."""
    run()
    row = {"uid": "trading-former", "title": "Former", "type": "dash-db", "tags": [MARK], "folderUid": DESK.uid}
    grafana.forgotten.append(row)
    grafana.calls.clear()
    code, out, _ = run()
    assert (code, grafana.writes) == (0, [])
    assert "dashboard Former: absent" in out


def test_dry_run_on_an_empty_grafana_changes_nothing(grafana: Grafana, run: Run) -> None:
    """A dry run names all that it would do, settings, readers and homes included, and sends no change."""
    code, out, _ = run("--dry-run")
    assert (code, grafana.writes) == (0, [])
    assert out.count(": would be created\n") == 1 + len(FOLDERS) + len(TEAMS) + len(NAMES)
    assert out.count(": would be updated\n") == len(FOLDERS) + len(TEAMS)
    assert f"+ url: {PROMETHEUS}\n" in out
    assert f"+ team {team_name('risk')}: View\n" in out
    assert "+ homeDashboardUID: trading-risk\n" in out


def test_dry_run_shows_what_would_change_without_passwords(grafana: Grafana, run: Run) -> None:
    """A dry run shows differences line by line, and hides a password in a URL that somebody stored."""
    run()
    grafana.data_sources[DATASOURCE_UID]["url"] = "http://root:sesame@old:9090"
    grafana.dashboards["trading-trading"]["dashboard"]["title"] = "Mine"
    risk = grafana.team_of(team_name("risk"))
    grafana.preferences[risk]["homeDashboardUID"] = "trading-public"
    grafana.permissions[DESK.uid].append({"role": "Viewer", "permission": 1})
    grafana.calls.clear()
    code, out, _ = run("--dry-run")
    assert (code, grafana.writes) == (0, [])
    assert f"    - url: http://***@old:9090\n    + url: {PROMETHEUS}\n" in out
    assert '- "title": "Mine"' in out
    assert "    - homeDashboardUID: trading-public\n    + homeDashboardUID: trading-risk\n" in out
    assert "    - role Viewer: View\n" in out
    assert out.endswith(f"\n4 would be updated, {EVERYTHING - 4} unchanged\n")


@pytest.mark.parametrize("path", ["/api/datasources", "/api/folders", "/api/teams", "/api/dashboards/db"])
def test_creation_whose_answer_was_lost_is_no_conflict(grafana: Grafana, run: Run, path: str) -> None:
    """A change that arrived although its answer was lost counts as done."""
    grafana.fault = Fault(502, "", path=path, method="POST", after=True)
    code, out, _ = run()
    assert (code, out.count(": unchanged\n")) == (0, 1)
    assert len(grafana.dashboards) == len(NAMES)


def test_folder_made_by_somebody_at_the_same_time_is_used(grafana: Grafana, run: Run) -> None:
    """A folder of our uid that appears between look and change is taken as it is."""
    grafana.add_data_source(**ours())
    first = FOLDERS[0]
    grafana.before_write = lambda: grafana.add_folder(first.uid, first.title)
    code, out, _ = run()
    assert code == 0
    assert f"folder {first.title}: unchanged" in out


def test_dashboard_changed_at_the_same_time_is_looked_at_again(grafana: Grafana, run: Run) -> None:
    """A version that moved on between look and change is read again before ours is written."""
    run()
    saved = grafana.dashboards["trading-trading"]["dashboard"]
    saved["title"] = "Mine"
    grafana.before_write = lambda: saved.update(version=7)
    code, out, _ = run()
    assert code == 0
    assert "dashboard Trading: updated" in out
    assert grafana.dashboards["trading-trading"]["dashboard"]["version"] == 8


def test_help_teaches_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names each environment variable, each option and each exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    names = ("GRAFANA_URL", "GRAFANA_TOKEN", "GRAFANA_USER", "GRAFANA_PASSWORD", "PROMETHEUS_URL")
    assert all(name in text for name in (*names, "--dry-run", "--remove", "exit codes"))


def test_folder_without_dashboards_is_a_wrong_setting(grafana: Grafana, tmp_path: Path) -> None:
    """With nothing generated the command ends with 2 before Grafana is asked."""
    assert main([], {"GRAFANA_URL": grafana.url, "GRAFANA_TOKEN": TOKEN}, tmp_path) == 2
    assert grafana.calls == []


def test_every_dashboard_and_team_has_one_place() -> None:
    """Each dashboard is in one folder, and each team has a dashboard of its own that it may read."""
    assert len(set(NAMES)) == len(NAMES)
    for reader in TEAMS:
        folder = folder_of(reader)
        assert not folder.teams or reader in folder.teams
    assert {reader for folder in FOLDERS for reader in folder.teams} <= set(TEAMS)
    with pytest.raises(LookupError, match=r"grafana/names\.py"):
        folder_of("unknown")


def test_page_tells_who_opens_what() -> None:
    """The page about the dashboards has a row for each folder, with its dashboards, and names every team."""
    page = (generate.FOLDER.parents[1] / "docs" / "dashboards.md").read_text(encoding="utf-8")
    for folder in FOLDERS:
        assert f"| {folder.title} | {', '.join(name.capitalize() for name in folder.dashboards)} | " in page
    assert f"`{team_name(TEAMS[0])}`, " in page
    assert all(f"`…: {reader}`" in page for reader in TEAMS[1:])


def test_uids_of_folders_are_not_those_of_dashboards() -> None:
    """Older versions keep both in one table, so that no uid may be used twice."""
    uids = [folder.uid for folder in FOLDERS]
    assert len(set(uids)) == len(uids)
    assert not {f"trading-{name}" for name in NAMES} & set(uids)
    assert json.dumps(uids).isascii()
