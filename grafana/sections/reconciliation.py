"""Whether the books agree with the exchange, and what they cannot know."""

from __future__ import annotations

from exporter import metrics
from exporter.metrics import Family
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import FAULTS, LIMIT, Draw, Look, Panel, stat, table, timeseries
from grafana.queries import Query
from grafana.sections import money

_ACCOUNT = ("exchange", "account")
_HELD = (*_ACCOUNT, "currency")
_CONTRACT = (*_ACCOUNT, "symbol")
_LIMIT = queries.gauge(metrics.TARGET_DRIFT, how="max")  # as the alert has it


def section() -> Section:
    """Return the row on books and exchange."""
    return Section(
        "Books against exchange",
        (
            line(7, drift(), drifts()),
            line(6, (3, _compared()), (3, _waiting()), (2, attribution_error())),
        ),
    )


def now() -> Panel:
    """Return whether the books are right and complete."""
    figures = {
        "Balances off": _beyond(metrics.BALANCE_DRIFT_USD, _HELD),
        "Positions off": _beyond(metrics.POSITION_DRIFT_USD, _CONTRACT),
        "Wait for a rate": queries.gauge(metrics.CURRENCY_RATE_MISSING),
        "Without price": money.unpriced(),
    }
    return stat(
        "Books",
        "Balances and contracts whose drift is larger than the limit, fills and payments that wait for a conversion "
        "rate, and books whose price is not known now. Anything red: the risk above is that of incomplete books; see "
        "the runbook on drift and on missing rates. No data: nothing was compared with the exchange yet.",
        *(Query(queries.or_unknown(expr), name) for name, expr in figures.items()),
        look=FAULTS,
    )


def _beyond(family: Family, by: tuple[str, ...]) -> str:
    """How many drifts are larger than the limit; 0 only where some are known."""
    return f"sum({_farthest(family, by)} > bool on () group_left () {_LIMIT})"


def _farthest(family: Family, by: tuple[str, ...] = ()) -> str:
    """The distance from zero, as the alert has it: one that is above and one that is below do not make up for it."""
    labels = f" by ({', '.join(by)})" if by else ""
    return f"max{labels} (abs({queries.select(family)}))"


def drift() -> Panel:
    """Return the drift of each balance and contract over time."""
    return timeseries(
        "Drift",
        "What the exchange reports less what the books expect, in USD, by currency or contract; the dashed lines are "
        "the limit. A step is a fill, fee or transfer that the books do not know; a slope is a fee or funding that "
        "never comes as an event.",
        Query(queries.gauge(metrics.BALANCE_DRIFT_USD, _HELD, how="max"), "{{exchange}} {{account}} {{currency}}"),
        Query(queries.gauge(metrics.POSITION_DRIFT_USD, _CONTRACT, how="max"), "{{exchange}} {{account}} {{symbol}}"),
        Query(_LIMIT, "limit"),
        Query(f"0 - {_LIMIT}", "limit below"),
        look=Look(unit="currencyUSD", decimals=2),
        draw=Draw(fill=0),
        series={"limit": LIMIT, "limit below": LIMIT},
    )


def drifts() -> Panel:
    """Return every drift with the time for which it has stood."""
    return table(
        "Drift by what is held",
        "Each drift in its own currency, or in the base currency of a contract, and for how long it has stood. Without "
        "a time there is none. Search the exchange's record for what happened when it began.",
        {
            "Balance": Query(queries.gauge(metrics.BALANCE_DRIFT, _HELD, how="max")),
            "Balance for": Query(queries.age(metrics.BALANCE_DRIFT_SINCE, _HELD)),
            "Position": Query(queries.gauge(metrics.POSITION_DRIFT_BASE, _CONTRACT, how="max")),
            "Position for": Query(queries.age(metrics.POSITION_DRIFT_SINCE, _CONTRACT)),
        },
        look=Look(unit="none"),
        series={name: Look(unit="s") for name in ("Balance for", "Position for")},
    )


def attribution_error() -> Panel:
    """Return by how much the parts of PnL miss the total, in the book where they do so most."""
    return stat(
        "Attribution less total",
        "By how much the parts of PnL miss the total, in the book where they do so most, and by how much they may. It "
        "is rounding; anything larger is a fault of the exporter: report it, and trust the total.",
        Query(queries.or_unknown(_farthest(metrics.PNL_ATTRIBUTION_ERROR)), "Difference"),
        Query(queries.or_unknown(queries.gauge(metrics.TARGET_ATTRIBUTION_ERROR, how="min")), "Limit"),
        look=Look(unit="currencyUSD", decimals=6),
    )


def _compared() -> Panel:
    return timeseries(
        "Compared before",
        "Time since each account's newest report that was compared with the books. It grows and falls with every "
        "report; one that only grows: the exchange does not answer, or the key may not read balances. Until then "
        "nobody knows whether the books are right.",
        Query(queries.age(metrics.RECONCILED_TIMESTAMP, _ACCOUNT), "{{exchange}} {{account}}"),
        look=Look(unit="s", low=0),
        draw=Draw(fill=0),
    )


def _waiting() -> Panel:
    return timeseries(
        "Waiting for a rate",
        "Fills, payments and transfers that are in no figure above since the rate of their currency is not known. "
        "Above zero: add a market of that currency to rate_symbols, or a peg, in the configuration.",
        Query(queries.gauge(metrics.CURRENCY_RATE_MISSING, ("currency",)), "{{currency}}"),
        look=Look(unit="short", decimals=0, low=0),
        draw=Draw(fill=0),
    )
