"""How well we make markets: our quotes, what fills earn, and what the price does after them."""

from __future__ import annotations

from exporter import metrics
from exporter.metrics import Family
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, bargauge, table, timeseries
from grafana.queries import RANGE, RATE_INTERVAL, Query

_MARKET = ("exchange", "symbol")
_LEGEND = "{{exchange}} {{symbol}}"
_BP = Look(unit="suffix:bp", decimals=2)
_SHARE = Look(unit="percentunit", decimals=1, low=0, high=1)
_LINES = Draw(fill=0)


def quotes() -> Section:
    """Return the row on our quotes."""
    return Section("Quotes", (line(8, (3, _spreads()), (2, _uptime()), (2, _at_best()), (5, _quotes_now())),))


def fills() -> Section:
    """Return the row on what fills earn and cost."""
    return Section(
        "Quality of fills",
        (
            line(8, _curve(), _markouts()),
            line(8, _kept(), _effective(), _maker_share()),
            line(7, _slippage(), _slippages(), _missing()),
        ),
    )


def orders() -> tuple[Panel, Panel]:
    """Return the panels on orders: the share that fills, and how fast the exchange answers."""
    return _fill_ratio(), _acknowledgement()


def _mean(sums: Family, volume: Family, by: tuple[str, ...], window: str = RATE_INTERVAL, **where: str) -> str:
    """The mean over a window, weighted by volume, in basis points; a signed sum's change is what happened in it."""
    changed = queries.change(sums, by, window=window, **where)
    return f"10000 * {queries.share(changed, queries.increase(volume, by, window=window, **where))}"


def _time_share(part: Family, whole: Family, by: tuple[str, ...] = _MARKET) -> str:
    return queries.share(queries.rate(part, by), queries.rate(whole, by))


def _spreads() -> Panel:
    quoted = _time_share(metrics.QUOTE_SPREAD_SECONDS, metrics.QUOTE_TWO_SIDED_SECONDS)
    market = _time_share(metrics.MARKET_SPREAD_SECONDS, metrics.MARKET_OBSERVED_SECONDS)
    return timeseries(
        "Quoted spread, and the market's",
        "Our ask less bid as basis points of the middle, weighted by the time on both sides, beside the market's. Much "
        "wider than the market: few fills. Narrower: make sure that the realised spread below still pays for it.",
        Query(f"10000 * {quoted}", f"ours {_LEGEND}"),
        Query(f"10000 * {market}", f"market {_LEGEND}"),
        look=Look(unit="suffix:bp", decimals=2, low=0),
        draw=_LINES,
    )


def _uptime() -> Panel:
    return timeseries(
        "Quote uptime",
        "Share of the time in which we quoted both sides, of the time for which it is known what we quote. No line: "
        "the bot says nothing, or the orders' stream is down. Low: rejections, or a limit that stops one side.",
        Query(_time_share(metrics.QUOTE_TWO_SIDED_SECONDS, metrics.QUOTE_SECONDS), _LEGEND),
        look=_SHARE,
        draw=_LINES,
    )


def _at_best() -> Panel:
    at_best = queries.rate(metrics.QUOTE_AT_BEST_SECONDS, ("side",))
    return timeseries(
        "Time at the best price",
        "Share of the time in which our bid was not below the market's, and our ask not above it. One side far below "
        "the other: the quotes lean, on purpose against a position or by mistake.",
        Query(f"{at_best} / on () group_left () ({queries.rate(metrics.QUOTE_COMPARED_SECONDS)} > 0)", "{{side}}"),
        look=_SHARE,
        draw=_LINES,
        series={"buy": Look(color="green"), "sell": Look(color="red")},
    )


def _quotes_now() -> Panel:
    ours = queries.gauge(metrics.QUOTE_SPREAD_RATIO, _MARKET, how="min")
    market = queries.gauge(metrics.MARKET_SPREAD_RATIO, _MARKET, how="max")
    two_sided = queries.increase(metrics.QUOTE_TWO_SIDED_SECONDS, _MARKET)
    known = queries.increase(metrics.QUOTE_SECONDS, _MARKET)
    return table(
        "Quotes now",
        "Our narrowest spread and the market's at this moment, in basis points, and quote uptime in the chosen time "
        "range. A symbol without a spread is not quoted on both sides now: is its bot running?",
        {
            "Uptime": Query(queries.share(two_sided, known)),
            "Ours": Query(f"10000 * {ours}"),
            "Market": Query(f"10000 * {market}"),
        },
        look=_BP,
        series={"Uptime": Look(unit="percentunit", decimals=1)},
    )


def _curve() -> Panel:
    by = ("horizon",)
    ours = {"liquidity": "maker"}
    return table(
        "Markout curve",
        "What maker fills had earned so many seconds later, in basis points of their volume in the chosen time range, "
        "with realised spread and price impact, which add up to the effective spread. A markout that falls "
        "below zero with time: we trade with somebody who knows more. Widen, or lean away sooner.",
        {
            "Seconds": Query(queries.gauge(metrics.MARKOUT_HORIZON, by, how="max")),
            "Markout": Query(_mean(metrics.MARKOUT_USD, metrics.MARKOUT_VOLUME, by, RANGE, **ours)),
            "Realised": Query(_mean(metrics.REALIZED_SPREAD_USD, metrics.MARKOUT_VOLUME, by, RANGE, **ours)),
            "Impact": Query(_mean(metrics.PRICE_IMPACT_USD, metrics.MARKOUT_VOLUME, by, RANGE, **ours)),
        },
        look=_BP,
        series={
            "Seconds": Look(unit="s"),
            "Markout": Look(unit="suffix:bp", decimals=2, steps=((None, "red"), (0, "green")), tinted=True),
        },
    )


def _markouts() -> Panel:
    return timeseries(
        "Markouts in USD",
        "What all fills so far had gained against the mid so many seconds after each of them. Lines that drift apart "
        "show after how long the price turns; one that falls is money lost to better informed traders.",
        Query(queries.gauge(metrics.MARKOUT_USD, ("horizon",)), "{{horizon}} s"),
        look=Look(unit="currencyUSD", decimals=2),
        draw=_LINES,
    )


def _kept() -> Panel:
    effective = _mean(metrics.FILL_EFFECTIVE_SPREAD_USD, metrics.FILL_EFFECTIVE_VOLUME, (), liquidity="maker")
    realised = _mean(metrics.REALIZED_SPREAD_USD, metrics.MARKOUT_VOLUME, ("horizon",), liquidity="maker")
    return timeseries(
        "Effective and realised spread as maker",
        "Effective spread is earned at the fill, realised spread what is left of it so many seconds later; both in "
        "basis points, weighted by volume. What lies between them is price impact. Realised below twice the fee: the "
        "fills cost money.",
        Query(effective, "effective"),
        Query(realised, "realised {{horizon}} s"),
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


def _maker_share() -> Panel:
    by = ("exchange",)
    maker = queries.rate(metrics.FILL_VOLUME_USD, by, liquidity="maker")
    return timeseries(
        "Maker share over time",
        "Share of the volume that was filled as maker, by exchange. When it falls, quotes cross the book as they are "
        "placed: the bot's market data is older than the exchange's.",
        Query(queries.share(maker, queries.rate(metrics.FILL_VOLUME_USD, by)), "{{exchange}}"),
        look=_SHARE,
        draw=_LINES,
    )


def _slippage() -> Panel:
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


def _missing() -> Panel:
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
        Query(_time_share(metrics.ORDERS_FILLED, metrics.ORDERS), _LEGEND),
        look=Look(unit="percentunit", decimals=1, low=0),
        draw=_LINES,
    )


def _acknowledgement() -> Panel:
    family, by = metrics.ORDER_ACK, ("exchange",)
    return timeseries(
        "Order acknowledgement",
        "Time from sending an order to the exchange's answer, as the bots measured it: p50, p95 and p99. "
        "A rise on one exchange alone is theirs or the network's; on all of them it is the bot's machine.",
        *(Query(queries.quantile(q, family, by), f"{{{{exchange}}}} p{100 * q:g}") for q in (0.5, 0.95, 0.99)),
        look=Look(unit="s", low=0),
        draw=_LINES,
    )
