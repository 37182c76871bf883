"""How each exchange is: judged by Prometheus, measured by us where we ask it ourselves."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from exporter.live.answer import Facts, moment
from exporter.live.figures import Count, Milliseconds, Missing, Moment, Percent, Time
from exporter.live.ring import Ring

Status = Literal["healthy", "degraded", "warning", "critical"]
Ecosystem = Literal["healthy", "degraded"]
Redundancy = Literal["good", "limited"]

STATUS = "exchange:status:level"
STATUSES: tuple[Status, ...] = ("healthy", "degraded", "warning", "critical")
_ECOSYSTEM: tuple[Ecosystem, ...] = ("degraded", "healthy")
_REDUNDANCY: tuple[Redundancy, ...] = ("limited", "good")

# Where this exporter does not ask an exchange, but another one does.
_ELSEWHERE = {
    "exchange_response_times": ("exchange:request_duration_seconds:mean5m", 1000.0),
    "exchange_error_rates": ("exchange:request_errors:ratio_rate5m", 100.0),
    "exchange_availability": ("exchange:availability:ratio_rate5m", 100.0),
}


class ExchangeDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange; figures are of the last five minutes."""

    status: Annotated[Status | None, msgspec.Meta(description="By targets.exchange_…, as Prometheus judges.")]
    response_time_ms: Milliseconds
    error_rate_percent: Percent
    availability_percent: Percent
    last_check: Annotated[Time | None, msgspec.Meta(description="When it was last asked anything, UTC.")]


class ExchangeHealth(msgspec.Struct, frozen=True, kw_only=True):
    """All exchanges that are asked anything."""

    ecosystem_health: Annotated[Ecosystem | None, msgspec.Meta(description="Healthy only if all of them are.")]
    healthy_exchanges: Count
    total_exchanges: Count
    exchange_details: dict[str, ExchangeDetail]
    redundancy_status: Annotated[
        Redundancy | None, msgspec.Meta(description="Good with targets.redundant_exchanges healthy ones.")
    ]


class Exchanges(ExchangeHealth, frozen=True, kw_only=True):
    """All exchanges that are asked anything."""

    timestamp: Moment
    missing: Missing


def health(facts: Facts, ring: Ring, place: str) -> ExchangeHealth:
    """What is known; ``place`` begins the places of what is not."""
    return ExchangeHealth(
        ecosystem_health=facts.word(f"{place}ecosystem_health", "system:exchanges_healthy:bool", _ECOSYSTEM),
        healthy_exchanges=facts.count(f"{place}healthy_exchanges", "system:exchanges_healthy:count"),
        total_exchanges=facts.count(f"{place}total_exchanges", "system:exchanges:count"),
        exchange_details={
            name: detail(facts, ring, name, f"{place}exchange_details.{name}.") for name in names(facts, ring)
        },
        redundancy_status=facts.word(f"{place}redundancy_status", "system:exchange_redundancy:bool", _REDUNDANCY),
    )


def names(facts: Facts, ring: Ring) -> list[str]:
    """Those that this exporter or another one asks."""
    return sorted({*ring.figures.exchange_response_times, *facts.recorded.by_name(STATUS)})


def detail(facts: Facts, ring: Ring, name: str, place: str) -> ExchangeDetail:
    """What is known of one."""
    checked = ring.checked.get(name)
    return ExchangeDetail(
        status=facts.level(f"{place}status", facts.recorded.by_name(STATUS).get(name), STATUS, STATUSES),
        response_time_ms=_measured(facts, ring, name, "exchange_response_times", f"{place}response_time_ms"),
        error_rate_percent=_measured(facts, ring, name, "exchange_error_rates", f"{place}error_rate_percent"),
        availability_percent=_measured(facts, ring, name, "exchange_availability", f"{place}availability_percent"),
        last_check=facts.known(
            f"{place}last_check", None if checked is None else moment(checked), "this exporter has not asked it yet"
        ),
    )


def _measured(facts: Facts, ring: Ring, name: str, of: str, place: str) -> float | None:
    known = getattr(ring.figures, of)
    if name in known:
        return facts.figure(place, known[name], ring.missing.get(f"{of}.{name}", ""))
    series, factor = _ELSEWHERE[of]
    return facts.figure(place, facts.recorded.by_name(series).get(name), facts.why(series), factor)
