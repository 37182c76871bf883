"""What could be lost: value at risk and expected shortfall, and whether they were right."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, stat, table, timeseries
from grafana.queries import Query
from grafana.sections.money import USD

_ACCOUNT = ("exchange", "account")
_ESTIMATE = ("method", "confidence", "horizon")
_LEGEND = "{{method}} {{confidence}} over {{horizon}}"
_HOUR = "3600s"


def section() -> Section:
    """Return the row on value at risk."""
    return Section(
        "Value at risk",
        (line(8, portfolio(), _hours()), line(8, (1, by_account()), (1, _of_equity()))),
    )


def now() -> Panel:
    """Return the figures that say what could be lost next."""
    var = queries.gauge(metrics.PORTFOLIO_VALUE_AT_RISK, how="max")
    shortfall = queries.gauge(metrics.PORTFOLIO_EXPECTED_SHORTFALL, how="max")
    equity = queries.recorded("system:equity_usd:sum")  # of all accounts, whatever is chosen, as the loss is
    return stat(
        "Could be lost",
        "The loss of all accounts over the horizon that is not exceeded with the highest confidence configured, by the "
        "method that says more; the mean loss when it is; and that as a share of equity. More than you would bear: "
        "hold less, or quote fewer symbols. No data: there are too few samples of PnL yet.",
        Query(queries.or_unknown(var), "VaR"),
        Query(queries.or_unknown(shortfall), "Shortfall"),
        Query(queries.or_unknown(queries.share(shortfall, equity)), "Of equity"),
        look=Look(unit="currencyUSD", decimals=0),
        series={"Of equity": Look(unit="percentunit", decimals=1)},
    )


def portfolio() -> Panel:
    """Return value at risk and expected shortfall of all accounts over time."""
    return timeseries(
        "Value at risk, all accounts",
        "The loss over the horizon that is not exceeded with the given confidence, from how PnL changed within the "
        "window: as it was (historical) and as if changes were normal (parametric). Far apart: rare large losses.",
        Query(queries.gauge(metrics.PORTFOLIO_VALUE_AT_RISK, _ESTIMATE, how="max"), f"VaR {_LEGEND}"),
        Query(queries.gauge(metrics.PORTFOLIO_EXPECTED_SHORTFALL, _ESTIMATE, how="max"), f"ES {_LEGEND}"),
        look=USD,
        draw=Draw(fill=0),
    )


def by_account() -> Panel:
    """Return value at risk and expected shortfall of each account."""
    by = (*_ACCOUNT, *_ESTIMATE)
    return table(
        "Value at risk by account",
        "Value at risk and expected shortfall of each account by method, confidence and horizon. They do not add up "
        "to that of all accounts: what one loses another may gain. More than an account can bear: let it hold less.",
        {
            "VaR": Query(queries.gauge(metrics.VALUE_AT_RISK, by, how="max")),
            "ES": Query(queries.gauge(metrics.EXPECTED_SHORTFALL, by, how="max")),
        },
        look=USD,
    )


def _hours() -> Panel:
    at_risk = queries.gauge(metrics.PORTFOLIO_VALUE_AT_RISK, ("confidence",), how="max", horizon=_HOUR)
    return timeseries(
        "PnL of an hour against value at risk",
        "What all accounts gained or lost in the hour before each moment, and the value at risk below zero. With 0.95 "
        "one hour of twenty may go below its line, with 0.99 one of a hundred; more often, the estimate is too low: "
        "the market is wilder than in its window. Only while the horizon is an hour.",
        Query(queries.recorded("system:pnl_total_usd:change1h"), "PnL"),
        Query(f"0 - {at_risk}", "VaR {{confidence}}"),
        look=USD,
        draw=Draw(fill=0),
        series={"PnL": Look(color="text")},
    )


def _of_equity() -> Panel:
    worst = queries.gauge(metrics.EXPECTED_SHORTFALL, _ACCOUNT, how="max")
    return timeseries(
        "Shortfall, of equity",
        "The largest expected shortfall of each account as a share of its equity. An account that risks far more of "
        "what it has than the others is the first to be too small for what it does: fund it, or let it hold less.",
        Query(queries.share(worst, queries.gauge(metrics.EQUITY, _ACCOUNT, how="max")), "{{exchange}} {{account}}"),
        look=Look(unit="percentunit", decimals=1, low=0),
        draw=Draw(fill=0),
    )
