"""The dashboard that the members of a team see first."""

from __future__ import annotations

from grafana.api import ConflictError
from grafana.names import team_name
from grafana.provision.outcome import Outcome, changes
from grafana.provision.server import Server

_KEY = "homeDashboardUID"


def put(server: Server, reader: str, team: int | None, uid: str) -> Outcome:
    """Make a dashboard the home of a team; ``team`` is None for one that is yet to be made, in a dry run."""
    what = f"home of the team {team_name(reader)}"
    path = f"/api/teams/{team}/preferences"
    have = {} if team is None else server.one(path, what, needs="teams:read") or {}
    if have.get(_KEY) == uid:
        return Outcome(what, "unchanged")
    # A PUT resets what is left out. The number of the old home would go beside the uid of the new one.
    kept = {key: value for key, value in have.items() if key != "homeDashboardId"}
    answer = server.change("PUT", path, kept | {_KEY: uid}, needs="teams:write", expected=(404,))
    if answer.status == 404:
        raise ConflictError(f"{what} cannot be {uid} ({answer.message}): somebody deleted one of them, run this again")
    return Outcome(what, "updated", changes({_KEY: have.get(_KEY)}, {_KEY: uid}))
