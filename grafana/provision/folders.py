"""The folders of the dashboards, all at the top level."""

from __future__ import annotations

from collections.abc import Collection

from grafana.api import ConflictError, Json
from grafana.names import Folder
from grafana.provision import others
from grafana.provision.outcome import Outcome, changes, settle, unless, with_uid
from grafana.provision.server import Server


def put(server: Server, folder: Folder) -> Outcome:
    """Bring a folder to the wanted state: its title, and no folder around it."""
    return settle(f"folder {folder.title}", lambda what: _attempt(server, folder, what))


def remove(server: Server, folder: Folder, gone: Collection[str]) -> Outcome:
    """Remove a folder, unless it holds anything but the dashboards that are ``gone``."""
    what = f"folder {folder.title}"
    have = server.one(_path(folder), what, needs="folders:read")
    if have is None:
        return Outcome(what, "absent")
    if held := others.inside(server, folder.uid, gone):
        return Outcome(what, "kept", why=f"it holds {'; '.join(held[:5])}")
    try:
        server.change("DELETE", _path(folder), None, needs="folders:delete", expected=(404,))
    except ConflictError as error:
        return Outcome(what, "kept", why=str(error))
    return Outcome(what, "deleted")


def _attempt(server: Server, folder: Folder, what: str) -> Outcome | None:
    have = server.one(_path(folder), what, needs="folders:read")
    if have is None:
        return _create(server, folder, what)
    before = {"title": have.get("title"), "within": have.get("parentUid") or ""}
    after = {"title": folder.title, "within": ""}
    if before == after:
        return Outcome(what, "unchanged")
    _must_be_ours(server, folder, have)
    if before["within"]:
        server.change("POST", f"{_path(folder)}/move", {"parentUid": ""}, needs="folders:write")
    if before["title"] != after["title"]:
        body = {"title": folder.title, "overwrite": True}
        answer = server.change("PUT", _path(folder), body, needs="folders:write", expected=(404, 409, 412))
        if answer.status != 200:
            unless(answer.status != 409, lambda: _title_taken(server, folder))
            return None
    return Outcome(what, "updated", changes(before, after))


def _create(server: Server, folder: Folder, what: str) -> Outcome | None:
    wanted = {"uid": folder.uid, "title": folder.title}
    answer = server.change("POST", "/api/folders", wanted, needs="folders:create", expected=(409, 412))
    if answer.status != 200:
        made = server.one(_path(folder), what, needs="folders:read")
        unless(made is not None, lambda: _title_taken(server, folder))
        return None
    return Outcome(what, "created")


def _must_be_ours(server: Server, folder: Folder, have: Json) -> None:
    """Raise for a folder of our uid that holds something, and nothing of ours: it was made by somebody else."""
    rows = [row for row in others.search(server, "&type=dash-db") if row.get("folderUid") == folder.uid]
    if rows and not any(others.is_ours(str(row.get("uid")), row.get("tags")) for row in rows):
        raise ConflictError(
            f"the uid {folder.uid} is taken by the folder {have.get('title')}, which holds nothing of ours: move its "
            "dashboards to a folder with another uid, and delete it"
        )


def _title_taken(server: Server, folder: Folder) -> ConflictError:
    rows = server.many("/api/folders?limit=1000", "folders", needs="folders:read")
    uid = next((row.get("uid") for row in rows if row.get("title") == folder.title), None)
    return ConflictError(
        f"the title {folder.title} is taken by another folder{with_uid(uid)}: rename that folder in Grafana"
    )


def _path(folder: Folder) -> str:
    return f"/api/folders/{folder.uid}"
