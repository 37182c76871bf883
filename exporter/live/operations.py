"""`/api/operations-overview`: how well it works, to those who look after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from exporter.live import exchanges
from exporter.live.alerts import Alert, Firing, counts
from exporter.live.answer import Facts, moment
from exporter.live.capacity import CapacityAnalysis, capacity
from exporter.live.figures import Count, Milliseconds, Missing, Moment, Pace, Percent
from exporter.live.ring import Ring
from exporter.live.summary import measured
from exporter.state.incidents import DAY
from exporter.state.state import State

Overall = Literal["excellent", "good", "degraded", "critical"]
Trend = Literal["improving", "steady", "degrading", "not enough data"]
Pattern = Literal["spike", "normal", "decreasing"]

OVERALL: tuple[Overall, ...] = ("critical", "degraded", "good", "excellent")
_TRENDS: tuple[Trend, ...] = ("degrading", "steady", "improving")
_PATTERNS: tuple[Pattern, ...] = ("decreasing", "normal", "spike")
_ISSUES = "resource_severity:health_issue:bool"
_VALUES = "resource:health_value:rate1m"
_TOP = 5
_UNHEARD = "Alertmanager tells nothing of incidents: incidents.token"


class SystemStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The health score in words, and what it suffers from."""

    overall_health: Annotated[
        Overall | None, msgspec.Meta(description="By system:health:score, see the section health.")
    ]
    health_score: Annotated[float | None, msgspec.Meta(description="Of 100, less what each issue takes.")]
    critical_issues: Annotated[
        list[str] | None, msgspec.Meta(description="What is beyond a critical threshold of the section health.")
    ]
    warnings: Annotated[list[str] | None, msgspec.Meta(description="What is beyond a threshold of warning alone.")]
    uptime: Annotated[float | None, msgspec.Meta(description="Since the machine started, hours.")]


class PerformanceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Of the last minute, as in `/api/performance-metrics`."""

    avg_response_time_ms: Milliseconds
    p99_response_time_ms: Milliseconds
    requests_per_second: Pace
    error_rate_percent: Percent
    cache_hit_rate: Percent


class AlertTrends(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there are more than usual."""

    increasing: Annotated[bool | None, msgspec.Meta(description="More than incidents.many go on.")]
    pattern: Annotated[
        Pattern | None, msgspec.Meta(description="The last hour against an average hour of the day before.")
    ]


class AlertsAndIncidents(msgspec.Struct, frozen=True, kw_only=True):
    """What fires, and what fired."""

    active_alerts_count: Count
    critical_alerts: Count
    warning_alerts: Count
    info_alerts: Count
    recent_incidents_24h: Annotated[int | None, msgspec.Meta(description="How many began within 24 hours.")]
    top_alerts: Annotated[list[Alert] | None, msgspec.Meta(description="The five worst.")]
    mttr_minutes: Annotated[
        float | None, msgspec.Meta(description="Mean time to resolution of those that ended within 24 h, minutes.")
    ]
    alert_trends: AlertTrends


class PerformanceTrends(msgspec.Struct, frozen=True, kw_only=True):
    """The later half of a window against the earlier half."""

    trend: Annotated[Trend | None, msgspec.Meta(description="By targets.trend.")]
    response_time_change_percent: Percent
    throughput_change_percent: Percent
    error_rate_change_percent: Annotated[
        float | None, msgspec.Meta(description="By how many more of a hundred requests fail.")
    ]
    duration_minutes: Annotated[int, msgspec.Meta(description="The window, minutes.")]
    data_points: Annotated[int, msgspec.Meta(description="Samples of that time in `/api/performance-history`.")]


class ResourceUtilization(msgspec.Struct, frozen=True, kw_only=True):
    """Of the exporter's machine."""

    cpu_percent: Percent
    memory_percent: Percent
    network_mbps: Annotated[float | None, msgspec.Meta(description="Megabits a second.")]
    disk_io_ops: Annotated[float | None, msgspec.Meta(description="Reads and writes a second.")]


class OperationsOverview(msgspec.Struct, frozen=True, kw_only=True):
    """How well the system works. What is not known is null, and says why."""

    system_status: SystemStatus
    performance_summary: PerformanceSummary
    alerts_and_incidents: AlertsAndIncidents
    capacity_analysis: CapacityAnalysis
    performance_trends: PerformanceTrends
    exchange_health: exchanges.ExchangeHealth
    resource_utilization: ResourceUtilization
    timestamp: Moment
    missing: Missing


def operations_overview(state: State, ring: Ring, facts: Facts, firing: Firing, minutes: int) -> OperationsOverview:
    """The answer, with trends over so many minutes."""
    return OperationsOverview(
        system_status=_system_status(facts),
        performance_summary=_performance(facts, ring),
        alerts_and_incidents=_incidents(facts, state, firing),
        capacity_analysis=capacity(facts, "capacity_analysis."),
        performance_trends=_trends(facts, ring, minutes),
        exchange_health=exchanges.health(facts, ring, "exchange_health."),
        resource_utilization=_resources(facts, ring),
        timestamp=moment(state.clock()),
        missing=facts.missing,
    )


def _system_status(facts: Facts) -> SystemStatus:
    place = "system_status."
    return SystemStatus(
        overall_health=facts.word(f"{place}overall_health", "system:health:state", OVERALL),
        health_score=facts.one(f"{place}health_score", "system:health:score"),
        critical_issues=_issues(facts, f"{place}critical_issues", "critical"),
        warnings=_issues(facts, f"{place}warnings", "warning"),
        uptime=facts.one(f"{place}uptime", "system:uptime_seconds:min", 1 / 3600),
    )


def _issues(facts: Facts, place: str, severity: str) -> list[str] | None:
    """In words; not known while nothing is measured, of which there could be an issue."""
    values = facts.recorded.by_name(_VALUES)
    found = [resource for resource, of in facts.recorded.by(_ISSUES) if of == severity]
    texts = [_issue(resource, values) for resource in sorted(found)]
    return facts.known(place, texts if values else None, facts.why(_VALUES))


def _issue(resource: str, values: Mapping[str, float]) -> str:
    value = values.get(resource, 0.0)
    texts = {
        "response": f"requests take {value * 1000:.3g} ms on average",
        "errors": f"{value:.2%} of requests fail",
        "cpu": f"{value:.0%} of the processors' time is in use",
        "memory": f"{value:.0%} of the memory is in use",
    }
    return texts.get(resource, f"{resource} is {value:g}")


def _performance(facts: Facts, ring: Ring) -> PerformanceSummary:
    names = {
        "avg_response_time_ms": "avg_response_time_ms",
        "p99_response_time_ms": "p99_response_time_ms",
        "requests_per_second": "requests_per_second",
        "error_rate_percent": "error_rate_percent",
        "cache_hit_rate": "overall_cache_hit_rate",
    }
    found = {place: measured(facts, ring, f"performance_summary.{place}", name) for place, name in names.items()}
    return PerformanceSummary(**found)


def _incidents(facts: Facts, state: State, firing: Firing) -> AlertsAndIncidents:
    place, found = "alerts_and_incidents.", dict(zip(_COUNTS, counts(firing), strict=True))
    incidents, is_heard = state.incidents, state.config.incidents.token is not None
    top = None if firing.alerts is None else firing.alerts[:_TOP]
    recent = sum(1 for _ in incidents.recent(DAY)) if is_heard else None
    pattern = _PATTERNS[incidents.trend + 1] if is_heard else None
    return AlertsAndIncidents(
        **{name: facts.known(place + name, count, firing.why) for name, count in found.items()},
        recent_incidents_24h=facts.known(f"{place}recent_incidents_24h", recent, _UNHEARD),
        top_alerts=facts.known(f"{place}top_alerts", top, firing.why),
        mttr_minutes=facts.one(f"{place}mttr_minutes", "system:incident_resolution_seconds:mean1d", 1 / 60),
        alert_trends=AlertTrends(
            increasing=facts.known(
                f"{place}alert_trends.increasing", incidents.is_increasing if is_heard else None, _UNHEARD
            ),
            pattern=facts.known(f"{place}alert_trends.pattern", pattern, _UNHEARD),
        ),
    )


_COUNTS = ("active_alerts_count", "critical_alerts", "warning_alerts", "info_alerts")


def _trends(facts: Facts, ring: Ring, minutes: int) -> PerformanceTrends:
    place, series = "performance_trends.", f"system:trend:level{minutes}m"
    trend: Trend | None = "not enough data"
    if facts.recorded.one(series) is not None or not facts.is_told:
        trend = facts.word(f"{place}trend", series, _TRENDS, -1)
    changes = {
        "response_time_change_percent": f"system:response_seconds:change{minutes}m",
        "throughput_change_percent": f"system:requests:change{minutes}m",
        "error_rate_change_percent": f"system:request_errors:change{minutes}m",
    }
    return PerformanceTrends(
        trend=trend,
        **{name: facts.one(place + name, of, 100) for name, of in changes.items()},
        duration_minutes=minutes,
        data_points=len(ring.history(minutes)),
    )


def _resources(facts: Facts, ring: Ring) -> ResourceUtilization:
    names = {
        "cpu_percent": "cpu_usage_percent",
        "memory_percent": "memory_usage_percent",
        "network_mbps": "network_throughput_mbps",
        "disk_io_ops": "disk_io_ops_per_sec",
    }
    return ResourceUtilization(
        **{place: measured(facts, ring, f"resource_utilization.{place}", of) for place, of in names.items()}
    )
