"""Taking away what was provisioned, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, FOLDERS, MARK, TEAMS, folder_of
from tests.grafana.conftest import NAMES, Run, model_of
from tests.grafana.standin import Fault, Grafana

DESK = folder_of("trading")
EVERYTHING = 1 + len(FOLDERS) + len(TEAMS) + len(NAMES)


def uses(source: str) -> dict[str, Any]:
    """Somebody else's dashboard that reads a data source."""
    target = {"refId": "A", "datasource": {"type": "prometheus", "uid": source}}
    return {"uid": "theirs", "title": "Theirs", "panels": [{"id": 1, "targets": [target]}]}


def test_everything_that_was_made_goes_away(grafana: Grafana, run: Run) -> None:
    """After a removal Grafana is as it was before; a second removal finds nothing, and says so."""
    grafana.add_folder("theirs", "Theirs")
    grafana.add_dashboard(uses("their-source"), "theirs")
    grafana.add_team("risk", 7)
    kinds = (grafana.folders, grafana.dashboards, grafana.teams, grafana.data_sources)
    before = copy.deepcopy(kinds)
    run()
    code, out, _ = run("--remove")
    assert (code, kinds) == (0, before)
    assert out.endswith(f"\n{EVERYTHING} deleted\n")
    grafana.calls.clear()
    code, out, _ = run("--remove")
    assert (code, grafana.writes) == (0, [])
    assert out.endswith(f"\n{EVERYTHING} absent\n")


def test_dry_run_of_a_removal_changes_nothing(grafana: Grafana, run: Run) -> None:
    """A removal can be looked at before: it names the same things and sends no change."""
    run()
    grafana.calls.clear()
    code, out, _ = run("--remove", "--dry-run")
    assert (code, grafana.writes) == (0, [])
    assert out.endswith(f"\n{EVERYTHING} would be deleted\n")


def test_search_that_lags_behind_keeps_no_folder(grafana: Grafana, run: Run) -> None:
    """A dashboard that was just removed does not hold its folder, although the search still finds it."""
    run()
    for name in NAMES:
        row = {"uid": f"trading-{name}", "title": name, "type": "dash-db", "tags": [MARK]}
        grafana.forgotten.append(row | {"folderUid": folder_of(name).uid})
    code, _, _ = run("--remove")
    assert (code, grafana.folders, grafana.data_sources) == (0, {}, {})


def test_folder_with_a_dashboard_of_somebody_else_stays(grafana: Grafana, run: Run) -> None:
    """A folder that holds other people's things stays with them, and the removal says what they are."""
    run()
    grafana.add_dashboard(uses("their-source"), DESK.uid)
    code, out, _ = run("--remove")
    assert (code, list(grafana.folders), list(grafana.dashboards)) == (0, [DESK.uid], ["theirs"])
    assert f"folder {DESK.title}: kept: it holds the dashboard Theirs" in out


@pytest.mark.parametrize("key", ["folderUid", "meta"])
def test_folder_with_a_library_panel_stays(grafana: Grafana, run: Run, key: str) -> None:
    """A library panel in a folder would go with it, so the folder stays."""
    run()
    place: Any = {"folderUid": DESK.uid}
    grafana.library.append({"name": "Mine", "model": {}} | (place if key == "folderUid" else {"meta": place}))
    _, out, _ = run("--remove")
    assert list(grafana.folders) == [DESK.uid]
    assert "it holds the library panel Mine" in out


@pytest.mark.parametrize("seen", [True, False])
def test_folder_with_an_alert_rule_stays(grafana: Grafana, run: Run, seen: bool) -> None:
    """An alert rule in a folder keeps it, whether the rule can be seen or Grafana refuses the deletion itself."""
    run()
    grafana.rules.append({"title": "Mine", "namespace_uid": DESK.uid, "data": []})
    grafana.missing = set() if seen else {"alert.rules:read"}
    code, out, _ = run("--remove")
    assert (code, list(grafana.folders)) == (0, [DESK.uid])
    assert ("it holds the alert rule Mine" if seen else "folder contains alert rules") in out


def test_folder_within_ours_keeps_it(new: Grafana, run_against: Run) -> None:
    """A folder that somebody made within ours is not deleted with it."""
    run_against(new)
    new.add_folder("theirs", "Theirs", parentUid=DESK.uid)
    _, out, _ = run_against(new, "--remove")
    assert set(new.folders) == {DESK.uid, "theirs"}
    assert "it holds the folder Theirs" in out


@pytest.mark.parametrize("named", [DATASOURCE_UID, DATASOURCE_NAME])
def test_data_source_in_use_stays(grafana: Grafana, run: Run, named: str) -> None:
    """A data source that another dashboard reads, by uid or by name, stays."""
    run()
    grafana.add_folder("elsewhere", "Elsewhere")
    grafana.add_dashboard(uses(named), "elsewhere")
    code, out, _ = run("--remove")
    assert (code, list(grafana.data_sources)) == (0, [DATASOURCE_UID])
    assert f"data source {DATASOURCE_NAME}: kept: used by the dashboard Theirs" in out


def test_data_source_of_a_library_panel_or_an_alert_rule_stays(grafana: Grafana, run: Run) -> None:
    """Library panels and alert rules count as users too."""
    run()
    grafana.library.append({"name": "Mine", "model": {"datasource": {"uid": DATASOURCE_UID}}, "folderUid": ""})
    grafana.rules.append({"title": "Rule", "namespace_uid": "theirs", "data": [{"datasourceUid": DATASOURCE_UID}]})
    _, out, _ = run("--remove")
    assert list(grafana.data_sources) == [DATASOURCE_UID]
    assert "used by the library panel Mine; the alert rule Rule" in out


def test_data_source_stays_when_its_use_cannot_be_known(grafana: Grafana, run: Run) -> None:
    """With a dashboard that cannot be read, nobody knows whether the data source is in use: it stays."""
    run()
    grafana.add_dashboard(uses("their-source"), "")
    grafana.unreadable.add("theirs")
    _, out, _ = run("--remove")
    assert list(grafana.data_sources) == [DATASOURCE_UID]
    assert "perhaps the dashboard Theirs, which cannot be read" in out


@pytest.mark.parametrize(("key", "word"), [("isDefault", "default"), ("readOnly", "provisioning file")])
def test_default_or_provided_data_source_stays(grafana: Grafana, run: Run, key: str, word: str) -> None:
    """The default, which panels use without naming it, and one from a file stay."""
    run()
    grafana.data_sources[DATASOURCE_UID][key] = True
    code, out, _ = run("--remove")
    assert (code, list(grafana.data_sources)) == (0, [DATASOURCE_UID])
    assert word in out


def test_dashboard_from_a_file_stays_with_its_folder(grafana: Grafana, run: Run) -> None:
    """What a provisioning file provides is that file's, and so is the folder it is in."""
    run()
    grafana.dashboards["trading-risk"]["meta"]["provisioned"] = True
    code, out, _ = run("--remove")
    assert (code, list(grafana.dashboards)) == (0, ["trading-risk"])
    assert list(grafana.folders) == [folder_of("risk").uid]
    assert "dashboard Risk: kept: it comes from a provisioning file" in out


def test_dashboard_with_our_uid_and_without_our_tag_stays(grafana: Grafana, run: Run) -> None:
    """A dashboard that has the uid of one of ours and was not made here stays."""
    grafana.add_dashboard(model_of("risk") | {"tags": []}, "")
    code, out, _ = run("--remove")
    assert (code, list(grafana.dashboards)) == (0, ["trading-risk"])
    assert f"dashboard Risk: kept: it has no tag {MARK}" in out


def test_former_dashboards_go_too(grafana: Grafana, run: Run) -> None:
    """A dashboard that was made here and is no longer in the code is removed with the others."""
    run()
    grafana.add_dashboard(model_of("former"), DESK.uid)
    _, out, _ = run("--remove")
    assert "dashboard Former: deleted" in out
    assert grafana.folders == {}


def test_removal_takes_all_pages_of_a_search(grafana: Grafana, run: Run) -> None:
    """With more dashboards than a search shows at once, the one that matters is found on a later page."""
    run()
    rows = [{"uid": f"other-{number}", "title": "O", "type": "dash-folder", "tags": []} for number in range(1500)]
    grafana.forgotten += [*rows, {"uid": "last", "title": "Last", "type": "dash-db", "tags": [], "folderUid": DESK.uid}]
    _, out, _ = run("--remove", "--dry-run")
    assert f"folder {DESK.title}: kept: it holds the dashboard Last" in out


@pytest.mark.parametrize("permission", ["dashboards:delete", "folders:delete", "teams:delete", "datasources:delete"])
def test_missing_permission_to_delete_is_named(grafana: Grafana, run: Run, permission: str) -> None:
    """A missing right ends the removal with 4 and the permission's name."""
    run()
    grafana.missing = {permission}
    code, _, err = run("--remove")
    assert code == 4
    assert f"the permission {permission} is missing" in err


def test_search_that_repeats_its_page_ends(grafana: Grafana, run: Run) -> None:
    """A server that ignores the page number does not keep the command busy for ever."""
    row = {"uid": "one", "title": "One", "type": "dash-db", "tags": []}
    rows = "[" + ", ".join([str(row).replace("'", '"')] * 1000) + "]"
    grafana.fault = Fault(200, rows, path="/api/search", times=50)
    assert run("--remove")[0] == 0
    assert grafana.calls.count("GET /api/search") < 50
