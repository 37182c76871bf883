"""The figures of the Public dashboard, asked of Grafana as a browser would, and held against what is public.

What comes back is made anew from what is known to be harmless: times, numbers, our own legends and the names of
exchanges. Whatever else an answer holds is left behind, and an answer that is of anything else is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from grafana import public
from grafana.api import Answer, Client, Json, MissingError, PrivateError, SettingsError, UnreachableError, redact
from grafana.names import DATASOURCE_NAME

_POINTS = 360  # of a curve whose panel does not say how many
_KEYS = ("refId", "datasource", "expr", "legendFormat", "format", "instant", "range")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_RULES = "prometheus/rules/recording/public.yml"


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a dashboard looks."""

    begin: datetime
    end: datetime

    @property
    def milliseconds(self) -> tuple[int, int]:
        """Both ends as Grafana writes times."""
        return int(self.begin.timestamp() * 1000), int(self.end.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Curve:
    """One series, of one or more points; ``interval`` and ``times`` are in milliseconds."""

    ref: str
    legend: str
    labels: dict[str, str]
    interval: int
    times: list[int]
    values: list[float | None]


Curves = dict[int, list[Curve]]
"""The curves of each panel that asks for any, by its id."""


def span_of(model: Json, now: datetime) -> Span:
    """Return what a dashboard shows when it is opened ``now``."""
    found = re.fullmatch(r"now-(\d+)([smhdw])", model["time"]["from"])
    if found is None or model["time"]["to"] != "now":
        raise SettingsError(
            f"the dashboard {model['title']} does not begin so many hours or days ago: run `make generate`"
        )
    return Span(now - timedelta(**{_UNITS[found[2]]: int(found[1])}), now)


def ask(client: Client, model: Json, span: Span) -> Curves:
    """Return the curves of each panel; raise `PrivateError` if one would show what is not public."""
    if found := public.private(model):
        raise PrivateError(f"the dashboard {model['title']} asks for what is not public: {', '.join(found[:5])}")
    asking = [panel for panel in public.panels(model) if panel.get("targets")]
    return {panel["id"]: list(_curves(client, panel, span)) for panel in asking}


def _curves(client: Client, panel: Json, span: Span) -> Iterator[Curve]:
    results = _results(client, panel, span)
    for target in panel["targets"]:
        for frame in (results.get(target["refId"]) or {}).get("frames") or ():
            curve = _curve(panel, target, frame)
            if curve is not None:
                yield curve


def _results(client: Client, panel: Json, span: Span) -> Json:
    begin, end = span.milliseconds
    points = panel.get("maxDataPoints") or _POINTS
    limits = {"intervalMs": (end - begin) // points, "maxDataPoints": points, "exemplar": False}
    queries = [{key: target[key] for key in _KEYS if key in target} | limits for target in panel["targets"]]
    body = {"queries": queries, "from": str(begin), "to": str(end)}
    answer = client.call("POST", "/api/ds/query", body, needs="datasources:query", expected=(400, 404, 500))
    if answer.status == 404 and "data source" in answer.message.lower():
        raise MissingError(f"Grafana has no data source {DATASOURCE_NAME}: run `make provision-dashboards` first")
    results = answer.body.get("results") if isinstance(answer.body, dict) else None
    wrong = _wrong(results, answer)
    if wrong or not isinstance(results, dict):
        raise UnreachableError(f"Grafana has no answer from Prometheus for the panel {panel['title']}: {wrong}")
    return results


def _wrong(results: Any, answer: Answer) -> str:
    """Return what went wrong with a question, or nothing."""
    said = [each.get("error") for each in results.values()] if isinstance(results, dict) else [answer.message or "?"]
    return next((redact(" ".join(str(text).split())[:200]) for text in said if text), "")


def _curve(panel: Json, target: Json, frame: Json) -> Curve | None:
    """Return what may be seen of a frame, or None for an empty one."""
    fields, columns = (frame.get("schema") or {}).get("fields") or [], (frame.get("data") or {}).get("values") or []
    if not fields or not columns or not columns[0]:
        return None
    if [field.get("type") for field in fields] != ["time", "number"] or len(columns) != 2:
        raise _refusal(panel, target, "more than times and numbers")
    labels = _labels(panel, target, fields[1].get("labels") or {})
    legend = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), target.get("legendFormat", ""))
    interval = (fields[0].get("config") or {}).get("interval")
    times = [_number(panel, target, time) for time in columns[0]]
    return Curve(
        ref=target["refId"],
        legend=legend,
        labels=labels,
        interval=interval if isinstance(interval, int) else 0,
        times=[int(time or 0) for time in times],
        values=[_number(panel, target, value) for value in columns[1]],
    )


def _labels(panel: Json, target: Json, labels: Json) -> dict[str, str]:
    """Return the labels without the name of the series; refuse what is not public, by its label's name alone."""
    known = {key: str(value) for key, value in labels.items() if key != "__name__"}
    if labels.get("__name__", public.SERIES[0]) not in public.SERIES:
        raise _refusal(panel, target, "a series that is not public")
    if more := sorted(known.keys() - public.labels(target["expr"])):
        raise _refusal(panel, target, f"the label{'s' if len(more) > 1 else ''} {', '.join(more[:5])}")
    for key, value in known.items():
        if not public.is_name(value):
            raise _refusal(panel, target, f"a value of the label {key} that looks like a key or an address, not a name")
    return known


def _number(panel: Json, target: Json, value: Any) -> float | None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refusal(panel, target, "a text among its numbers")
    return value


def _refusal(panel: Json, target: Json, what: str) -> PrivateError:
    series = ", ".join(name for name in public.SERIES if name in target["expr"])
    what = " ".join(what.split())
    return PrivateError(
        f"the panel {panel['title']} would show strangers {what}: nothing leaves; see how {series} is recorded "
        f"in Prometheus, and correct it as in {_RULES}"
    )
