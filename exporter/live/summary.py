"""`/api/executive-summary`: what the system is worth, to those who do not run it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from exporter.config import Config
from exporter.live.answer import Facts, moment
from exporter.live.figures import Milliseconds, Missing, Moment, Pace, Percent, Usd
from exporter.live.ring import Ring
from exporter.state.state import State

Status = Literal["excellent", "good"]
Position = Literal["leader", "competitive"]

_STATUSES: tuple[Status, ...] = ("good", "excellent")
_POSITIONS: tuple[Position, ...] = ("competitive", "leader")
_ADVANTAGE = "benchmark:response_advantage:factor"
_AHEAD = "benchmark:ahead:bool"

Factor = Annotated[float | None, msgspec.Meta(description="How many times quicker.")]
Hours = Annotated[float | None, msgspec.Meta(description="Hours.")]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """At one look."""

    status: Annotated[
        Status | None, msgspec.Meta(description="Excellent below worth.excellent_response_seconds on average.")
    ]
    performance_advantage: Annotated[
        float | None, msgspec.Meta(description="How many times quicker than worth.baseline_response_seconds.")
    ]
    monthly_revenue: Annotated[float | None, msgspec.Meta(description="Of the last 30 days, US dollars.")]
    user_growth_rate: Annotated[float | None, msgspec.Meta(description="More active users than 4 weeks ago, percent.")]
    system_uptime: Annotated[float | None, msgspec.Meta(description="Since the machine started, hours.")]


class KeyMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Of the last minute, as in `/api/performance-metrics`."""

    response_time_ms: Milliseconds
    requests_per_second: Pace
    error_rate_percent: Percent
    active_users: Annotated[float | None, msgspec.Meta(description="As they were last told.")]
    trading_volume_24h: Usd


class PerformanceRoi(msgspec.Struct, frozen=True, kw_only=True):
    """What the time saved is worth, at worth.usd_per_second_saved."""

    improvement_factor: Factor
    time_saved_per_request_ms: Milliseconds
    daily_time_saved_hours: Hours
    daily_value_usd: Usd
    annual_value_usd: Usd
    performance_advantage_description: Annotated[str | None, msgspec.Meta(description="The factor in words.")]


class CompetitiveAdvantage(msgspec.Struct, frozen=True, kw_only=True):
    """One of the classes of systems in the configuration (benchmarks)."""

    competitor_category: Annotated[str, msgspec.Meta(description="Its name.")]
    advantage_factor: Annotated[float, msgspec.Meta(description="How many times quicker than they usually are.")]
    description: Annotated[str, msgspec.Meta(description="The same in words, with availability.")]


class CompetitiveAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """Against classes of systems."""

    competitive_advantages: list[CompetitiveAdvantage] | None
    market_position: Annotated[
        Position | None, msgspec.Meta(description="Leader when ahead of worth.leader_classes of them.")
    ]
    unique_selling_proposition: Annotated[str | None, msgspec.Meta(description="One sentence of what was measured.")]


class RevenueMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """What the user's own systems tell of the business."""

    monthly_revenue: Usd
    user_growth_rate: Percent
    volume_24h: Usd
    revenue_per_user: Usd
    customer_acquisition_cost: Usd
    lifetime_value: Usd


class Utilization(msgspec.Struct, frozen=True, kw_only=True):
    """Of the exporter's machine."""

    cpu: Percent
    memory: Percent


class OperationalEfficiency(msgspec.Struct, frozen=True, kw_only=True):
    """What requests cost."""

    uptime_percent: Annotated[float | None, msgspec.Meta(description="Time in which it was up, of a day, percent.")]
    daily_requests: Annotated[float | None, msgspec.Meta(description="Requests a day.")]
    daily_operational_cost: Usd
    cost_per_request: Usd
    efficiency_score: Annotated[
        float | None, msgspec.Meta(description="0 to 100: requests, of worth.full_load_requests_per_second.")
    ]
    resource_utilization: Utilization


class ExecutiveSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What the system is worth. What is not known is null, and says why."""

    summary: Summary
    key_metrics: KeyMetrics
    performance_roi: PerformanceRoi
    competitive_analysis: CompetitiveAnalysis
    revenue_metrics: RevenueMetrics
    operational_efficiency: OperationalEfficiency
    timestamp: Moment
    missing: Missing


def executive_summary(state: State, ring: Ring, facts: Facts) -> ExecutiveSummary:
    """The answer."""
    return ExecutiveSummary(
        summary=_summary(facts),
        key_metrics=_key_metrics(facts, ring),
        performance_roi=_roi(facts, state.config),
        competitive_analysis=_competition(facts, ring),
        revenue_metrics=_revenue(facts),
        operational_efficiency=_efficiency(facts, ring, state.config),
        timestamp=moment(state.clock()),
        missing=facts.missing,
    )


def measured(facts: Facts, ring: Ring, place: str, name: str) -> float | None:
    """A figure of `/api/performance-metrics` at another place."""
    return facts.figure(place, getattr(ring.figures, name), ring.missing.get(name, ""))


def _summary(facts: Facts) -> Summary:
    return Summary(
        status=facts.word("summary.status", "system:excellent:bool", _STATUSES),
        performance_advantage=facts.one("summary.performance_advantage", "system:improvement:factor"),
        monthly_revenue=facts.one("summary.monthly_revenue", "system:revenue_usd:increase30d"),
        user_growth_rate=facts.one("summary.user_growth_rate", "system:active_users:change28d", 100),
        system_uptime=facts.one("summary.system_uptime", "system:uptime_seconds:min", 1 / 3600),
    )


def _key_metrics(facts: Facts, ring: Ring) -> KeyMetrics:
    names = {
        "response_time_ms": "avg_response_time_ms",
        "requests_per_second": "requests_per_second",
        "error_rate_percent": "error_rate_percent",
        "active_users": "active_users",
        "trading_volume_24h": "trading_volume_usd",
    }
    return KeyMetrics(**{place: measured(facts, ring, f"key_metrics.{place}", name) for place, name in names.items()})


def _roi(facts: Facts, config: Config) -> PerformanceRoi:
    factor = facts.one("performance_roi.improvement_factor", "system:improvement:factor")
    baseline = config.worth.baseline_response_seconds
    text = None if factor is None else f"{factor:,.1f} times as quick as before, when it took {_time(baseline)}"
    saved = "system:time_saved_seconds:per_"
    return PerformanceRoi(
        improvement_factor=factor,
        time_saved_per_request_ms=facts.one("performance_roi.time_saved_per_request_ms", f"{saved}request", 1000),
        daily_time_saved_hours=facts.one("performance_roi.daily_time_saved_hours", f"{saved}day", 1 / 3600),
        daily_value_usd=facts.one("performance_roi.daily_value_usd", "system:value_saved_usd:per_day"),
        annual_value_usd=facts.one("performance_roi.annual_value_usd", "system:value_saved_usd:per_year"),
        performance_advantage_description=facts.known(
            "performance_roi.performance_advantage_description", text, facts.why("system:improvement:factor")
        ),
    )


def _competition(facts: Facts, ring: Ring) -> CompetitiveAnalysis:
    place = "competitive_analysis."
    factors, ahead = facts.recorded.by_name(_ADVANTAGE), facts.recorded.by_name(_AHEAD)
    known = [_advantage(name, factor, ahead.get(name)) for name, factor in sorted(factors.items())]
    return CompetitiveAnalysis(
        competitive_advantages=facts.known(f"{place}competitive_advantages", known or None, facts.why(_ADVANTAGE)),
        market_position=facts.word(f"{place}market_position", "system:leader:bool", _POSITIONS),
        unique_selling_proposition=facts.known(
            f"{place}unique_selling_proposition", _proposition(ring, ahead), facts.why(_AHEAD)
        ),
    )


def _an(word: str) -> str:
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"


def _advantage(name: str, factor: float, ahead: float | None) -> CompetitiveAdvantage:
    text = f"{factor:,.1f} times as quick as {_an(name)} system"
    if ahead is not None and factor > 1:
        text += ", and no less available" if ahead else ", but less available"
    return CompetitiveAdvantage(competitor_category=name, advantage_factor=round(factor, 4), description=text)


def _proposition(ring: Ring, ahead: dict[str, float]) -> str | None:
    """In one sentence of what was measured; None without it."""
    average = ring.figures.avg_response_time_ms
    if average is None or not ahead:
        return None
    count = sum(value == 1 for value in ahead.values())
    return f"Answers within {_time(average / 1000)} on average, ahead of {count} of {len(ahead)} classes of systems."


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def _revenue(facts: Facts) -> RevenueMetrics:
    place = "revenue_metrics."
    return RevenueMetrics(
        monthly_revenue=facts.one(f"{place}monthly_revenue", "system:revenue_usd:increase30d"),
        user_growth_rate=facts.one(f"{place}user_growth_rate", "system:active_users:change28d", 100),
        volume_24h=facts.one(f"{place}volume_24h", "system:fill_volume_usd:increase1d"),
        revenue_per_user=facts.one(f"{place}revenue_per_user", "system:revenue_usd:per_user"),
        customer_acquisition_cost=facts.one(f"{place}customer_acquisition_cost", "system:acquisition_cost_usd:level"),
        lifetime_value=facts.one(f"{place}lifetime_value", "system:lifetime_value_usd:level"),
    )


def _efficiency(facts: Facts, ring: Ring, config: Config) -> OperationalEfficiency:
    place = "operational_efficiency."
    return OperationalEfficiency(
        uptime_percent=facts.one(f"{place}uptime_percent", "system:public_uptime:ratio1d", 100),
        daily_requests=facts.one(f"{place}daily_requests", "system:requests:per_day"),
        daily_operational_cost=facts.one(f"{place}daily_operational_cost", "system:request_cost_usd:per_day"),
        cost_per_request=config.worth.usd_per_request,
        efficiency_score=facts.one(f"{place}efficiency_score", "system:efficiency:score"),
        resource_utilization=Utilization(
            cpu=measured(facts, ring, f"{place}resource_utilization.cpu", "cpu_usage_percent"),
            memory=measured(facts, ring, f"{place}resource_utilization.memory", "memory_usage_percent"),
        ),
    )
