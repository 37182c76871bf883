"""What the market does: spread, mid, age of the data, conversion rates."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, table, timeseries
from grafana.queries import Query

_BY = ("exchange", "symbol")
_LEGEND = "{{exchange}} {{symbol}}"
STALE_AFTER = queries.gauge(metrics.TARGET_MARKET_DATA_AGE, how="max")


def too_old() -> str:
    """Return 1 for each market whose data is older than the configured limit, 0 for the others."""
    return f"{queries.age(metrics.MARKET_DATA_TIMESTAMP, _BY)} > bool on () group_left () {STALE_AFTER}"


def stale() -> str:
    """Return how many markets that is."""
    return f"sum({too_old()})"


def section() -> Section:
    """Return the row on the market."""
    return Section(
        "Market",
        (
            line(8, _spread(), _mid()),
            line(7, (5, age()), (4, _markets()), (3, _rates())),
        ),
    )


def _spread() -> Panel:
    return timeseries(
        "Market spread",
        "Best ask less best bid as basis points of the mid, the mean of five minutes by time. Wider markets pay a "
        "maker more and move more: widen the quotes with it. Narrower than twice the fee leaves nothing to earn.",
        Query(f"10000 * {queries.recorded('exchange_symbol:market_spread:ratio_rate5m')}", _LEGEND),
        look=Look(unit="suffix:bp", decimals=2, low=0),
        draw=Draw(fill=0),
    )


def _mid() -> Panel:
    mid = queries.gauge(metrics.MARKET_MID_PRICE, _BY, how="max")
    mean = f"max by (exchange, symbol) (avg_over_time({queries.select(metrics.MARKET_MID_PRICE)}[$__range] @ end()))"
    return timeseries(
        "Mid price, against its mean",
        "Mid price as a distance from its own mean over the chosen time range, so that symbols share one scale. "
        "One exchange apart from the others: stale data there, or an opportunity.",
        Query(f"{mid} / {mean} - 1", _LEGEND),
        look=Look(unit="percentunit", decimals=2),
        draw=Draw(fill=0),
    )


def age() -> Panel:
    """Return the age of market data by exchange."""
    return timeseries(
        "Market data age",
        "Seconds since the newest market data, the oldest symbol of each exchange; the dashed line is the limit "
        "in the configuration. Above it quotes rest on old prices: pull them and see the streams below.",
        Query(f"max by (exchange) ({queries.recorded('exchange_symbol:market_data_age_seconds:max')})", "{{exchange}}"),
        Query(STALE_AFTER, "limit"),
        look=Look(unit="s", low=0),
        series={"limit": LIMIT},
    )


def _markets() -> Panel:
    spread = queries.gauge(metrics.MARKET_SPREAD_RATIO, _BY, how="max")
    return table(
        "Markets now",
        "Mid and spread (basis points) of every market at this moment. A market that is missing has no data on "
        "one of its sides: see market data age.",
        {
            "Mid": Query(queries.gauge(metrics.MARKET_MID_PRICE, _BY, how="max")),
            "Spread": Query(f"10000 * {spread}"),
        },
        look=Look(unit="none"),
        series={"Spread": Look(unit="suffix:bp", decimals=2)},
    )


def _rates() -> Panel:
    return table(
        "Conversion rates",
        "USD for a unit of each currency, and how many fills wait for a rate. Where fills wait, PnL leaves them "
        "out: add a market of that currency to rate_symbols, or a peg, in the configuration.",
        {
            "USD": Query(queries.gauge(metrics.CURRENCY_RATE, ("currency",), how="max")),
            "Waiting": Query(queries.gauge(metrics.CURRENCY_RATE_MISSING, ("currency",))),
        },
        look=Look(unit="none"),
        series={"Waiting": Look(decimals=0, steps=((None, "green"), (1, "red")), tinted=True)},
    )
