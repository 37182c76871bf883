"""Dashboards, and the search for them."""

from __future__ import annotations

from tests.grafana.standin.state import Grafana, Json, Reply, Request, Route, slug

_MISSING = (404, {"message": "Dashboard not found", "traceID": ""})


def _get(grafana: Grafana, _: Request, uid: str) -> Reply:
    if uid in grafana.unreadable:
        return 406, {"message": "dashboard api version not supported, use /apis/dashboard.grafana.app instead"}
    found = grafana.dashboards.get(uid)
    return (200, found) if found else _MISSING


def _post(grafana: Grafana, request: Request) -> Reply:
    body = request.body
    model, folder = body["dashboard"], body["folderUid"]
    have = grafana.dashboards.get(model["uid"])
    if folder not in grafana.folders:
        return 400, {"message": "folder not found"}
    if model["uid"] in grafana.folders and not grafana.new:  # one table for both
        return 400, {"message": "Dashboard cannot be changed to a folder"}
    if have and have["meta"]["provisioned"]:
        return 400, {"message": "Cannot save provisioned dashboard"}
    if have and not body["overwrite"] and model.get("version", 0) != have["dashboard"]["version"]:
        said = "The dashboard has been changed by someone else"
        return 412, {"message": said, "status": "version-mismatch"}
    return _title_refused(grafana, model, folder, body["overwrite"]) or _save(grafana, model, folder, have)


def _title_refused(grafana: Grafana, model: Json, folder: str, overwrite: bool) -> Reply | None:
    """Refuse the title of a folder, and that of another dashboard in the folder unless that one is overwritten."""
    if grafana.new:  # titles need not differ any more
        return None
    if any(slug(each["title"]) == slug(model["title"]) for each in grafana.folders.values()):
        return 400, {"message": "Dashboard name cannot be the same as folder"}
    for uid, each in list(grafana.dashboards.items()):
        same = slug(each["dashboard"]["title"]) == slug(model["title"])
        if uid != model["uid"] and each["meta"]["folderUid"] == folder and same:
            if overwrite:
                del grafana.dashboards[uid]
                return None
            said = "A dashboard with the same name in the folder already exists"
            return 412, {"message": said, "status": "name-exists"}
    return None


def _save(grafana: Grafana, model: Json, folder: str, have: Json | None) -> Reply:
    grafana.add_dashboard(model, folder)
    saved = grafana.dashboards[model["uid"]]["dashboard"]
    if have:
        saved |= {"id": have["dashboard"]["id"], "version": have["dashboard"]["version"] + 1}
    name = slug(model["title"])
    answer = {"id": saved["id"], "slug": name, "status": "success", "uid": model["uid"]}
    return 200, answer | {"url": f"/d/{model['uid']}/{name}", "version": saved["version"]}


def _delete(grafana: Grafana, _: Request, uid: str) -> Reply:
    have = grafana.dashboards.get(uid)
    if have is None:
        return _MISSING
    if have["meta"]["provisioned"]:
        return 400, {"message": "provisioned dashboard cannot be deleted"}
    del grafana.dashboards[uid]
    return 200, {"title": have["dashboard"]["title"], "message": "Dashboard deleted", "uid": uid}


def _search(grafana: Grafana, request: Request) -> Reply:
    query = request.query
    rows = [*map(_folder_row, grafana.folders.values()), *map(_row, grafana.dashboards.values()), *grafana.forgotten]
    found = [
        row
        for row in rows
        if query.get("type") in {None, row["type"]}
        and ("tag" not in query or query["tag"] in row["tags"])
        and query.get("query", "").lower() in row["title"].lower()
    ]
    size, page = int(query.get("limit", 1000)), int(query.get("page", 1))
    return 200, found[size * (page - 1) : size * page]


def _row(each: Json) -> Json:
    model = each["dashboard"]
    row = {"id": model["id"], "uid": model["uid"], "title": model["title"], "type": "dash-db", "slug": ""}
    row |= {"tags": list(model.get("tags", ()))}
    return row | ({"folderUid": each["meta"]["folderUid"]} if each["meta"]["folderUid"] else {})


def _folder_row(folder: Json) -> Json:
    row = {"id": folder["id"], "uid": folder["uid"], "title": folder["title"], "type": "dash-folder", "tags": []}
    return row | ({"folderUid": folder["parentUid"]} if folder.get("parentUid") else {})


ROUTES: tuple[Route, ...] = (
    ("GET", r"/api/dashboards/uid/([^/]+)", "dashboards:read", _get),
    ("POST", r"/api/dashboards/db", "dashboards:write", _post),
    ("DELETE", r"/api/dashboards/uid/([^/]+)", "dashboards:delete", _delete),
    ("GET", r"/api/search", "dashboards:read", _search),
)
