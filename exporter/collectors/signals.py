"""What the user's own systems tell: requests, caches, models, business."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from exporter import metrics
from exporter.exposition import Batch, LabelValues, Sample
from exporter.state.histogram import Histogram
from exporter.state.signals import CacheFigures, RequestKey
from exporter.state.state import State

_OF_A_CACHE = (
    (metrics.CACHE_HITS, "hits"),
    (metrics.CACHE_MISSES, "misses"),
    (metrics.CACHE_EVICTIONS, "evictions"),
    (metrics.CACHE_ENTRIES, "entries"),
    (metrics.CACHE_MEMORY, "memory_bytes"),
    (metrics.CACHE_MEMORY_LIMIT, "memory_limit_bytes"),
    (metrics.CACHE_WARMED_ENTRIES, "warmed_entries"),
    (metrics.CACHE_WARMED_HITS, "warmed_hits"),
)


def collect(state: State) -> Iterator[Batch]:
    """What nobody told has no sample: no figure is made up."""
    signals = state.signals
    yield metrics.APP_REQUEST_DURATION, list(signals.requests.items())
    yield metrics.APP_REQUESTS, list(_answered(signals.requests).items())
    yield metrics.APP_REQUEST_ERRORS, list(_answered(signals.requests, "5").items())
    yield metrics.CACHE_UP, [(key, int(is_up)) for key, is_up in signals.servers.items()]
    caches = list(signals.caches.items())
    for family, field in _OF_A_CACHE:
        yield family, list(_told(caches, field))
    models = [((name,), model) for name, model in signals.models.items()]
    yield metrics.MODEL_PREDICTIONS, [(key, model.predictions) for key, model in models]
    outcomes = ("correct", "wrong", "unmatched")
    yield (
        metrics.MODEL_OUTCOMES,
        [((*key, outcome), getattr(model, outcome)) for key, model in models for outcome in outcomes],
    )
    numeric = [(key, model) for key, model in models if model.errors]
    yield metrics.MODEL_ERRORS, [(key, model.errors) for key, model in numeric]
    yield metrics.MODEL_ABSOLUTE_ERROR, [(key, model.absolute_error) for key, model in numeric]
    yield metrics.MODEL_SQUARED_ERROR, [(key, model.squared_error) for key, model in numeric]
    drifts = [((*key, name), drift.psi) for key, model in models for name, drift in model.drifts.items()]
    yield metrics.MODEL_DRIFT, [(key, psi) for key, psi in drifts if psi is not None]
    yield metrics.MODEL_INFERENCE, [(key, model.inference) for key, model in models if any(model.inference.counts)]
    yield metrics.BUSINESS_LEVEL, [((name,), value) for name, value in signals.levels.items()]
    yield metrics.BUSINESS_SUM, [((name,), value) for name, value in signals.sums.items()]


def _answered(requests: Mapping[RequestKey, Histogram], status: str = "") -> Counter[tuple[str, str]]:
    """How many by app and route, of statuses that begin so; a 0 counts, since a rate does not see where it begins."""
    found: Counter[tuple[str, str]] = Counter()
    for (app, route, answer), durations in requests.items():
        found[app, route] += sum(durations.counts) if answer.startswith(status) else 0
    return found


def _told(caches: Sequence[tuple[LabelValues, CacheFigures]], field: str) -> Iterator[Sample]:
    for key, figures in caches:
        value = getattr(figures, field)
        if value is not None:
            yield key, value
