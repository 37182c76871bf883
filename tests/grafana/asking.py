"""Every question that the committed dashboards ask of Prometheus, in the words that Grafana would send."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from grafana import generate

SCRAPE = 5.0
"""Seconds between two scrapes, as the data source is told (``timeInterval``)."""

PIXELS = 1000
MARK_STEP = 60.0  # of annotations

# Grafana rounds a step below the first of a pair to the second; seconds.
_ROUNDED = (
    *((1.5, 1.0), (3.5, 2.0), (7.5, 5.0), (12.5, 10.0), (17.5, 15.0), (25.0, 20.0), (45.0, 30.0), (90.0, 60.0)),
    *((210.0, 120.0), (450.0, 300.0), (750.0, 600.0), (1050.0, 900.0), (1500.0, 1200.0), (2700.0, 1800.0)),
    *((5400.0, 3600.0), (9000.0, 7200.0), (math.inf, 10_800.0)),
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_VARIABLE = re.compile(r"\$(\w+)")
_LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)")

EXCEPTIONS = Path(__file__).with_name("exceptions.yml")

Model = Mapping[str, Any]
Key = tuple[str, str, str]
Reasons = Mapping[Key, str]
"""Why a question has no answer, by dashboard, panel and legend."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request to Prometheus.

    ``panel`` is a panel's title, or says which annotation or variable asks; ``legend`` is what the answer is called
    there. ``kind`` is range, instant or values; ``span`` and ``step`` are in seconds. ``label`` is what a variable
    reads.
    """

    dashboard: str
    panel: str
    legend: str
    kind: str
    expr: str
    span: float
    step: float
    label: str = ""

    @property
    def key(self) -> Key:
        """What an exception calls it."""
        return self.dashboard, self.panel, self.legend

    def request(self, now: float) -> tuple[str, dict[str, str]]:
        """Give the path and the parameters at this Unix time."""
        if self.kind == "values":
            return "/api/v1/series", {"match[]": self.expr, "start": f"{now - self.span:.0f}", "end": f"{now:.0f}"}
        if self.kind == "instant":
            return "/api/v1/query", {"query": self.expr, "time": f"{now:.3f}"}
        end = now // self.step * self.step
        times = {"start": f"{end - self.span:.0f}", "end": f"{end:.0f}", "step": f"{self.step:g}"}
        return "/api/v1/query_range", {"query": self.expr, **times}


@dataclass(slots=True)
class Answer:
    """What came back: how many finite numbers, of a variable how many values; ``error`` is empty where all is well."""

    samples: int = 0
    error: str = ""
    seconds: float = 0.0


Answers = dict[Question, Answer]


def models() -> dict[str, Model]:
    """Give the committed dashboards by name."""
    files = sorted(generate.FOLDER.rglob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def questions(name: str, model: Model) -> Iterator[Question]:
    """Give all questions of a dashboard over its own span, everything chosen: first the choices, then marks, panels."""
    span = seconds(model["time"]["from"].removeprefix("now-"))
    for variable in model["templating"]["list"]:
        if found := _LABEL_VALUES.fullmatch(str(variable.get("definition", ""))):
            expr = _filled(found[1], span, SCRAPE)
            yield Question(name, f"choice of {variable['name']}", "", "values", expr, span, 0.0, found[2])
    step = step_of(span)
    for mark in model["annotations"]["list"]:
        if "expr" in mark:
            expr = _filled(mark["expr"], span, step)
            yield Question(name, f"marks: {mark['name']}", "", "range", expr, span, max(step, MARK_STEP))
    for panel in model["panels"]:
        for target in panel.get("targets", ()):
            kind = "instant" if target["instant"] else "range"
            legend = target["legendFormat"].replace("__auto", "column " + target["refId"])
            step = step_of(span, panel.get("interval", ""))
            yield Question(name, panel["title"], legend, kind, _filled(target["expr"], span, step), span, step)


def seconds(duration: str) -> float:
    """Give a time such as ``7d`` in seconds."""
    return float(duration[:-1]) * _UNITS[duration[-1]]


def step_of(span: float, least: str = "") -> float:
    """Give the seconds between two points of a chart of `PIXELS`, as Grafana chooses them; ``least`` is the panel's."""
    apart = span / PIXELS
    return max(SCRAPE, seconds(least or "0s"), next(rounded for below, rounded in _ROUNDED if apart < below))


def _filled(expr: str, span: float, step: float) -> str:
    """Put in what Grafana would: windows, and ``.+`` for what is chosen, which is everything."""
    times = {"__rate_interval": f"{max(step + SCRAPE, 4 * SCRAPE):g}s", "__range": f"{span:g}s"}
    return _VARIABLE.sub(lambda found: times.get(found[1], ".+"), expr)


async def ask(session: aiohttp.ClientSession, url: str, question: Question, now: float) -> Answer:
    """Ask the Prometheus at `url`."""
    path, parameters = question.request(now)
    began = time.perf_counter()
    async with session.post(f"{url}{path}", data=parameters) as response:
        body = await response.read()
    answer = Answer(seconds=time.perf_counter() - began)
    told: dict[str, Any] = json.loads(body) if body.startswith(b"{") else {"error": body.decode(errors="replace")}
    if response.status != HTTPStatus.OK:
        answer.error = f"{response.status}: {told['error']}"
    elif question.kind == "values":
        answer.samples = len({labels[question.label] for labels in told["data"]})
    else:
        answer.samples = _finite(told["data"]["result"])
    return answer


def reasons(path: Path = EXCEPTIONS) -> dict[Key, str]:
    """Give what needs no answer, and why."""
    rows: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {(name, row["panel"], row["query"]): row["reason"] for row in rows for name in row["dashboards"]}


def why(question: Question, answer: Answer, excused: Reasons) -> str:
    """Say why there is no answer; empty where there is one."""
    return answer.error or ("" if answer.samples else excused.get(question.key, "no data"))


def problems(answers: Answers, excused: Reasons) -> list[str]:
    """Say what is wrong: failures, no data without a reason, and reasons that nothing needs."""
    silent = {each.key for each, answer in answers.items() if not answer.samples}
    return [
        *(f"{each.key} failed: {answer.error}" for each, answer in answers.items() if answer.error),
        *(f"{key} has no data" for key in sorted(silent - excused.keys())),
        *(
            f"{key} has data after all, or is on no dashboard: take it off exceptions.yml"
            for key in sorted(excused.keys() - silent)
        ),
    ]


def _finite(result: list[dict[str, Any]]) -> int:
    points = (point for series in result for point in series.get("values", [series.get("value")]))
    return sum(math.isfinite(float(value)) for _, value in points)
