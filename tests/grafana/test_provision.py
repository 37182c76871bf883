"""Provisioning through the command line, against a stand-in Grafana."""

from __future__ import annotations

import copy
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grafana import provision
from grafana.api import Client, Token, UnreachableError
from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, FOLDER_TITLE, FOLDER_UID
from tests.grafana.standin import PASSWORD, TOKEN, USER, Fault, Grafana, serve

PROMETHEUS = "http://prometheus.test:9090"
MODEL: dict[str, Any] = json.loads((Path(provision.__file__).parent / "json" / "trading.json").read_text())
SECRETS = (TOKEN, PASSWORD, "sesame")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with serve(Grafana(version="9.4.7")) as server:
        yield server


@pytest.fixture
def run(grafana: Grafana, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command with a token; every run checks that no secret is printed and no error has two lines."""

    def run_command(*argv: str, **environ: str) -> tuple[int, str, str]:
        settings = {"GRAFANA_URL": grafana.url, "GRAFANA_TOKEN": TOKEN, "PROMETHEUS_URL": PROMETHEUS} | environ
        code = provision.main(argv, settings)
        out, err = capsys.readouterr()
        assert not any(secret in out + err for secret in SECRETS)
        assert len(err.splitlines()) <= 1
        assert "Traceback" not in err
        return code, out, err

    return run_command


def _ours(**values: Any) -> dict[str, Any]:
    settings = {"httpMethod": "POST", "timeInterval": "5s"}
    own = {"uid": DATASOURCE_UID, "name": DATASOURCE_NAME, "type": "prometheus", "access": "proxy"}
    return own | {"url": PROMETHEUS, "jsonData": settings} | values


def test_first_run_creates_data_source_folder_and_dashboard(grafana: Grafana, run: Run) -> None:
    """The first run creates all three and prints the dashboard's address."""
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out.count(": created") == 3
    assert f"{grafana.url}/d/trading-trading" in out
    source = grafana.data_sources[DATASOURCE_UID]
    assert {key: source[key] for key in _ours()} == _ours()
    assert grafana.folders[FOLDER_UID]["title"] == FOLDER_TITLE
    saved = grafana.dashboards["trading-trading"]
    assert saved["meta"]["folderUid"] == FOLDER_UID
    assert {key: value for key, value in saved["dashboard"].items() if key not in {"id", "version"}} == MODEL


def test_further_runs_change_nothing_and_say_so(grafana: Grafana, run: Run) -> None:
    """A second and a third run send no change, leave the same state and say unchanged."""
    run()
    state = copy.deepcopy((grafana.folders, grafana.data_sources, grafana.dashboards))
    grafana.calls.clear()
    for _ in range(2):
        code, out, _ = run()
        assert code == 0
        assert out.count(": unchanged") == 3
    assert grafana.writes == []
    assert (grafana.folders, grafana.data_sources, grafana.dashboards) == state


@pytest.mark.parametrize("way", ["user", "url"])
def test_password_logs_in_as_well_as_a_token(grafana: Grafana, run: Run, way: str) -> None:
    """A user and password are accepted from their own settings and from GRAFANA_URL."""
    login = {"GRAFANA_USER": USER, "GRAFANA_PASSWORD": PASSWORD}
    inside = {"GRAFANA_URL": grafana.url.replace("://", f"://{USER}:{PASSWORD}@")}
    code, out, _ = run(GRAFANA_TOKEN="", **(login if way == "user" else inside))
    assert code == 0
    assert out.count(": created") == 3


def test_grafana_below_a_path_is_found(grafana: Grafana, run: Run) -> None:
    """A path in GRAFANA_URL, with or without a slash at its end, comes before every call's own."""
    code, _, err = run(GRAFANA_URL=grafana.url + "/monitoring/")
    assert (code, grafana.calls) == (3, ["GET /monitoring/api/health"])
    assert "GET /api/health" in err


def test_changed_prometheus_url_updates_the_data_source_alone(grafana: Grafana, run: Run) -> None:
    """Another PROMETHEUS_URL is written, while settings that somebody added to the data source stay."""
    extra = {"httpMethod": "GET", "timeInterval": "5s", "prometheusType": "Mimir"}
    grafana.add_data_source(**_ours(url="http://old:9090", jsonData=extra, basicAuth=True, isDefault=True))
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
    assert (saved["panels"], saved["version"]) == (MODEL["panels"], 2)


def test_dashboard_and_folder_that_were_moved_or_renamed_come_back(grafana: Grafana, run: Run) -> None:
    """A dashboard in another folder is moved back, and a renamed folder gets its title again."""
    run()
    grafana.dashboards["trading-trading"]["meta"]["folderUid"] = ""
    grafana.folders[FOLDER_UID]["title"] = "Mine"
    code, out, _ = run()
    assert (code, out.count(": updated")) == (0, 2)
    assert grafana.dashboards["trading-trading"]["meta"]["folderUid"] == FOLDER_UID
    assert grafana.folders[FOLDER_UID]["title"] == FOLDER_TITLE


def test_dry_run_on_an_empty_grafana_changes_nothing(grafana: Grafana, run: Run) -> None:
    """A dry run names what it would create and sends no change."""
    code, out, _ = run("--dry-run")
    assert (code, out.count("would be created"), grafana.writes) == (0, 3, [])


def test_dry_run_shows_what_would_change_without_passwords(grafana: Grafana, run: Run) -> None:
    """A dry run shows differences line by line, and hides a password in a URL that somebody stored."""
    run()
    grafana.data_sources[DATASOURCE_UID]["url"] = "http://root:sesame@old:9090"
    grafana.dashboards["trading-trading"]["dashboard"]["title"] = "Mine"
    grafana.calls.clear()
    code, out, _ = run("--dry-run")
    assert (code, grafana.writes) == (0, [])
    assert '- "url": "http://***@old:9090"' in out
    assert f'+ "url": "{PROMETHEUS}"' in out
    assert '- "title": "Mine"' in out


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
def test_wrong_setting_is_named_before_any_call(grafana: Grafana, run: Run, environ: dict[str, str], word: str) -> None:
    """A setting that is missing or wrong ends the command with 2 and its name, before Grafana is asked."""
    code, _, err = run(**environ)
    assert (code, grafana.calls) == (2, [])
    assert word in err


@pytest.mark.parametrize("login", [{"GRAFANA_TOKEN": "glsa_sesame"}, {"GRAFANA_USER": "admin"}])
def test_wrong_credentials_end_with_a_hint(run: Run, login: dict[str, str]) -> None:
    """A token or password that Grafana does not know ends the command with 4 and names the settings."""
    code, _, err = run(**({"GRAFANA_TOKEN": "", "GRAFANA_PASSWORD": "sesame"} | login))
    assert code == 4
    assert "(401): check GRAFANA_TOKEN" in err


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    "permission",
    ["datasources:read", "datasources:create", "folders:read", "folders:create", "dashboards:read", "dashboards:write"],
)
def test_missing_permission_is_named(grafana: Grafana, run: Run, permission: str, named: bool) -> None:
    """A missing right ends the command with 4 and the permission's name, also where Grafana does not name it."""
    grafana.missing = {permission}
    grafana.names_permission = named
    code, _, err = run()
    assert code == 4
    assert f"the permission {permission} is missing" in err


def test_no_grafana_at_the_address_is_one_line(run: Run) -> None:
    """Nothing that listens ends the command with 3, and the password in the URL is not repeated."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code, _, err = run(GRAFANA_URL=f"http://admin:sesame@127.0.0.1:{port}")
    assert code == 3
    assert f"cannot reach Grafana at http://127.0.0.1:{port} (no connection)" in err


def test_folder_title_of_somebody_else_is_left_alone(grafana: Grafana, run: Run) -> None:
    """A folder of our title with another uid ends the command with 5 and that uid."""
    grafana.add_folder("theirs", FOLDER_TITLE)
    code, _, err = run()
    assert (code, list(grafana.folders)) == (5, ["theirs"])
    assert "uid theirs" in err


def test_renamed_folder_whose_title_is_taken_is_a_conflict(grafana: Grafana, run: Run) -> None:
    """Our folder is not renamed back onto a title that another folder has by now."""
    grafana.add_folder(FOLDER_UID, "Mine")
    grafana.add_folder("theirs", FOLDER_TITLE)
    code, _, err = run()
    assert (code, grafana.folders[FOLDER_UID]["title"]) == (5, "Mine")
    assert "uid theirs" in err


@pytest.mark.parametrize("existing", [False, True])
def test_data_source_name_of_somebody_else_is_left_alone(grafana: Grafana, run: Run, existing: bool) -> None:
    """A data source of our name with another uid ends the command with 5 and that uid, whether ours exists or not."""
    theirs = _ours(uid="theirs", url="http://theirs:9090")
    grafana.add_data_source(**theirs)
    if existing:
        grafana.add_data_source(**_ours(name="Old name"))
    code, _, err = run()
    assert (code, grafana.data_sources["theirs"]["url"]) == (5, "http://theirs:9090")
    assert "uid theirs" in err


def test_data_source_from_a_file_is_accepted_when_it_fits(grafana: Grafana, run: Run) -> None:
    """A read-only data source with the wanted settings counts as unchanged."""
    grafana.add_data_source(**_ours(readOnly=True, isDefault=True))
    code, out, _ = run()
    assert code == 0
    assert f"data source {DATASOURCE_NAME}: unchanged" in out


def test_data_source_from_a_file_that_differs_is_not_touched(grafana: Grafana, run: Run) -> None:
    """A read-only data source that differs ends the command with 5, naming what differs and the file."""
    grafana.add_data_source(**_ours(readOnly=True, url="http://root:sesame@elsewhere:9090"))
    code, _, err = run()
    assert (code, grafana.writes) == (5, [])
    assert "provisioning file" in err
    assert "url" in err


def test_dashboard_from_a_file_counts_only_when_it_is_the_same(grafana: Grafana, run: Run) -> None:
    """A dashboard that a file provides is unchanged if it equals ours; otherwise the command ends with 5."""
    grafana.add_folder(FOLDER_UID, FOLDER_TITLE)
    grafana.add_dashboard(copy.deepcopy(MODEL), FOLDER_UID, provisioned=True)
    assert run()[0] == 0
    grafana.dashboards["trading-trading"]["dashboard"]["refresh"] = "1m"
    code, _, err = run()
    assert code == 5
    assert "provisioning file" in err


def test_dashboard_of_the_same_title_is_not_overwritten(grafana: Grafana, run: Run) -> None:
    """Somebody else's dashboard of our title in our folder stays as it is, and the command ends with 5."""
    grafana.add_folder(FOLDER_UID, FOLDER_TITLE)
    grafana.add_dashboard({"uid": "theirs", "title": "Trading", "panels": []}, FOLDER_UID)
    code, _, err = run()
    assert (code, list(grafana.dashboards)) == (5, ["theirs"])
    assert "same name in the folder" in err


def test_folder_that_is_called_like_the_dashboard_is_explained(grafana: Grafana, run: Run) -> None:
    """An old Grafana refuses a dashboard with the title of any folder; its reason is passed on."""
    grafana.add_folder("theirs", "trading")
    code, _, err = run()
    assert code == 5
    assert "Dashboard name cannot be the same as folder" in err


@pytest.mark.parametrize(
    ("version", "warned"),
    [("9.2.0", True), ("8.5.27", True), ("next", True), ("9.4.0", False), ("v13.0.1-pre", False), (None, False)],
)
def test_older_version_is_a_warning(grafana: Grafana, run: Run, version: str | None, warned: bool) -> None:
    """A version below 9.4, or one that cannot be read, is warned about, and the work is done all the same."""
    grafana.version = version
    code, out, err = run()
    assert (code, out.count(": created")) == (0, 3)
    assert err.startswith("warning: ") is warned


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault(200, "<html>hello</html>", "text/html"), "is not JSON but text/html"),
        (Fault(200, '{"status":"success"}'), "is not Grafana"),
        (Fault(200, "[]"), "is not Grafana"),
        (Fault(404, "<html>404</html>", "text/html"), "answered 404"),
        (
            Fault(500, '{"message":"database is locked"}', path="/api/folders"),
            "500 to GET /api/folders/trading: database",
        ),
        (Fault(200, "null", path="/api/dashboards"), "is not an object"),
        (
            Fault(302, "", headers={"Location": "https://admin:sesame@other.test/login"}),
            "redirects to https://other.test",
        ),
        (Fault(301, "", headers={"Location": "/login"}), "redirects to another path"),
    ],
)
def test_answer_that_is_not_grafanas_is_explained(grafana: Grafana, run: Run, fault: Fault, word: str) -> None:
    """An answer that is not JSON, not Grafana's, a fault or a redirect ends the command with 3 and says which."""
    grafana.fault = fault
    code, _, err = run()
    assert code == 3
    assert word in err


def test_busy_grafana_is_asked_again(grafana: Grafana, run: Run) -> None:
    """A 503 while something starts is followed by another try."""
    grafana.fault = Fault(503, "starting", "text/plain")
    assert run()[0] == 0
    assert grafana.calls[:2] == ["GET /api/health"] * 2


def test_lasting_bad_gateway_ends_after_a_few_tries(grafana: Grafana) -> None:
    """A 502 that stays is given up after waits that grow."""
    grafana.fault = Fault(502, "<html>bad gateway</html>", "text/html", times=100)
    waits: list[float] = []
    client = Client(grafana.url, Token(TOKEN), sleep=waits.append)
    with pytest.raises(UnreachableError, match=r"not ready \(502\)"):
        client.get("/api/health", needs="none")
    client.close()
    assert len(grafana.calls) == len(waits) + 1
    assert waits == sorted(set(waits))


@pytest.mark.parametrize("path", ["/api/datasources", "/api/folders", "/api/dashboards/db"])
def test_creation_whose_answer_was_lost_is_no_conflict(grafana: Grafana, run: Run, path: str) -> None:
    """A change that arrived although its answer was lost counts as done."""
    grafana.fault = Fault(502, "", path=path, method="POST", after=True)
    code, out, _ = run()
    assert (code, out.count(": unchanged"), out.count(": created")) == (0, 1, 2)
    assert (len(grafana.data_sources), len(grafana.folders), len(grafana.dashboards)) == (1, 1, 1)


def test_folder_made_by_somebody_at_the_same_time_is_used(grafana: Grafana, run: Run) -> None:
    """A folder of our uid that appears between look and change is taken as it is."""
    grafana.add_data_source(**_ours())
    grafana.before_write = lambda: grafana.add_folder(FOLDER_UID, FOLDER_TITLE)
    code, out, _ = run()
    assert code == 0
    assert f"folder {FOLDER_TITLE}: unchanged" in out


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
    """The help names each environment variable and each exit code."""
    with pytest.raises(SystemExit) as ended:
        provision.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    names = ("GRAFANA_URL", "GRAFANA_TOKEN", "GRAFANA_USER", "GRAFANA_PASSWORD", "PROMETHEUS_URL", "--dry-run")
    assert all(name in text for name in names)
    assert "exit codes" in text
