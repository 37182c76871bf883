"""One panel: what it asks, where it stands, and where it leads."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass, replace

from grafanalib import core

from grafana.panels.looks import Json
from grafana.queries import Query

STEP = "10s"  # between two points of a chart, at least; every other scrape is hardly seen, and each costs its time
LONG_STEP = "30s"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_PANEL_KEYS = (
    "id",
    "type",
    "title",
    "description",
    "datasource",
    "targets",
    "fieldConfig",
    "options",
    "gridPos",
    "interval",
    "transformations",
    "links",
)
_OPTIONAL_KEYS = frozenset({"interval", "transformations", "links"})
_TARGET_KEYS = ("refId", "datasource", "expr", "legendFormat", "format", "instant")


@dataclass(frozen=True, slots=True)
class Place:
    """A panel's place: column 0-23, row, width in columns, height in grid units."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel without its place: what its constructor in `kinds` or `tables` made of it."""

    kind: str
    title: str
    description: str
    targets: tuple[Json, ...]
    fields: Json
    options: Json
    transformations: tuple[Json, ...] = ()
    links: tuple[Json, ...] = ()
    step: str = STEP


def place(panel: Panel, number: int, where: Place) -> Json:
    """Return a panel's JSON with its id and place."""
    frame = core.Panel(
        id=number,
        title=panel.title,
        description=panel.description,
        dataSource=SOURCE,
        targets=list(panel.targets),
        gridPos=_grid(where),
        transformations=list(panel.transformations),
        links=list(panel.links),
    ).panel_json({})
    step = panel.step if any(target["range"] for target in panel.targets) else None
    own = {"type": panel.kind, "fieldConfig": panel.fields, "options": panel.options, "interval": step}
    shaped = frame | own
    return {key: shaped[key] for key in _PANEL_KEYS if key not in _OPTIONAL_KEYS or shaped[key]}


def heading(title: str, number: int, where: Place) -> Json:
    """Return the JSON of a row's heading."""
    frame = core.RowPanel(id=number, title=title, gridPos=_grid(where)).to_json_data()
    return {key: frame[key] for key in ("id", "type", "title", "collapsed", "panels", "gridPos")}


def leading(panel: Panel, title: str, url: str) -> Panel:
    """Return the panel with a link in its corner, such as to the dashboard that says more."""
    link = {"title": title, "url": url, "targetBlank": False}
    return replace(panel, links=(*panel.links, link))


def coarse(panel: Panel) -> Panel:
    """Return the chart with fewer points: of fills, which are few in so short a time, and dear to put together."""
    return replace(panel, step=LONG_STEP)


def targets_of(queries: Sequence[Query], *, instant: bool = False, shape: str = "time_series") -> tuple[Json, ...]:
    """Return the queries as targets, a letter each; ``shape`` is how the answers come."""
    return tuple(
        _target(string.ascii_uppercase[index], query, instant=instant, shape=shape)
        for index, query in enumerate(queries)
    )


def _target(letter: str, query: Query, *, instant: bool, shape: str) -> Json:
    frame = core.Target(
        refId=letter,
        expr=query.expr,
        legendFormat=query.legend,
        datasource=SOURCE,
        format=shape,
        instant=instant,
    ).to_json_data()
    return {key: frame[key] for key in _TARGET_KEYS} | {"range": not instant, "editorMode": "code"}


def _grid(where: Place) -> Json:
    made: Json = core.GridPos(h=where.height, w=where.width, x=where.x, y=where.y).to_json_data()
    return made
