"""The Trader dashboard: what are my bots doing, what do I hold, what went wrong.

One desk chooses its accounts and strategies above, and all of it is about those.
"""

from __future__ import annotations

from grafana import frame
from grafana.layout import Section, line
from grafana.panels import Json
from grafana.sections import activity, bots, desk, money, venues

_QUESTIONS = ("What are my bots doing?", "What do I hold?", "What went wrong?")


def build() -> Json:
    """Return the dashboard's JSON model."""
    sections = (
        _first_screen(),
        desk.strategies(),
        bots.section(),
        desk.troubles(),
        venues.section(),
    )
    return frame.dashboard("trader", _QUESTIONS, sections)


def _first_screen() -> Section:
    return Section(
        "",
        (
            line(
                4,
                frame.explained(bots.summary(), "operations"),
                frame.explained(money.holding(), "trading"),
                desk.wrong(),
            ),
            line(3, desk.my_pnl(), activity.summary()),
            line(9, bots.table_of_all(), desk.held(), desk.my_alerts()),
        ),
    )
