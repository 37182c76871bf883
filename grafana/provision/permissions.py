"""Who may open the folders.

Ours are the entries of Grafana's roles Viewer and Editor and those of our own teams. Entries of users, of service
accounts and of other teams are other people's, and stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from grafana.api import Json
from grafana.names import ROLES, Folder, team_name
from grafana.names import TEAMS as READERS
from grafana.provision.outcome import Outcome, changes
from grafana.provision.server import Server

VIEW = 1
_LEVELS = {1: "View", 2: "Edit", 4: "Admin"}
_OUR_TEAMS = frozenset(team_name(reader) for reader in READERS)


def put(server: Server, folder: Folder, teams: Mapping[str, int], readers: tuple[str, ...]) -> Outcome:
    """Bring a folder's permissions to the wanted state; ``teams`` are numbers by reader, ``readers`` those we have."""
    what = f"permissions of the folder {folder.title}"
    path = f"/api/folders/{folder.uid}/permissions"
    rows = server.many(path, what, needs="folders.permissions:read", maybe=server.dry_run)
    own = {_label(row): row for row in rows if not row.get("inherited")}
    kept = {label: _item(row) for label, row in own.items() if not _is_ours(row)}
    wanted = kept | _ours(folder, teams, readers)
    before = {label: _level(row) for label, row in own.items()}
    after = {label: _level(item) for label, item in wanted.items()}
    if before == after:
        return Outcome(what, "unchanged")
    server.change("POST", path, {"items": list(wanted.values())}, needs="folders.permissions:write")
    return Outcome(what, "updated", changes(before, after))


def _ours(folder: Folder, teams: Mapping[str, int], readers: tuple[str, ...]) -> dict[str, Json]:
    """Return our entries; a team that is yet to be made has no number, which a dry run alone sees."""
    if not folder.teams:
        return {f"role {role}": {"role": role, "permission": VIEW} for role in ROLES}
    entitled = [reader for reader in folder.teams if reader in readers]
    return {f"team {team_name(each)}": {"teamId": teams.get(each), "permission": VIEW} for each in entitled}


def _is_ours(row: Json) -> bool:
    return row.get("role") in ROLES or row.get("team") in _OUR_TEAMS


def _item(row: Json) -> Json:
    """Return a listed entry in the form in which it is sent back."""
    key = next((key for key in ("userId", "teamId") if row.get(key)), "role")
    return {key: row.get(key), "permission": row.get("permission")}


def _label(row: Json) -> str:
    if row.get("userId"):
        return f"user {row.get('userLogin') or row['userId']}"
    if row.get("teamId"):
        return f"team {row.get('team') or row['teamId']}"
    return f"role {row.get('role')}"


def _level(row: Json) -> str:
    level = row.get("permission")
    return _LEVELS.get(level, str(level)) if isinstance(level, int) else str(level)
