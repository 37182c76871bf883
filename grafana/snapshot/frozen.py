"""A copy of a dashboard with its data inside, which asks nobody for anything.

Only what is named here is copied: a key that a later version of the dashboard has stays behind until it is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grafana.api import Json
from grafana.figures import Curve, Curves, Span

_SOURCE = {"type": "grafana", "uid": "grafana"}
_DASHBOARD = ("uid", "description", "schemaVersion", "graphTooltip", "timepicker", "timezone")
_PANEL = ("id", "type", "title", "description", "gridPos", "fieldConfig", "options", "transformations", "collapsed")
_NOTE = ("name", "type", "builtIn", "enable", "hide", "iconColor")
_LINKS = frozenset({"links", "dataLinks"})


def freeze(model: Json, curves: Curves, span: Span, title: str) -> Json:
    """Return the copy, with the ``curves`` of its panels by their id, and without links, choices and marks."""
    begin, end = (each.isoformat(timespec="milliseconds").replace("+00:00", "Z") for each in (span.begin, span.end))
    own = {
        "title": title,
        "editable": False,
        "refresh": "",
        "tags": [],
        "links": [],
        "templating": {"list": []},
        "annotations": {"list": _notes(model)},
        "time": {"from": begin, "to": end},
        "snapshot": {"timestamp": end},
        "panels": [_panel(panel, curves) for panel in model["panels"]],
    }
    return _picked(model, _DASHBOARD) | own


def _notes(model: Json) -> list[Json]:
    """Return Grafana's own marks, which it expects, with nothing in them."""
    notes = (model.get("annotations") or {}).get("list") or ()
    return [_picked(note, _NOTE) | {"snapshotData": []} for note in notes if note.get("builtIn")]


def _panel(panel: Json, curves: Curves) -> Json:
    copy = _picked(panel, _PANEL) | {"links": []}
    if panel.get("type") == "row":
        copy["panels"] = [_panel(each, curves) for each in panel.get("panels") or ()]
    if not panel.get("targets"):
        return copy
    shown = curves.get(panel["id"], [])
    frames = [_frame(curve) for curve in shown]
    target = {"refId": "A", "datasource": _SOURCE, "queryType": "snapshot", "snapshot": frames}
    # Older versions read the second shape, those that read the first take the second in its place: both say the same.
    return copy | {"datasource": _SOURCE, "targets": [target], "snapshotData": [_old_frame(curve) for curve in shown]}


def _frame(curve: Curve) -> Json:
    types = ({"frame": "time.Time"}, {"frame": "float64"})
    fields = [field | {"typeInfo": kind} for field, kind in zip(_fields(curve), types, strict=True)]
    schema = {"refId": curve.ref, "name": curve.legend, "meta": {"type": "timeseries-multi"}, "fields": fields}
    return {"schema": schema, "data": {"values": [curve.times, curve.values]}}


def _old_frame(curve: Curve) -> Json:
    columns = (curve.times, curve.values)
    fields = [field | {"values": values} for field, values in zip(_fields(curve), columns, strict=True)]
    return {"refId": curve.ref, "name": curve.legend, "fields": fields}


def _fields(curve: Curve) -> tuple[Json, Json]:
    distance = {"interval": curve.interval} if curve.interval else {}
    named = {"displayNameFromDS": curve.legend} if curve.legend else {}
    time = {"name": "Time", "type": "time", "labels": None, "config": distance}
    return time, {"name": "Value", "type": "number", "labels": curve.labels, "config": named}


def _picked(value: Json, keys: Sequence[str]) -> Json:
    return {key: _without_links(value[key]) for key in keys if key in value}


def _without_links(value: Any) -> Any:
    """Return a value without the links anywhere in it, also those that are an override of one series."""
    if isinstance(value, dict):
        return {key: _without_links(each) for key, each in value.items() if key not in _LINKS}
    if isinstance(value, list):
        return [_without_links(each) for each in value if not (isinstance(each, dict) and each.get("id") in _LINKS)]
    return value
