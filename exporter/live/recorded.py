"""Recorded series, as Prometheus has them now; docs/rules.md says what each of them means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import msgspec
from aiohttp import ClientSession

from exporter.live.upstream import UpstreamError, body

SYSTEM = (
    "system:acquisition_cost_usd:level",
    "system:active_users:change28d",
    "system:efficiency:score",
    "system:excellent:bool",
    "system:exchange_redundancy:bool",
    "system:exchanges:count",
    "system:exchanges_healthy:bool",
    "system:exchanges_healthy:count",
    "system:fill_volume_usd:increase1d",
    "system:health:score",
    "system:health:state",
    "system:improvement:factor",
    "system:incident_resolution_seconds:mean1d",
    "system:leader:bool",
    "system:lifetime_value_usd:level",
    "system:public_uptime:ratio1d",
    "system:request_cost_usd:per_day",
    "system:request_errors:change30m",
    "system:request_errors:change60m",
    "system:requests:change30m",
    "system:requests:change60m",
    "system:requests:per_day",
    "system:response_seconds:change30m",
    "system:response_seconds:change60m",
    "system:revenue_usd:increase30d",
    "system:revenue_usd:per_user",
    "system:time_saved_seconds:per_day",
    "system:time_saved_seconds:per_request",
    "system:trend:level30m",
    "system:trend:level60m",
    "system:uptime_seconds:min",
    "system:value_saved_usd:per_day",
    "system:value_saved_usd:per_year",
)
"""Those of everything together, one value each."""

LEVELS = {
    "alertname_severity:alerts:rank": ("alertname", "severity", "exchange"),
    "benchmark:ahead:bool": ("benchmark",),
    "benchmark:response_advantage:factor": ("benchmark",),
    "exchange:availability:ratio_rate5m": ("exchange",),
    "exchange:request_duration_seconds:mean5m": ("exchange",),
    "exchange:request_errors:ratio_rate5m": ("exchange",),
    "exchange:status:level": ("exchange",),
    "resource:exhaustion:timestamp_seconds": ("resource",),
    "resource:headroom:ratio": ("resource",),
    "resource:health_value:rate1m": ("resource",),
    "resource:scaling:urgency": ("resource",),
    "resource:utilization:per_day": ("resource",),
    "resource:utilization:ratio": ("resource",),
    "resource_severity:health_issue:bool": ("resource", "severity"),
}
"""Those of several things, with the labels that tell them apart."""

_QUERY = '{__name__=~"' + "|".join((*SYSTEM, *LEVELS)) + '"}'


class _Series(msgspec.Struct, frozen=True):
    metric: dict[str, str]
    value: tuple[float, str]


class _Vector(msgspec.Struct, frozen=True, rename="camel"):
    result_type: Literal["vector"]
    result: list[_Series]


class _Answer(msgspec.Struct, frozen=True):
    status: str
    data: _Vector | None = None
    error: str = ""


_decode = msgspec.json.Decoder(_Answer).decode


class Recorded:
    """Values by series. One that has no value now is not there: nobody tells what it is made of."""

    def __init__(self, values: Mapping[str, Mapping[tuple[str, ...], float]]) -> None:
        self._values = values

    def one(self, name: str) -> float | None:
        """The value of one of `SYSTEM`."""
        return next(iter(self._values.get(name, {}).values()), None)

    def by(self, name: str) -> Mapping[tuple[str, ...], float]:
        """The values of one of `LEVELS`, by its labels."""
        return self._values.get(name, {})

    def by_name(self, name: str) -> dict[str, float]:
        """The same where there is one label."""
        return {key[0]: value for key, value in self.by(name).items()}


async def ask(session: ClientSession) -> Recorded:
    """Ask Prometheus for all of them at once."""
    async with session.post("api/v1/query", data={"query": _QUERY}, allow_redirects=False) as response:
        answer = _decode(await body(response))
    if answer.data is None:
        raise UpstreamError(f"refused a query: {answer.error}")
    values: dict[str, dict[tuple[str, ...], float]] = {}
    for series in answer.data.result:
        name, value = series.metric.get("__name__", ""), float(series.value[1])
        key = tuple(series.metric.get(label, "") for label in LEVELS.get(name, ()))
        if math.isfinite(value):
            values.setdefault(name, {}).setdefault(key, value)
    return Recorded(values)
