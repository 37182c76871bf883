"""Who may read what, and what they see first: teams, permissions of folders, home dashboards."""

from __future__ import annotations

import pytest

from grafana.names import FOLDERS, TEAMS, folder_of, team_name
from tests.grafana.conftest import Run
from tests.grafana.standin import PASSWORD, USER, Grafana

RISK, OPEN = folder_of("risk"), folder_of("viewer")
AS_USER = {"GRAFANA_TOKEN": "", "GRAFANA_USER": USER, "GRAFANA_PASSWORD": PASSWORD}


def readers_of(grafana: Grafana, uid: str) -> set[tuple[str, int]]:
    """Roles, teams by name and users by number, each with its level."""
    found = set()
    for item in grafana.permissions[uid]:
        team = grafana.teams[item["teamId"]]["name"] if "teamId" in item else None
        found.add((str(item.get("role") or team or item["userId"]), item["permission"]))
    return found


def test_each_folder_is_open_to_its_readers_alone(grafana: Grafana, run: Run) -> None:
    """The open folder may be read by everybody and changed by none; the others are read by their teams alone."""
    run()
    made_by = {("2", 4)} if grafana.new else set()  # later versions give it to the service account that made the folder
    for folder in FOLDERS:
        teams = {(team_name(reader), 1) for reader in folder.teams}
        expected = teams or {("Viewer", 1), ("Editor", 1)}
        assert readers_of(grafana, folder.uid) == expected | made_by, folder.title


def test_money_and_risk_are_not_open_to_operations(grafana: Grafana, run: Run) -> None:
    """The operators' teams read their own folder and the open one, and no other."""
    run()
    for name in ("operations", "performance", "admin"):
        entry = (team_name(name), 1)
        assert [folder.name for folder in FOLDERS if entry in readers_of(grafana, folder.uid)] == ["operations"]


def test_each_team_begins_with_its_dashboard(grafana: Grafana, run: Run) -> None:
    """Every group of readers has a team, nobody in it, and its dashboard as home."""
    run()
    assert {team["name"] for team in grafana.teams.values()} == {team_name(reader) for reader in TEAMS}
    for reader in TEAMS:
        team = grafana.team_of(team_name(reader))
        assert grafana.preferences[team]["homeDashboardUID"] == f"trading-{reader}"
        assert grafana.members[team] == []


def test_user_who_provisions_is_in_no_team_afterwards(grafana: Grafana, run: Run) -> None:
    """Grafana puts a user into the teams that it makes; that user's home must not become a team's."""
    run(**AS_USER)
    assert set(map(tuple, grafana.members.values())) == {()}


def test_members_stay(grafana: Grafana, run: Run) -> None:
    """Whoever is in a team stays in it, also the user who provisions."""
    number = grafana.add_team(team_name("risk"), 1, 7)
    run(**AS_USER)
    assert grafana.members[number] == [1, 7]


@pytest.mark.parametrize("name", ["risk", "trading exporter: Risk"])
def test_other_teams_are_left_alone(grafana: Grafana, run: Run, name: str) -> None:
    """A team that is called like a group of readers is not taken for ours."""
    number = grafana.add_team(name, 7)
    grafana.preferences[number] = {"homeDashboardUID": "theirs"}
    run()
    assert grafana.teams[number]["name"] == name
    assert (grafana.members[number], grafana.preferences[number]) == ([7], {"homeDashboardUID": "theirs"})


def test_grants_of_other_people_stay(grafana: Grafana, run: Run) -> None:
    """Users and other teams keep what somebody gave them on our folders; Viewer and Editor lose it again."""
    run()
    before = readers_of(grafana, RISK.uid)
    auditors = grafana.add_team("auditors")
    theirs = [{"teamId": auditors, "permission": 2}, {"userId": 7, "permission": 1}]
    grafana.permissions[RISK.uid] += [*theirs, {"role": "Viewer", "permission": 1}]
    code, out, _ = run()
    assert (code, out.count(": updated\n")) == (0, 1)
    assert readers_of(grafana, RISK.uid) == before | {("auditors", 2), ("7", 1)}
    assert run()[1].endswith(" unchanged\n")


def test_taken_readers_come_back_and_extra_ones_go(grafana: Grafana, run: Run) -> None:
    """Our own teams read what the code says: a removed entry comes back, a level too high or a further one goes."""
    run()
    before = readers_of(grafana, RISK.uid)
    trader, risk = (grafana.team_of(team_name(name)) for name in ("trader", "risk"))
    kept = [item for item in grafana.permissions[RISK.uid] if item.get("teamId") != risk]
    grafana.permissions[RISK.uid] = [*kept, {"teamId": trader, "permission": 1}]
    grafana.permissions[OPEN.uid] = [{"role": "Editor", "permission": 2}]
    run()
    assert readers_of(grafana, RISK.uid) == before
    assert {("Viewer", 1), ("Editor", 1)} == readers_of(grafana, OPEN.uid)


def test_inherited_entries_are_not_made_our_own(new: Grafana, run_against: Run) -> None:
    """What a folder has from another around it is not written down as its own."""
    run_against(new)
    entries = new.permissions[RISK.uid]
    inherited = {"userId": 7, "permission": 1, "inherited": True}
    new.permissions[RISK.uid] = [*entries, inherited]
    new.calls.clear()
    assert run_against(new)[0] == 0
    assert new.writes == []
    new.permissions[RISK.uid] = [*entries, inherited, {"role": "Viewer", "permission": 1}]
    assert run_against(new)[0] == 0
    assert new.permissions[RISK.uid] == entries


def test_other_preferences_of_a_team_stay(grafana: Grafana, run: Run) -> None:
    """A home that somebody changed is put back; the team's theme, time zone and the rest stay."""
    run()
    team = grafana.team_of(team_name("risk"))
    others = {"theme": "dark", "timezone": "utc", "weekStart": "monday"}
    grafana.preferences[team] = others | {"homeDashboardUID": "trading-public"}
    _, out, _ = run()
    assert f"home of the team {team_name('risk')}: updated" in out
    saved = grafana.preferences[team]
    assert {key: saved[key] for key in others} == others
    assert saved["homeDashboardUID"] == "trading-risk"
    assert "homeDashboardId" not in saved


def test_deleted_team_comes_back_with_its_rights_and_its_home(grafana: Grafana, run: Run) -> None:
    """A team that somebody deleted is made again, may read its folders again and has its home again."""
    run()
    before = readers_of(grafana, RISK.uid)
    entries = grafana.permissions[RISK.uid]
    gone = grafana.team_of(team_name("risk"))
    del grafana.teams[gone], grafana.members[gone], grafana.preferences[gone]
    for uid, items in grafana.permissions.items():
        grafana.permissions[uid] = [item for item in items if item.get("teamId") != gone]
    assert grafana.permissions[RISK.uid] != entries
    assert run()[0] == 0
    assert readers_of(grafana, RISK.uid) == before
    assert grafana.preferences[grafana.team_of(team_name("risk"))]["homeDashboardUID"] == "trading-risk"


def test_team_that_cannot_be_seen_is_explained(grafana: Grafana, run: Run) -> None:
    """A name that is taken by a team which a search does not show ends the command with 5."""
    name = team_name("executive")
    number = grafana.add_team(name)
    grafana.teams[number]["name"] = name
    grafana.hidden_teams.add(number)
    code, _, err = run()
    assert code == 5
    assert f"a team {name} exists, but these credentials cannot see it" in err


def test_home_that_is_deleted_meanwhile_is_explained(grafana: Grafana, run: Run) -> None:
    """A dashboard that goes away just before it becomes a home ends the command with 5 and what to do."""
    run()
    team = grafana.team_of(team_name("risk"))
    grafana.preferences[team] = {}
    grafana.before_write = grafana.dashboards.clear
    code, _, err = run()
    assert code == 5
    assert "run this again" in err
    assert run()[0] == 0


@pytest.mark.parametrize("run_as", [{}, AS_USER])
def test_note_says_whose_the_members_are(grafana: Grafana, run: Run, run_as: dict[str, str]) -> None:
    """When teams are new, the command says where people are put into them and what folders do not do; later no more."""
    assert "note: put people into the teams" in run(**run_as)[1]
    assert "note:" not in run(**run_as)[1]
