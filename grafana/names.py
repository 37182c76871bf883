"""The uids and titles under which everything is kept in Grafana, and who reads what: each is written here alone.

Links, provisioning files and other tools refer to them: a uid is never changed. Up to version 11.2 folders and
dashboards share one space of uids, and no dashboard may have the title of any folder.
"""

from __future__ import annotations

from dataclasses import dataclass

DATASOURCE_UID = "trading-prometheus"
DATASOURCE_NAME = "Trading Prometheus"

TAG = "trading"  # of the menu at the top of each dashboard; whoever gives it to theirs finds them there
MARK = "trading-exporter"  # the tag by which the dashboards that were made here are known again

ROLES = ("Viewer", "Editor")  # Grafana's own; an Admin reads everything, which nothing can restrict


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of Grafana, and of ``json/`` under ``name``; who reads it are ``teams``, or whoever is signed in."""

    name: str
    uid: str
    title: str
    dashboards: tuple[str, ...]
    teams: tuple[str, ...] = ()


TEAMS = ("executive", "operations", "performance", "admin", "trading", "trader", "risk", "viewer")
"""The groups of readers. The home dashboard of each is the one of its name."""

_OPERATIONS = ("executive", "operations", "performance", "admin", "trading", "trader", "risk")

FOLDERS = (
    Folder("everyone", "trading", "Trading exporter", ("viewer", "public")),
    Folder("executive", "trading-folder-executive", "Trading exporter: executive", ("executive",), ("executive",)),
    Folder(
        name="operations",
        uid="trading-folder-operations",
        title="Trading exporter: operations",
        dashboards=("operations", "performance", "admin"),
        teams=_OPERATIONS,
    ),
    Folder(
        name="desk",
        uid="trading-folder-desk",
        title="Trading exporter: desk",
        dashboards=("trading", "trader"),
        teams=("executive", "risk", "trading", "trader"),
    ),
    Folder("risk", "trading-folder-risk", "Trading exporter: risk", ("risk",), ("executive", "risk", "trading")),
)


def folder_of(dashboard: str) -> Folder:
    """Return the folder of a dashboard; raise `LookupError` for one that has no place."""
    for folder in FOLDERS:
        if dashboard in folder.dashboards:
            return folder
    message = f"the dashboard {dashboard} is in no folder: give it a place in FOLDERS of grafana/names.py"
    raise LookupError(message)


def team_name(reader: str) -> str:
    """Return what a team is called in Grafana, so that it is clearly ours."""
    return f"Trading exporter: {reader}"
