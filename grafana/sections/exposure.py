"""What is held, against its limits and in how few hands."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import FAULTS, LIMIT, Draw, Look, Panel, bargauge, stat, table, timeseries
from grafana.queries import Query

USED = Look(unit="percentunit", decimals=1, low=0, high=1, steps=((None, "green"), (0.8, "orange"), (1, "red")))
_USD = Look(unit="currencyUSD", decimals=2)
_SCOPE = ("scope", "name")
_LEGEND = "{{scope}} {{name}}"
_BOOK = ("exchange", "account", "symbol", "strategy")
_SIZE = f"abs({queries.select(metrics.POSITION_NOTIONAL)})"
_ALLOWED = queries.gauge(metrics.TARGET_INVENTORY, how="min")
_SHOWN = 10


def section() -> Section:
    """Return the row on what is held."""
    return Section(
        "Exposure",
        (
            line(8, (2, _used_over_time()), (1, _limits())),
            line(8, (2, _largest()), (1, _concentration("symbol")), (1, _concentration("exchange"))),
        ),
    )


def now() -> Panel:
    """Return the figure that says whether more is held than may be."""
    used = queries.gauge(metrics.INVENTORY_UTILIZATION, _SCOPE, how="max")
    beyond = f"sum({used} > bool on () group_left () {_ALLOWED})"
    return stat(
        "Limits",
        "How many limits of what is held are exceeded, the share of its limit that the fullest one uses, what may be "
        "used at most, and the size of all positions together. Exceeded: see which in Limits used, and reduce that "
        "position on the exchange; nothing here stops a bot. No data: risk.limits is not configured.",
        Query(queries.or_unknown(beyond), "Exceeded"),
        Query(queries.or_unknown(queries.gauge(metrics.INVENTORY_UTILIZATION, how="max")), "Fullest"),
        Query(queries.or_unknown(_ALLOWED), "Allowed"),
        Query(queries.or_unknown(f"sum({_SIZE})"), "Gross"),
        look=Look(unit="percentunit", decimals=1),
        series={
            "Exceeded": FAULTS,
            "Fullest": USED,
            "Gross": Look(unit="currencyUSD", decimals=0),
        },
    )


def used() -> Panel:
    """Return a bar for each limit."""
    return bargauge(
        "Limits used",
        "What is held as a share of the configured limit: of a symbol net, on an exchange and in all gross. At 100 % "
        "reduce the position on the exchange; nothing here stops a bot.",
        Query(queries.gauge(metrics.INVENTORY_UTILIZATION, _SCOPE, how="max"), _LEGEND),
        look=USED,
    )


def _used_over_time() -> Panel:
    return timeseries(
        "Limits used over time",
        "The same over time; the dashed line is what may be used at most. One that only climbs: the bot buys what it "
        "cannot sell again. Several that climb together: the market moves one way, and all quotes are hit on one side.",
        Query(queries.gauge(metrics.INVENTORY_UTILIZATION, _SCOPE, how="max"), _LEGEND),
        Query(_ALLOWED, "allowed"),
        look=Look(unit="percentunit", decimals=1, low=0),
        draw=Draw(fill=0),
        series={"allowed": LIMIT},
    )


def _limits() -> Panel:
    return table(
        "Limits in USD",
        "What is held beside its limit, in USD. A limit that is never near use protects nothing; one that is always "
        "exceeded is not one: set both in risk.limits.",
        {
            "Used": Query(queries.gauge(metrics.INVENTORY_UTILIZATION, _SCOPE, how="max")),
            "Held": Query(queries.gauge(metrics.EXPOSURE, _SCOPE, how="max")),
            "Limit": Query(queries.gauge(metrics.POSITION_LIMIT, _SCOPE, how="min")),
        },
        look=_USD,
        series={"Used": Look(unit="percentunit", decimals=1, steps=USED.steps, tinted=True)},
    )


def _largest() -> Panel:
    sizes = f"topk({_SHOWN}, abs({queries.gauge(metrics.POSITION_NOTIONAL, _BOOK)}))"

    def of_the_largest(family: metrics.Family, how: str = "sum") -> Query:
        return Query(f"{queries.gauge(family, _BOOK, how=how)} and {sizes}")

    return table(
        "Largest positions",
        f"The {_SHOWN} largest positions by their value at the mid, each with its size in the base currency (short "
        "below zero), its entry price and what it would lose or gain if it were closed now. One that nobody meant to "
        "hold: stop its bot, then reduce it on the exchange.",
        {
            "Value": Query(sizes),
            "Position": of_the_largest(metrics.POSITION_BASE),
            "Entry": of_the_largest(metrics.POSITION_AVERAGE_PRICE, "max"),
            "Open PnL": of_the_largest(metrics.PNL_UNREALIZED),
        },
        look=Look(unit="none"),
        series={
            "Value": _USD,
            "Open PnL": Look(unit="currencyUSD", decimals=2, steps=((None, "red"), (0, "green")), tinted=True),
        },
    )


def _concentration(label: str) -> Panel:
    held = f"topk({_SHOWN}, sum by ({label}) ({_SIZE}))"
    return bargauge(
        f"Concentration by {label}",
        f"Share of the size of all positions that each {label} holds, long and short added. One near 100 %: what "
        f"happens to that {label} happens to everything; spread the quotes, or hedge it elsewhere.",
        Query(f"{held} / on () group_left () (sum({_SIZE}) > 0)", f"{{{{{label}}}}}"),
        look=Look(unit="percentunit", decimals=0, low=0, high=1, color="blue"),
    )
