"""What can be lost, and whether the books agree with the exchange: exposure, drawdown, value at risk, drift."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, bargauge, stat, table, timeseries
from grafana.queries import Query

_USD = Look(unit="currencyUSD", decimals=2)
_SHARE = Look(unit="percentunit", decimals=1)
_DRIFT = Look(unit="currencyUSD", decimals=2, steps=((None, "text"),))
_ACCOUNT = ("exchange", "account")
_ESTIMATE = ("method", "confidence", "horizon")
_ESTIMATE_LEGEND = "{{method}} {{confidence}} over {{horizon}}"


def risk() -> Section:
    """Return the row on what can be lost."""
    return Section(
        "Risk",
        (
            line(7, (3, _exposure()), (3, _drawdown_now()), (6, _drawdown())),
            line(8, _portfolio_risk(), _account_risk(), _equity()),
        ),
    )


def reconciliation() -> Section:
    """Return the row on books and exchange."""
    return Section("Books against exchange", (line(7, _drift(), _drifts(), _attribution_error()),))


def _exposure() -> Panel:
    by = ("scope", "name")
    return bargauge(
        "Limits used",
        "What is held as a share of the configured limit: of a symbol net, on an exchange and in all gross. At 100 % "
        "reduce the position on the exchange; nothing here stops a bot.",
        Query(queries.gauge(metrics.INVENTORY_UTILIZATION, by, how="max"), "{{scope}} {{name}}"),
        look=Look(unit="percentunit", low=0, high=1, steps=((None, "green"), (0.8, "orange"), (1, "red"))),
    )


def _drawdown_now() -> Panel:
    return stat(
        "Drawdown",
        "Equity against its highest level, transfers apart, of all accounts together, with the gross exposure in all "
        "and its limit. Only with risk.capital_usd and risk.limits in the configuration.",
        Query(queries.or_unknown(queries.gauge(metrics.PORTFOLIO_DRAWDOWN, how="max")), "Drawdown"),
        Query(queries.or_unknown(queries.gauge(metrics.EXPOSURE, how="max", scope="total")), "Gross exposure"),
        Query(queries.or_unknown(queries.gauge(metrics.POSITION_LIMIT, how="max", scope="total")), "Limit"),
        look=_USD,
        series={"Drawdown": _SHARE},
    )


def _drawdown() -> Panel:
    return timeseries(
        "Drawdown over time",
        "Equity against its highest level by account: zero at the top. A line that falls in steps lost on single "
        "fills; one that slides holds a position against the market.",
        Query(queries.gauge(metrics.DRAWDOWN, _ACCOUNT, how="max"), "{{exchange}} {{account}}"),
        look=Look(unit="percentunit", decimals=1, high=0),
        draw=Draw(fill=10),
    )


def _portfolio_risk() -> Panel:
    return timeseries(
        "Value at risk, all accounts",
        "The loss over the horizon that is not exceeded with the given confidence, from how PnL changed within the "
        "window: as it was (historical) and as if changes were normal (parametric). Far apart: rare large losses.",
        Query(queries.gauge(metrics.PORTFOLIO_VALUE_AT_RISK, _ESTIMATE, how="max"), f"VaR {_ESTIMATE_LEGEND}"),
        Query(queries.gauge(metrics.PORTFOLIO_EXPECTED_SHORTFALL, _ESTIMATE, how="max"), f"ES {_ESTIMATE_LEGEND}"),
        look=_USD,
        draw=Draw(fill=0),
    )


def _account_risk() -> Panel:
    by = (*_ACCOUNT, *_ESTIMATE)
    return table(
        "Value at risk by account",
        "Value at risk and expected shortfall of each account by method, confidence and horizon. They do not add up "
        "to that of all accounts: what one loses another may gain.",
        {
            "VaR": Query(queries.gauge(metrics.VALUE_AT_RISK, by, how="max")),
            "ES": Query(queries.gauge(metrics.EXPECTED_SHORTFALL, by, how="max")),
        },
        look=_USD,
    )


def _equity() -> Panel:
    return timeseries(
        "Equity",
        "Configured capital and transfers plus PnL, by account. Compare with the exchange's own page; what is apart "
        "shows as drift below.",
        Query(queries.gauge(metrics.EQUITY, _ACCOUNT, how="max"), "{{exchange}} {{account}}"),
        look=_USD,
        draw=Draw(fill=0),
    )


def _drift() -> Panel:
    limit = queries.gauge(metrics.TARGET_DRIFT, how="max")
    return timeseries(
        "Drift",
        "What the exchange reports less what the books expect, in USD, by currency or contract; the dashed line is "
        "the limit. A step is a fill, fee or transfer that the books do not know; a slope is a fee or funding that "
        "never comes as an event.",
        Query(queries.gauge(metrics.BALANCE_DRIFT_USD, (*_ACCOUNT, "currency"), how="max"), "{{account}} {{currency}}"),
        Query(queries.gauge(metrics.POSITION_DRIFT_USD, (*_ACCOUNT, "symbol"), how="max"), "{{account}} {{symbol}}"),
        Query(limit, "limit"),
        look=_DRIFT,
        draw=Draw(fill=0),
        series={"limit": LIMIT},
    )


def _drifts() -> Panel:
    held, contract = (*_ACCOUNT, "currency"), (*_ACCOUNT, "symbol")
    return table(
        "Drift by what is held",
        "Each drift in its own currency, or in the base currency of a contract, and for how long it has stood. Without "
        "a time there is none. Search the exchange's record for what happened when it began.",
        {
            "Balance": Query(queries.gauge(metrics.BALANCE_DRIFT, held, how="max")),
            "Balance for": Query(queries.age(metrics.BALANCE_DRIFT_SINCE, held)),
            "Position": Query(queries.gauge(metrics.POSITION_DRIFT_BASE, contract, how="max")),
            "Position for": Query(queries.age(metrics.POSITION_DRIFT_SINCE, contract)),
            "Compared before": Query(queries.age(metrics.RECONCILED_TIMESTAMP, _ACCOUNT)),
        },
        look=Look(unit="none"),
        series={name: Look(unit="s") for name in ("Balance for", "Position for", "Compared before")},
    )


def _attribution_error() -> Panel:
    return stat(
        "Attribution less total",
        "What the parts of PnL add up to less the total. It is rounding; anything larger is a fault of the exporter.",
        Query(queries.or_unknown(queries.gauge(metrics.PNL_ATTRIBUTION_ERROR)), "Difference"),
        Query(queries.or_unknown(queries.gauge(metrics.TARGET_ATTRIBUTION_ERROR, how="max")), "Limit"),
        look=Look(unit="currencyUSD", decimals=6),
    )
