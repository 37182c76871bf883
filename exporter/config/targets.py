"""What figures are held against: thresholds, capacities, prices and baselines.

Rules and dashboards read all of them from the ``trading_target_*`` metrics, so that each number stands here alone.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config.base import Dollars, LabelValue, Ratio, Seconds, Section

AboveZero = Annotated[float, msgspec.Meta(gt=0)]
Points = Annotated[float, msgspec.Meta(ge=0, le=100)]
Few = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class ResponseSeconds(Section, frozen=True):
    """Of the trading system's own API: promised mean and quantiles, and the mean that is critical."""

    average: Seconds = 0.1
    p95: Seconds = 0.2
    p99: Seconds = 0.5
    critical: Seconds = 0.5


class ErrorShare(Section, frozen=True):
    """Share of failed requests that is promised not to be exceeded, and the one that is critical."""

    promised: Ratio = 0.01
    critical: Ratio = 0.05


class CacheHits(Section, frozen=True):
    """Share of hits that is promised, and the one below which an alert fires."""

    promised: Ratio = 0.85
    warning: Ratio = 0.8


class Availability(Section, frozen=True):
    """Share of answered requests below which an exchange is in each state."""

    warning: Ratio = 0.99
    critical: Ratio = 0.95


class ErrorRatio(Section, frozen=True):
    """Share of failed requests above which an exchange is in each state."""

    degraded: Ratio = 0.01
    warning: Ratio = 0.02
    critical: Ratio = 0.05


class Latency(Section, frozen=True):
    """Mean seconds of a request above which an exchange is in each state."""

    degraded: Seconds = 0.2
    warning: Seconds = 0.5
    critical: Seconds = 1.0


class AnomalyShare(Section, frozen=True):
    """When a signal above zero is abnormal: by this many usual deviations, and by this share of what is expected."""

    score: AboveZero = 5.0
    change_ratio: Ratio = 0.3


class AnomalyDollars(Section, frozen=True):
    """When the PnL of an hour is abnormal: by this many usual deviations, and by this much."""

    score: AboveZero = 5.0
    change_usd: Dollars = 10.0


class Anomaly(Section, frozen=True):
    """How different from other days is abnormal.

    Nothing is judged before the same time of so many ``days`` is known. The last hours may move what is expected by
    ``shift_ratio``, since a day may be busier than others.
    """

    days: Annotated[int, msgspec.Meta(ge=1, le=7)] = 3
    shift_ratio: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.3
    response_seconds: AnomalyShare = AnomalyShare()
    requests: AnomalyShare = AnomalyShare()
    pnl: AnomalyDollars = AnomalyDollars()


class Slo(Section, frozen=True):
    """How many times faster than it lasts an error budget may be used, and the failures from which that counts."""

    fast: AboveZero = 14.4
    medium: AboveZero = 6.0
    slow: AboveZero = 1.0
    failures: AboveZero = 10.0


class Trend(Section, frozen=True):
    """Change over a window that is more than noise: as a share of the response time, and of requests that fail."""

    response_seconds: AboveZero = 0.1
    request_errors: AboveZero = 0.005


class Targets(Section, frozen=True):
    """Thresholds of alerts and dashboards; None switches an alert off."""

    response_seconds: ResponseSeconds = ResponseSeconds()
    error_ratio: ErrorShare = ErrorShare()
    availability_ratio: Ratio = 0.995
    cache_hit_ratio: CacheHits = CacheHits()
    cpu_ratio: Ratio = 0.9
    memory_ratio: Ratio = 0.85
    exchange_availability_ratio: Availability = Availability()
    exchange_error_ratio: ErrorRatio = ErrorRatio()
    exchange_latency_seconds: Latency = Latency()
    exchange_rate_limit_ratio: Ratio = 0.8
    redundant_exchanges: Few = 2
    market_data_age_seconds: Seconds = 10.0
    drift_usd: Dollars = 1.0
    attribution_error_usd: Dollars = 1e-6
    inventory_utilization_ratio: AboveZero = 1.0
    drawdown_ratio: Ratio = 0.1
    loss_usd: Dollars | None = None
    spread_improvement_ratio: float = 0.0
    model_drift_psi: AboveZero = 0.25
    model_accuracy_ratio: Ratio | None = None
    trend: Trend = Trend()
    exhaustion_days: AboveZero = 7.0
    journal_disk_free_bytes: AboveZero = 1e9
    anomaly: Anomaly = Anomaly()
    slo: Slo = Slo()


class Pair(Section, frozen=True):
    """Values above which something is an issue of each severity."""

    warning: AboveZero
    critical: AboveZero


class Health(Section, frozen=True):
    """The health score: 100 less the penalty of each issue, and the lowest score of each state."""

    response_seconds: Pair = Pair(warning=0.05, critical=0.1)
    error_ratio: Pair = Pair(warning=0.01, critical=0.02)
    cpu_ratio: Pair = Pair(warning=0.75, critical=0.9)
    memory_ratio: Pair = Pair(warning=0.8, critical=0.9)
    warning_penalty: Points = 5.0
    critical_penalty: Points = 20.0
    excellent: Points = 95.0
    good: Points = 80.0
    degraded: Points = 60.0


class ScaleAt(Section, frozen=True):
    """Utilisation above which more is needed, and above which it is urgent."""

    cpu: Ratio = 0.75
    memory: Ratio = 0.8
    requests: Ratio = 0.7
    network: Ratio = 0.8
    urgent: Ratio = 0.9


class Capacity(Section, frozen=True):
    """What the machine and the system can take, where nobody can measure it."""

    requests_per_second: AboveZero = 5000.0
    network_bytes_per_second: AboveZero = 1.25e9
    scale_at: ScaleAt = ScaleAt()


class Worth(Section, frozen=True):
    """What speed is worth: the response time before, prices in USD, and the load that counts as full."""

    baseline_response_seconds: Seconds = 9.367
    usd_per_second_saved: Dollars = 0.01
    usd_per_request: Dollars = 0.0001
    full_load_requests_per_second: AboveZero = 1000.0
    excellent_response_seconds: Seconds = 0.05
    leader_classes: Few = 3


class Benchmark(Section, frozen=True):
    """A class of systems to compare with, by what they usually reach."""

    name: LabelValue
    response_seconds: Seconds
    availability_ratio: Ratio


BENCHMARKS = (
    Benchmark(name="traditional", response_seconds=0.5, availability_ratio=0.99),
    Benchmark(name="retail HFT", response_seconds=0.05, availability_ratio=0.995),
    Benchmark(name="professional", response_seconds=0.1, availability_ratio=0.999),
    Benchmark(name="enterprise", response_seconds=0.2, availability_ratio=0.9995),
)
