"""The snapshots in Grafana: a new one is published, old ones of ours are deleted, those of others stay."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote

from grafana.api import Json
from grafana.provision.server import Server

_PREFIX = "Trading exporter: Public, "
_OURS = re.compile(re.escape(_PREFIX) + r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")


def name_at(now: datetime) -> str:
    """Return the name of a snapshot, by which it is known again as ours; names sort by time."""
    return f"{_PREFIX}{now:%Y-%m-%d %H:%M:%S} UTC"


def publish(server: Server, model: Json, name: str, expires: int) -> str:
    """Publish a snapshot for so many seconds and return its key, or nothing in a dry run."""
    body = {"dashboard": model, "name": name, "expires": expires, "external": False}
    answer = server.change("POST", "/api/snapshots", body, needs="snapshots:create")
    return str((answer.body or {}).get("key", ""))


def ours(server: Server) -> list[Json]:
    """Return the snapshots that were made here, the newest first."""
    path = f"/api/dashboard/snapshots?query={quote(_PREFIX.strip())}&limit=1000"
    rows = server.many(path, "snapshots", needs="snapshots:read")
    made = [row for row in rows if _OURS.fullmatch(str(row.get("name"))) and not row.get("external")]
    return sorted(made, key=lambda row: str(row["name"]), reverse=True)


def delete(server: Server, row: Json) -> None:
    """Delete one; that it is gone already is as good."""
    path = f"/api/snapshots/{quote(str(row['key']), safe='')}"
    server.change("DELETE", path, None, needs="snapshots:delete", expected=(404,))
