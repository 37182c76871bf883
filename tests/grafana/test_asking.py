"""What stands in for Grafana's questions asks as it does, and the list of exceptions is held to the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.grafana.asking import Answer, Question, models, problems, questions, reasons, step_of

SOME = Question("desk", "PnL", "Total", "instant", "pnl", 3600.0, 5.0)


def model_of(span: str, *targets: dict[str, Any]) -> dict[str, Any]:
    """A dashboard with one panel."""
    told = {"time": {"from": f"now-{span}"}, "templating": {"list": []}, "annotations": {"list": []}}
    return {**told, "panels": [{"title": "PnL", "targets": list(targets)}]}


def target(expr: str, *, instant: bool = False) -> dict[str, Any]:
    return {"expr": expr, "instant": instant, "refId": "A", "legendFormat": "__auto"}


@pytest.mark.parametrize(("span", "step"), [(3600, 5), (86_400, 60), (604_800, 600)])
def test_steps_are_those_of_grafana(span: float, step: float) -> None:
    """An hour is drawn in steps of a scrape, a day in minutes, a week in steps of ten."""
    assert step_of(span) == step


def test_steps_are_no_shorter_than_the_panel_says() -> None:
    """A panel may have a least step, which changes nothing over a day."""
    assert step_of(3600, "30s") == 30
    assert step_of(86_400, "30s") == 60


def test_windows_and_choices_are_filled_in() -> None:
    """A window is four scrapes, or a step and a scrape; the range is the span; everything is chosen."""
    expr = 'rate(fills{exchange=~"$exchange"}[$__rate_interval]) + pnl{symbol=~"$symbol|"} offset $__range'
    (short,) = questions("desk", model_of("1h", target(expr)))
    assert short.expr == 'rate(fills{exchange=~".+"}[20s]) + pnl{symbol=~".+|"} offset 3600s'
    (day,) = questions("desk", model_of("24h", target("rate(fills[$__rate_interval])")))
    assert day.expr == "rate(fills[65s])"


def test_charts_are_ranges_and_figures_are_of_now() -> None:
    """A range ends with a full step, as Grafana's do, so that each refresh asks for the same moments."""
    figure, chart = questions("desk", model_of("24h", target("a", instant=True), target("b")))
    assert figure.request(90_059.0) == ("/api/v1/query", {"query": "a", "time": "90059.000"})
    times = {"start": "3660", "end": "90060", "step": "60"}
    assert chart.request(90_061.5) == ("/api/v1/query_range", {"query": "b", **times})


def test_choices_and_marks_are_asked_for_too() -> None:
    """Each dashboard but the public one asks for four choices and three kinds of marks."""
    for name, model in models().items():
        asked = [each.panel.partition(" ")[0] for each in questions(name, model)]
        assert asked.count("choice") == (0 if name == "public" else 4)
        assert asked.count("marks:") == (0 if name == "public" else 3)


def test_panel_without_data_is_a_problem() -> None:
    """Unless there is a reason for it."""
    assert problems({SOME: Answer(1)}, {}) == []
    assert problems({SOME: Answer()}, {}) == ["('desk', 'PnL', 'Total') has no data"]
    assert problems({SOME: Answer()}, {SOME.key: "nobody trades"}) == []


def test_failed_query_is_a_problem_whatever_is_excused() -> None:
    """It is said with what Prometheus answered."""
    said = problems({SOME: Answer(error="422: many-to-many")}, {SOME.key: "nobody trades"})
    assert said == ["('desk', 'PnL', 'Total') failed: 422: many-to-many"]


def test_exception_that_is_none_is_a_problem() -> None:
    """Neither what has data nor what is on no dashboard may stay on the list."""
    (with_data,) = problems({SOME: Answer(1)}, {SOME.key: "nobody trades"})
    (unknown,) = problems({SOME: Answer(1)}, {("desk", "PnL", "Gone"): "nobody trades"})
    assert "take it off" in with_data
    assert "take it off" in unknown


def test_exceptions_name_what_is_asked(tmp_path: Path) -> None:
    """Each of the list is on a dashboard; one may stand for several dashboards."""
    assert reasons().keys() <= {each.key for name, model in models().items() for each in questions(name, model)}
    path = tmp_path / "exceptions.yml"
    path.write_text("[{dashboards: [desk, risk], panel: PnL, query: Total, reason: none}]")
    assert reasons(path).keys() == {("desk", "PnL", "Total"), ("risk", "PnL", "Total")}
