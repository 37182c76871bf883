"""How much of each resource is in use, and until when it lasts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from exporter.live.answer import Facts, moment
from exporter.live.figures import Percent, Time

End = Annotated[Time | None, msgspec.Meta(description="When nothing is left, UTC.")]
Resource = Literal["cpu", "memory", "network", "requests"]
Urgency = Literal["medium", "high"]

RESOURCES: tuple[Resource, ...] = ("cpu", "memory", "network", "requests")
_UTILIZATION = "resource:utilization:ratio"
_EXHAUSTION = "resource:exhaustion:timestamp_seconds"
_GROWTH = "resource:utilization:per_day"
_LASTS = "it does not run out within a year, as far as its growth goes on"

_ADVICE: dict[Resource, tuple[str, str]] = {
    "cpu": ("add_processors", "give the machine more processors, or move programs to another one"),
    "memory": ("add_memory", "give the machine more memory, or find out what holds it"),
    "network": ("add_bandwidth", "a faster line, or send less; see what sends most"),
    "requests": ("add_instances", "run more instances of the API behind a load balancer"),
}


class ScalingRecommendation(msgspec.Struct, frozen=True, kw_only=True):
    """A resource of which more is needed."""

    resource: Annotated[Resource, msgspec.Meta(description="What there is too little of.")]
    action: Annotated[str, msgspec.Meta(description="What to do, in one word.")]
    urgency: Annotated[Urgency, msgspec.Meta(description="High above capacity.scale_at.urgent, else medium.")]
    recommendation: Annotated[str, msgspec.Meta(description="The same in a sentence.")]


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Of each resource."""

    cpu: Percent
    memory: Percent
    network: Percent
    requests: Percent


class Dates(msgspec.Struct, frozen=True, kw_only=True):
    """When nothing is left of each, as it grows now; UTC."""

    cpu: End
    memory: End
    network: End
    requests: End


class CapacityAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """What is in use, what is left, and what to do about it."""

    current_utilization: Shares
    scaling_recommendations: list[ScalingRecommendation] | None
    capacity_headroom: Shares
    projected_capacity_exhaustion: Dates


def capacity(facts: Facts, place: str) -> CapacityAnalysis:
    """What is known; ``place`` begins the places of what is not."""
    return CapacityAnalysis(
        current_utilization=_shares(facts, f"{place}current_utilization.", _UTILIZATION),
        scaling_recommendations=_recommendations(facts, f"{place}scaling_recommendations"),
        capacity_headroom=_shares(facts, f"{place}capacity_headroom.", "resource:headroom:ratio"),
        projected_capacity_exhaustion=_dates(facts, f"{place}projected_capacity_exhaustion."),
    )


def _shares(facts: Facts, place: str, series: str) -> Shares:
    known = facts.recorded.by_name(series)
    shares = {name: facts.figure(place + name, known.get(name), facts.why(series), 100) for name in RESOURCES}
    return Shares(**shares)


def _recommendations(facts: Facts, place: str) -> list[ScalingRecommendation] | None:
    urgencies = facts.recorded.by_name("resource:scaling:urgency")
    used = facts.recorded.by_name(_UTILIZATION)
    found = [_recommendation(name, urgencies[name], used.get(name)) for name in RESOURCES if urgencies.get(name)]
    return facts.known(place, found if urgencies else None, facts.why("resource:scaling:urgency"))


def _recommendation(name: Resource, urgency: float, used: float | None) -> ScalingRecommendation:
    action, advice = _ADVICE[name]
    share = "" if used is None else f"{used:.0%} in use: "
    return ScalingRecommendation(
        resource=name, action=action, urgency="high" if urgency >= 2 else "medium", recommendation=share + advice
    )


def _dates(facts: Facts, place: str) -> Dates:
    known, grown = facts.recorded.by_name(_EXHAUSTION), facts.recorded.by_name(_GROWTH)
    dates = {}
    for name in RESOURCES:
        ts = known.get(name)
        why = _LASTS if name in grown else facts.why(_GROWTH)
        dates[name] = facts.known(place + name, None if ts is None else moment(ts), why)
    return Dates(**dates)
