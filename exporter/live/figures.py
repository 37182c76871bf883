"""The shape of `/api/performance-metrics`: what its fields are, in which unit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

Missing = Annotated[
    dict[str, str],
    msgspec.Meta(description="Why a figure is null, by its place in this answer, with dots between."),
]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
Moment = Annotated[datetime, msgspec.Meta(tz=True, description="When this was so, UTC.")]


def _figure(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


def _by_exchange(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=f"By name of the exchange, of the last five minutes: {description}")


Milliseconds = Annotated[float | None, _figure("Milliseconds.")]
Percent = Annotated[float | None, _figure("Percent.")]
Usd = Annotated[float | None, _figure("US dollars.")]
Pace = Annotated[float | None, _figure("Requests a second.")]
Count = Annotated[int | None, _figure("How many.")]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured; of the last minute where nothing else is said. What is not known is null."""

    avg_response_time_ms: Annotated[float | None, _figure("Average response time of your own API, milliseconds.")]
    p50_response_time_ms: Annotated[float | None, _figure("Half of its requests took no longer, milliseconds.")]
    p95_response_time_ms: Annotated[float | None, _figure("95 % took no longer, milliseconds.")]
    p99_response_time_ms: Annotated[float | None, _figure("99 % took no longer, milliseconds.")]
    requests_per_second: Annotated[float | None, _figure("Requests to it, a second.")]
    error_rate_percent: Annotated[float | None, _figure("Share of them with a status of 5xx, percent.")]
    l1_hit_rate_percent: Annotated[float | None, _figure("Hits of caches in programs' own memory, percent.")]
    l2_hit_rate_percent: Annotated[float | None, _figure("Hits of caches of tier l2, such as memcached, percent.")]
    l3_hit_rate_percent: Annotated[float | None, _figure("Hits of caches of tier l3, such as Redis, percent.")]
    overall_cache_hit_rate: Annotated[float | None, _figure("Hits of all caches together, percent.")]
    cache_warming_effectiveness: Annotated[
        float | None, _figure("Warmed entries that were asked for, of all, since the caches began, percent.")
    ]
    exchange_response_times: Annotated[dict[str, float | None], _by_exchange("mean time of a request, milliseconds.")]
    exchange_error_rates: Annotated[dict[str, float | None], _by_exchange("failed requests, percent.")]
    exchange_availability: Annotated[
        dict[str, float | None],
        _by_exchange("requests that it answered, percent; of all and of probes alone the lower share."),
    ]
    cpu_usage_percent: Annotated[float | None, _figure("Processor time in use on the exporter's machine, percent.")]
    memory_usage_percent: Annotated[float | None, _figure("Memory in use there, now, percent.")]
    disk_io_ops_per_sec: Annotated[float | None, _figure("Reads and writes there, a second.")]
    network_throughput_mbps: Annotated[float | None, _figure("Received and sent there, megabits a second.")]
    trading_volume_usd: Annotated[float | None, _figure("Traded within 24 hours, as Prometheus has it, US dollars.")]
    active_users: Annotated[float | None, _figure("Users, as they were last told.")]
    api_calls_per_minute: Annotated[float | None, _figure("Calls to the API as told, else requests, a minute.")]
    revenue_per_hour: Annotated[
        float | None, _figure("Revenue of the last hour, or of what the exporter knows of it, US dollars an hour.")
    ]
    pnl_usd: Annotated[float | None, _figure("Total PnL of all books, now, US dollars.")]
    market_spread_bps: Annotated[
        float | None, _figure("Mean spread of the markets that are quoted on, or of all, basis points of the mid.")
    ]
    quote_spread_bps: Annotated[float | None, _figure("Mean own spread while both sides are quoted, basis points.")]
    timestamp: Moment


class Performance(Figures, frozen=True, kw_only=True):
    """What was measured; of the last minute where nothing else is said. What is not known is null, and says why."""

    missing: Missing
