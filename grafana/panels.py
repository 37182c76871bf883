"""Panels, variables and dashboards as JSON: the one module that touches grafanalib.

grafanalib gives the frame (dashboard, panel, target, variable, link). Its options and field settings are
those of older Grafana versions, and it writes ``null`` for what is not set, so both are replaced here:
the shapes below are the ones that Grafana 9.4 and later write themselves, and only keys that those
versions know are kept.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grafanalib import core

from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, MARK, TAG
from grafana.queries import Query

Json = dict[str, Any]

SCHEMA_VERSION = 39
NO_DATA = "no data"
STEP = "10s"  # between two points of a chart, at least; every other scrape is hardly seen, and each costs its time
LONG_STEP = "30s"
ALL = ".+"  # the label is always there, so this is everything, with no list of names in every query

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
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
_DASHBOARD_KEYS = (
    "annotations",
    "description",
    "editable",
    "graphTooltip",
    "links",
    "panels",
    "refresh",
    "schemaVersion",
    "tags",
    "templating",
    "time",
    "timepicker",
    "timezone",
    "title",
    "uid",
)
_VARIABLE_KEYS = (
    "name",
    "label",
    "type",
    "query",
    "current",
    "hide",
    "includeAll",
    "multi",
    "options",
)
_REFRESH_ON_LOAD = 1  # a query on every refresh of 5 s would cost more than the dashboard's smallest panel
_SORTED = 1
_LABEL_VALUES = 1
_VARIABLE_REF = "PrometheusVariableQueryEditor-VariableQuery"


@dataclass(frozen=True, slots=True)
class Place:
    """A panel's place: column 0-23, row, width in columns, height in grid units."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Look:
    """How a panel's values, or those of one series or column, are written and coloured.

    ``steps`` are thresholds as (from, colour), the first one from minus infinity (``None``). ``words``
    replace single values by a text in a colour. ``color`` is a fixed colour; without it stats, gauges and
    state timelines are coloured by ``steps`` and lines by the palette. ``dashed`` is for limits among lines,
    ``tinted`` for columns of a table whose text takes the value's colour, ``opens`` for those whose cells are
    links: its address, in which ``${__value.text}`` stands for what the cell says. ``thin`` lines are the edges of a
    band; the upper one names in ``fill_to`` the legend of the lower one.
    """

    unit: str = "none"
    decimals: int | None = None
    steps: Sequence[tuple[float | None, str]] = ((None, "text"),)
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    color: str = ""
    low: float | None = None
    high: float | None = None
    dashed: bool = False
    tinted: bool = False
    opens: str = ""
    thin: bool = False
    fill_to: str = ""


@dataclass(frozen=True, slots=True)
class Draw:
    """How a time series panel draws: as lines or bars, ``stacked`` or not, ``fill`` from 0 to 100.

    ``by_value`` colours each line by the thresholds it passes instead of by series.
    """

    bars: bool = False
    stacked: bool = False
    fill: int = 6
    by_value: bool = False
    legend: bool = True


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel without its place: what its constructor below made of it."""

    kind: str
    title: str
    description: str
    targets: tuple[Json, ...]
    fields: Json
    options: Json
    transformations: tuple[Json, ...] = ()
    links: tuple[Json, ...] = ()
    step: str = STEP


@dataclass(frozen=True, slots=True)
class Frame:
    """What a dashboard is called, how often it is refreshed, and how far back it looks at first."""

    uid: str
    title: str
    description: str
    refresh: str = "5s"
    span: str = "1h"


SeriesLooks = Mapping[str, Look]
NO_SERIES: SeriesLooks = {}
LINES = Draw()
LIMIT = Look(color="orange", dashed=True)


def timeseries(
    title: str,
    description: str,
    *queries: Query,
    look: Look,
    draw: Draw = LINES,
    series: SeriesLooks = NO_SERIES,
) -> Panel:
    """Return lines or bars over time; ``series`` maps legends to a look of their own."""
    color = _color(look) or {"mode": "thresholds" if draw.by_value else "palette-classic"}
    fields = _fields(look, series, color=color, mappings=_words(look), custom=_lines(draw))
    options = {"legend": _legend(shown=draw.legend), "tooltip": {"mode": "multi", "sort": "desc"}}
    return Panel("timeseries", title, description, _targets(queries), fields, options)


def stat(
    title: str,
    description: str,
    *queries: Query,
    look: Look,
    series: SeriesLooks = NO_SERIES,
    names: bool = False,
) -> Panel:
    """Return large figures side by side, each under its legend; ``names`` shows the legends alone."""
    several = len(queries) > 1 or "{{" in queries[0].legend
    options = {
        "reduceOptions": _LAST,
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "name" if names else "value_and_name" if several else "value",
        "justifyMode": "auto",
        "orientation": "auto",
    }
    targets = _targets(queries, instant=True)
    return Panel("stat", title, description, targets, _fields(look, series), options)


def gauge(title: str, description: str, *queries: Query, look: Look) -> Panel:
    """Return a dial for each series, from ``look.low`` to ``look.high``."""
    options = {
        "reduceOptions": _LAST,
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
        "orientation": "auto",
    }
    return Panel("gauge", title, description, _targets(queries, instant=True), _fields(look), options)


def bargauge(title: str, description: str, *queries: Query, look: Look, series: SeriesLooks = NO_SERIES) -> Panel:
    """Return one horizontal bar for each series."""
    options = {
        "reduceOptions": _LAST,
        "orientation": "horizontal",
        "displayMode": "gradient",
        "showUnfilled": True,
    }
    targets = _targets(queries, instant=True)
    return Panel("bargauge", title, description, targets, _fields(look, series), options)


def table(
    title: str,
    description: str,
    columns: Mapping[str, Query],
    *,
    look: Look,
    series: SeriesLooks = NO_SERIES,
) -> Panel:
    """Return a table: a row for each label set, a column for each label and each of ``columns``.

    The keys of ``columns`` are the headings; labels are headed by their own name, capitalised. Rows are
    sorted by the first of ``columns``, greatest first.
    """
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "displayMode": "auto"}
    options = {"showHeader": True, "sortBy": [{"displayName": next(iter(columns)), "desc": True}]}
    targets = _targets(tuple(columns.values()), instant=True, shape="table")
    fields = _fields(look, series, custom=custom)
    return Panel("table", title, description, targets, fields, options, _merged(tuple(columns)))


def barchart(
    title: str,
    description: str,
    columns: Mapping[str, Query],
    *,
    look: Look,
    series: SeriesLooks = NO_SERIES,
) -> Panel:
    """Return groups of upright bars, a bar for each of ``columns`` but the first.

    The key of that one is a label, each of whose values has a group; the groups stand in its order, the least first.
    """
    options = {
        "xField": next(iter(columns)),
        "orientation": "auto",
        "showValue": "auto",
        "stacking": "none",
        "legend": _legend(shown=True),
        "tooltip": {"mode": "single", "sort": "none"},
        "groupWidth": 0.7,
        "barWidth": 0.97,
    }
    targets = _targets(tuple(columns.values()), instant=True, shape="table")
    fields = _fields(look, series, color=_color(look) or {"mode": "palette-classic"}, mappings=_words(look))
    return Panel("barchart", title, description, targets, fields, options, _ordered(tuple(columns)))


def state_timeline(title: str, description: str, *queries: Query, look: Look) -> Panel:
    """Return a bar over time for each series, coloured and labelled by ``look.words``."""
    options = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "center",
        "rowHeight": 0.9,
        "legend": _legend(shown=False),
    }
    fields = _fields(look, mappings=_words(look), custom={"fillOpacity": 80, "lineWidth": 0})
    return Panel("state-timeline", title, description, _targets(queries), fields, options)


def heatmap(title: str, description: str, query: Query, *, unit: str) -> Panel:
    """Return a histogram's buckets over time, the darker the more; ``query`` is by ``le``."""
    options = {
        "calculate": False,
        "color": {
            "mode": "scheme",
            "scheme": "Spectral",
            "steps": 64,
            "reverse": True,
            "fill": "dark-orange",
            "exponent": 0.5,
            "scale": "exponential",
        },
        "yAxis": {"unit": unit, "axisPlacement": "left"},
        "cellGap": 1,
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "yHistogram": True},
        "legend": {"show": True},
        "filterValues": {"le": 1e-9},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "showValue": "never",
    }
    fields = {"defaults": {"unit": unit, "noValue": NO_DATA}, "overrides": []}
    return Panel("heatmap", title, description, _targets((query,), shape="heatmap"), fields, options)


def piechart(title: str, description: str, query: Query, *, look: Look, series: SeriesLooks = NO_SERIES) -> Panel:
    """Return a ring with a part for each series."""
    options = {
        "reduceOptions": _LAST,
        "pieType": "donut",
        "displayLabels": ["percent"],
        "legend": {"displayMode": "list", "placement": "right", "showLegend": True, "values": ["value"]},
    }
    fields = _fields(look, series, color={"mode": "palette-classic"})
    return Panel("piechart", title, description, _targets((query,), instant=True), fields, options)


def leading(panel: Panel, title: str, url: str) -> Panel:
    """Return the panel with a link in its corner, such as to the dashboard that says more."""
    link = {"title": title, "url": url, "targetBlank": False}
    return replace(panel, links=(*panel.links, link))


def coarse(panel: Panel) -> Panel:
    """Return the chart with fewer points: of fills, which are few in so short a time, and dear to put together."""
    return replace(panel, step=LONG_STEP)


def filled(panel: Panel) -> Panel:
    """Return the stat panel as cards in the colour of their values."""
    return replace(panel, options=panel.options | {"colorMode": "background"})


def headed(panel: Panel, headings: Mapping[str, str]) -> Panel:
    """Return the table with these headings of its labels; one whose heading is empty is left out."""
    *before, last = panel.transformations
    organize = last["options"]
    left_out = dict.fromkeys((label for label, heading in headings.items() if not heading), True)
    options = {
        "excludeByName": organize["excludeByName"] | left_out,
        "renameByName": organize["renameByName"] | {label: text for label, text in headings.items() if text},
    }
    return replace(panel, transformations=(*before, last | {"options": options}))


def text(title: str, description: str, markdown: str) -> Panel:
    """Return a panel of prose, in Markdown."""
    options = {"mode": "markdown", "content": markdown}
    return Panel("text", title, description, (), {"defaults": {}, "overrides": []}, options)


def place(panel: Panel, number: int, where: Place) -> Json:
    """Return a panel's JSON with its id and place."""
    frame = core.Panel(
        id=number,
        title=panel.title,
        description=panel.description,
        dataSource=_SOURCE,
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


def data_source_variable() -> Json:
    """Return the variable that chooses the Prometheus, ours first.

    Older versions keep the data source's name in it, newer ones the uid: one of the two always matches.
    """
    frame = core.Template(name="datasource", label="Source", query="prometheus", type="datasource")
    return _variable(frame, {"selected": True, "text": DATASOURCE_NAME, "value": DATASOURCE_UID})


def label_variable(name: str, label: str, query: str) -> Json:
    """Return a variable that filters by a label, several values at once, everything at first."""
    wrapped = {"query": query, "refId": _VARIABLE_REF, "qryType": _LABEL_VALUES}
    frame = core.Template(name=name, label=label, query=wrapped, includeAll=True, multi=True)
    rest = {"allValue": ALL, "datasource": _SOURCE, "definition": query, "sort": _SORTED}
    return _variable(frame, {"selected": True, "text": ["All"], "value": ["$__all"]}) | rest


def link(title: str, url: str, tooltip: str) -> Json:
    """Return a link at the top of a dashboard, opened beside it."""
    made: Json = core.DashboardLink(
        type="link", icon="doc", title=title, uri=url, tooltip=tooltip, targetBlank=True, keepTime=False
    ).to_json_data()
    return made


def span_link(title: str, uid: str, span: str, tooltip: str) -> Json:
    """Return a link to the same dashboard with the same choices over ``span``, such as ``7d``."""
    made: Json = core.DashboardLink(
        type="link",
        icon="dashboard",
        title=title,
        uri=f"/d/{uid}?from=now-{span}&to=now",
        tooltip=tooltip,
        keepTime=False,
        includeVars=True,
    ).to_json_data()
    return made


def tag_links(title: str, tag: str) -> Json:
    """Return a menu of all dashboards with a tag, opened with the same time and choices."""
    made: Json = core.DashboardLink(
        type="dashboards", title=title, tags=[tag], asDropdown=True, includeVars=True, keepTime=True
    ).to_json_data()
    return made


def alert_annotation(expr: str) -> Json:
    """Return the annotation that marks in every chart when an alert fired."""
    return {
        "name": "Alerts",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": expr,
        "titleFormat": "{{alertname}}",
        "textFormat": "{{exchange}}",
        "tagKeys": "severity",
    }


def time_annotation(name: str, expr: str, title: str) -> Json:
    """Return the annotation that marks the moments, in milliseconds since 1970, that are the values of ``expr``."""
    return {
        "name": name,
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": expr,
        "titleFormat": title,
        "useValueForTime": "on",
    }


def with_fixed_source(model: Json) -> Json:
    """Return a dashboard that reads our own data source, without a choice: what is shared may have no variables."""
    text_of_it = json.dumps(model).replace("${datasource}", DATASOURCE_UID)
    fixed: Json = json.loads(text_of_it)
    return fixed


def dashboard(frame_of: Frame, panels: Sequence[Json], extras: Mapping[str, Sequence[Json]]) -> Json:
    """Return a dashboard's JSON model, not editable.

    ``extras`` may hold lists of ``variables``, ``links`` and ``annotations``.
    """
    frame = core.Dashboard(
        uid=frame_of.uid,
        title=frame_of.title,
        description=frame_of.description,
        panels=list(panels),
        templating=core.Templating(list=list(extras.get("variables", ()))),
        annotations=core.Annotations(list=[_BUILT_IN, *extras.get("annotations", ())]),
        links=list(extras.get("links", ())),
        tags=[TAG, MARK],
        refresh=frame_of.refresh,
        time=core.Time(f"now-{frame_of.span}", "now"),
        timePicker=core.TimePicker(refreshIntervals=["5s", "10s", "30s", "1m", "5m", "15m"], timeOptions=[]),
        timezone="browser",
        graphTooltip=1,  # one crosshair for all charts
        editable=False,
        schemaVersion=SCHEMA_VERSION,
    ).to_json_data()
    made = {key: _plain(frame[key]) for key in _DASHBOARD_KEYS}
    made["timepicker"] = {key: made["timepicker"][key] for key in ("hidden", "refresh_intervals")}
    return made


_HEADED = ("exchange", "account", "symbol", "strategy", "currency", "bot", "alertname", "severity", "reason")
_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_BUILT_IN = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def _targets(queries: Sequence[Query], *, instant: bool = False, shape: str = "time_series") -> tuple[Json, ...]:
    return tuple(
        _target(string.ascii_uppercase[index], query, instant=instant, shape=shape)
        for index, query in enumerate(queries)
    )


def _target(letter: str, query: Query, *, instant: bool, shape: str) -> Json:
    frame = core.Target(
        refId=letter,
        expr=query.expr,
        legendFormat=query.legend,
        datasource=_SOURCE,
        format=shape,
        instant=instant,
    ).to_json_data()
    return {key: frame[key] for key in _TARGET_KEYS} | {"range": not instant, "editorMode": "code"}


def _fields(look: Look, series: SeriesLooks = NO_SERIES, **replaced: Any) -> Json:
    defaults = {
        "noValue": NO_DATA,
        "mappings": _mappings(look),
        "thresholds": _thresholds(look),
        "color": _color(look) or {"mode": "thresholds"},
    }
    overrides = [
        {"matcher": {"id": "byName", "options": name}, "properties": _properties(own)} for name, own in series.items()
    ]
    return {"defaults": defaults | _numbers(look) | replaced, "overrides": overrides}


def _properties(look: Look) -> list[Json]:
    """Return what of a look differs from a plain one, as the properties of an override."""
    plain = Look()
    found: Json = _numbers(look)
    if look.unit == plain.unit:
        del found["unit"]
    if look.steps != plain.steps:
        found["thresholds"] = _thresholds(look)
    if look.words:
        found["mappings"] = _mappings(look)
    if look.color:
        found["color"] = _color(look)
    if look.dashed:
        found |= {"custom.lineStyle": {"fill": "dash", "dash": [6, 6]}, "custom.fillOpacity": 0}
    if look.thin:
        found |= {"custom.lineWidth": 1, "custom.fillOpacity": 0}
    if look.fill_to:
        found |= {"custom.fillBelowTo": look.fill_to, "custom.fillOpacity": 15}
    if look.opens:
        found["links"] = [{"title": "Open", "url": look.opens, "targetBlank": True}]
    if look.tinted:
        found |= {"custom.cellOptions": {"type": "color-text"}, "custom.displayMode": "color-text"}
    return [{"id": key, "value": value} for key, value in found.items()]


def _numbers(look: Look) -> Json:
    given = {"unit": look.unit, "decimals": look.decimals, "min": look.low, "max": look.high}
    return {key: value for key, value in given.items() if value is not None}


def _thresholds(look: Look) -> Json:
    return {
        "mode": "absolute",
        "steps": [{"color": color, "value": start} for start, color in look.steps],
    }


def _mappings(look: Look) -> list[Json]:
    """Return the words for values, and for no value at all, which must not get the colour of a good one."""
    unknown = {"text": NO_DATA, "color": "orange", "index": len(look.words)}
    return [*_words(look), {"type": "special", "options": {"match": "null+nan", "result": unknown}}]


def _words(look: Look) -> list[Json]:
    options = {
        value: {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(look.words.items())
    }
    return [{"type": "value", "options": options}] if options else []


def _color(look: Look) -> Json | None:
    return {"mode": "fixed", "fixedColor": look.color} if look.color else None


def _lines(draw: Draw) -> Json:
    return {
        "drawStyle": "bars" if draw.bars else "line",
        "lineWidth": 0 if draw.bars else 2,
        "fillOpacity": 70 if draw.bars else draw.fill,
        "gradientMode": "scheme" if draw.by_value else "none",
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"mode": "normal" if draw.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "off"},
    }


def _legend(*, shown: bool) -> Json:
    return {"displayMode": "list", "placement": "bottom", "showLegend": shown}


def _merged(headings: tuple[str, ...]) -> tuple[Json, ...]:
    """Join the queries' answers by their labels and head the columns; one query's value has no letter."""
    values = ["Value"] if len(headings) == 1 else [f"Value #{letter}" for letter in string.ascii_uppercase]
    labels = {name: name.capitalize() for name in _HEADED}
    renamed = labels | dict(zip(values, headings, strict=False))
    organize = {"excludeByName": {"Time": True}, "renameByName": renamed}
    joined: tuple[Json, ...] = ({"id": "merge", "options": {}},) if len(headings) > 1 else ()
    return (*joined, {"id": "organize", "options": organize})


def _ordered(headings: tuple[str, ...]) -> tuple[Json, ...]:
    """Join the queries' answers by their labels in the order of the first, which is left out then."""
    values = [f"Value #{letter}" for letter in string.ascii_uppercase]
    organize = {
        "excludeByName": {"Time": True, values[0]: True},
        "renameByName": dict(zip(values[1:], headings[1:], strict=False)),
    }
    return (
        {"id": "merge", "options": {}},
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": values[0]}]}},
        {"id": "organize", "options": organize},
    )


def _grid(where: Place) -> Json:
    made: Json = core.GridPos(h=where.height, w=where.width, x=where.x, y=where.y).to_json_data()
    return made


def _variable(frame: core.Template, current: Json) -> Json:
    written = frame.to_json_data()
    chosen = {"current": current, "refresh": _REFRESH_ON_LOAD, "regex": "", "skipUrlSync": False}
    return {key: written[key] for key in _VARIABLE_KEYS} | chosen


def _plain(value: Any) -> Any:
    """Return what grafanalib left as an object, such as a time range, as JSON."""
    return value.to_json_data() if hasattr(value, "to_json_data") else value
