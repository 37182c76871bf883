"""What fills earn and cost: markouts, what is kept of the spread, slippage; and how orders fare."""

from __future__ import annotations

from exporter import metrics
from exporter.metrics import Family
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, barchart, bargauge, coarse, timeseries
from grafana.queries import RANGE, RATE_INTERVAL, Query

_MARKET = ("exchange", "symbol")
_LEGEND = "{{exchange}} {{symbol}}"
_BP = Look(unit="suffix:bp", decimals=2)
_LINES = Draw(fill=0)


def fills() -> Section:
    """Return the row on what fills earn and cost, from the fill itself to long after it."""
    return Section(
        "Quality of fills",
        (
            line(9, _curve(), coarse(_markouts())),
            line(8, *map(coarse, (_kept(), _impact(), _effective()))),
            line(7, _markouts_in_usd(), slippage(), coarse(_slippages()), missing()),
        ),
    )


def orders() -> tuple[Panel, Panel]:
    """Return the panels on orders: the share that fills, and how fast the exchange answers."""
    return coarse(_fill_ratio()), coarse(_acknowledgement())


def _mean(sums: Family, volume: Family, by: tuple[str, ...], window: str = RATE_INTERVAL, **where: str) -> str:
    """The mean over a window, weighted by volume, in basis points; a signed sum's change is what happened in it."""
    changed = queries.change(sums, by, window=window, **where)
    return f"10000 * {queries.share(changed, queries.increase(volume, by, window=window, **where))}"


def _as_maker(sums: Family, window: str = RATE_INTERVAL) -> str:
    """The same of our fills as maker, by horizon."""
    return _mean(sums, metrics.MARKOUT_VOLUME, ("horizon",), window, liquidity="maker")


def _curve() -> Panel:
    return barchart(
        "Markout curve, by seconds after the fill",
        "What maker fills had earned so many seconds later, in basis points of their volume in the chosen time range, "
        "with realised spread and price impact, which count both sides and add up to the effective spread. A markout "
        "that falls below zero with time: we trade with somebody who knows more. Widen, or lean away sooner.",
        {
            "horizon": Query(queries.gauge(metrics.MARKOUT_HORIZON, ("horizon",), how="max")),
            "Markout": Query(_as_maker(metrics.MARKOUT_USD, RANGE)),
            "Realised spread": Query(_as_maker(metrics.REALIZED_SPREAD_USD, RANGE)),
            "Price impact": Query(_as_maker(metrics.PRICE_IMPACT_USD, RANGE)),
        },
        look=_BP,
        series={
            "Markout": Look(color="green"),
            "Realised spread": Look(color="blue"),
            "Price impact": Look(color="orange"),
        },
    )


def _markouts() -> Panel:
    return timeseries(
        "Markouts over time",
        "What maker fills had earned so many seconds later, in basis points, weighted by volume. All lines falling "
        "together: the spread at the fill got thinner. Only the long ones: the price now runs on after our fills.",
        Query(_as_maker(metrics.MARKOUT_USD), "{{horizon}} s"),
        look=_BP,
        draw=_LINES,
    )


def _markouts_in_usd() -> Panel:
    return timeseries(
        "Markouts in USD",
        "What all fills so far had gained against the mid so many seconds after each of them. Lines that drift apart "
        "show after how long the price turns; one that falls is money lost to better informed traders.",
        Query(queries.gauge(metrics.MARKOUT_USD, ("horizon",)), "{{horizon}} s"),
        look=Look(unit="currencyUSD", decimals=2),
        draw=_LINES,
    )


def _impact() -> Panel:
    return timeseries(
        "Price impact against us as maker",
        "Twice the move of the mid in the direction of whoever took our quote, so many seconds later, in basis points, "
        "weighted by volume: what of the effective spread is lost again. Higher on one symbol: quote it wider.",
        Query(
            _mean(metrics.PRICE_IMPACT_USD, metrics.MARKOUT_VOLUME, ("horizon",), liquidity="maker"), "{{horizon}} s"
        ),
        look=_BP,
        draw=_LINES,
    )


def _kept() -> Panel:
    effective = _mean(metrics.FILL_EFFECTIVE_SPREAD_USD, metrics.FILL_EFFECTIVE_VOLUME, (), liquidity="maker")
    return timeseries(
        "Effective and realised spread as maker",
        "Effective spread is earned at the fill, realised spread what is left of it so many seconds later; both in "
        "basis points, weighted by volume. What lies between them is price impact. Realised below twice the fee: the "
        "fills cost money.",
        Query(effective, "effective"),
        Query(_as_maker(metrics.REALIZED_SPREAD_USD), "realised {{horizon}} s"),
        look=_BP,
        draw=_LINES,
        series={"effective": Look(color="text")},
    )


def _effective() -> Panel:
    family, by = metrics.FILL_EFFECTIVE_SPREAD, ("liquidity",)
    return timeseries(
        "Effective spread of fills",
        "Median and 95th percentile over fills, whatever their size. As maker more is better; as taker it is the price "
        "of being quick: a high 95th percentile means orders that walk through the book.",
        Query(f"10000 * {queries.quantile(0.5, family, by)}", "{{liquidity}} p50"),
        Query(f"10000 * {queries.quantile(0.95, family, by)}", "{{liquidity}} p95"),
        look=_BP,
        draw=_LINES,
    )


def slippage() -> Panel:
    """Return the mean slippage by strategy."""
    return timeseries(
        "Slippage against the decision",
        "How much worse than the price that the bot decided on its fills were, in basis points, weighted by volume; "
        "below zero they were better. Needs decision_price on fills or orders. Rises with latency: see the exchanges.",
        Query(_mean(metrics.FILL_SLIPPAGE_USD, metrics.FILL_SLIPPAGE_VOLUME, ("strategy",)), "{{strategy}}"),
        look=_BP,
        draw=_LINES,
    )


def _slippages() -> Panel:
    family, by = metrics.FILL_SLIPPAGE, ("strategy",)
    return timeseries(
        "Slippage of fills",
        "Median and 95th percentile of slippage over fills. A median near zero with a high 95th percentile: a few "
        "fills in a moving market cost it all; trade smaller there, or not at all.",
        Query(f"10000 * {queries.quantile(0.5, family, by)}", "{{strategy}} p50"),
        Query(f"10000 * {queries.quantile(0.95, family, by)}", "{{strategy}} p95"),
        look=_BP,
        draw=_LINES,
    )


def missing() -> Panel:
    """Return how many fills have no markout."""
    return bargauge(
        "Fills without a markout",
        "Fills in the time range for which the mid was not known, at the fill or so many seconds later; they are in no "
        "figure of this row. Many: watch the symbol's market data, see its age above.",
        Query(queries.increase(metrics.MARKOUT_MISSING, ("horizon",)), "after {{horizon}} s"),
        look=Look(unit="short", decimals=0, low=0, color="orange"),
    )


def _fill_ratio() -> Panel:
    return timeseries(
        "Fill ratio",
        "Orders with at least one fill as a share of orders placed. It falls when quotes are refreshed more often or "
        "stand farther away; near zero the bot spends its request limit for nothing.",
        Query(
            queries.share(queries.rate(metrics.ORDERS_FILLED, _MARKET), queries.rate(metrics.ORDERS, _MARKET)), _LEGEND
        ),
        look=Look(unit="percentunit", decimals=1, low=0),
        draw=_LINES,
    )


def _acknowledgement() -> Panel:
    family, by = metrics.ORDER_ACK, ("exchange",)
    return timeseries(
        "Order acknowledgement",
        "Time from sending an order to the exchange's answer, as the bots measured it: p50 and p99. "
        "A rise on one exchange alone is theirs or the network's; on all of them it is the bot's machine.",
        *(Query(queries.quantile(q, family, by), f"{{{{exchange}}}} p{100 * q:g}") for q in (0.5, 0.99)),
        look=Look(unit="s", low=0),
        draw=_LINES,
    )
