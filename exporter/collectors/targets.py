"""What the configuration holds figures against, for rules and dashboards to read."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from exporter import metrics
from exporter.config import Anomaly, Capacity, Health, Section, Targets, Worth
from exporter.exposition import Batch, Sample
from exporter.state.state import State

_DAY = 86_400.0
_QUANTILES = {"p95": 0.95, "p99": 0.99}  # what is promised of them, the rest of the requests may exceed


def collect(state: State) -> Iterator[Batch]:
    """One gauge for each number in the configuration; what is left out there has no sample."""
    config = state.config
    yield from _thresholds(config.targets)
    yield from _anomaly(config.targets.anomaly)
    yield from _slo(config.targets)
    yield from _health(config.health)
    yield from _capacity(config.capacity)
    yield from _worth(config.worth)
    benchmarks = config.benchmarks
    yield metrics.TARGET_BENCHMARK, [((each.name,), each.response_seconds) for each in benchmarks]
    yield metrics.TARGET_BENCHMARK_AVAILABILITY, [((each.name,), each.availability_ratio) for each in benchmarks]


def _thresholds(targets: Targets) -> Iterator[Batch]:
    yield metrics.TARGET_RESPONSE, _by_key(targets.response_seconds)
    yield metrics.TARGET_ERRORS, _by_key(targets.error_ratio)
    yield metrics.TARGET_AVAILABILITY, _one(targets.availability_ratio)
    yield metrics.TARGET_CACHE_HITS, _by_key(targets.cache_hit_ratio)
    yield metrics.TARGET_CPU, _one(targets.cpu_ratio)
    yield metrics.TARGET_MEMORY, _one(targets.memory_ratio)
    yield metrics.TARGET_EXCHANGE_AVAILABILITY, _by_key(targets.exchange_availability_ratio)
    yield metrics.TARGET_EXCHANGE_ERRORS, _by_key(targets.exchange_error_ratio)
    yield metrics.TARGET_EXCHANGE_LATENCY, _by_key(targets.exchange_latency_seconds)
    yield metrics.TARGET_EXCHANGE_RATE_LIMIT, _one(targets.exchange_rate_limit_ratio)
    yield metrics.TARGET_REDUNDANT_EXCHANGES, _one(targets.redundant_exchanges)
    yield metrics.TARGET_MARKET_DATA_AGE, _one(targets.market_data_age_seconds)
    yield metrics.TARGET_DRIFT, _one(targets.drift_usd)
    yield metrics.TARGET_ATTRIBUTION_ERROR, _one(targets.attribution_error_usd)
    yield metrics.TARGET_INVENTORY, _one(targets.inventory_utilization_ratio)
    yield metrics.TARGET_DRAWDOWN, _one(targets.drawdown_ratio)
    yield metrics.TARGET_LOSS, _one(targets.loss_usd)
    yield metrics.TARGET_SPREAD_IMPROVEMENT, _one(targets.spread_improvement_ratio)
    yield metrics.TARGET_MODEL_DRIFT, _one(targets.model_drift_psi)
    yield metrics.TARGET_MODEL_ACCURACY, _one(targets.model_accuracy_ratio)
    yield metrics.TARGET_TREND, _by_key(targets.trend)
    yield metrics.TARGET_EXHAUSTION, _one(targets.exhaustion_days * _DAY)
    yield metrics.TARGET_JOURNAL_DISK, _one(targets.journal_disk_free_bytes)


def _anomaly(anomaly: Anomaly) -> Iterator[Batch]:
    shares = {"response_seconds": anomaly.response_seconds, "requests": anomaly.requests}
    scores = {name: each.score for name, each in shares.items()} | {"pnl": anomaly.pnl.score}
    yield metrics.TARGET_ANOMALY_SCORE, [((name,), score) for name, score in scores.items()]
    yield metrics.TARGET_ANOMALY_CHANGE, [((name,), each.change_ratio) for name, each in shares.items()]
    yield metrics.TARGET_ANOMALY_CHANGE_USD, _one(anomaly.pnl.change_usd)
    yield metrics.TARGET_ANOMALY_SHIFT, _one(anomaly.shift_ratio)
    yield metrics.TARGET_ANOMALY_HISTORY, _one(anomaly.days * _DAY)


def _slo(targets: Targets) -> Iterator[Batch]:
    """What each objective allows; a histogram tells of a time only at the bounds of its buckets."""
    budgets = {
        "availability": 1 - targets.availability_ratio,
        "errors": targets.error_ratio.promised,
        **{f"latency_{name}": 1 - share for name, share in _QUANTILES.items()},
        "exchange": 1 - targets.exchange_availability_ratio.warning,
    }
    yield metrics.TARGET_SLO_BUDGET, [((name,), round(value, 9)) for name, value in budgets.items()]
    promised = {"latency_p95": targets.response_seconds.p95, "latency_p99": targets.response_seconds.p99}
    bounds = [
        (name, next((bound for bound in metrics.APP_REQUEST_DURATION.buckets if bound >= seconds), None))
        for name, seconds in promised.items()
    ]
    yield metrics.TARGET_SLO_BUCKET, [((name, repr(bound)), 1) for name, bound in bounds if bound is not None]
    speeds = {"fast": targets.slo.fast, "medium": targets.slo.medium, "slow": targets.slo.slow}
    yield metrics.TARGET_SLO_BURN, [((name,), value) for name, value in speeds.items()]
    yield metrics.TARGET_SLO_FAILURES, _one(targets.slo.failures)


def _health(health: Health) -> Iterator[Batch]:
    resources = {
        "response": health.response_seconds,
        "errors": health.error_ratio,
        "cpu": health.cpu_ratio,
        "memory": health.memory_ratio,
    }
    thresholds = [((name, *key), value) for name, pair in resources.items() for key, value in _by_key(pair)]
    yield metrics.TARGET_HEALTH, thresholds
    penalties = {"warning": health.warning_penalty, "critical": health.critical_penalty}
    yield metrics.TARGET_HEALTH_PENALTY, [((name,), value) for name, value in penalties.items()]
    states = {"excellent": health.excellent, "good": health.good, "degraded": health.degraded}
    yield metrics.TARGET_HEALTH_SCORE, [((name,), value) for name, value in states.items()]


def _capacity(capacity: Capacity) -> Iterator[Batch]:
    resources = {"requests": capacity.requests_per_second, "network": capacity.network_bytes_per_second}
    yield metrics.TARGET_CAPACITY, [((name,), value) for name, value in resources.items()]
    scale = capacity.scale_at
    yield metrics.TARGET_SCALE, [(key, value) for key, value in _by_key(scale) if key != ("urgent",)]
    yield metrics.TARGET_SCALE_URGENT, _one(scale.urgent)


def _worth(worth: Worth) -> Iterator[Batch]:
    yield metrics.TARGET_BASELINE, _one(worth.baseline_response_seconds)
    yield metrics.TARGET_SECOND_PRICE, _one(worth.usd_per_second_saved)
    yield metrics.TARGET_REQUEST_PRICE, _one(worth.usd_per_request)
    yield metrics.TARGET_FULL_LOAD, _one(worth.full_load_requests_per_second)
    yield metrics.TARGET_EXCELLENT, _one(worth.excellent_response_seconds)
    yield metrics.TARGET_LEADER, _one(worth.leader_classes)


def _one(value: float | None) -> list[Sample]:
    return [] if value is None else [((), value)]


def _by_key(section: Section) -> list[Sample]:
    """A sample for each key of a section, which is its label."""
    return [((name,), value) for name, value in msgspec.structs.asdict(section).items()]
