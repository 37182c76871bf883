"""The Prometheus data source that the dashboards read."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from grafana.api import ConflictError, Json
from grafana.names import DATASOURCE_NAME, DATASOURCE_UID
from grafana.provision import others
from grafana.provision.outcome import Outcome, changes, settle, unless, with_uid
from grafana.provision.server import Server

_PATH = f"/api/datasources/uid/{DATASOURCE_UID}"
_WHAT = f"data source {DATASOURCE_NAME}"
_KEPT = ("isDefault", "basicAuth", "basicAuthUser", "withCredentials", "user", "database")


def put(server: Server, url: str) -> Outcome:
    """Bring the data source to the wanted state."""
    wanted = {
        "uid": DATASOURCE_UID,
        "name": DATASOURCE_NAME,
        "type": "prometheus",
        "access": "proxy",
        "url": url,
        "jsonData": {"httpMethod": "POST", "timeInterval": "5s"},
    }
    return settle(_WHAT, lambda what: _attempt(server, what, wanted))


def remove(server: Server, gone: Collection[str]) -> Outcome:
    """Remove the data source, unless anything but the dashboards that are ``gone`` uses it."""
    have = server.one(_PATH, _WHAT, needs="datasources:read")
    if have is None:
        return Outcome(_WHAT, "absent")
    if have.get("readOnly"):
        return Outcome(_WHAT, "kept", why="it comes from a provisioning file")
    if have.get("isDefault"):
        return Outcome(_WHAT, "kept", why="it is the default, which panels use without naming it")
    if users := others.users_of_data_source(server, gone):
        return Outcome(_WHAT, "kept", why=f"used by {'; '.join(users[:5])}")
    server.change("DELETE", _PATH, None, needs="datasources:delete", expected=(404,))
    return Outcome(_WHAT, "deleted")


def _attempt(server: Server, what: str, wanted: Json) -> Outcome | None:
    have = server.one(_PATH, what, needs="datasources:read")
    if have is None:
        return _create(server, what, wanted)
    body = wanted | {"jsonData": (have.get("jsonData") or {}) | wanted["jsonData"]}
    changed = [key for key, value in body.items() if have.get(key) != value]
    if not changed:
        return Outcome(what, "unchanged")
    if have.get("readOnly"):
        raise ConflictError(
            f"{what} (uid {DATASOURCE_UID}) comes from a provisioning file, which alone can change its "
            f"{', '.join(changed)}: change that file, or set PROMETHEUS_URL to the URL in it"
        )
    kept = {key: have[key] for key in _KEPT if key in have}
    answer = server.change("PUT", _PATH, kept | body, needs="datasources:write", expected=(404, 409))
    if answer.status != 200:
        unless(answer.status == 404, lambda: _name_taken(server))
        return None
    return Outcome(what, "updated", changes({key: have.get(key) for key in body}, body))


def _create(server: Server, what: str, wanted: Json) -> Outcome | None:
    body = wanted | {"isDefault": False}
    answer = server.change("POST", "/api/datasources", body, needs="datasources:create", expected=(409,))
    if answer.status == 409:
        made = server.one(_PATH, what, needs="datasources:read")
        unless(made is not None, lambda: _name_taken(server))
        return None
    return Outcome(what, "created", changes({}, wanted))


def _name_taken(server: Server) -> ConflictError:
    path = f"/api/datasources/name/{quote(DATASOURCE_NAME)}"
    theirs = server.one(path, _WHAT, needs="datasources:read") or {}
    return ConflictError(
        f"the name {DATASOURCE_NAME} is taken by another data source{with_uid(theirs.get('uid'))}: rename that one in "
        "Grafana, or delete it if nothing uses it"
    )
