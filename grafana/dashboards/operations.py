"""The Operations dashboard: is everything healthy, what fires, how long does what there is last.

The first line has the health score and the exchanges, the second what fires and why the score is so, the third
what is left of the machine; the rows below explain.
"""

from __future__ import annotations

from grafana import frame
from grafana.layout import Section, line
from grafana.panels import Json
from grafana.sections import alerts, bots, capacity, ecosystem, exchanges, health, machine, trends

QUESTIONS = ("Is the system healthy?", "Do the exchanges work?", "What fires?")


def build() -> Json:
    """Return the dashboard's JSON model."""
    sections = (
        _first_screen(),
        alerts.section(),
        ecosystem.section(),
        exchanges.section(),
        health.section(),
        capacity.section(),
        trends.section(),
        machine.machine(),
        bots.section(),
    )
    return frame.dashboard("operations", QUESTIONS, sections)


def _first_screen() -> Section:
    trend = frame.explained(trends.now(), "performance")
    return Section(
        "",
        (
            line(3, health.summary(), ecosystem.cards()),
            line(7, (2, alerts.firing()), (1, health.reasons())),
            line(5, capacity.headroom(), capacity.scaling(), capacity.exhaustion(), trend),
        ),
    )
