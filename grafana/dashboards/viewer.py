"""The Viewer dashboard: the calm summary for who only wants to know whether all is well.

Its panels lead nowhere: its readers may not open the dashboards that explain them.
"""

from __future__ import annotations

from dataclasses import replace

from grafana import frame
from grafana.layout import Section, line
from grafana.panels import Json
from grafana.sections import ecosystem, money, summary


def build() -> Json:
    """Return the dashboard's JSON model."""
    questions = ("Is all well?", "What did it bring?", "How well does it quote?")
    sections = (_first_screen(), summary.promises())
    return frame.dashboard("viewer", questions, sections, refresh="30s", span="24h")


def _first_screen() -> Section:
    return Section(
        "",
        (
            line(4, summary.up(), summary.earnings(), summary.quoting()),
            line(4, (2, replace(ecosystem.cards(), links=())), (1, summary.response())),
            line(9, money.total_over_time(), summary.volume_over_time()),
        ),
    )
