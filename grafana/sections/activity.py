"""What our bots do: fills, volume, fees, orders."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, bargauge, piechart, stat, timeseries
from grafana.queries import Query
from grafana.sections import quality

_STACKED = Draw(bars=True, stacked=True)
_LIQUIDITY = {
    "maker": Look(color="blue"),
    "taker": Look(color="orange"),
    "unknown": Look(color="text"),
}
_SIDES = {"buy": Look(color="green"), "sell": Look(color="red")}
_PER_MINUTE = Look(unit="suffix:/min")


def summary() -> Panel:
    """Return three figures: orders that rest now, fills and volume in the time range."""
    return stat(
        "Activity",
        "Orders resting now, and fills and volume in the chosen time range. No open orders: is the bot running? "
        "Orders but no fills: compare the quotes with the market spread below.",
        Query(queries.or_unknown(queries.gauge(metrics.ORDERS_OPEN)), "Open orders"),
        Query(queries.or_unknown(queries.increase(metrics.FILLS)), "Fills"),
        Query(queries.or_unknown(queries.increase(metrics.FILL_VOLUME_USD)), "Volume"),
        look=Look(unit="short", decimals=0),
        series={"Volume": Look(unit="currencyUSD")},
    )


def fills() -> Section:
    """Return the row on fills and volume."""
    return Section(
        "Fills and volume",
        (
            line(8, (9, _fills()), (9, _volume()), (6, _split())),
            line(8, volume_by("exchange"), volume_by("symbol"), _maker_share()),
            line(7, _cost(), irregular()),
        ),
    )


def orders() -> Section:
    """Return the row on orders."""
    return Section(
        "Orders",
        (
            line(7, _orders_open(), _orders_sent(), _orders_ended()),
            line(7, rejections(), *quality.orders()),
        ),
    )


def _volume() -> Panel:
    return timeseries(
        "Volume by liquidity",
        "USD filled a minute, by who provided the liquidity. A maker that takes pays the higher fee: look for "
        "orders that cross the book when they are placed.",
        Query(queries.per_minute(metrics.FILL_VOLUME_USD, ("liquidity",)), "{{liquidity}}"),
        look=Look(unit="currencyUSD"),
        draw=_STACKED,
        series=_LIQUIDITY,
    )


def volume_by(label: str) -> Panel:
    """Return volume a minute by a label."""
    return timeseries(
        f"Volume by {label}",
        f"USD filled a minute, by {label}. Volume that moves from one {label} to another moves the risk with it: "
        "compare with what is held.",
        Query(queries.per_minute(metrics.FILL_VOLUME_USD, (label,)), f"{{{{{label}}}}}"),
        look=Look(unit="currencyUSD"),
        draw=_STACKED,
    )


def _fills() -> Panel:
    return timeseries(
        "Fills by side",
        "Fills a minute, bought and sold. A lasting difference builds a position: the market moves one way, or "
        "one of the quotes is too good.",
        Query(queries.per_minute(metrics.FILLS, ("side",)), "{{side}}"),
        look=_PER_MINUTE,
        draw=_STACKED,
        series=_SIDES,
    )


def _split() -> Panel:
    return piechart(
        "Maker and taker",
        "Volume in the chosen time range by who provided the liquidity. Less as maker than the strategy is meant to "
        "do: look at maker share over time for when it began.",
        Query(queries.increase(metrics.FILL_VOLUME_USD, ("liquidity",)), "{{liquidity}}"),
        look=Look(unit="currencyUSD", decimals=0),
        series=_LIQUIDITY,
    )


def _maker_share() -> Panel:
    by = ("exchange",)
    maker = queries.rate(metrics.FILL_VOLUME_USD, by, liquidity="maker")
    return timeseries(
        "Maker share over time",
        "Share of the volume that was filled as maker, by exchange. When it falls, quotes cross the book as they are "
        "placed: the bot's market data is older than the exchange's.",
        Query(queries.share(maker, queries.rate(metrics.FILL_VOLUME_USD, by)), "{{exchange}}"),
        look=Look(unit="percentunit", decimals=1, low=0, high=1),
        draw=Draw(fill=0),
    )


def _cost() -> Panel:
    by = ("exchange",)
    paid = f"({queries.increase(metrics.FEES, by)} - {queries.increase(metrics.REBATES, by)})"
    return bargauge(
        "Fees paid on volume",
        "Fees less rebates as basis points of the volume in the time range; below zero the exchange pays us. "
        "Above half the market spread no quote at the touch can earn: look at the maker share and the fee tier.",
        Query(
            f"10000 * {queries.share(paid, queries.increase(metrics.FILL_VOLUME_USD, by))}",
            "{{exchange}}",
        ),
        look=Look(unit="suffix:bp", decimals=2, color="orange"),
    )


def irregular() -> Panel:
    """Return how many fills did not come once and in order."""
    kinds = {
        "conflicting": metrics.CONFLICTING_FILLS,
        "backfilled": metrics.EXCHANGE_BACKFILLED_FILLS,
        "late": metrics.LATE_FILLS,
        "repeated": metrics.DUPLICATE_FILLS,
        "at a near price": metrics.APPROXIMATE_FILLS,
    }
    return bargauge(
        "Irregular fills",
        "Fills in the time range that did not come once and in order. Repeated, late and backfilled ones are "
        "accounted for correctly; many mean a poor stream. Conflicting ones are refused: compare the trade "
        "with the exchange's page. Those at a near price were converted at the nearest rate known.",
        *(Query(queries.increase(family), name) for name, family in kinds.items()),
        look=Look(unit="short", decimals=0, low=0, color="blue"),
        series={"conflicting": Look(color="red")},
    )


def _orders_open() -> Panel:
    return timeseries(
        "Open orders",
        "Orders resting on the exchanges, by side. A maker quotes both: a side at zero is a missing quote, a "
        "number that only grows means that cancels do not arrive.",
        Query(queries.gauge(metrics.ORDERS_OPEN, ("side",)), "{{side}}"),
        look=Look(unit="short", decimals=0, low=0),
        draw=Draw(fill=0),
        series=_SIDES,
    )


def _orders_sent() -> Panel:
    return timeseries(
        "Orders placed",
        "Orders that reached an exchange, a minute, by exchange. A sudden stop: is the exchange up, does the "
        "bot run? A sudden rise eats the request limit: see rate limit used.",
        Query(queries.per_minute(metrics.ORDERS, ("exchange",)), "{{exchange}}"),
        look=_PER_MINUTE,
    )


def _orders_ended() -> Panel:
    return timeseries(
        "Cancels",
        "Orders canceled or expired, a minute, by exchange. Follows orders placed when quotes are refreshed; "
        "well below it, orders stay behind: see open orders.",
        Query(queries.per_minute(metrics.ORDER_CANCELS, ("exchange",)), "{{exchange}}"),
        look=_PER_MINUTE,
    )


def rejections() -> Panel:
    """Return what exchanges refused, by reason."""
    return timeseries(
        "Rejections by reason",
        "Orders that an exchange refused, a minute. Balance: fund the account or quote less; price or size: "
        "check the symbol's filters; rate limit: slow the bot down.",
        Query(queries.per_minute(metrics.ORDER_REJECTIONS, ("reason",)), "{{reason}}"),
        look=_PER_MINUTE,
        draw=_STACKED,
    )
