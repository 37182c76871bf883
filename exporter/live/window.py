"""The time between two looks: rates, shares, means, quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.live.sums import Key, Sums


@dataclass(frozen=True, slots=True)
class Look:
    """The sums at a time."""

    ts: float
    sums: Sums


@dataclass(frozen=True, slots=True)
class Window:
    """From one look to a later one, or to itself. What cannot be said is None, such as a share of nothing."""

    old: Look
    new: Look

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.new.ts - self.old.ts

    def increase(self, *key: str) -> float | None:
        """What came in the window; what was not there at its beginning was 0."""
        value = self.new.sums.get(key)
        return None if value is None else max(0.0, value - self.old.sums.get(key, 0.0))

    def rate(self, *key: str) -> float | None:
        """The same, a second."""
        grown = self.increase(*key)
        return grown / self.seconds if grown is not None and self.seconds else None

    def ratio(self, part: Key, whole: Key) -> float | None:
        """What came of the one for each of the other."""
        above, below = self.increase(*part), self.increase(*whole)
        return above / below if above is not None and below else None

    def quantile(self, q: float, bounds: Sequence[float]) -> float | None:
        """The value that a share ``q`` of what came does not exceed, as Prometheus's `histogram_quantile` has it.

        Within a bucket values are taken to lie evenly; beyond the last bound nothing is known but that.
        """
        counts = [self.increase("bucket", str(place)) or 0.0 for place in range(len(bounds) + 1)]
        wanted, below = q * sum(counts), 0.0
        if not wanted:
            return None
        for place, bound in enumerate(bounds):
            if below + counts[place] >= wanted:
                start = bounds[place - 1] if place else 0.0
                return start + (bound - start) * (wanted - below) / counts[place]
            below += counts[place]
        return bounds[-1]
