"""The teams, one for each group of readers. Who is in them is not decided here."""

from __future__ import annotations

from urllib.parse import quote

from grafana.api import ConflictError, Json
from grafana.names import TEAMS, team_name
from grafana.provision.outcome import Outcome, settle, unless
from grafana.provision.server import Server


def put(server: Server, reader: str) -> Outcome:
    """Make a team, unless it is there."""
    return settle(f"team {team_name(reader)}", lambda what: _attempt(server, reader, what))


def remove(server: Server, reader: str) -> Outcome:
    """Remove a team, and with it its members' memberships, its permissions and its home dashboard."""
    what = f"team {team_name(reader)}"
    have = _find(server, reader)
    if have is None:
        return Outcome(what, "absent")
    server.change("DELETE", f"/api/teams/{have['id']}", None, needs="teams:delete", expected=(404,))
    return Outcome(what, "deleted")


def ids(server: Server) -> dict[str, int]:
    """Return the number by which Grafana knows each of our teams that is there."""
    found = {reader: _find(server, reader) for reader in TEAMS}
    return {reader: int(team["id"]) for reader, team in found.items() if team}


def _find(server: Server, reader: str) -> Json | None:
    name = team_name(reader)
    body = server.found(f"/api/teams/search?name={quote(name)}", "search for teams", needs="teams:read")
    return next((team for team in body.get("teams") or () if team.get("name") == name), None)


def _attempt(server: Server, reader: str, what: str) -> Outcome | None:
    if _find(server, reader):
        return Outcome(what, "unchanged")
    answer = server.change("POST", "/api/teams", {"name": team_name(reader)}, needs="teams:create", expected=(409,))
    if answer.status == 409:
        unless(_find(server, reader) is not None, lambda: _hidden(reader))
        return None
    if answer.body.get("teamId"):
        _empty(server, int(answer.body["teamId"]))
    return Outcome(what, "created")


def _empty(server: Server, team: int) -> None:
    """Take out the user who made the team, whom Grafana puts in: else every team's home would be that user's."""
    path = f"/api/teams/{team}/members"
    for member in server.many(path, "members of the team", needs="teams.permissions:read"):
        number = member.get("userId")
        server.change("DELETE", f"{path}/{number}", None, needs="teams.permissions:write", expected=(404,))


def _hidden(reader: str) -> ConflictError:
    return ConflictError(
        f"a team {team_name(reader)} exists, but these credentials cannot see it: use an Admin's, or rename that team"
    )
