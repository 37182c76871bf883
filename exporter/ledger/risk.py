"""What can be lost: drawdown, value at risk and expected shortfall of a series of results.

A series is the PnL of an account, or of all, in USD at even steps of time. A change over a horizon is the
difference of two values that far apart; changes overlap, so that a window of a week holds enough of an hour's.
Losses are positive: a value at risk of 100 at 0.99 says that in 99 of 100 horizons less than 100 USD was lost.
Definitions: P. Artzner et al., Coherent Measures of Risk, 1999; quantiles are linear between order statistics.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import islice
from statistics import NormalDist
from typing import NamedTuple

import msgspec


class Risk(NamedTuple):
    """Value at risk and expected shortfall in USD, positive when it is a loss."""

    value_at_risk: float
    expected_shortfall: float


def enough(changes: Sequence[float], confidence: float) -> bool:
    """Whether the tail beyond ``confidence`` is made of at least five observations, of thirty in all."""
    return len(changes) >= max(30, math.ceil(5 / (1 - confidence)))


def historical(changes: Sequence[float], confidence: float) -> Risk:
    """From the losses that were: their quantile, and the mean of those at least as large."""
    losses = sorted(-change for change in changes)
    place = confidence * (len(losses) - 1)
    low = math.floor(place)
    high = min(low + 1, len(losses) - 1)
    quantile = losses[low] + (losses[high] - losses[low]) * (place - low)
    tail = [loss for loss in losses if loss >= quantile]
    return Risk(quantile, math.fsum(tail) / len(tail))


def parametric(changes: Sequence[float], confidence: float) -> Risk:
    """As if changes were normal, with the mean and the standard deviation (of a sample) of those that were."""
    count = len(changes)
    mean = math.fsum(changes) / count
    deviation = math.sqrt(math.fsum((change - mean) ** 2 for change in changes) / (count - 1))
    normal = NormalDist()
    z = normal.inv_cdf(confidence)
    return Risk(z * deviation - mean, deviation * normal.pdf(z) / (1 - confidence) - mean)


class SavedSeries(msgspec.Struct, frozen=True, array_like=True):
    """A `Series` to be kept and restored."""

    step: float
    window: float
    place: int | None
    values: list[float | None]
    peak: float


class Series:
    """Results at even steps over a window; ``step`` and ``window`` in seconds.

    ``capital`` is what there was before any result; drawdown is counted from the highest level since, deposits and
    withdrawals apart.
    """

    def __init__(self, step: float, window: float, capital: float | None) -> None:
        self._step, self._window = step, window
        self._values: deque[float | None] = deque(maxlen=math.ceil(window / step) + 1)
        self._place: int | None = None  # of the newest value, counted in steps since 1970
        self._capital = capital
        self.peak = 0.0

    def add(self, ts: float, value: float, peak: float = 0.0) -> bool:
        """Note the result at a time; False when its step has one already. Steps without one are unknown.

        ``peak`` is the highest result known from elsewhere.
        """
        place = math.floor(ts / self._step)
        if self._place is not None:
            missed = place - self._place - 1
            if missed < 0:
                return False
            self._values.extend([None] * min(missed, self._values.maxlen or 0))
        self._place = place
        self._values.append(value)
        self.peak = max(self.peak, value, peak)
        return True

    def save(self) -> SavedSeries:
        """All of it as a value."""
        return SavedSeries(self._step, self._window, self._place, list(self._values), self.peak)

    def load(self, saved: SavedSeries) -> float:
        """Go on from what was saved; the time from which results may be missing, 0 when it cannot be used."""
        if saved.step != self._step or saved.window < self._window or saved.place is None:
            return 0.0
        self._place, self.peak = saved.place, saved.peak
        self._values.extend(saved.values)
        return (saved.place + 1) * self._step

    def changes(self, horizon: float) -> list[float]:
        """All changes over a horizon in seconds, rounded to whole steps."""
        apart = max(1, round(horizon / self._step))
        pairs = zip(self._values, islice(self._values, apart, None), strict=False)
        return [after - before for before, after in pairs if before is not None and after is not None]

    def drawdown(self, value: float) -> float | None:
        """Equity at a result less its highest level, as a share of that: 0 at the top, never above.

        None without capital.
        """
        self.peak = max(self.peak, value)
        if self._capital is None or self._capital + self.peak <= 0:
            return None
        return (value - self.peak) / (self._capital + self.peak)
