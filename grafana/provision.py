"""Put the data source, the folder and the dashboards into a running Grafana: ``python -m grafana.provision``.

Run as often as you like: what is as it should be stays untouched. Nothing of anybody else's is changed: where
a name is taken, the command says by which uid and ends.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from requests.auth import AuthBase

from grafana.api import (
    Address,
    Answer,
    Client,
    ConflictError,
    GrafanaError,
    Json,
    SettingsError,
    Token,
    UnreachableError,
    basic,
    parse_address,
    redact,
)
from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, FOLDER_TITLE, FOLDER_UID

DASHBOARDS = Path(__file__).parent / "json"
OLDEST = (9, 4)

_KEPT = ("isDefault", "basicAuth", "basicAuthUser", "withCredentials", "user", "database")
_BY_SERVER = ("id", "version")  # keys of a dashboard that Grafana writes itself

_HELP = """\
Puts what the Trading dashboard needs into a running Grafana: a Prometheus data source, a folder and the
dashboard. A second run changes nothing and says so. Settings are read from the environment:

  GRAFANA_URL       where Grafana is              (default http://127.0.0.1:3000)
  GRAFANA_TOKEN     a service account's token, role Admin (Administration > Service accounts), or
  GRAFANA_USER      and GRAFANA_PASSWORD: the login of an Admin
  PROMETHEUS_URL    Prometheus, as Grafana's server reaches it  (default http://127.0.0.1:9090)

for example:

  GRAFANA_USER=admin GRAFANA_PASSWORD=... make provision-dashboards
  GRAFANA_URL=https://grafana.example.com GRAFANA_TOKEN=glsa_... make provision-dashboards ARGS=--dry-run
"""
_EXIT_CODES = """\
exit codes: 0 done; 2 a setting is wrong or missing; 3 Grafana does not answer as Grafana does;
4 wrong credentials or too few rights; 5 a name is taken, or is kept by a file or by somebody else
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What to provision with: Grafana's URL and login, and Prometheus' URL."""

    url: str
    auth: AuthBase
    prometheus_url: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one thing; ``word`` is created, updated or unchanged, ``diff`` what differed."""

    what: str
    word: str
    diff: str = ""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings from the environment; raise `SettingsError` naming the one that is wrong."""
    grafana = parse_address(environ.get("GRAFANA_URL") or "http://127.0.0.1:3000", "GRAFANA_URL")
    prometheus = parse_address(environ.get("PROMETHEUS_URL") or "http://127.0.0.1:9090", "PROMETHEUS_URL")
    if prometheus.auth:
        raise SettingsError(
            "PROMETHEUS_URL must not hold a user name or password, which Grafana would keep readable: "
            "leave them out and set basic authentication on the data source in Grafana"
        )
    return Settings(grafana.url, _login(environ, grafana), prometheus.url)


def _login(environ: Mapping[str, str], grafana: Address) -> AuthBase:
    token, user, password = (environ.get(f"GRAFANA_{name}", "").strip() for name in ("TOKEN", "USER", "PASSWORD"))
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            raise SettingsError("GRAFANA_TOKEN holds a character that no token has: copy it again")
        return Token(token)
    if user and password:
        return basic(user, password)
    if user or password:
        raise SettingsError(f"GRAFANA_{'PASSWORD' if user else 'USER'} is missing: user and password go together")
    if grafana.auth:
        return grafana.auth
    raise SettingsError("no credentials: set GRAFANA_TOKEN, or GRAFANA_USER and GRAFANA_PASSWORD (see --help)")


class Provisioner:
    """Brings one Grafana to the wanted state; with ``dry_run`` it only finds out what it would do."""

    def __init__(self, client: Client, *, dry_run: bool) -> None:
        self._client = client
        self._dry_run = dry_run

    def version(self) -> str:
        """Return the version that Grafana tells, or nothing if it keeps it to itself."""
        answer = self._client.call("GET", "/api/health", None, needs="none")
        if not isinstance(answer.body, dict) or "database" not in answer.body:
            raise UnreachableError(f"what answers at {self._client.url} is not Grafana: check GRAFANA_URL")
        return str(answer.body.get("version", ""))

    def data_source(self, url: str) -> Outcome:
        """Bring the Prometheus data source to the wanted state."""
        wanted = {
            "uid": DATASOURCE_UID,
            "name": DATASOURCE_NAME,
            "type": "prometheus",
            "access": "proxy",
            "url": url,
            "jsonData": {"httpMethod": "POST", "timeInterval": "5s"},
        }
        return _settle(f"data source {DATASOURCE_NAME}", lambda what: self._try_data_source(what, wanted))

    def folder(self) -> Outcome:
        """Bring the folder to the wanted state."""
        return _settle(f"folder {FOLDER_TITLE}", self._try_folder)

    def dashboard(self, model: Json) -> Outcome:
        """Bring a dashboard to the wanted state, in our folder."""
        return _settle(f"dashboard {model['title']}", lambda what: self._try_dashboard(what, model))

    def _try_data_source(self, what: str, wanted: Json) -> Outcome | None:
        answer = self._client.get(f"/api/datasources/uid/{DATASOURCE_UID}", needs="datasources:read")
        if answer is None:
            return self._create_data_source(what, wanted)
        have = _object(answer, what)
        settings = have.get("jsonData") or {}
        body = wanted | {"jsonData": settings | wanted["jsonData"]}
        changed = [key for key, value in body.items() if have.get(key) != value]
        if not changed:
            return Outcome(what, "unchanged")
        if have.get("readOnly"):
            message = (
                f"{what} (uid {DATASOURCE_UID}) comes from a provisioning file, which alone can change its "
                f"{', '.join(changed)}: change that file, or set PROMETHEUS_URL to the URL in it"
            )
            raise ConflictError(message)
        diff = _diff({key: have.get(key) for key in body}, body)
        if not self._dry_run:
            kept = {key: have[key] for key in _KEPT if key in have}
            path = f"/api/datasources/uid/{DATASOURCE_UID}"
            answer = self._client.call("PUT", path, kept | body, needs="datasources:write", expected=(404, 409))
            if answer.status != 200:
                return self._missed(answer.status == 404, self._name_taken)
        return Outcome(what, "updated", diff)

    def _create_data_source(self, what: str, wanted: Json) -> Outcome | None:
        if not self._dry_run:
            answer = self._client.call(
                "POST", "/api/datasources", wanted | {"isDefault": False}, needs="datasources:create", expected=(409,)
            )
            if answer.status == 409:
                made = self._client.get(f"/api/datasources/uid/{DATASOURCE_UID}", needs="datasources:read")
                return self._missed(made is not None, self._name_taken)
        return Outcome(what, "created", _diff({}, wanted))

    def _name_taken(self) -> ConflictError:
        path = f"/api/datasources/name/{DATASOURCE_NAME.replace(' ', '%20')}"
        answer = self._client.get(path, needs="datasources:read")
        uid = answer.body.get("uid") if answer and isinstance(answer.body, dict) else None
        return ConflictError(
            f"the name {DATASOURCE_NAME} is taken by another data source{_with_uid(uid)}: rename that one in "
            "Grafana, or delete it if nothing uses it"
        )

    def _try_folder(self, what: str) -> Outcome | None:
        answer = self._client.get(f"/api/folders/{FOLDER_UID}", needs="folders:read")
        if answer is None:
            return self._create_folder(what)
        have = _object(answer, what).get("title")
        if have == FOLDER_TITLE:
            return Outcome(what, "unchanged")
        if not self._dry_run:
            body = {"title": FOLDER_TITLE, "overwrite": True}
            path = f"/api/folders/{FOLDER_UID}"
            answer = self._client.call("PUT", path, body, needs="folders:write", expected=(404, 409, 412))
            if answer.status != 200:
                return self._missed(answer.status != 409, self._title_taken)
        return Outcome(what, "updated", _diff({"title": have}, {"title": FOLDER_TITLE}))

    def _create_folder(self, what: str) -> Outcome | None:
        wanted = {"uid": FOLDER_UID, "title": FOLDER_TITLE}
        if not self._dry_run:
            answer = self._client.call("POST", "/api/folders", wanted, needs="folders:create", expected=(409, 412))
            if answer.status in {409, 412}:
                made = self._client.get(f"/api/folders/{FOLDER_UID}", needs="folders:read")
                return self._missed(made is not None, self._title_taken)
        return Outcome(what, "created", _diff({}, wanted))

    def _title_taken(self) -> ConflictError:
        answer = self._client.get("/api/folders?limit=1000", needs="folders:read")
        rows = answer.body if answer and isinstance(answer.body, list) else []
        uid = next((row.get("uid") for row in rows if row.get("title") == FOLDER_TITLE), None)
        return ConflictError(
            f"the title {FOLDER_TITLE} is taken by another folder{_with_uid(uid)}: rename that folder in Grafana"
        )

    def _try_dashboard(self, what: str, model: Json) -> Outcome | None:
        answer = self._client.get(f"/api/dashboards/uid/{model['uid']}", needs="dashboards:read")
        if answer is None:
            return self._save_dashboard(Outcome(what, "created", _diff({}, model)), model)
        body = _object(answer, what)
        meta, have = body.get("meta") or {}, body.get("dashboard") or {}
        placed = meta.get("folderUid") == FOLDER_UID
        plain = {key: value for key, value in have.items() if key not in _BY_SERVER}
        if placed and plain == model:
            return Outcome(what, "unchanged")
        if meta.get("provisioned"):
            message = (
                f"{what} (uid {model['uid']}) comes from a provisioning file, which alone can change it: "
                "update that file, or take it out of Grafana's provisioning"
            )
            raise ConflictError(message)
        moved = "" if placed else f"moved from folder {meta.get('folderUid') or 'General'} to {FOLDER_UID}\n"
        outcome = Outcome(what, "updated", moved + _diff(plain, model))
        return self._save_dashboard(outcome, model | {"version": have.get("version", 0)})

    def _save_dashboard(self, outcome: Outcome, model: Json) -> Outcome | None:
        """Save without overwriting: the version says which state we mean, so that nobody else's is lost."""
        if self._dry_run:
            return outcome
        body = {"dashboard": model, "folderUid": FOLDER_UID, "overwrite": False, "message": "provisioned"}
        answer = self._client.call("POST", "/api/dashboards/db", body, needs="dashboards:write", expected=(409, 412))
        if answer.status in {409, 412}:
            return self._missed(answer.has_status("version-mismatch"), lambda: _dashboard_taken(model, answer))
        return outcome

    @staticmethod
    def _missed(raced: bool, conflict: Callable[[], ConflictError]) -> None:
        """Somebody was faster: return so that the caller looks again, or raise if the name is not ours."""
        if not raced:
            raise conflict()


def _dashboard_taken(model: Json, answer: Answer) -> ConflictError:
    return ConflictError(
        f"the dashboard {model['title']} (uid {model['uid']}) cannot be saved: {answer.message or 'it is in use'}; "
        f"rename the other dashboard of that title in the folder {FOLDER_TITLE}"
    )


def _settle(what: str, attempt: Callable[[str], Outcome | None]) -> Outcome:
    """Try until what was read is still true when it is written, at most three times."""
    for _ in range(3):
        outcome = attempt(what)
        if outcome is not None:
            return outcome
    raise ConflictError(f"{what} is being changed by somebody else at the same time: run this again")


def _object(answer: Answer, what: str) -> Json:
    if not isinstance(answer.body, dict):
        message = f"Grafana's answer about the {what} is not an object: is there a proxy in between?"
        raise UnreachableError(message)
    return answer.body


def _with_uid(uid: Any) -> str:
    return f" (uid {uid})" if uid else ""


def _diff(have: Json, want: Json) -> str:
    """Return what changes as a unified diff, without headers and without the passwords in URLs."""
    before, after = (json.dumps(side, indent=1, sort_keys=True, ensure_ascii=False) for side in (have, want))
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
    return redact("\n".join(lines))


def warning_about(version: str) -> str:
    """Return what to say about Grafana's version: nothing for a good or a hidden one."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if not version or (numbers and (int(numbers[1]), int(numbers[2])) >= OLDEST):
        return ""
    return f"Grafana says it is {version[:40]}; made for {OLDEST[0]}.{OLDEST[1]} and later, so look at the result"


def read_dashboards(folder: Path) -> list[Json]:
    """Return the dashboards that are committed, by file name."""
    models = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    if not models:
        message = f"no dashboards in {folder}: run `make generate`"
        raise SettingsError(message)
    return models


def provision(settings: Settings, *, dry_run: bool, out: TextIO, err: TextIO) -> None:
    """Do all of it, one line a thing to ``out``, warnings to ``err``; raise a `GrafanaError` at the first failure."""
    models = read_dashboards(DASHBOARDS)
    client = Client(settings.url, settings.auth)
    try:
        work = Provisioner(client, dry_run=dry_run)
        version = work.version()
        print(f"Grafana {version or '(version hidden)'} at {settings.url}", file=out)
        if warning := warning_about(version):
            print(f"warning: {warning}", file=err)
        report(work.data_source(settings.prometheus_url), dry_run=dry_run, out=out)
        report(work.folder(), dry_run=dry_run, out=out)
        for model in models:
            report(work.dashboard(model), dry_run=dry_run, out=out)
            print(f"  {settings.url}/d/{model['uid']}", file=out)
    finally:
        client.close()


def report(outcome: Outcome, *, dry_run: bool, out: TextIO) -> None:
    """Print what happened to one thing; a dry run also prints what would change."""
    would = {"created": "would be created", "updated": "would be updated"} if dry_run else {}
    print(f"{outcome.what}: {would.get(outcome.word, outcome.word)}", file=out)
    if dry_run and outcome.word == "updated":
        print("\n".join(f"    {line}" for line in outcome.diff.splitlines()), file=out)


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run the command; return its exit code. An error is one line on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m grafana.provision",
        description=_HELP,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dry-run", action="store_true", help="change nothing; show what would be changed")
    options = parser.parse_args(argv)
    try:
        settings = read_settings(os.environ if environ is None else environ)
        provision(settings, dry_run=options.dry_run, out=sys.stdout, err=sys.stderr)
    except GrafanaError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
