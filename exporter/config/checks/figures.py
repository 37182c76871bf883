"""Rates, thresholds and horizons."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from msgspec.structs import asdict

from exporter.config.base import Section
from exporter.config.document import Path, Problem
from exporter.config.quality import Quality
from exporter.config.schema import Config, Currency


def problems(config: Config) -> Iterator[Problem]:
    """Figures that are none, that contradict each other, or that stand twice."""
    yield from _peg_problems(config.currency)
    yield from _target_problems(config)
    yield from _horizon_problems(config.quality)


def _peg_problems(currency: Currency) -> Iterator[Problem]:
    for name, rate in currency.pegs.items():
        path = ("currency", "pegs", name)
        if name.strip().upper() == "USD":
            yield path, "everything is reported in USD, so that it has no peg; remove it"
        elif not rate.is_finite() or not 0 < float(rate) < float("inf"):
            yield path, f"{rate} is not a rate; give a number above 0"


def _target_problems(config: Config) -> Iterator[Problem]:
    """Thresholds of one thing that do not rise, or fall, from the mildest to the worst."""
    targets, health = config.targets, config.health
    rising: dict[Path, Section] = {
        ("targets", "error_ratio"): targets.error_ratio,
        ("targets", "exchange_error_ratio"): targets.exchange_error_ratio,
        ("targets", "exchange_latency_seconds"): targets.exchange_latency_seconds,
        ("health", "response_seconds"): health.response_seconds,
        ("health", "error_ratio"): health.error_ratio,
        ("health", "cpu_ratio"): health.cpu_ratio,
        ("health", "memory_ratio"): health.memory_ratio,
    }
    falling: dict[Path, Section] = {
        ("targets", "exchange_availability_ratio"): targets.exchange_availability_ratio,
        ("targets", "cache_hit_ratio"): targets.cache_hit_ratio,
    }
    for path, section in (rising | falling).items():
        values = list(asdict(section).items())
        for (milder, low), (worse, high) in pairwise(values):
            if low > high and path in rising:
                text = f"{milder}, {low:g}, exceeds {worse}, {high:g}; lower the one or raise the other"
                yield path, text
            if low < high and path in falling:
                yield path, f"{milder}, {low:g}, is below {worse}, {high:g}; raise the one or lower the other"
    if not health.excellent >= health.good >= health.degraded:
        yield ("health",), "excellent, good and degraded are lowest scores in falling order; correct them"
    names = [each.name for each in config.benchmarks]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("benchmarks", index, "name"), f"{name!r} stands twice; give each a name of its own"


def _horizon_problems(quality: Quality) -> Iterator[Problem]:
    for index, seconds in enumerate(quality.markout_horizons_seconds):
        if seconds in quality.markout_horizons_seconds[:index]:
            yield ("quality", "markout_horizons_seconds", index), f"{seconds:g} stands twice; remove one"
