"""Folders, and who may open them."""

from __future__ import annotations

from tests.grafana.standin.state import ADMIN, SERVICE_ACCOUNT, Grafana, Json, Reply, Request, Route, slug

_MISSING = (404, {"message": "folder not found", "status": "not-found"})
_CHANGED = (412, {"message": "the folder has been changed by someone else", "status": "version-mismatch"})
_TITLE = (409, {"message": "a folder or dashboard in the general folder with the same name already exists"})
_LEVELS = {1: "View", 2: "Edit", 4: "Admin"}
_LOGINS = {ADMIN: "admin", SERVICE_ACCOUNT: "sa-prov"}


def _list(grafana: Grafana, _: Request) -> Reply:
    return 200, list(grafana.folders.values())


def _get(grafana: Grafana, _: Request, uid: str) -> Reply:
    return (200, grafana.folders[uid]) if uid in grafana.folders else _MISSING


def _post(grafana: Grafana, request: Request) -> Reply:
    uid, title = request.body["uid"], request.body["title"]
    if uid in grafana.folders:
        return (409, {"message": "a folder with the same UID already exists"}) if grafana.new else _CHANGED
    if uid in grafana.dashboards and not grafana.new:  # one table for both
        return _CHANGED
    if _title_taken(grafana, title, uid):
        return _TITLE
    grafana.add_folder(uid, title)
    if request.user == ADMIN or grafana.new:  # later versions give service accounts the same as users
        grafana.permissions[uid].insert(0, {"userId": request.user, "permission": 4})
    return 200, grafana.folders[uid]


def _put(grafana: Grafana, request: Request, uid: str) -> Reply:
    if uid not in grafana.folders:
        return _MISSING
    folder, body = grafana.folders[uid], request.body
    if _title_taken(grafana, body["title"], uid):
        return _TITLE
    if not body.get("overwrite") and body.get("version") != folder["version"]:
        return _CHANGED
    folder |= {"title": body["title"], "version": folder["version"] + 1}
    return 200, folder


def _move(grafana: Grafana, request: Request, uid: str) -> Reply:
    if not grafana.new:
        return 404, {"message": "Not found"}
    grafana.folders[uid].pop("parentUid", None)
    if request.body["parentUid"]:
        grafana.folders[uid]["parentUid"] = request.body["parentUid"]
    return 200, grafana.folders[uid]


def _delete(grafana: Grafana, _: Request, uid: str) -> Reply:
    """Delete a folder with all its dashboards, as Grafana does; alert rules alone prevent it."""
    if uid not in grafana.folders:
        return _MISSING
    if any(rule["namespace_uid"] == uid for rule in grafana.rules):
        return 400, {"message": "folder contains alert rules"}
    del grafana.folders[uid]
    for each, have in list(grafana.dashboards.items()):
        if have["meta"]["folderUid"] == uid:
            del grafana.dashboards[each]
    return 200, {"message": "Folder deleted"}


def _get_permissions(grafana: Grafana, _: Request, uid: str) -> Reply:
    if uid not in grafana.folders:
        return _MISSING
    of = {"uid": uid, "title": grafana.folders[uid]["title"], "slug": slug(grafana.folders[uid]["title"])}
    return 200, [of | _listed(grafana, item) for item in grafana.permissions[uid]]


def _post_permissions(grafana: Grafana, request: Request, uid: str) -> Reply:
    """Replace the whole list."""
    if uid not in grafana.folders:
        return _MISSING
    items = request.body["items"]
    for item in items:
        named = [key for key in ("userId", "teamId", "role") if item.get(key)]
        if len(named) != 1 or item["permission"] not in _LEVELS:
            return 400, {"message": "bad request data"}
        if named == ["teamId"] and item["teamId"] not in grafana.teams:
            return 500, {"message": "Failed to create permission"}
    grafana.permissions[uid] = [dict(item) for item in items]
    kind = "Folder" if grafana.new else "Dashboard"
    return 200, {"message": f"{kind} permissions updated"}


def _listed(grafana: Grafana, item: Json) -> Json:
    team = grafana.teams.get(item.get("teamId", 0), {})
    user = item.get("userId", 0)
    row = {"userId": user, "userLogin": _LOGINS.get(user, f"user-{user}" if user else "")}
    row |= {"inherited": item.get("inherited", False)}
    row |= {"teamId": item.get("teamId", 0), "team": team.get("name", "")}
    row |= {"role": item["role"]} if "role" in item else {}
    return row | {"permission": item["permission"], "permissionName": _LEVELS[item["permission"]]}


def _title_taken(grafana: Grafana, title: str, uid: str) -> bool:
    if grafana.new:  # titles need not differ any more
        return False
    return any(folder["title"] == title and folder["uid"] != uid for folder in grafana.folders.values())


ROUTES: tuple[Route, ...] = (
    ("GET", r"/api/folders", "folders:read", _list),
    ("POST", r"/api/folders", "folders:create", _post),
    ("GET", r"/api/folders/([^/]+)", "folders:read", _get),
    ("PUT", r"/api/folders/([^/]+)", "folders:write", _put),
    ("POST", r"/api/folders/([^/]+)/move", "folders:write", _move),
    ("DELETE", r"/api/folders/([^/]+)", "folders:delete", _delete),
    ("GET", r"/api/folders/([^/]+)/permissions", "folders.permissions:read", _get_permissions),
    ("POST", r"/api/folders/([^/]+)/permissions", "folders.permissions:write", _post_permissions),
)
