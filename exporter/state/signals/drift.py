"""How far the newest values of something are from what they used to be: the population stability index.

With shares e_i of the reference and a_i of the newest values in each of the bins, PSI = Σ (a_i - e_i)·ln(a_i / e_i).
Shares are (count + 1/2) / (values + bins/2), so that an empty bin does not make it infinite. By custom below 0.1 is
stable, above 0.25 something has changed.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, deque

import msgspec

_CLASSES = 50  # by name; all others count as one


class SavedDrift(msgspec.Struct, frozen=True, array_like=True):
    """A `Drift` to be kept and restored, but for the newest values, which come anew."""

    reference: list[float | str]
    edges: list[float]
    expected: dict[str, int]


class Drift:
    """The first ``reference`` values are what the newest ``window`` ones are compared with.

    Numbers fall into ``bins`` that had equal shares of the reference; names are a bin each.
    """

    __slots__ = ("_actual", "_bins", "_edges", "_expected", "_newest", "_reference", "_reference_size", "_window")

    def __init__(self, reference: int, window: int, bins: int) -> None:
        self._reference_size, self._window, self._bins = reference, window, bins
        self._reference: list[float | str] = []  # until there are enough
        self._edges: list[float] = []
        self._expected: Counter[str] = Counter()
        self._newest: deque[str] = deque(maxlen=window)
        self._actual: Counter[str] = Counter()

    def add(self, value: float | str) -> None:
        """Take the next value."""
        if not self._expected:
            self._reference.append(value)
            if len(self._reference) >= self._reference_size:
                self._begin()
            return
        if len(self._newest) == self._window:
            self._actual[self._newest[0]] -= 1
        where = self._bin(value)
        self._newest.append(where)
        self._actual[where] += 1

    @property
    def psi(self) -> float | None:
        """The index; None until there are enough values."""
        if not self._expected or len(self._newest) < self._window:
            return None
        bins = self._expected.keys() | {where for where, count in self._actual.items() if count}
        half = len(bins) / 2
        before, now = self._expected.total() + half, self._window + half
        shares = (((self._actual[b] + 0.5) / now, (self._expected[b] + 0.5) / before) for b in bins)
        return math.fsum((actual - expected) * math.log(actual / expected) for actual, expected in shares)

    def save(self) -> SavedDrift:
        """The reference."""
        return SavedDrift(self._reference.copy(), self._edges.copy(), dict(self._expected))

    def load(self, saved: SavedDrift) -> None:
        """Go on with a reference that was saved."""
        self._reference, self._edges = list(saved.reference), list(saved.edges)
        self._expected = Counter(saved.expected)

    def _begin(self) -> None:
        """Make the bins of the reference."""
        numbers = sorted(value for value in self._reference if isinstance(value, float))
        if numbers:
            cuts = (numbers[len(numbers) * i // self._bins] for i in range(1, self._bins))
            self._edges = sorted(set(cuts))
        names = Counter(value for value in self._reference if isinstance(value, str))
        kept = {name for name, _ in names.most_common(_CLASSES)}
        for value in self._reference:
            where = f"={value}" if isinstance(value, str) else self._bin(value)
            self._expected[where if isinstance(value, float) or value in kept else "other"] += 1
        self._reference = []

    def _bin(self, value: float | str) -> str:
        if isinstance(value, str):
            return f"={value}" if f"={value}" in self._expected else "other"
        return str(bisect_right(self._edges, value))
