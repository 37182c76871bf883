"""What was lost: within a day against its limit, since the highest level of equity, and by whom."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, stat, table, timeseries
from grafana.queries import Query
from grafana.sections import unusual
from grafana.sections.exposure import USED
from grafana.sections.money import PROFIT, USD

_ACCOUNT = ("exchange", "account")
_LEGEND = "{{exchange}} {{account}}"
_BOOK = (*_ACCOUNT, "symbol", "strategy")
_DAY = queries.recorded("system:pnl_total_usd:change1d")
_LOSS_LIMIT = queries.gauge(metrics.TARGET_LOSS, how="min")
_DRAWDOWN_LIMIT = queries.gauge(metrics.TARGET_DRAWDOWN, how="min")
_SHOWN = 10


def section() -> Section:
    """Return the row on losses."""
    return Section(
        "Losses",
        (
            line(8, _day(), _books()),
            line(8, unusual.band("pnl"), equity(), _deepest()),
        ),
    )


def now() -> Panel:
    """Return the figures that say whether more was lost than may be."""
    drawdown = queries.gauge(metrics.PORTFOLIO_DRAWDOWN, how="min")
    return stat(
        "Lost",
        "PnL of the last 24 h of all accounts, and the share of targets.loss_usd that it has used up; how far equity "
        "of all accounts together is below its highest level, and the share of the largest allowed drawdown. At 100 % "
        "decide whether to stop the bots. No data: that limit, or risk.capital_usd, is not configured; of 24 h also in "
        "the first six hours.",
        Query(queries.or_unknown(_DAY), "24 h"),
        Query(queries.or_unknown(f"clamp_min(0 - {_DAY}, 0) / {_LOSS_LIMIT}"), "Of limit"),
        Query(queries.or_unknown(drawdown), "Drawdown"),
        Query(queries.or_unknown(f"abs({drawdown}) / {_DRAWDOWN_LIMIT}"), "Of allowed"),
        look=USED,
        series={"24 h": PROFIT, "Drawdown": Look(unit="percentunit", decimals=1, steps=((None, "text"), (0, "green")))},
    )


def drawdown() -> Panel:
    """Return drawdown by account over time, with the largest that is allowed."""
    return timeseries(
        "Drawdown over time",
        "Equity against its highest level, transfers apart, by account: zero at the top; the dashed line is the "
        "largest that is allowed. A line that falls in steps lost on single fills; one that slides holds a position "
        "against the market.",
        Query(queries.gauge(metrics.DRAWDOWN, _ACCOUNT, how="min"), _LEGEND),
        Query(queries.gauge(metrics.PORTFOLIO_DRAWDOWN, how="min"), "all"),
        Query(f"0 - {_DRAWDOWN_LIMIT}", "allowed"),
        look=Look(unit="percentunit", decimals=1, high=0),
        draw=Draw(fill=0),
        series={"allowed": LIMIT, "all": Look(color="text")},
    )


def equity() -> Panel:
    """Return equity by account over time."""
    return timeseries(
        "Equity",
        "Configured capital and transfers plus PnL, by account. Compare with the exchange's own page; what is apart "
        "shows as drift below. No line: risk.capital_usd does not name the account.",
        Query(queries.gauge(metrics.EQUITY, _ACCOUNT, how="max"), _LEGEND),
        look=USD,
        draw=Draw(fill=0),
    )


def _deepest() -> Panel:
    return table(
        "Accounts",
        "How far each account's equity is below its highest level, its equity and its PnL; the deepest first. One that "
        "is deep while the others are not: look for its books in Lost most, and stop those that lose.",
        {
            "Below": Query(f"abs({queries.gauge(metrics.DRAWDOWN, _ACCOUNT, how='min')})"),
            "Equity": Query(queries.gauge(metrics.EQUITY, _ACCOUNT, how="max")),
            "PnL": Query(queries.gauge(metrics.PNL_TOTAL, _ACCOUNT)),
        },
        look=USD,
        series={
            "Below": Look(unit="percentunit", decimals=1),
            "PnL": Look(unit="currencyUSD", decimals=2, steps=PROFIT.steps, tinted=True),
        },
    )


def _day() -> Panel:
    return timeseries(
        "PnL of 24 h",
        "What all accounts gained or lost in the 24 h before each moment, and in the hour; the dashed line is the "
        "largest loss of a day (targets.loss_usd). Near it: see in Lost most who loses, and stop that one first. No "
        "line in the first hour, and none of 24 h in the first six.",
        Query(_DAY, "24 h"),
        Query(queries.recorded("system:pnl_total_usd:change1h"), "1 h"),
        Query(f"0 - {_LOSS_LIMIT}", "limit"),
        look=USD,
        draw=Draw(fill=0),
        series={"limit": LIMIT},
    )


def _books() -> Panel:
    lost = f"0 - {queries.change(metrics.PNL_TOTAL, _BOOK)}"
    return table(
        "Lost most",
        f"The {_SHOWN} books that lost most in the chosen time range, with what they hold now. One at the top that "
        "holds a large position bets on the market; one that holds little pays fees or is picked off.",
        {
            "Lost": Query(f"topk({_SHOWN}, ({lost}) > 0)"),
            "Holds": Query(f"{queries.gauge(metrics.POSITION_NOTIONAL, _BOOK)} and topk({_SHOWN}, ({lost}) > 0)"),
        },
        look=USD,
    )
