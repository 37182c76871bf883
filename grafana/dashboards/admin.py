"""The Admin dashboard, of the monitoring itself: is it alive, what does it drop, what does it cost.

The first line answers the three questions; the rows below follow what is measured on its way from a bot to a person.
"""

from __future__ import annotations

from grafana import frame
from grafana.layout import Section, line
from grafana.panels import Json
from grafana.sections import channels, exporter, journal, monitoring, push, stream

QUESTIONS = ("Is the monitoring alive?", "What does it drop?", "What does it cost?")


def build() -> Json:
    """Return the dashboard's JSON model."""
    first = Section("", (line(4, monitoring.alive(), monitoring.dropped(), monitoring.cost()),))
    sections = (
        first,
        exporter.section(),
        journal.section(),
        push.section(),
        stream.section(),
        monitoring.prometheus(),
        channels.section(),
        monitoring.costs(),
    )
    return frame.dashboard("admin", QUESTIONS, sections)
