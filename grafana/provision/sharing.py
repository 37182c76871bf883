"""The Public dashboard for everybody who has its link: live, without login, until it is taken back.

It is shared when that is asked for, never by itself: `make provision-dashboards SHARE_PUBLIC=yes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from grafana import figures
from grafana.api import Answer, ConflictError, Json, MissingError, PrivateError, UnreachableError
from grafana.provision import dashboards, others
from grafana.provision.outcome import Outcome, changes, settle, unless
from grafana.provision.server import Server

_WANTED = {"isEnabled": True, "timeSelectionEnabled": False, "annotationsEnabled": False, "share": "public"}
_WRITE = "dashboards.public:write"
_MOST = 10  # shares of one dashboard; up to version 9 there can be more than one


def settled(server: Server, model: Json | None, public_url: str, *, share: bool | None) -> Iterator[Outcome]:
    """Share a dashboard, take its sharing back, or with None leave it as it is."""
    if model is None or share is None:
        return
    if share:
        yield put(server, model, public_url)
    else:
        yield from remove(server, model)


def put(server: Server, model: Json, public_url: str) -> Outcome:
    """Share a dashboard, once it was seen that it shows nothing but public figures."""
    have = _dashboard(server, model)
    if server.dry_run and have is None:
        return Outcome(_what(model), "created", changes({}, _WANTED))
    if not server.dry_run and (have is None or dashboards.content(have) != model):
        raise MissingError(
            f"the dashboard {model['title']} (uid {model['uid']}) in this Grafana is not that of this version, which "
            "alone is shared: run `make provision-dashboards` first"
        )
    _must_be_switched_on(_look(server, model["uid"]))
    try:
        _check(server, model)
    except PrivateError as error:
        raise _stopped(server, model, error) from None
    return settle(_what(model), lambda _: _attempt(server, model, public_url))


def remove(server: Server, model: Json) -> Iterator[Outcome]:
    """Take back every sharing of a dashboard of ours."""
    have = _dashboard(server, model)
    if have is None or not others.is_ours(model["uid"], (have.get("dashboard") or {}).get("tags")):
        return
    for turn in range(_MOST):
        shared = find(server, model["uid"])
        if shared is None:
            return
        server.change("DELETE", f"{_path(model['uid'])}/{shared['uid']}", None, needs=_WRITE, expected=(404,))
        if turn == 0:
            yield Outcome(_what(model), "deleted")
        if server.dry_run:
            return


def find(server: Server, uid: str) -> Json | None:
    """Return how a dashboard is shared, or None if it is not, or if none can be."""
    answer = _look(server, uid)
    if answer.status == 404:
        return None
    if not isinstance(answer.body, dict):
        raise UnreachableError(
            "Grafana's answer about the shared dashboard is not an object: is there a proxy between?"
        )
    return answer.body if answer.body.get("accessToken") and answer.body.get("uid") else None


def link(public_url: str, shared: Json) -> str:
    """Return where everybody sees it."""
    return f"{public_url}/public-dashboards/{shared['accessToken']}"


def _attempt(server: Server, model: Json, public_url: str) -> Outcome | None:
    have = find(server, model["uid"])
    if have is None:
        return _create(server, model, public_url)
    url = link(public_url, have)
    changed = {key: value for key, value in _WANTED.items() if have.get(key, value) != value}
    if not changed:
        return Outcome(_what(model), "unchanged", url=url)
    _update(server, model["uid"], have, _WANTED)
    return Outcome(_what(model), "updated", changes({key: have.get(key) for key in changed}, changed), url=url)


def _create(server: Server, model: Json, public_url: str) -> Outcome | None:
    answer = server.change("POST", _path(model["uid"]), _WANTED, needs=_WRITE, expected=(400,))
    if answer.status == 400:
        made = find(server, model["uid"])
        unless(made is not None, lambda: ConflictError(f"{_what(model)} cannot be made: {answer.message}"))
        return None
    url = link(public_url, answer.body) if answer.body.get("accessToken") else ""
    return Outcome(_what(model), "created", changes({}, _WANTED), url=url)


def _update(server: Server, uid: str, have: Json, values: Json) -> None:
    path = f"{_path(uid)}/{have['uid']}"
    answer = server.change("PATCH", path, values, needs=_WRITE, expected=(404, 405))
    if answer.status != 200:  # version 9.4 takes the whole of it
        server.change("PUT", path, have | values, needs=_WRITE)


def _check(server: Server, model: Json) -> None:
    """Look at what everybody would see now; before the data source is there, a dry run has nothing to look at."""
    try:
        figures.ask(server.client, model, figures.span_of(model, datetime.now(UTC)))
    except MissingError:
        if not server.dry_run:
            raise


def _stopped(server: Server, model: Json, error: PrivateError) -> PrivateError:
    """Switch off what is shared already, and return the error that says so."""
    have = find(server, model["uid"])
    if have is None or not have.get("isEnabled"):
        return error
    _update(server, model["uid"], have, {"isEnabled": False})
    done = "would be" if server.dry_run else "was"
    return PrivateError(f"{error}; the sharing that there was {done} switched off")


def _look(server: Server, uid: str) -> Answer:
    return server.client.call("GET", _path(uid), None, needs="dashboards:read", expected=(404,))


def _must_be_switched_on(answer: Answer) -> None:
    if answer.status == 404 and answer.message.lower() == "not found":  # of the path, not of the sharing
        raise MissingError(
            "this Grafana shares no dashboards: switch it on in its configuration and start it again; up to version 10 "
            "that is [feature_toggles] enable = publicDashboards, later [public_dashboards] enabled = true"
        )


def _dashboard(server: Server, model: Json) -> Json | None:
    return server.one(f"/api/dashboards/uid/{model['uid']}", "dashboard", needs="dashboards:read")


def _path(uid: str) -> str:
    return f"/api/dashboards/uid/{uid}/public-dashboards"


def _what(model: Json) -> str:
    return f"shared dashboard {model['title']}"
