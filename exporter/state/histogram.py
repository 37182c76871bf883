"""A histogram in plain numbers."""

from __future__ import annotations

from bisect import bisect_left


class Histogram:
    """Counts of observations by upper bound.

    ``bounds`` are ascending upper bounds, inclusive, without infinity; ``counts`` holds one number for
    each bound and one more for what lies above the last, not cumulated.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value, in the unit of the bounds."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
