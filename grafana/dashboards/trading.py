"""The Trading dashboard: am I making money, from what, and are my quotes better than the market's.

The first line answers the three questions, on a phone in that order; the second says what is held, done and
wrong, and leads to who says more; the rows below explain.
"""

from __future__ import annotations

from exporter import metrics
from grafana import frame, queries
from grafana.layout import Section, line
from grafana.panels import Json, Look, Panel, stat
from grafana.queries import Query
from grafana.sections import activity, market, money, quality, quotes, venues

_QUESTIONS = ("Am I making money?", "What does it come from?", "Are my quotes better than the market's?")


def build() -> Json:
    """Return the dashboard's JSON model."""
    sections = (
        _first_screen(),
        money.section(),
        quotes.section(),
        quality.fills(),
        activity.fills(),
        money.inventory(),
        activity.orders(),
        market.section(),
        venues.section(),
    )
    return frame.dashboard("trading", _QUESTIONS, sections)


def _first_screen() -> Section:
    held = frame.explained(money.holding(), "risk")
    done = frame.explained(activity.summary(), "trader")
    return Section(
        "",
        (
            line(4, frame.explained(money.total(), "trader"), money.causes(), quotes.summary()),
            line(3, (7, held), (7, done), (10, _health())),
            line(11, (2, money.total_over_time()), money.positions()),
        ),
    )


def _health() -> Panel:
    panel = stat(
        "Health",
        "Critical and warning alerts that fire, exchanges that are down, markets whose data is older than the "
        "configured limit, fills that wait for a conversion rate, and books whose PnL is missing from the total "
        "because their price is not known now. Anything red: open the runbook above. "
        "Alerts without data: the alert rules are not evaluated, or the exporter is down.",
        *(Query(queries.or_unknown(expr), name) for name, expr in _health_queries().items()),
        look=Look(unit="none", steps=((None, "green"), (1, "red"))),
        series={
            "Alerts": _bad("suffix:firing", "none"),
            "Exchanges": _bad("suffix:down", "all up"),
            "Market data": _bad("suffix:stale", "fresh"),
            "Rates": _bad("suffix:wait", "known"),
            "PnL": _bad("suffix:unpriced", "complete"),
        },
    )
    return frame.explained(panel, "operations")


def _health_queries() -> dict[str, str]:
    """What is wrong, counted; none of these is zero unless something proves it."""
    up = queries.gauge(metrics.EXCHANGE_UP, ("exchange",), how="min")
    return {
        "Alerts": frame.counted(frame.URGENT),
        "Exchanges": f"sum({up} == bool 0)",
        "Market data": market.stale(),
        "Rates": queries.gauge(metrics.CURRENCY_RATE_MISSING),
        "PnL": money.unpriced(),
    }


def _bad(unit: str, nothing: str) -> Look:
    return Look(unit=unit, decimals=0, words={"0": (nothing, "green")})
