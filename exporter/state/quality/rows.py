"""Fills that wait for the price of a later time, as columns of numbers in the order of their times."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

Group = tuple[float, int, float, float, float, float, float, float]
"""The time of fills, their number, and their sums: units, worth, edge, volume, coins, paid.

Units are signed by our side; a dollar of the price makes as many USD of them. Their worth is that at the mid of the
fill's time, the edge their worth at the price less that, and the volume the size of the worth. The last two are of
inverse contracts alone, whose money does not move with the price itself: units that are worth minus one coin over
the price, and what these were worth at the fill.
"""


def joined(one: Group, other: Group) -> Group:
    """Both as one group of the first one's time."""
    ts, fills, units, worth, edge, volume, coins, paid = one
    _, fills_too, units_too, worth_too, edge_too, volume_too, coins_too, paid_too = other
    sums = units + units_too, worth + worth_too, edge + edge_too, volume + volume_too
    return ts, fills + fills_too, *sums, coins + coins_too, paid + paid_too


class Rows:
    """The columns. Fills of one time share a row, and so do those within ``grain`` seconds of its first one."""

    __slots__ = ("_columns", "_fills", "grain", "times")

    def __init__(self, *, inverse: bool) -> None:
        self.grain = 0.0
        self.times = array("d")
        self._fills = array("L")
        self._columns = tuple(array("d") for _ in range(6 if inverse else 4))

    def __len__(self) -> int:
        return len(self.times)

    def place(self, ts: float) -> int:
        """Where fills of this time belong: after all that are not later."""
        return bisect_right(self.times, ts)

    def extend(self, groups: list[Group]) -> None:
        """Add fills that are later than all, in the order of their times."""
        times, fills, *sums = zip(*groups, strict=True)
        self.times.extend(array("d", times))
        self._fills.extend(array("L", fills))
        for column, values in zip(self._columns, sums, strict=False):
            column.extend(array("d", values))

    def insert(self, place: int, group: Group) -> None:
        """Add fills at their place."""
        ts, fills, *sums = group
        self.times.insert(place, ts)
        self._fills.insert(place, fills)
        for column, value in zip(self._columns, sums, strict=False):
            column.insert(place, value)

    def merge(self, place: int, group: Group) -> None:
        """Add fills to the row that stands there."""
        _, fills, *sums = group
        self._fills[place] += fills
        for column, value in zip(self._columns, sums, strict=False):
            column[place] += value

    def end(self, first: int, after: float, until: float) -> int:
        """The place behind the last row, from ``first`` on, that ``after`` seconds later was still before ``until``."""
        times, count = self.times, len(self.times)
        if first + 1 == count or times[first + 1] + after >= until:
            return first + 1
        place = bisect_left(times, until - after, first + 1, count)
        while times[place - 1] + after >= until:  # what a difference rounds is not what the sum rounds
            place -= 1  # at most to behind the first, which is before
        while place < count and times[place] + after < until:
            place += 1
        return place

    def sums(self, first: int, end: int) -> list[float]:
        """The sums of the rows from ``first`` to before ``end``; the last two only of inverse contracts."""
        if end == first + 1:
            return [column[first] for column in self._columns]
        return [sum(column[first:end]) for column in self._columns]

    def count(self, first: int, end: int) -> int:
        """How many fills are in the rows from ``first`` to before ``end``."""
        return sum(self._fills[first:end])

    def forget(self, end: int) -> None:
        """Drop the rows before ``end``."""
        del self.times[:end], self._fills[:end]
        for column in self._columns:
            del column[:end]
