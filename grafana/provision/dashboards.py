"""The dashboards, each in its folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from grafana.api import Answer, ConflictError, Json
from grafana.names import FOLDERS, MARK, Folder
from grafana.provision import others
from grafana.provision.outcome import Outcome, difference, settle, unless
from grafana.provision.server import Server

_BY_SERVER = ("id", "version")  # keys of a dashboard that Grafana writes itself


def put(server: Server, folder: Folder, model: Json) -> Outcome:
    """Bring a dashboard to the wanted state, in its folder."""
    return settle(f"dashboard {model['title']}", lambda what: _attempt(server, folder, model, what))


def remove(server: Server, uid: str, title: str) -> Outcome:
    """Remove a dashboard that was made here, unless a file provides it."""
    what = f"dashboard {title}"
    body = server.one(_path(uid), what, needs="dashboards:read")
    if body is None:
        return Outcome(what, "absent")
    if not others.is_ours(uid, _model(body).get("tags")):
        return Outcome(what, "kept", why=f"it has no tag {MARK} and so was made by somebody else")
    if _meta(body).get("provisioned"):
        return Outcome(what, "kept", why="it comes from a provisioning file")
    server.change("DELETE", _path(uid), None, needs="dashboards:delete", expected=(404,))
    return Outcome(what, "deleted")


def strays(server: Server, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Return uid and title of the dashboards in our folders that were made here and are not ``wanted`` any more."""
    folders = {folder.uid for folder in FOLDERS}
    for row in others.search(server, f"&type=dash-db&tag={MARK}"):
        uid, marked = str(row.get("uid")), MARK in (row.get("tags") or ())
        if marked and row.get("folderUid") in folders and others.is_ours(uid, [MARK]) and uid not in wanted:
            yield uid, str(row.get("title"))


def content(body: Json) -> Json:
    """Return a dashboard as it was sent, without what Grafana writes into it."""
    return {key: value for key, value in _model(body).items() if key not in _BY_SERVER}


def _attempt(server: Server, folder: Folder, model: Json, what: str) -> Outcome | None:
    body = server.one(_path(model["uid"]), what, needs="dashboards:read")
    url = f"{server.client.url}/d/{model['uid']}"
    if body is None:
        return _save(server, folder, model, Outcome(what, "created", url=url))
    have, place, plain = _model(body), _meta(body).get("folderUid"), content(body)
    if place == folder.uid and plain == model:
        return Outcome(what, "unchanged", url=url)
    _must_be_free(what, model, body)
    moved = "" if place == folder.uid else f"moved from folder {place or 'General'} to {folder.uid}\n"
    outcome = Outcome(what, "updated", moved + difference(plain, model), url=url)
    return _save(server, folder, model | {"version": have.get("version", 0)}, outcome)


def _must_be_free(what: str, model: Json, body: Json) -> None:
    """Raise for a dashboard that is somebody else's, or kept by a file."""
    if not others.is_ours(model["uid"], _model(body).get("tags")):
        theirs = _model(body).get("title")
        raise ConflictError(
            f"the uid {model['uid']} is taken by the dashboard {theirs}, which has no tag {MARK} and so was made by "
            "somebody else: give it another uid, or, if it may be replaced, that tag"
        )
    if _meta(body).get("provisioned"):
        raise ConflictError(
            f"{what} (uid {model['uid']}) comes from a provisioning file, which alone can change it: update that "
            "file, or take it out of Grafana's provisioning"
        )


def _save(server: Server, folder: Folder, model: Json, outcome: Outcome) -> Outcome | None:
    """Save without overwriting: the version says which state we mean, so that nobody else's is lost."""
    body = {"dashboard": model, "folderUid": folder.uid, "overwrite": False, "message": "provisioned"}
    answer = server.change("POST", "/api/dashboards/db", body, needs="dashboards:write", expected=(409, 412))
    if answer.status != 200:
        unless(answer.has_status("version-mismatch"), lambda: _taken(folder, model, answer))
        return None
    return outcome


def _taken(folder: Folder, model: Json, answer: Answer) -> ConflictError:
    return ConflictError(
        f"the dashboard {model['title']} (uid {model['uid']}) cannot be saved: {answer.message or 'it is in use'}; "
        f"rename the other dashboard of that title in the folder {folder.title}"
    )


def _model(body: Json) -> Json:
    return body.get("dashboard") or {}


def _meta(body: Json) -> Json:
    return body.get("meta") or {}


def _path(uid: str) -> str:
    return f"/api/dashboards/uid/{uid}"
