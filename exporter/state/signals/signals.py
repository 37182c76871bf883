"""The door to all of them; the intake calls it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec

from exporter.config import Models
from exporter.errors import EventError
from exporter.events import Business, Cache, Outcome, Prediction, Request, SignalEvent
from exporter.metrics import LATENCY_BUCKETS
from exporter.state.histogram import Histogram
from exporter.state.signals.caches import CacheFigures
from exporter.state.signals.models import Model, SavedModel

_MOST = 10_000  # names of each kind; more are a mistake, such as paths in place of their patterns

RequestKey = tuple[str, str, str]  # app, route, status
CacheKey = tuple[str, str]  # cache, tier


class Signals:
    """``requests`` are durations in seconds, ``answered`` those of all; ``failures`` counts those with a status of 5xx.

    ``servers`` says of each cache that we ask ourselves whether it answers. ``levels`` and ``sums`` are figures of the
    business by name.
    """

    def __init__(self, models: Models) -> None:
        self.requests: dict[RequestKey, Histogram] = {}
        self.answered = Histogram(LATENCY_BUCKETS)
        self.failures = 0
        self.caches: dict[CacheKey, CacheFigures] = {}
        self.servers: dict[CacheKey, bool] = {}
        self.models: dict[str, Model] = {}
        self.levels: dict[str, float] = {}
        self.sums: defaultdict[str, float] = defaultdict(float)
        self._models = models

    def take(self, event: SignalEvent) -> None:
        """Take an event; `EventError` when there are too many different names."""
        match event:
            case Request():
                self._request(event)
            case Cache():
                _check_room(self.caches, (event.cache, event.tier), "cache")
                self.caches[event.cache, event.tier] = msgspec.convert(event, CacheFigures, from_attributes=True)
            case Prediction():
                self._predict(event)
            case Outcome():
                self._model(event.model).judge(event)
            case Business(kind="level"):
                _check_room(self.levels, event.name, "name")
                self.levels[event.name] = event.value
            case Business():
                _check_room(self.sums, event.name, "name")
                self.sums[event.name] += event.value

    def save(self) -> list[SavedModel]:
        """What is kept over a restart."""
        return [
            SavedModel(name, {feature: drift.save() for feature, drift in model.drifts.items()})
            for name, model in self.models.items()
        ]

    def load(self, saved: list[SavedModel]) -> None:
        """Go on from what was saved."""
        for each in saved:
            model = self._model(each.name)
            for feature, drift in each.drifts.items():
                model.drifts[feature].load(drift)

    def _request(self, event: Request) -> None:
        key = event.app, event.route, str(event.status)
        durations = self.requests.get(key)
        if durations is None:
            _check_room(self.requests, key, "route")
            durations = self.requests[key] = Histogram(LATENCY_BUCKETS)
        durations.observe(event.duration)
        self.answered.observe(event.duration)
        self.failures += event.status >= 500

    def _predict(self, event: Prediction) -> None:
        """Each feature keeps values to compare with: where all have too many, the model that is silent longest goes."""
        model = self._model(event.model)
        features = len(model.drifts)
        model.predict(event)
        self.models[event.model] = self.models.pop(event.model)  # in the order in which they were last heard of
        if len(model.drifts) > features:
            while sum(len(each.drifts) for each in self.models.values()) > _MOST:
                del self.models[next(iter(self.models))]

    def _model(self, name: str) -> Model:
        model = self.models.get(name)
        if model is None:
            _check_room(self.models, name, "model")
            settings = self._models
            model = self.models[name] = Model(settings.reference, settings.window, settings.bins)
        return model


def _check_room(known: Mapping[Any, object], key: object, field: str) -> None:
    if key not in known and len(known) >= _MOST:
        text = f"{field} is one more than {_MOST} different ones; it becomes a label: give few names, patterns of paths"
        raise EventError(field, text)
