"""Queries of the Prometheus data source: each known series has one value, at all times."""

from __future__ import annotations

import re
import time
from typing import Any

from tests.grafana.standin.state import Grafana, Json, Reply, Request, Route

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_NAME = re.compile(r"[a-z_]+:[\w:]+|^\w+$")


def _query(grafana: Grafana, request: Request) -> Reply:
    body = request.body
    if any(query["datasource"]["uid"] not in grafana.data_sources for query in body["queries"]):
        return 404, {"message": "Data source not found", "traceID": ""}
    return answered(grafana, body["queries"], _time(body["from"]), _time(body["to"]))


def answered(grafana: Grafana, queries: list[Json], begin: float, end: float, **known: Any) -> Reply:
    """Answer queries of some time; ``known`` is put into each that lacks it."""
    if grafana.prometheus_error:
        wrong = {"error": grafana.prometheus_error, "status": 500, "frames": []}
        return 400, {"results": {query["refId"]: wrong for query in queries}}
    answers = {
        query["refId"]: {"status": 200, "frames": _frames(grafana, known | query, begin, end)} for query in queries
    }
    return 200, {"results": answers}


def _frames(grafana: Grafana, query: Json, begin: float, end: float) -> list[Json]:
    expr = query["expr"]
    step = max(query["intervalMs"], int(1000 * (end - begin) / query["maxDataPoints"]))
    count = 1 if query.get("instant") else max(1, int(1000 * (end - begin) / step) + 1)
    times = [int(1000 * end) - step * turn for turn in reversed(range(count))]
    found: list[tuple[Json, float | None]] = []
    for name in _NAME.findall(expr):
        own = {} if "*" in expr else {"__name__": name}  # arithmetic takes the name away
        found += [(own | labels, value) for labels, value in grafana.series.get(name, ())]
    if not found and expr.endswith("or vector(NaN)"):
        found = [({}, None)]
    frames = [_frame(query, labels, times, value) for labels, value in found]
    if grafana.spoil:
        for frame in frames:
            grafana.spoil(frame)
    return frames


def _frame(query: Json, labels: Json, times: list[int], value: float | None) -> Json:
    shown = ", ".join(f'{key}="{each}"' for key, each in labels.items() if key != "__name__")
    legend = query.get("legendFormat") or f"{labels.get('__name__', '')}{{{shown}}}"
    legend = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), legend)
    clock = {"frame": "time.Time"}
    fields = [
        {"name": "Time", "type": "time", "typeInfo": clock, "config": {"interval": query["intervalMs"]}},
        {
            "name": "Value",
            "type": "number",
            "typeInfo": {"frame": "float64"},
            "labels": labels,
            "config": {"displayNameFromDS": legend},
        },
    ]
    asked = f"Expr: {query['expr']}\nStep: {query['intervalMs'] // 1000}s"
    meta = {"type": "timeseries-multi", "custom": {"resultType": "matrix"}, "executedQueryString": asked}
    schema = {"name": legend, "refId": query["refId"], "meta": meta, "fields": fields}
    return {"schema": schema, "data": {"values": [times, [value] * len(times)]}}


def _time(text: str) -> float:
    if text.startswith("now"):
        ago = re.fullmatch(r"now(?:-(\d+)([smhd]))?", text)
        assert ago, text
        return time.time() - (int(ago[1]) * _SECONDS[ago[2]] if ago[1] else 0)
    return int(text) / 1000


ROUTES: tuple[Route, ...] = (("POST", r"/api/ds/query", "datasources:query", _query),)
