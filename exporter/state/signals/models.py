"""What models said, how right they were, and how far what they are made of has drifted."""

from __future__ import annotations

from collections import OrderedDict, defaultdict

import msgspec

from exporter.errors import EventError
from exporter.events import Outcome, Prediction
from exporter.metrics import LATENCY_BUCKETS
from exporter.state.histogram import Histogram
from exporter.state.signals.drift import Drift, SavedDrift

PREDICTION = "prediction"
"""The name under which what a model says is looked at for drift beside its features."""

_REMEMBERED = 10_000  # predictions of a model whose outcome may still come
_FEATURES = 200  # of a model


class SavedModel(msgspec.Struct, frozen=True, array_like=True):
    """What of a `Model` is kept over a restart: what its features are compared with."""

    name: str
    drifts: dict[str, SavedDrift]


class Model:
    """One model.

    ``correct`` and ``wrong`` count outcomes that are names, ``errors`` those that are numbers, with the sums of what
    they were off by, absolute and squared; ``unmatched`` are outcomes whose prediction is not known.
    """

    def __init__(self, reference: int, window: int, bins: int) -> None:
        self.predictions = 0
        self.correct = 0
        self.wrong = 0
        self.errors = 0
        self.absolute_error = 0.0
        self.squared_error = 0.0
        self.unmatched = 0
        self.inference = Histogram(LATENCY_BUCKETS)
        self.drifts: defaultdict[str, Drift] = defaultdict(lambda: Drift(reference, window, bins))
        self._remembered: OrderedDict[str, float | str] = OrderedDict()

    def predict(self, event: Prediction) -> None:
        """Take a prediction; `EventError` when the model has too many features."""
        features = event.features
        if len(self.drifts) + len(features.keys() - self.drifts.keys()) > _FEATURES:
            raise EventError("features", f"features are more than {_FEATURES} names; give each feature one name")
        self.predictions += 1
        if event.inference_seconds is not None:
            self.inference.observe(event.inference_seconds)
        for name, value in features.items():
            self.drifts[name].add(value)
        if event.value is None:
            return
        self.drifts[PREDICTION].add(event.value)
        if event.prediction_id:
            self._remembered[event.prediction_id] = event.value
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)

    def judge(self, event: Outcome) -> None:
        """Take an outcome."""
        predicted = event.predicted
        if predicted is None:
            predicted = self._remembered.pop(event.prediction_id, None)
        if predicted is None:
            self.unmatched += 1
        elif isinstance(predicted, float) and isinstance(event.value, float):
            error = predicted - event.value
            self.errors += 1
            self.absolute_error += abs(error)
            self.squared_error += error * error
        elif predicted == event.value:
            self.correct += 1
        else:
            self.wrong += 1
