"""The Executive dashboard: is it up, what does it earn, what is it worth."""

from __future__ import annotations

from grafana import frame
from grafana.layout import Section, line
from grafana.panels import Json
from grafana.sections import business, money, summary, value


def build() -> Json:
    """Return the dashboard's JSON model."""
    sections = (
        _first_screen(),
        summary.trading(),
        value.section(),
        business.business(),
        summary.promises(),
    )
    questions = ("Is it up?", "What does it earn?", "What is it worth?")
    return frame.dashboard("executive", questions, sections, refresh="30s", span="24h")


def _first_screen() -> Section:
    return Section(
        "",
        (
            line(
                4,
                frame.explained(summary.up(), "operations"),
                frame.explained(summary.earnings(), "trading"),
                frame.explained(value.worth(), "performance"),
            ),
            line(4, business.revenue(), business.users(), business.customers()),
            line(
                9,
                (12, value.benchmarks()),
                (7, money.total_over_time()),
                (5, frame.explained(summary.budgets(), "performance")),
            ),
        ),
    )
