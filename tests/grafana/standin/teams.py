"""Teams, their members and their home dashboards."""

from __future__ import annotations

from tests.grafana.standin.state import ADMIN, Grafana, Reply, Request, Route

_MISSING = (404, {"message": "Team not found"})
_OLD_DEFAULTS = {
    "theme": "",
    "homeDashboardId": 0,
    "homeDashboardUID": "",
    "timezone": "",
    "weekStart": "",
    "language": "",
    "navbar": {"savedItems": None},
    "queryHistory": {"homeTab": ""},
}


def _search(grafana: Grafana, request: Request) -> Reply:
    name = request.query.get("name")
    shown = [team for number, team in grafana.teams.items() if number not in grafana.hidden_teams]
    found = [team for team in shown if name is None or name.lower() == team["name"].lower()]  # as in some databases
    rows = [team | {"memberCount": len(grafana.members[team["id"]]), "permission": 0} for team in found]
    return 200, {"totalCount": len(rows), "teams": rows, "page": 1, "perPage": 1000}


def _post(grafana: Grafana, request: Request) -> Reply:
    name = request.body["name"]
    if any(team["name"] == name for team in grafana.teams.values()):
        return 409, {"message": "Team name taken", "traceID": ""}
    members = (request.user,) if request.user == ADMIN else ()  # a user becomes a member, a service account does not
    return 200, {"message": "Team created", "teamId": grafana.add_team(name, *members)}


def _delete(grafana: Grafana, _: Request, number: str) -> Reply:
    team = int(number)
    if grafana.teams.pop(team, None) is None:
        return _MISSING
    del grafana.members[team]
    grafana.preferences.pop(team, None)
    for uid, items in grafana.permissions.items():
        grafana.permissions[uid] = [item for item in items if item.get("teamId") != team]
    return 200, {"message": "Team deleted"}


def _members(grafana: Grafana, _: Request, number: str) -> Reply:
    return 200, [{"teamId": int(number), "userId": user} for user in grafana.members[int(number)]]


def _remove_member(grafana: Grafana, _: Request, number: str, user: str) -> Reply:
    if int(user) not in grafana.members[int(number)]:
        return 404, {"message": "Team member not found"}
    grafana.members[int(number)].remove(int(user))
    return 200, {"message": "Team Member removed"}


def _get_preferences(grafana: Grafana, _: Request, number: str) -> Reply:
    have = grafana.preferences.get(int(number), {})
    if grafana.new:
        return 200, {key: value for key, value in have.items() if value}
    home = grafana.dashboards.get(have.get("homeDashboardUID", ""))
    numbered = {"homeDashboardId": home["dashboard"]["id"]} if home else {}
    return 200, _OLD_DEFAULTS | have | numbered


def _put_preferences(grafana: Grafana, request: Request, number: str) -> Reply:
    """Replace all of them."""
    home = request.body.get("homeDashboardUID")
    if home and home not in grafana.dashboards:
        return 404, {"message": "Dashboard not found"}
    grafana.preferences[int(number)] = dict(request.body)
    return 200, {"message": "Preferences updated"}


ROUTES: tuple[Route, ...] = (
    ("GET", r"/api/teams/search", "teams:read", _search),
    ("POST", r"/api/teams", "teams:create", _post),
    ("DELETE", r"/api/teams/(\d+)", "teams:delete", _delete),
    ("GET", r"/api/teams/(\d+)/members", "teams.permissions:read", _members),
    ("DELETE", r"/api/teams/(\d+)/members/(\d+)", "teams.permissions:write", _remove_member),
    ("GET", r"/api/teams/(\d+)/preferences", "teams:read", _get_preferences),
    ("PUT", r"/api/teams/(\d+)/preferences", "teams:write", _put_preferences),
)
