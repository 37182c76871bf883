"""A whole dashboard: its frame, and the choices, links and marks around its panels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafanalib import core

from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, MARK, TAG
from grafana.panels.looks import Json
from grafana.panels.panel import SOURCE

SCHEMA_VERSION = 39
ALL = ".+"  # the label is always there, so this is everything, with no list of names in every query
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
_BUILT_IN = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a dashboard is called, how often it is refreshed, and how far back it looks at first."""

    uid: str
    title: str
    description: str
    refresh: str = "5s"
    span: str = "1h"


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


def with_fixed_source(model: Json) -> Json:
    """Return a dashboard that reads our own data source, without a choice: what is shared may have no variables."""
    text_of_it = json.dumps(model).replace("${datasource}", DATASOURCE_UID)
    fixed: Json = json.loads(text_of_it)
    return fixed


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
    rest = {"allValue": ALL, "datasource": SOURCE, "definition": query, "sort": _SORTED}
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
        "datasource": SOURCE,
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
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": expr,
        "titleFormat": title,
        "useValueForTime": "on",
    }


def _variable(frame: core.Template, current: Json) -> Json:
    written = frame.to_json_data()
    chosen = {"current": current, "refresh": _REFRESH_ON_LOAD, "regex": "", "skipUrlSync": False}
    return {key: written[key] for key in _VARIABLE_KEYS} | chosen


def _plain(value: Any) -> Any:
    """Return what grafanalib left as an object, such as a time range, as JSON."""
    return value.to_json_data() if hasattr(value, "to_json_data") else value
