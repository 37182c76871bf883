"""Is the claim true, since when, and how is it measured: figures that everybody may see, and no others."""

from __future__ import annotations

from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, stat, state_timeline, text, timeseries
from grafana.queries import Query
from grafana.sections.ecosystem import STATUS

_SHARE = Look(unit="percentunit", decimals=2)
_GAIN = Look(unit="percentunit", decimals=2, steps=((None, "red"), (0, "green")))
_USD = Look(unit="currencyUSD", decimals=0)
_SECONDS = Look(unit="s", decimals=3, low=0)
_HOURS = Look(unit="s", decimals=1)
_LINE = Draw(fill=10, legend=False)
_LINES = Draw(fill=0)
_FORMULAS = "https://github.com/trading-exporter/trading-exporter/blob/main/docs/rules.md#public-figures"
_METHOD = f"""\
- **Spread improvement**: one less own spread by market spread, both within the same five minutes, over the last 24 h;
  only while both sides were quoted and the market was known. Markets count by the time for which each was quoted.
  Below zero we quoted wider than the market. There is **no confidence interval yet**: neighbouring minutes are alike,
  so that a usual one would promise too much. The time compared is the sample behind the figure.
- **Quote uptime**: time with both a bid and an ask, of the time for which it is known what was quoted.
- **PnL**: realised and unrealised, after fees, since the first trade, by the most capital of the last 30 days. No data
  where the capital of an account is not stated.
- **Volume**: of our fills on all exchanges in the last 24 h.
- **Response time**: of our own API in the last five minutes.
- **Uptime**: share of the time in which the measurement was up, a bot answered, and our API did not fail too often.
- **Exchanges**: by errors, availability and latency of our requests in the last five minutes.

A program on our side measures all of it once every few seconds. No data means that something was not measured; it is
never filled in. Figures are worked out once a minute. [Every formula]({_FORMULAS})
"""


def first_screen() -> Section:
    """Return the answers: whether the claim is true, since when, how it is measured; then the other figures."""
    return Section(
        "",
        (
            line(4, _claim(), _since(), _sample()),
            line(4, _volume(), _profit(), _response(), _uptime()),
            line(11, (2, _method()), (1, _exchanges())),
        ),
    )


def over_time() -> Section:
    """Return the row with the same figures over time."""
    return Section(
        "Over time",
        (
            line(8, _improvement_over_time(), _quote_uptime_over_time()),
            line(8, _volume_over_time(), _profit_over_time()),
            line(8, _response_over_time(), _uptime_over_time()),
        ),
    )


def _asked(rule: str, legend: str) -> Query:
    return Query(queries.or_unknown(queries.recorded_everywhere(rule)), legend)


def _curve(rule: str, legend: str) -> Query:
    return Query(queries.recorded_everywhere(rule), legend)


def _claim() -> Panel:
    return stat(
        "Spread improvement",
        "By how much narrower than the market's our spread was in the last 24 h, while both were there. Green: "
        "narrower; red: wider. The page says below how it is measured, and the curve how it came about.",
        _asked("system:public_spread_improvement:ratio1d", "Narrower by"),
        look=_GAIN,
    )


def _since() -> Panel:
    since = f"1000 * {queries.recorded_everywhere('system:public_since:timestamp_seconds')}"
    return stat(
        "Measured since",
        "From when on these figures are recorded without a break of more than a day. Of anything before this page says "
        "nothing: look at how long it is before you trust a figure.",
        Query(queries.or_unknown(since), "Date"),
        Query(queries.or_unknown(since), "Begun"),
        look=Look(unit="dateTimeAsLocal"),
        series={"Begun": Look(unit="dateTimeFromNow")},
    )


def _sample() -> Panel:
    return stat(
        "Measured over",
        "For how long our spread and the market's were compared in the last 24 h, all markets together, and the share "
        "of the time in which we quoted both sides. Little time compared: the improvement says little.",
        _asked("system:public_compared_quotes_seconds:increase1d", "Compared"),
        _asked("system:public_quote_uptime:ratio1d", "Quoted"),
        look=_HOURS,
        series={"Quoted": Look(unit="percentunit", decimals=1)},
    )


def _volume() -> Panel:
    return stat(
        "Volume",
        "Value of everything that was bought and sold on all exchanges in the last 24 h. None: nothing was traded, or "
        "nothing is known; the uptime beside it tells which.",
        _asked("system:public_volume_usd:increase1d", "24 h"),
        look=_USD,
    )


def _profit() -> Panel:
    return stat(
        "PnL by capital",
        "All that was earned or lost after fees since the first trade, as a share of the capital: the most that there "
        "was within 30 days. No data: the capital of an account is not stated.",
        _asked("system:public_pnl:ratio", "Total"),
        look=_GAIN,
    )


def _response() -> Panel:
    return stat(
        "Response time",
        "Time in which our own API answers: the average of the last five minutes, and what 95 of 100 requests do not "
        "exceed. No data: nobody asked it anything.",
        _asked("system:public_response_seconds:mean5m", "Average"),
        _asked("system:public_response_seconds:p95_5m", "95 %"),
        look=_SECONDS,
    )


def _uptime() -> Panel:
    return stat(
        "Uptime",
        "Share of the time in which the system was up, of the last day and of the last 30 days, or of what there is of "
        "them: compare with the date of the first measurement.",
        _asked("system:public_uptime:ratio1d", "24 h"),
        _asked("system:public_uptime:ratio30d", "30 days"),
        look=_SHARE,
    )


def _exchanges() -> Panel:
    return state_timeline(
        "Exchanges",
        "How each exchange answers us: by errors, availability and latency of the last five minutes. One that is not "
        "healthy makes our figures worse as well; compare the times.",
        _curve("exchange:public_status:level", "{{exchange}}"),
        look=Look(unit="none", words=STATUS),
    )


def _method() -> Panel:
    return text(
        "How it is measured",
        "What each figure says, of what time, and what it leaves out, so that you can judge it. The link at its end "
        "has every formula.",
        _METHOD,
    )


def _improvement_over_time() -> Panel:
    return timeseries(
        "Spread improvement over time",
        "The improvement of the 24 h before each moment. A curve that stays on one side of zero says more than a "
        "single good day; look at its lowest point.",
        _curve("system:public_spread_improvement:ratio1d", "Narrower by"),
        look=_GAIN,
        draw=Draw(fill=18, by_value=True, legend=False),
    )


def _quote_uptime_over_time() -> Panel:
    return timeseries(
        "Quote uptime over time",
        "Share of the time in which both sides were quoted, of the 24 h before each moment. Low: an improvement at "
        "that time rests on few quotes.",
        _curve("system:public_quote_uptime:ratio1d", "Quoted"),
        look=Look(unit="percentunit", low=0, high=1),
        draw=_LINE,
    )


def _volume_over_time() -> Panel:
    return timeseries(
        "Volume over time",
        "Value of what was traded in the 24 h before each moment. A fall to nothing: compare with the uptime at that "
        "time.",
        _curve("system:public_volume_usd:increase1d", "Volume"),
        look=Look(unit="currencyUSD", low=0),
        draw=_LINE,
    )


def _profit_over_time() -> Panel:
    return timeseries(
        "PnL by capital over time",
        "All that was earned or lost since the first trade, as a share of the capital. Look at the deepest fall, not "
        "at the end alone.",
        _curve("system:public_pnl:ratio", "PnL"),
        look=_GAIN,
        draw=Draw(fill=18, by_value=True, legend=False),
    )


def _response_over_time() -> Panel:
    return timeseries(
        "Response time over time",
        "Time in which our own API answered: on average, and what 95 of 100 requests did not exceed. A peak: see "
        "whether an exchange was slow at that time.",
        _curve("system:public_response_seconds:mean5m", "average"),
        _curve("system:public_response_seconds:p95_5m", "95 %"),
        look=Look(unit="s", low=0),
        draw=_LINES,
    )


def _uptime_over_time() -> Panel:
    return timeseries(
        "Uptime over time",
        "Share of the time in which the system was up, of the day and of the 30 days before each moment. A dent of a "
        "day's length is one outage.",
        _curve("system:public_uptime:ratio1d", "24 h"),
        _curve("system:public_uptime:ratio30d", "30 days"),
        look=Look(unit="percentunit", decimals=2, high=1),
        draw=_LINES,
    )
