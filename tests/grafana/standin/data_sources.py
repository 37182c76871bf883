"""Data sources."""

from __future__ import annotations

from urllib.parse import unquote

from tests.grafana.standin.state import Grafana, Reply, Request, Route

_MISSING = (404, {"message": "Data source not found"})
_TAKEN = (409, {"message": "data source with the same name already exists", "traceID": ""})


def _get(grafana: Grafana, _: Request, uid: str) -> Reply:
    found = grafana.data_sources.get(uid)
    return (200, found) if found else _MISSING


def _by_name(grafana: Grafana, _: Request, name: str) -> Reply:
    found = next((each for each in grafana.data_sources.values() if each["name"] == unquote(name)), None)
    return (200, found) if found else _MISSING


def _post(grafana: Grafana, request: Request) -> Reply:
    body = request.body
    if any(each["name"] == body["name"] for each in grafana.data_sources.values()):
        return _TAKEN
    grafana.add_data_source(**body)
    made = grafana.data_sources[body["uid"]]
    return 200, {"datasource": made, "id": made["id"], "message": "Datasource added", "name": made["name"]}


def _put(grafana: Grafana, request: Request, uid: str) -> Reply:
    have, body = grafana.data_sources.get(uid), request.body
    if have is None:
        return _MISSING
    if have["readOnly"]:
        return 403, {"message": "Cannot update read-only data source"}
    if any(each["name"] == body["name"] and each["uid"] != uid for each in grafana.data_sources.values()):
        return _TAKEN
    kept = {key: have[key] for key in ("id", "orgId", "readOnly", "version")}
    grafana.data_sources[uid] = {"isDefault": False, "basicAuth": False} | body | kept
    return 200, {"datasource": grafana.data_sources[uid], "message": "Datasource updated", "name": body["name"]}


def _delete(grafana: Grafana, _: Request, uid: str) -> Reply:
    have = grafana.data_sources.get(uid)
    if have is None:
        return _MISSING
    if have["readOnly"]:
        return 403, {"message": "Cannot delete read-only data source"}
    del grafana.data_sources[uid]
    return 200, {"id": have["id"], "message": "Data source deleted"}


ROUTES: tuple[Route, ...] = (
    ("GET", r"/api/datasources/uid/([^/]+)", "datasources:read", _get),
    ("GET", r"/api/datasources/name/([^/]+)", "datasources:read", _by_name),
    ("POST", r"/api/datasources", "datasources:create", _post),
    ("PUT", r"/api/datasources/uid/([^/]+)", "datasources:write", _put),
    ("DELETE", r"/api/datasources/uid/([^/]+)", "datasources:delete", _delete),
)
