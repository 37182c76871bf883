"""A histogram in plain numbers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


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

    def observe_all(self, values: list[float]) -> None:
        """Count many values; sorts them, since it then takes one search a bound rather than one a value."""
        values.sort()
        before = 0
        for place, bound in enumerate(self.bounds):
            until = bisect_right(values, bound, before)
            self.counts[place] += until - before
            before = until
        self.counts[-1] += len(values) - before
        self.total += sum(values)

    def load(self, counts: list[int], total: float) -> None:
        """Go on from counts that were saved, unless the bounds have changed since."""
        if len(counts) == len(self.counts):
            self.counts, self.total = list(counts), total
