"""Snapshots, which anybody reads."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from urllib.parse import unquote

from tests.grafana.standin.state import Grafana, Json, Reply, Request, Route

_OF_DASHBOARD = 11  # the first version that looks for the dashboard that a snapshot is of
_DISABLED = (403, {"message": "Dashboard Snapshots are disabled"})


def _post(grafana: Grafana, request: Request) -> Reply:
    body = request.body
    if not grafana.snapshots_enabled:
        return _DISABLED
    if body.get("external"):
        grafana.external.append(body)
    if grafana.generation >= _OF_DASHBOARD and body["dashboard"].get("uid") not in grafana.dashboards:
        return 400, {"message": "Dashboard not found"}
    key, delete_key = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    grafana.add_snapshot(body["name"], key, dashboard=body["dashboard"], expires=body["expires"], user=request.user)
    answer = {"deleteKey": delete_key, "deleteUrl": f"http://localhost:3000/api/snapshots-delete/{delete_key}"}
    answer |= {"key": key, "url": f"http://localhost:3000/dashboard/snapshot/{key}"}
    return 200, answer | ({} if grafana.new else {"id": grafana.snapshots[key]["id"]})


def _get(grafana: Grafana, _: Request, key: str) -> Reply:
    have = grafana.snapshots.get(unquote(key))
    if have is None or have["expires"] < datetime.now(UTC):
        return 404, {"message": "Dashboard snapshot not found"}
    times = {name: _written(have[name]) for name in ("expires", "created")}
    meta = {"isSnapshot": True, "type": "snapshot", "canSave": False, "canEdit": False, "createdBy": ""}
    return 200, {"meta": meta | times, "dashboard": have["dashboard"]}


def _list(grafana: Grafana, request: Request) -> Reply:
    """List those whose names hold the text that was asked for, without their content."""
    asked = request.query.get("query", "").lower()
    found = [row for row in grafana.snapshots.values() if asked in row["name"].lower()]
    return 200, [_row(row) for row in found[: int(request.query.get("limit", 1000))]]


def _row(have: Json) -> Json:
    times = {name: _written(have[name]) for name in ("expires", "created")}
    kept = {name: have[name] for name in ("id", "name", "key", "userId", "external")}
    return kept | {"orgId": 1, "externalUrl": "", "updated": times["created"]} | times


def _delete(grafana: Grafana, _: Request, key: str) -> Reply:
    have = grafana.snapshots.pop(unquote(key), None)
    if have is None:
        return 404, {"message": "Failed to get dashboard snapshot"}
    said = "Snapshot deleted. It might take an hour before it's cleared from any CDN caches."
    return 200, {"id": have["id"], "message": said}


def _written(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


OPEN: tuple[Route, ...] = (("GET", r"/api/snapshots/([^/]+)", "", _get),)
ROUTES: tuple[Route, ...] = (
    ("POST", r"/api/snapshots", "snapshots:create", _post),
    ("GET", r"/api/dashboard/snapshots", "snapshots:read", _list),
    ("DELETE", r"/api/snapshots/([^/]+)", "snapshots:delete", _delete),
)
