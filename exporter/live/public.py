"""What strangers may see: a few recorded series of everything together, and nothing else.

They are asked for by a query of their own, and nothing here knows of anything else that the exporter knows: neither
accounts, strategies, symbols, balances, nor how Prometheus is called or what it suffers from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec
from aiohttp import ClientSession

from exporter.live.answer import moment
from exporter.live.exchanges import STATUSES, Status
from exporter.live.upstream import UpstreamError, body

_DAY = 86_400
_RANGES = ((_DAY, 600), (7 * _DAY, 3600), (30 * _DAY, 14_400))  # seconds of the history, and between its points
_UNKNOWN = "this cannot be told at the moment"
_UNTOLD = "nothing is recorded of this, or not of all of it"


class Figure(NamedTuple):
    """The series that a figure comes from, and the factor that brings it into its unit."""

    series: str
    factor: float


FIGURES = {
    "volume_usd": Figure("system:public_volume_usd:increase1d", 1),
    "pnl_percent": Figure("system:public_pnl:ratio", 100),
    "spread_improvement_percent": Figure("system:public_spread_improvement:ratio1d", 100),
    "compared_hours": Figure("system:public_compared_quotes_seconds:increase1d", 1 / 3600),
    "quote_uptime_percent": Figure("system:public_quote_uptime:ratio1d", 100),
    "response_time_ms": Figure("system:public_response_seconds:mean5m", 1000),
    "p95_response_time_ms": Figure("system:public_response_seconds:p95_5m", 1000),
    "uptime_1d_percent": Figure("system:public_uptime:ratio1d", 100),
    "uptime_30d_percent": Figure("system:public_uptime:ratio30d", 100),
}
DRAWN = ("pnl_percent", "spread_improvement_percent", "quote_uptime_percent", "response_time_ms")
SINCE = "system:public_since:timestamp_seconds"
STATUS = "exchange:public_status:level"
SERIES = (*(figure.series for figure in FIGURES.values()), SINCE, STATUS)
"""All that is ever asked for; the same as in ``grafana/public.py``."""

_Values = list[float | None]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Figures over time, as far as they are drawn: of a day, a week or 30 days, as long as they are known."""

    times: Annotated[list[int], msgspec.Meta(description="Unix seconds, evenly spaced.")]
    pnl_percent: _Values
    spread_improvement_percent: _Values
    quote_uptime_percent: _Values
    response_time_ms: _Values


class Public(msgspec.Struct, frozen=True, kw_only=True):
    """All that strangers may see. What is not known is null, and missing says why in general words."""

    volume_usd: Annotated[float | None, msgspec.Meta(description="Traded within 24 hours.")]
    pnl_percent: Annotated[float | None, msgspec.Meta(description="Total PnL, of the most capital within 30 days.")]
    spread_improvement_percent: Annotated[
        float | None, msgspec.Meta(description="By how much own spreads were narrower than the market's, in 24 hours.")
    ]
    compared_hours: Annotated[float | None, msgspec.Meta(description="Hours of quotes that this rests on, added up.")]
    quote_uptime_percent: Annotated[float | None, msgspec.Meta(description="Both sides quoted, of 24 hours.")]
    response_time_ms: Annotated[float | None, msgspec.Meta(description="Mean of five minutes.")]
    p95_response_time_ms: Annotated[float | None, msgspec.Meta(description="95 % of five minutes took no longer.")]
    uptime_1d_percent: float | None
    uptime_30d_percent: float | None
    since: Annotated[datetime | None, msgspec.Meta(description="Since when all this is recorded, UTC.")]
    exchanges: Annotated[dict[str, Status], msgspec.Meta(description="How each exchange is.")]
    missing: dict[str, str]
    timestamp: Annotated[
        datetime | None, msgspec.Meta(description="When this was so, UTC; null while nothing is known.")
    ]
    history: History


class _Series(msgspec.Struct, frozen=True):
    metric: dict[str, str]
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


class _Result(msgspec.Struct, frozen=True):
    result: list[_Series]


class _Answer(msgspec.Struct, frozen=True):
    data: _Result | None = None
    error: str = ""


_decode = msgspec.json.Decoder(_Answer).decode
NO_HISTORY = History(times=[], **{name: [] for name in DRAWN})


class Asking:
    """Asks Prometheus; the history only once there is another point of it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._span = 0, 0, 0
        self._history = NO_HISTORY

    async def ask(self, session: ClientSession) -> Public:
        """All of it, as it is now."""
        now = self._clock()
        found = await _ask(session, "query", SERIES, {})
        since = next((float(each.value[1]) for each in found if _name(each) == SINCE and each.value), now)
        span = _span(now, since)
        if span != self._span:
            self._history = await self._over_time(session, span)
            self._span = span
        return public(found, self._history, now)

    async def _over_time(self, session: ClientSession, span: tuple[int, int, int]) -> History:
        names = {FIGURES[name].series: name for name in DRAWN}
        start, end, step = span
        asked = {"start": str(start), "end": str(end), "step": str(step)}
        found = {_name(each): each.values for each in await _ask(session, "query_range", tuple(names), asked)}
        times = range(start, end + 1, step)
        values = {name: _column(found.get(series, ()), times, FIGURES[name]) for series, name in names.items()}
        return History(times=list(times), **values)


def public(found: Iterable[_Series], history: History, now: float | None) -> Public:
    """What was found, in the shape in which it leaves; without a time nothing was."""
    series = list(found)
    single = {_name(each): _number(each.value[1]) for each in series if each.value}
    values = {name: _scaled(single.get(figure.series), figure) for name, figure in FIGURES.items()}
    since = single.get(SINCE)
    why = _UNKNOWN if now is None else _UNTOLD
    lacking = [name for name, value in {**values, "since": since}.items() if value is None]
    return Public(
        **values,
        since=None if since is None else moment(since),
        exchanges=_statuses(series),
        missing=dict.fromkeys(lacking, why),
        timestamp=None if now is None else moment(now),
        history=history,
    )


async def _ask(session: ClientSession, kind: str, series: Iterable[str], more: Mapping[str, str]) -> list[_Series]:
    query = '{__name__=~"' + "|".join(series) + '"}'
    async with session.post(f"api/v1/{kind}", data={"query": query, **more}, allow_redirects=False) as response:
        answer = _decode(await body(response))
    if answer.data is None:
        raise UpstreamError(f"refused a query: {answer.error}")
    return answer.data.result


def _span(now: float, since: float) -> tuple[int, int, int]:
    """Beginning, end and step of the history: the shortest range that has all, or else the longest."""
    seconds, step = next((each for each in _RANGES if each[0] >= now - since), _RANGES[-1])
    end = int(now) // step * step
    return end - seconds, end, step


def _column(values: Iterable[tuple[float, str]], times: Iterable[int], figure: Figure) -> _Values:
    known = {round(ts): _number(text) for ts, text in values}
    return [_scaled(known.get(ts), figure) for ts in times]


def _statuses(series: Iterable[_Series]) -> dict[str, Status]:
    found = {}
    for each in series:
        level = _number(each.value[1]) if each.value and _name(each) == STATUS else None
        if level is not None:
            found[each.metric.get("exchange", "")] = STATUSES[min(max(int(level), 0), len(STATUSES) - 1)]
    return dict(sorted(found.items()))


def _name(series: _Series) -> str:
    return series.metric.get("__name__", "")


def _number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _scaled(value: float | None, figure: Figure) -> float | None:
    return None if value is None else round(value * figure.factor, 4)


NOTHING = public((), NO_HISTORY, None)
"""While Prometheus does not answer."""
