"""The Trading dashboard: am I making money, what do I hold, is anything broken.

The first line answers the three questions, on a phone in that order; the next two say a little more about
each; the rows below explain.
"""

from __future__ import annotations

from exporter import metrics
from grafana import frame, queries
from grafana.layout import Section, line
from grafana.panels import Json, Look, Panel, stat
from grafana.queries import Query
from grafana.sections import (
    activity,
    alerts,
    bots,
    exchanges,
    exporter,
    journal,
    market,
    money,
    push,
    quality,
    risk,
    systems,
)


def build() -> Json:
    """Return the dashboard's JSON model."""
    sections = (
        _first_screen(),
        money.section(),
        risk.risk(),
        risk.reconciliation(),
        quality.quotes(),
        quality.fills(),
        activity.fills(),
        market.section(),
        activity.orders(),
        exchanges.section(),
        bots.section(),
        systems.requests(),
        systems.caches(),
        systems.machine(),
        systems.models(),
        push.section(),
        alerts.section(),
        journal.section(),
        exporter.section(),
    )
    return frame.dashboard("trading", ("Am I making money?", "What do I hold?", "Is anything broken?"), sections)


def _first_screen() -> Section:
    return Section(
        "",
        (
            line(4, money.total(), money.holding(), _health()),
            line(3, money.parts(), activity.summary(), exchanges.summary()),
            line(11, (2, money.total_over_time()), money.positions()),
        ),
    )


def _health() -> Panel:
    return stat(
        "Health",
        "Critical and warning alerts that fire, exchanges that are down, markets whose data is older than the "
        "configured limit, fills that wait for a conversion rate, and books whose PnL is missing from the total "
        "because their price is not known now. Anything red: open the runbook above. "
        "Alerts without data: the alert rules are not evaluated, or the watchdog does not fire.",
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


def _health_queries() -> dict[str, str]:
    """What is wrong, counted; none of these is zero unless something proves it.

    The count of alerts is zero only while the watchdog fires, which shows that rules are evaluated.
    """
    up = queries.gauge(metrics.EXCHANGE_UP, ("exchange",), how="min")
    age = queries.age(metrics.MARKET_DATA_TIMESTAMP, ("exchange", "symbol"))
    books = queries.gauge(metrics.POSITION_BASE, how="count")
    priced = queries.gauge(metrics.PNL_TOTAL, how="count")
    return {
        "Alerts": f"count({frame.URGENT}) or 0 * count({frame.WATCHDOG})",
        "Exchanges": f"sum({up} == bool 0)",
        "Market data": f"sum({age} > bool on () group_left () {market.STALE_AFTER})",
        "Rates": queries.gauge(metrics.CURRENCY_RATE_MISSING),
        "PnL": f"{books} - ({priced} or 0 * {books})",
    }


def _bad(unit: str, nothing: str) -> Look:
    return Look(unit=unit, decimals=0, words={"0": (nothing, "green")})
