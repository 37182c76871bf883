"""Is it up, what does it earn, are promises kept: a few figures for those who do not look after it themselves."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, bargauge, stat, timeseries
from grafana.queries import Query
from grafana.sections import money
from grafana.sections.health import STATES

_SHARE = Look(unit="percentunit", decimals=2)
_USD = Look(unit="currencyUSD", decimals=0)
_LINES = Draw(fill=0)
_WINDOWS = ("3d", "6h", "1h")  # of the longest that there is something of


def up() -> Panel:
    """Return whether the system is up, how well it is, and how long it was up."""
    return stat(
        "Up",
        "How healthy the system is now, what its speed makes it, and the share of the last day and of 30 days in "
        "which it was up. Degraded or critical: Operations says why and who has to act.",
        queries.asked("system:health:state", "Health"),
        queries.asked("system:excellent:bool", "Speed"),
        queries.asked("system:public_uptime:ratio1d", "24 h"),
        queries.asked("system:public_uptime:ratio30d", "30 days"),
        look=_SHARE,
        series={
            "Health": Look(unit="short", words=STATES),
            "Speed": Look(unit="short", words={"1": ("excellent", "green"), "0": ("good", "blue")}),
        },
    )


def earnings() -> Panel:
    """Return what trading earned, and the volume it took."""
    return stat(
        "Earnings",
        "Total PnL after fees since the first fill, what of it came in the last 24 h, and the volume of 24 h. A loss: "
        "Trading says where it comes from. A day has no data in the first six hours.",
        Query(queries.or_unknown(queries.gauge(metrics.PNL_TOTAL)), "PnL"),
        Query(queries.or_unknown(f"sum({money.OF_A_DAY})"), "PnL 24 h"),
        Query(queries.or_unknown(volume()), "Volume 24 h"),
        look=Look(unit="currencyUSD", decimals=0, steps=money.PROFIT.steps),
        series={"Volume 24 h": Look(unit="currencyUSD", decimals=0, color="text")},
    )


def quoting() -> Panel:
    """Return how well the own spread did, and for how much of the time there was one."""
    return stat(
        "Quotes in 24 h",
        "By how much narrower the own spread was than the market's, all markets together, and the share of the time "
        "with a bid and an ask. Below zero: wider than the market; Trading says in which one.",
        queries.asked("system:public_spread_improvement:ratio1d", "Narrower by"),
        queries.asked("system:public_quote_uptime:ratio1d", "Quoted"),
        look=Look(unit="percentunit", decimals=1),
        series={"Narrower by": Look(steps=((None, "orange"), (0, "green")))},
    )


def response() -> Panel:
    """Return the response time beside what is promised."""
    return stat(
        "Response time now",
        "Average response time of the own API in the last minute, the 95th percentile of five minutes, and the "
        "promised average. Above it: Performance says since when.",
        queries.asked("system:response_seconds:mean1m", "Average"),
        queries.asked("system:response_seconds:p95_5m", "95 %"),
        Query(queries.or_unknown(queries.gauge(metrics.TARGET_RESPONSE, how="min", statistic="average")), "Promised"),
        look=Look(unit="s"),
        series={"Promised": Look(color="text")},
    )


def budgets() -> Panel:
    """Return what is left of each error budget."""
    spent = " or ".join(f"max by (slo) ({queries.recorded(f'slo:burn_rate:{window}')})" for window in _WINDOWS)
    return bargauge(
        "Error budget left",
        "Share of the failures that each promise allows which is not used up: of the last three days, or of six hours "
        "or one while no more is known. Below zero the promise is broken: put what is new on hold until it is kept "
        "again.",
        Query(f"1 - ({spent})", "{{slo}}"),
        look=Look(unit="percentunit", decimals=0, low=0, high=1, steps=((None, "red"), (0, "orange"), (0.5, "green"))),
    )


def promises() -> Section:
    """Return the row on what is promised, over time."""
    return Section("Promises", (line(8, _uptime(), _response_over_time()),))


def trading() -> Section:
    """Return the row on what trading earned, over time."""
    return Section("Trading", (line(8, volume_over_time(), money.by("exchange")),))


def volume() -> str:
    """Return the query of the volume of a day on the chosen exchanges."""
    return f"sum({queries.recorded('exchange:fill_volume_usd:increase1d')})"


def volume_over_time() -> Panel:
    """Return the volume of the day before each moment."""
    return timeseries(
        "Volume of 24 h",
        "USD traded in the 24 h before each moment. It falls while PnL stays: fewer fills, see whether all bots quote. "
        "It grows while PnL falls: trades that cost more than they bring.",
        Query(volume(), "volume"),
        look=Look(unit="currencyUSD", decimals=0, low=0),
        draw=Draw(legend=False),
    )


def _uptime() -> Panel:
    return timeseries(
        "Uptime",
        "Share of the 24 h before each moment in which the system was up, and the share of time that is promised (the "
        "dashed line). Below it: incidents on Operations has what happened.",
        Query(queries.recorded("system:public_uptime:ratio1d"), "24 h"),
        Query(queries.gauge(metrics.TARGET_AVAILABILITY, how="max"), "promised"),
        look=Look(unit="percentunit", decimals=2, high=1),
        draw=_LINES,
        series={"promised": LIMIT},
    )


def _response_over_time() -> Panel:
    def promised(statistic: str) -> str:
        return queries.gauge(metrics.TARGET_RESPONSE, how="min", statistic=statistic)

    return timeseries(
        "Response time as promised",
        "Average and 95th percentile of the own API's response time; the dashed lines are what is promised of each. "
        "Above its line for hours: ask for the reason, which Performance has.",
        Query(queries.recorded("system:response_seconds:mean5m"), "average"),
        Query(queries.recorded("system:response_seconds:p95_5m"), "p95"),
        Query(promised("average"), "average promised"),
        Query(promised("p95"), "p95 promised"),
        look=Look(unit="s", low=0),
        draw=_LINES,
        series={"average promised": LIMIT, "p95 promised": Look(color="red", dashed=True)},
    )
