"""The Risk dashboard: do we hold or lose more than we may, and what could be lost next.

The first line answers the three questions; the second says whether the books behind the figures are right,
and which limit and which account it is.
"""

from __future__ import annotations

from grafana import frame
from grafana.layout import Section, line
from grafana.panels import Json
from grafana.sections import exposure, losses, reconciliation, shortfall

QUESTIONS = ("Do we hold more than we may?", "Have we lost more than we may?", "What could we lose next?")


def build() -> Json:
    """Return the dashboard's JSON model."""
    sections = (
        _first_screen(),
        exposure.section(),
        losses.section(),
        shortfall.section(),
        reconciliation.section(),
    )
    return frame.dashboard("risk", QUESTIONS, sections)


def _first_screen() -> Section:
    return Section(
        "",
        (
            line(4, exposure.now(), losses.now(), shortfall.now()),
            line(3, reconciliation.now()),
            line(9, exposure.used(), losses.drawdown()),
        ),
    )
