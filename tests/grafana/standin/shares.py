"""Dashboards that are shared with everybody who has the link. Version 9.4 has this behind a toggle."""

from __future__ import annotations

import copy
import secrets
import time

from tests.grafana.standin import figures
from tests.grafana.standin.state import Grafana, Json, Reply, Request, Route

_UNKNOWN = (404, {"message": "Not found"})
_MISSING = (404, {"statusCode": 404, "messageId": "publicdashboards.notFound", "message": "Public dashboard not found"})
_DEFAULTS = {"isEnabled": False, "annotationsEnabled": False, "timeSelectionEnabled": False}
_OF_NEW = ("share",)  # what version 9.4 does not know


def _get(grafana: Grafana, _: Request, uid: str) -> Reply:
    if not grafana.sharing:
        return _UNKNOWN
    return next(((200, share) for share in grafana.shares if share["dashboardUid"] == uid), _MISSING)


def _post(grafana: Grafana, request: Request, uid: str) -> Reply:
    """Share a dashboard: once, or in version 9.4 as often as one likes."""
    if not grafana.sharing:
        return _UNKNOWN
    if uid not in grafana.dashboards:
        return 404, {
            "statusCode": 404,
            "messageId": "publicdashboards.dashboardNotFound",
            "message": "Dashboard not found",
        }
    if grafana.new and any(share["dashboardUid"] == uid for share in grafana.shares):
        said = "Dashboard is already public"
        return 400, {"statusCode": 400, "messageId": "publicdashboards.dashboardIsPublic", "message": said}
    share = {"uid": secrets.token_hex(5), "dashboardUid": uid, "accessToken": secrets.token_hex(16), "createdBy": 1}
    share |= {"timeSettings": {}, "updatedBy": 0, "createdAt": "2026-11-21T08:41:38Z"}
    grafana.shares.append(share | {"updatedAt": "0001-01-01T00:00:00Z"} | _settings(grafana, _DEFAULTS | request.body))
    return 200, grafana.shares[-1]


def _patch(grafana: Grafana, request: Request, uid: str, share_uid: str) -> Reply:
    return _update(grafana, request.body, uid, share_uid) if grafana.new else _UNKNOWN


def _put(grafana: Grafana, request: Request, uid: str, share_uid: str) -> Reply:
    return _UNKNOWN if grafana.new else _update(grafana, _DEFAULTS | request.body, uid, share_uid)


def _update(grafana: Grafana, body: Json, uid: str, share_uid: str) -> Reply:
    share = _found(grafana, uid, share_uid)
    if share is None:
        return _MISSING
    share |= _settings(grafana, body)
    return 200, share


def _delete(grafana: Grafana, _: Request, uid: str, share_uid: str) -> Reply:
    share = _found(grafana, uid, share_uid)
    if share is None:
        return _MISSING
    grafana.shares.remove(share)
    return 200, None


def _seen(grafana: Grafana, _: Request, token: str) -> Reply:
    """What a stranger's browser loads first."""
    share = _by_token(grafana, token)
    if share is None:
        return _MISSING
    model = copy.deepcopy(grafana.dashboards[share["dashboardUid"]]["dashboard"])
    for panel in model["panels"] if grafana.new else ():
        for target in panel.get("targets", ()):
            target.pop("expr", None)
    return 200, {"meta": {"canEdit": False, "publicDashboardAccessToken": token}, "dashboard": model}


def _asked(grafana: Grafana, request: Request, token: str, number: str) -> Reply:
    """What a stranger's browser asks for each panel; which queries these are, the dashboard says."""
    share = _by_token(grafana, token)
    if share is None:
        return _MISSING
    panels = grafana.dashboards[share["dashboardUid"]]["dashboard"]["panels"]
    targets = [target for panel in panels if panel["id"] == int(number) for target in panel["targets"]]
    limits = {key: request.body[key] for key in ("intervalMs", "maxDataPoints")}
    status, answer = figures.answered(grafana, targets, time.time() - 3600, time.time(), **limits)
    for result in answer["results"].values():
        for frame in result["frames"]:
            frame["schema"]["meta"] = {"type": frame["schema"]["meta"]["type"]}
    return status, answer


def _found(grafana: Grafana, uid: str, share_uid: str) -> Json | None:
    return next((each for each in grafana.shares if (each["dashboardUid"], each["uid"]) == (uid, share_uid)), None)


def _by_token(grafana: Grafana, token: str) -> Json | None:
    return next((each for each in grafana.shares if each["accessToken"] == token and each["isEnabled"]), None)


def _settings(grafana: Grafana, body: Json) -> Json:
    known = (*_DEFAULTS, *(_OF_NEW if grafana.new else ()))
    return {key: body[key] for key in known if key in body}


OPEN: tuple[Route, ...] = (
    ("GET", r"/api/public/dashboards/(\w+)", "", _seen),
    ("POST", r"/api/public/dashboards/(\w+)/panels/(\d+)/query", "", _asked),
)
ROUTES: tuple[Route, ...] = (
    ("GET", r"/api/dashboards/uid/([^/]+)/public-dashboards", "dashboards:read", _get),
    ("POST", r"/api/dashboards/uid/([^/]+)/public-dashboards", "dashboards.public:write", _post),
    ("PATCH", r"/api/dashboards/uid/([^/]+)/public-dashboards/([^/]+)", "dashboards.public:write", _patch),
    ("PUT", r"/api/dashboards/uid/([^/]+)/public-dashboards/([^/]+)", "dashboards.public:write", _put),
    ("DELETE", r"/api/dashboards/uid/([^/]+)/public-dashboards/([^/]+)", "dashboards.public:write", _delete),
)
