"""`/api/targets`: what figures are held against, as it is configured."""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config import Config


class ResponseTargets(msgspec.Struct, frozen=True, kw_only=True):
    """Of your own API, milliseconds."""

    average: float
    p95: float
    p99: float
    critical: Annotated[float, msgspec.Meta(description="The average that is critical.")]


class ErrorTargets(msgspec.Struct, frozen=True, kw_only=True):
    """Failed requests, percent."""

    promised: float
    critical: float


class CacheTargets(msgspec.Struct, frozen=True, kw_only=True):
    """Hits, percent."""

    promised: float
    warning: Annotated[float, msgspec.Meta(description="Below this an alert fires.")]


class RequestTargets(msgspec.Struct, frozen=True, kw_only=True):
    """Requests a second."""

    full_load: Annotated[float, msgspec.Meta(description="What counts as full load: worth.")]
    capacity: Annotated[float, msgspec.Meta(description="What the system can take: capacity.")]
    scale_at: Annotated[float, msgspec.Meta(description="Above this more is needed.")]


class HostTargets(msgspec.Struct, frozen=True, kw_only=True):
    """The machine, percent in use."""

    cpu: float
    memory: float


class Targets(msgspec.Struct, frozen=True, kw_only=True):
    """What figures are held against, from the sections targets, worth and capacity, in the units of the figures."""

    response_time_ms: ResponseTargets
    error_rate_percent: ErrorTargets
    cache_hit_rate_percent: CacheTargets
    requests_per_second: RequestTargets
    host_usage_percent: HostTargets
    availability_percent: Annotated[float, msgspec.Meta(description="Promised share of time in which it is available.")]
    spread_improvement_percent: Annotated[
        float, msgspec.Meta(description="By how much own spreads are to be narrower than the market's.")
    ]
    loss_usd: Annotated[float | None, msgspec.Meta(description="Within 24 hours; null without a limit.")]


def targets(config: Config) -> Targets:
    """The answer."""
    wanted, errors, hits = config.targets, config.targets.error_ratio, config.targets.cache_hit_ratio
    capacity = config.capacity
    return Targets(
        response_time_ms=_response(config),
        error_rate_percent=ErrorTargets(promised=_percent(errors.promised), critical=_percent(errors.critical)),
        cache_hit_rate_percent=CacheTargets(promised=_percent(hits.promised), warning=_percent(hits.warning)),
        requests_per_second=RequestTargets(
            full_load=config.worth.full_load_requests_per_second,
            capacity=capacity.requests_per_second,
            scale_at=_round(capacity.requests_per_second * capacity.scale_at.requests),
        ),
        host_usage_percent=HostTargets(cpu=_percent(wanted.cpu_ratio), memory=_percent(wanted.memory_ratio)),
        availability_percent=_percent(wanted.availability_ratio),
        spread_improvement_percent=_percent(wanted.spread_improvement_ratio),
        loss_usd=wanted.loss_usd,
    )


def _response(config: Config) -> ResponseTargets:
    seconds = config.targets.response_seconds
    names = ("average", "p95", "p99", "critical")
    return ResponseTargets(**{name: _round(getattr(seconds, name) * 1000) for name in names})


def _percent(ratio: float) -> float:
    return _round(ratio * 100)


def _round(value: float) -> float:
    return round(value, 6)
