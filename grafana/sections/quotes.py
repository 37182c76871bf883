"""Our quotes: how much better than the market's, better than before, how long they stand, and how often best."""

from __future__ import annotations

from dataclasses import replace

from exporter import metrics
from exporter.metrics import Family
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, stat, table, timeseries
from grafana.queries import RANGE, Query

_MARKET = ("exchange", "symbol")
_LEGEND = "{{exchange}} {{symbol}}"
_BP = Look(unit="suffix:bp", decimals=2)
_SHARE = Look(unit="percentunit", decimals=1, low=0, high=1)
_PLAIN = Look(unit="percentunit", decimals=1)
_BETTER = Look(unit="percentunit", decimals=1, steps=((None, "red"), (0, "green")))
_TINTED = replace(_BETTER, tinted=True)
_LINES = Draw(fill=0)
_OWN = queries.recorded("exchange_symbol:quote_spread:ratio_rate5m")
_MARKETS = queries.recorded("exchange_symbol:market_spread:ratio_rate5m")
_TARGET = queries.gauge(metrics.TARGET_SPREAD_IMPROVEMENT, how="max")


def summary() -> Panel:
    """Return how good our quotes are, in the time range."""
    mean = queries.or_unknown(f"avg({_over_market()})")
    best = queries.increase(metrics.QUOTE_AT_BEST_SECONDS)
    compared = queries.increase(metrics.QUOTE_COMPARED_SECONDS)
    return stat(
        "Quotes against the market",
        "By how much our spread is narrower than the market's, the mean of the markets that we quote, with its "
        "target; below 0 it is wider. Then the share of time in which we quoted both sides, and in which a side was "
        "at the best price. Low uptime: see the bots, then rejections.",
        Query(mean, "Narrower by"),
        Query(queries.or_unknown(_TARGET), "Target"),
        Query(queries.or_unknown(_uptime_in_range()), "Uptime"),
        Query(queries.or_unknown(queries.share(best, f"(2 * {compared})")), "At best"),
        look=_PLAIN,
        series={"Narrower by": _BETTER},
    )


def section() -> Section:
    """Return the row on our quotes."""
    return Section(
        "Spreads and quotes",
        (
            line(8, _spreads(), _improvement(), _improvement_over_before()),
            line(8, (4, _quotes_now()), (2, uptime("exchange")), (2, _at_best())),
        ),
    )


def uptime(label: str) -> Panel:
    """Return quote uptime by a label."""
    return timeseries(
        f"Quote uptime by {label}",
        "Share of the time in which we quoted both sides, of the time for which it is known what we quote. No line: "
        "the bot says nothing, or the orders' stream is down. Low: rejections, or a limit that stops one side.",
        Query(_time_share(metrics.QUOTE_TWO_SIDED_SECONDS, metrics.QUOTE_SECONDS, (label,)), f"{{{{{label}}}}}"),
        look=_SHARE,
        draw=_LINES,
    )


def _over_market() -> str:
    """By how much our spread was narrower than the market's in the range, as the alert works it out."""
    return f"1 - avg_over_time({_OWN}[{RANGE}]) / (avg_over_time({_MARKETS}[{RANGE}]) > 0)"


def _over_before() -> str:
    before = f"avg_over_time({_OWN}[{RANGE}] offset {RANGE})"
    return f"1 - avg_over_time({_OWN}[{RANGE}]) / ({before} > 0)"


def _uptime_in_range(by: tuple[str, ...] = ()) -> str:
    two_sided = queries.increase(metrics.QUOTE_TWO_SIDED_SECONDS, by)
    return queries.share(two_sided, queries.increase(metrics.QUOTE_SECONDS, by))


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


def _improvement() -> Panel:
    return timeseries(
        "Spread improvement on the market",
        "By how much our spread is narrower than the market's over an hour, all accounts and strategies together; the "
        "alert fires below the dashed line, which is the target. Below it: see whether both sides are quoted, then how "
        "far the quotes lean against the position.",
        Query(queries.recorded("exchange_symbol:spread_improvement:ratio1h"), _LEGEND),
        Query(_TARGET, "target"),
        look=_PLAIN,
        draw=_LINES,
        series={"target": LIMIT},
    )


def _improvement_over_before() -> Panel:
    return timeseries(
        "Spread improvement on the time before",
        "Our spread against its own baseline, which is our spread one time range earlier; above 0 it is narrower than "
        "it was. Compare with the market's in the first chart: if that moved as much, it was not our doing. No line: "
        "nothing was quoted then.",
        Query(f"1 - {_OWN} / ({_OWN} offset {RANGE} > 0)", _LEGEND),
        look=_PLAIN,
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
    traded = queries.gauge(metrics.POSITION_BASE, _MARKET, how="group")
    return table(
        "Quotes by market",
        "Quote uptime in the time range, our narrowest spread and the market's at this moment, and by how much ours "
        "was narrower in the range than the market's and than in the range before. A symbol without a spread is not "
        "quoted on both sides now: is its bot running?",
        {
            "Uptime": Query(_uptime_in_range(_MARKET)),
            "Ours": Query(f"10000 * {ours}"),
            "Market": Query(f"10000 * {market} and {traded}"),
            "On market": Query(_over_market()),
            "On before": Query(_over_before()),
        },
        look=_BP,
        series={"Uptime": _PLAIN, "On market": _TINTED, "On before": _TINTED},
    )
