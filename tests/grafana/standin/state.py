"""What the stand-in knows, and the calls and refusals that are the same for everything."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
Reply = tuple[int, Any]

TOKEN = "glsa_0123456789abcdef"
USER, PASSWORD = "admin", "correct-horse"
ADMIN, SERVICE_ACCOUNT = 1, 2  # numbers of the user and of the token's service account
NEW = 13  # the generation that answers differently


@dataclass
class Fault:
    """What is answered instead: a status, a raw body, its type and further headers; ``times`` is how often.

    With ``after`` the call takes effect all the same, as if only its answer had been lost.
    """

    status: int
    body: str
    content_type: str = "application/json"
    times: int = 1
    path: str = ""
    method: str = ""
    after: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def hits(self, method: str, path: str) -> bool:
        """Whether this call is meant; counts it."""
        meant = self.times > 0 and path.startswith(self.path) and self.method in {"", method}
        self.times -= meant
        return meant


@dataclass(frozen=True)
class Request:
    """One call; ``query`` has the last value of each parameter, ``user`` is the number of who calls."""

    query: dict[str, str]
    body: Json
    user: int


@dataclass
class Grafana:
    """The state of the server; ``missing`` are permissions that the caller does not have.

    Permissions are lists of items by folder uid, members lists of user numbers by team, homes and the like by team.
    """

    version: str | None = "9.2.0"
    missing: set[str] = field(default_factory=set)
    names_permission: bool = True
    folders: dict[str, Json] = field(default_factory=dict)
    data_sources: dict[str, Json] = field(default_factory=dict)
    dashboards: dict[str, Json] = field(default_factory=dict)
    teams: dict[int, Json] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=dict)
    preferences: dict[int, Json] = field(default_factory=dict)
    permissions: dict[str, list[Json]] = field(default_factory=dict)
    library: list[Json] = field(default_factory=list)
    rules: list[Json] = field(default_factory=list)
    forgotten: list[Json] = field(default_factory=list)
    """Rows that a search still finds although the thing is gone, as an index that lags behind does."""
    unreadable: set[str] = field(default_factory=set)
    """Uids of dashboards that exist and cannot be read through this API."""
    hidden_teams: set[int] = field(default_factory=set)
    """Teams that the caller's search does not find."""
    series: dict[str, list[tuple[Json, float]]] = field(default_factory=dict)
    """What Prometheus knows: by name of a series, its labels and its value."""
    prometheus_error: str = ""
    spoil: Callable[[Json], None] | None = None
    """Changes each frame of an answer to a query."""
    snapshots: dict[str, Json] = field(default_factory=dict)
    external: list[Json] = field(default_factory=list)
    """Snapshots that were to go to another company's server."""
    snapshots_enabled: bool = True
    shares: list[Json] = field(default_factory=list)
    sharing: bool = True
    """Whether dashboards can be shared at all."""
    calls: list[str] = field(default_factory=list)
    fault: Fault | None = None
    before_write: Callable[[], object] | None = None
    url: str = ""
    _last_id: int = 1

    @property
    def new(self) -> bool:
        """Whether this is the newer generation."""
        return self.generation >= NEW

    @property
    def generation(self) -> int:
        """The number before the first dot of its version."""
        return int((self.version or "9").lstrip("v").partition(".")[0].replace("next", "9"))

    @property
    def writes(self) -> list[str]:
        """Every call that is not a GET."""
        return [call for call in self.calls if not call.startswith("GET ")]

    def next_id(self) -> int:
        """Return a number for a folder or dashboard, which share them."""
        self._last_id += 1
        return self._last_id

    def add_folder(self, uid: str, title: str, **values: Any) -> None:
        self.folders[uid] = {"id": self.next_id(), "uid": uid, "title": title, "version": 1} | values
        roles = (("Viewer", 1), ("Editor", 2))
        self.permissions[uid] = [{"role": role, "permission": level} for role, level in roles]

    def add_data_source(self, **values: Any) -> None:
        own = {"id": len(self.data_sources) + 2, "orgId": 1, "readOnly": False, "version": 1, "jsonData": {}}
        self.data_sources[values["uid"]] = own | values

    def add_dashboard(self, model: Json, folder: str, *, provisioned: bool = False) -> None:
        meta = {"type": "db", "folderUid": folder, "provisioned": provisioned}
        self.dashboards[model["uid"]] = {"meta": meta, "dashboard": model | {"id": self.next_id(), "version": 1}}

    def add_snapshot(self, name: str, key: str, *, dashboard: Json, expires: float, user: int = ADMIN) -> None:
        now = datetime.now(UTC)
        own = {"id": len(self.snapshots) + 1, "name": name, "key": key, "userId": user, "external": False}
        times = {"created": now, "expires": now + timedelta(seconds=expires)}
        self.snapshots[key] = own | times | {"dashboard": dashboard}

    def add_team(self, name: str, *members: int) -> int:
        """Add a team and return its number."""
        number = max(self.teams, default=0) + 1
        self.teams[number] = {"id": number, "orgId": 1, "name": name, "email": ""}
        if self.new:
            self.teams[number]["uid"] = f"team-{number}"
        self.members[number] = list(members)
        return number

    def team_of(self, name: str) -> int:
        """Return the number of the team of a name."""
        return next(number for number, team in self.teams.items() if team["name"] == name)

    def refusal(self, permission: str) -> Reply | None:
        if permission not in self.missing:
            return None
        text = "You'll need additional permissions to perform this action."
        named = f" Permissions needed: {permission}" if self.names_permission else ""
        return 403, {"accessErrorId": "ACE9630777897", "message": text + named, "title": "Access denied"}


Handler = Callable[..., Reply]
Route = tuple[str, str, str, Handler]


def caller(authorization: str) -> int | None:
    """Return the number of the user whose credentials these are, or None."""
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return {f"Basic {login}": ADMIN, f"Bearer {TOKEN}": SERVICE_ACCOUNT}.get(authorization)


def slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
