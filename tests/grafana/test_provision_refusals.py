"""What the command says when it cannot go on: settings, credentials, rights, taken names, proxies in between."""

from __future__ import annotations

import socket

import pytest

from grafana.api import Client, ConflictError, RefusedError, Token, UnreachableError
from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, FOLDERS, MARK, folder_of
from tests.grafana.conftest import NAMES, PROMETHEUS, Run, model_of
from tests.grafana.standin import PASSWORD, TOKEN, USER, Fault, Grafana
from tests.grafana.test_provision import ours

DESK, FIRST = folder_of("trading"), FOLDERS[0]


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"GRAFANA_TOKEN": ""}, "GRAFANA_TOKEN"),
        ({"GRAFANA_TOKEN": "", "GRAFANA_USER": "admin"}, "GRAFANA_PASSWORD is missing"),
        ({"GRAFANA_TOKEN": "", "GRAFANA_PASSWORD": PASSWORD}, "GRAFANA_USER is missing"),
        ({"GRAFANA_TOKEN": "glsa sesame"}, "GRAFANA_TOKEN holds"),
        ({"GRAFANA_URL": "127.0.0.1:3000"}, "GRAFANA_URL is not a URL"),
        ({"GRAFANA_URL": "http://admin:sesame@127.0.0.1:port"}, "GRAFANA_URL is not a URL"),
        ({"GRAFANA_URL": "http://127.0.0.1:3000/?orgId=1"}, "GRAFANA_URL must end"),
        ({"PROMETHEUS_URL": "prometheus"}, "PROMETHEUS_URL is not a URL"),
        ({"PROMETHEUS_URL": "http://root:sesame@prometheus:9090"}, "PROMETHEUS_URL must not hold"),
    ],
)
def test_wrong_setting_is_named_before_any_call(
    old: Grafana, run_against: Run, environ: dict[str, str], word: str
) -> None:
    """A setting that is missing or wrong ends the command with 2 and its name, before Grafana is asked."""
    code, _, err = run_against(old, **environ)
    assert (code, old.calls) == (2, [])
    assert word in err


@pytest.mark.parametrize("login", [{"GRAFANA_TOKEN": "glsa_sesame"}, {"GRAFANA_USER": "admin"}])
def test_wrong_credentials_end_with_a_hint(old: Grafana, run_against: Run, login: dict[str, str]) -> None:
    """A token or password that Grafana does not know ends the command with 4 and names the settings."""
    code, _, err = run_against(old, **({"GRAFANA_TOKEN": "", "GRAFANA_PASSWORD": "sesame"} | login))
    assert code == 4
    assert "(401): check GRAFANA_TOKEN" in err


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    "permission",
    [
        *("datasources:read", "datasources:create", "folders:read", "folders:create", "teams:read", "teams:create"),
        *("teams.permissions:write", "folders.permissions:read", "folders.permissions:write"),
        *("dashboards:read", "dashboards:write", "teams:write"),
    ],
)
def test_missing_permission_is_named(old: Grafana, run_against: Run, permission: str, named: bool) -> None:
    """A missing right ends the command with 4 and the permission's name, also where Grafana does not name it."""
    old.missing = {permission}
    old.names_permission = named
    code, _, err = run_against(old, GRAFANA_TOKEN="", GRAFANA_USER=USER, GRAFANA_PASSWORD=PASSWORD)
    assert code == 4
    assert f"the permission {permission} is missing" in err


def test_no_grafana_at_the_address_is_one_line(old: Grafana, run_against: Run) -> None:
    """Nothing that listens ends the command with 3, and the password in the URL is not repeated."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code, _, err = run_against(old, GRAFANA_URL=f"http://admin:sesame@127.0.0.1:{port}")
    assert code == 3
    assert f"cannot reach Grafana at http://127.0.0.1:{port} (no connection)" in err


def test_grafana_below_a_path_is_found(old: Grafana, run_against: Run) -> None:
    """A path in GRAFANA_URL, with or without a slash at its end, comes before every call's own."""
    code, _, err = run_against(old, GRAFANA_URL=old.url + "/monitoring/")
    assert (code, old.calls) == (3, ["GET /monitoring/api/health"])
    assert "GET /api/health" in err


def test_folder_title_of_somebody_else_is_left_alone(old: Grafana, run_against: Run) -> None:
    """A folder of our title with another uid ends the command with 5 and that uid."""
    old.add_folder("theirs", FIRST.title)
    code, _, err = run_against(old)
    assert (code, list(old.folders)) == (5, ["theirs"])
    assert "uid theirs" in err


def test_folder_title_of_somebody_else_does_no_harm_any_more(new: Grafana, run_against: Run) -> None:
    """Later versions allow a title twice, so that folder stays and ours stands beside it."""
    new.add_folder("theirs", FIRST.title)
    assert run_against(new)[0] == 0
    assert set(new.folders) == {"theirs", *(folder.uid for folder in FOLDERS)}


def test_folder_uid_of_somebody_else_is_left_alone(grafana: Grafana, run: Run) -> None:
    """A folder that has one of our uids and holds other people's dashboards alone is not renamed or restricted."""
    grafana.add_folder(FIRST.uid, "Their trading")
    grafana.add_dashboard({"uid": "theirs", "title": "Theirs", "panels": []}, FIRST.uid)
    code, _, err = run()
    assert (code, grafana.folders[FIRST.uid]["title"]) == (5, "Their trading")
    assert f"the uid {FIRST.uid} is taken by the folder Their trading" in err


def test_renamed_folder_whose_title_is_taken_is_a_conflict(old: Grafana, run_against: Run) -> None:
    """Our folder is not renamed back onto a title that another folder has by now."""
    old.add_folder(FIRST.uid, "Mine")
    old.add_folder("theirs", FIRST.title)
    code, _, err = run_against(old)
    assert (code, old.folders[FIRST.uid]["title"]) == (5, "Mine")
    assert "uid theirs" in err


@pytest.mark.parametrize("existing", [False, True])
def test_data_source_name_of_somebody_else_is_left_alone(grafana: Grafana, run: Run, existing: bool) -> None:
    """A data source of our name with another uid ends the command with 5 and that uid, whether ours exists or not."""
    theirs = ours(uid="theirs", url="http://theirs:9090")
    grafana.add_data_source(**theirs)
    if existing:
        grafana.add_data_source(**ours(name="Old name"))
    code, _, err = run()
    assert (code, grafana.data_sources["theirs"]["url"]) == (5, "http://theirs:9090")
    assert "uid theirs" in err


def test_data_source_from_a_file_is_accepted_when_it_fits(grafana: Grafana, run: Run) -> None:
    """A read-only data source with the wanted settings counts as unchanged."""
    grafana.add_data_source(**ours(readOnly=True, isDefault=True))
    code, out, _ = run()
    assert code == 0
    assert f"data source {DATASOURCE_NAME}: unchanged" in out


def test_data_source_from_a_file_that_differs_is_not_touched(grafana: Grafana, run: Run) -> None:
    """A read-only data source that differs ends the command with 5, naming what differs and the file."""
    grafana.add_data_source(**ours(readOnly=True, url="http://root:sesame@elsewhere:9090"))
    code, _, err = run()
    assert (code, grafana.writes) == (5, [])
    assert "provisioning file" in err
    assert "url" in err


def test_files_and_the_command_go_together(grafana: Grafana, run: Run) -> None:
    """Where files provide data source, folders and dashboards, the command adds teams, readers and homes alone."""
    grafana.add_data_source(**ours(readOnly=True, isDefault=True))
    for folder in FOLDERS:
        grafana.add_folder(folder.uid, folder.title)
        for name in folder.dashboards:
            grafana.add_dashboard(model_of(name), folder.uid, provisioned=True)
    code, out, _ = run()
    assert code == 0
    assert out.count(": created\n") == len(grafana.teams)
    assert out.count(": unchanged\n") == 1 + len(FOLDERS) + len(NAMES)


def test_dashboard_from_a_file_that_differs_is_not_touched(grafana: Grafana, run: Run) -> None:
    """A dashboard that a file provides and that is not ours of today ends the command with 5."""
    grafana.add_folder(DESK.uid, DESK.title)
    grafana.add_dashboard(model_of("trading") | {"refresh": "1m"}, DESK.uid, provisioned=True)
    code, _, err = run()
    assert code == 5
    assert "provisioning file" in err


def test_dashboard_of_the_same_title_is_not_overwritten(old: Grafana, run_against: Run) -> None:
    """Somebody else's dashboard of our title in our folder stays as it is, and the command ends with 5."""
    old.add_folder(DESK.uid, DESK.title)
    old.add_dashboard({"uid": "theirs", "title": "Trading", "panels": []}, DESK.uid)
    code, _, err = run_against(old)
    assert code == 5
    assert old.dashboards["theirs"]["dashboard"]["title"] == "Trading"
    assert "same name in the folder" in err


def test_dashboard_with_our_uid_is_not_overwritten(grafana: Grafana, run: Run) -> None:
    """A dashboard that has the uid of one of ours and none of our tags is somebody else's: the command ends with 5."""
    grafana.add_dashboard({"uid": "trading-risk", "title": "Their risk", "tags": ["risk"], "panels": []}, "")
    code, _, err = run()
    assert (code, grafana.dashboards["trading-risk"]["dashboard"]["title"]) == (5, "Their risk")
    assert f"taken by the dashboard Their risk, which has no tag {MARK}" in err


def test_folder_that_is_called_like_a_dashboard_is_explained(old: Grafana, run_against: Run) -> None:
    """An old Grafana refuses a dashboard with the title of any folder; its reason is passed on."""
    old.add_folder("theirs", "trading")
    code, _, err = run_against(old)
    assert code == 5
    assert "Dashboard name cannot be the same as folder" in err


@pytest.mark.parametrize(
    ("version", "warned"),
    [("9.2.0", True), ("8.5.27", True), ("next", True), ("9.4.0", False), ("v13.0.1-pre", False), (None, False)],
)
def test_older_version_is_a_warning(old: Grafana, run_against: Run, version: str | None, warned: bool) -> None:
    """A version below 9.4, or one that cannot be read, is warned about, and the work is done all the same."""
    old.version = version
    code, _, err = run_against(old)
    assert (code, len(old.dashboards)) == (0, len(NAMES))
    assert err.startswith("warning: ") is warned


HTML = ("<html>hello</html>", "text/html")


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault(200, *HTML), "is not JSON but text/html"),
        (Fault(200, '{"status":"success"}'), "is not Grafana"),
        (Fault(200, "[]"), "is not Grafana"),
        (Fault(404, *HTML), "answered 404 to GET /api/health with text/html instead of JSON"),
        (Fault(404, '{"message":"nothing here"}', path="/api/health"), "not Grafana, or not its path; is GRAFANA_URL"),
        (Fault(401, *HTML, path="/api/datasources"), "a proxy in between does not let the call through"),
        (Fault(403, *HTML, path="/api/datasources"), "a proxy in between does not let the call through"),
        (Fault(405, *HTML, path="/api/folders", method="POST"), "answered 405 to POST /api/folders with text/html"),
        (Fault(413, *HTML, path="/api/dashboards/db"), "answered 413 to POST /api/dashboards/db with text/html"),
        (Fault(404, '{"message":"Not found"}', path="/api/teams"), "this Grafana has no GET /api/teams/search (404)"),
        (Fault(404, '{"message":"Not found"}', path="/api/search"), "this Grafana has no GET /api/search (404)"),
        (
            Fault(500, '{"message":"database is locked"}', path="/api/folders"),
            "500 to GET /api/folders/trading: database",
        ),
        (Fault(200, "null", path="/api/dashboards"), "is not an object"),
        (Fault(200, "{}", path="/api/search"), "is not a list"),
        (Fault(200, "[1]", path="/api/search"), "is not an object"),
        (
            Fault(302, "", headers={"Location": "https://admin:sesame@other.test/login"}),
            "redirects to https://other.test",
        ),
        (Fault(301, "", headers={"Location": "/login"}), "redirects to another path"),
    ],
)
def test_answer_that_is_not_grafanas_is_explained(old: Grafana, run_against: Run, fault: Fault, word: str) -> None:
    """An answer that is not JSON, not Grafana's, a fault or a redirect ends the command with 3 and says which."""
    old.fault = fault
    code, _, err = run_against(old)
    assert code == 3
    assert word in err


def test_busy_grafana_is_asked_again(old: Grafana, run_against: Run) -> None:
    """A 503 while something starts is followed by another try."""
    old.fault = Fault(503, "starting", "text/plain")
    assert run_against(old)[0] == 0
    assert old.calls[:2] == ["GET /api/health"] * 2


@pytest.mark.parametrize("status", [429, 502, 504])
def test_lasting_failure_ends_after_a_few_tries(old: Grafana, status: int) -> None:
    """What stays unavailable is given up after waits that grow."""
    old.fault = Fault(status, *HTML, times=100)
    waits: list[float] = []
    client = Client(old.url, Token(TOKEN), sleep=waits.append)
    with pytest.raises(UnreachableError, match=rf"not ready \({status}\)"):
        client.get("/api/health", needs="none")
    client.close()
    assert len(old.calls) == len(waits) + 1
    assert waits == sorted(set(waits))


@pytest.mark.parametrize(
    ("status", "message", "error", "word"),
    [
        (403, "License token not found", RefusedError, "needs Grafana Enterprise or Cloud (403)"),
        (404, "This feature is only in Grafana Enterprise", RefusedError, "needs Grafana Enterprise or Cloud (404)"),
        (403, "Access denied", RefusedError, "the permission folders:read is missing"),
        (403, "", RefusedError, "the permission folders:read is missing"),
        (403, "Folder is in use", ConflictError, "answered 403 to GET /api/folders: Folder is in use"),
        (400, "at http://root:sesame@host", ConflictError, "at http://***@host"),
    ],
)
def test_refusal_says_what_kind_it_is(
    old: Grafana, status: int, message: str, error: type[Exception], word: str
) -> None:
    """What only Enterprise has, a missing right and a thing in use are told apart, each in words that help."""
    old.fault = Fault(status, f'{{"message": "{message}"}}')
    client = Client(old.url, Token(TOKEN))
    with pytest.raises(error) as raised:
        client.call("GET", "/api/folders?limit=1", None, needs="folders:read")
    client.close()
    assert word in str(raised.value)


def test_nothing_of_ours_is_in_a_data_source_that_is_not(grafana: Grafana, run: Run) -> None:
    """Other data sources on the same server keep their settings."""
    grafana.add_data_source(uid="theirs", name="Theirs", type="prometheus", url=PROMETHEUS)
    before = dict(grafana.data_sources["theirs"])
    run()
    assert grafana.data_sources["theirs"] == before
    assert set(grafana.data_sources) == {"theirs", DATASOURCE_UID}
