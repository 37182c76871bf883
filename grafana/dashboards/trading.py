"""The Trading dashboard: am I making money, what do I hold, is anything broken.

The first line answers the three questions, on a phone in that order; the next two say a little more about
each; the rows below explain.
"""

from __future__ import annotations

from exporter import metrics
from grafana import layout, panels, queries
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

UID = "trading-trading"
RUNBOOK_URL = "https://github.com/trading-exporter/trading-exporter/blob/main/docs/runbook.md"

_OURS = 'alertname=~"Trading.+",alertstate="firing"'
_URGENT = f'ALERTS{{{_OURS},severity=~"critical|warning"}}'
_WATCHDOG = 'ALERTS{alertname="TradingWatchdog",alertstate="firing"}'


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
    return panels.dashboard(
        UID,
        "Trading",
        "Am I making money, what do I hold, is anything broken.",
        layout.arrange(sections),
        {
            "variables": variables(),
            "links": [panels.link("Runbook", RUNBOOK_URL, "What each alert means and what to do")],
            "annotations": [panels.alert_annotation(_URGENT)],
        },
    )


def variables() -> list[Json]:
    """Return the choices at the top: data source, exchange, account, symbol, strategy."""
    of_exchange = {"exchange": "=~$exchange"}
    markets = (metrics.MARKET_DATA_TIMESTAMP, metrics.POSITION_BASE)  # some are known through a bot alone
    values = {
        "exchange": queries.label_values((metrics.EXCHANGE_UP, metrics.POSITION_BASE), "exchange"),
        "account": queries.label_values((metrics.POSITION_BASE,), "account", **of_exchange),
        "symbol": queries.label_values(markets, "symbol", **of_exchange),
        "strategy": queries.label_values((metrics.POSITION_BASE,), "strategy", **of_exchange),
    }
    labels = [panels.label_variable(name, name.capitalize(), query) for name, query in values.items()]
    return [panels.data_source_variable(), *labels]


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
        "Alerts": f"count({_URGENT}) or 0 * count({_WATCHDOG})",
        "Exchanges": f"sum({up} == bool 0)",
        "Market data": f"sum({age} > bool on () group_left () {market.STALE_AFTER})",
        "Rates": queries.gauge(metrics.CURRENCY_RATE_MISSING),
        "PnL": f"{books} - ({priced} or 0 * {books})",
    }


def _bad(unit: str, nothing: str) -> Look:
    return Look(unit=unit, decimals=0, words={"0": (nothing, "green")})
