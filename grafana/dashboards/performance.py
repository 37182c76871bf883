"""The Performance dashboard: are we fast enough, how much goes through, what fails.

The first line answers the three questions against what is promised; the second says where it goes and which of
the usual causes it is; then comes how response times are distributed.
"""

from __future__ import annotations

from grafana import frame
from grafana.layout import Section, line
from grafana.panels import Json
from grafana.sections import caches, latency, models, objectives, requests, trends, unusual

QUESTIONS = ("Are we fast enough?", "How much goes through?", "What fails?")


def build() -> Json:
    """Return the dashboard's JSON model."""
    sections = (
        _first_screen(),
        requests.requests(),
        objectives.section(),
        unusual.section(),
        trends.section(),
        caches.caches(),
        latency.section(),
        models.models(),
    )
    return frame.dashboard("performance", QUESTIONS, sections)


def _first_screen() -> Section:
    return Section(
        "",
        (
            line(
                4,
                requests.response_now(),
                frame.explained(requests.throughput_now(), "operations"),
                requests.failures_now(),
            ),
            line(3, trends.now(), objectives.now(), caches.now(), latency.now()),
            line(9, requests.distribution(), requests.quantiles()),
        ),
    )
