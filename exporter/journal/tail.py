"""The end of a group of rows that is not on disk yet."""

from __future__ import annotations

from exporter.journal.rows import End, Filling, Row


class Tail:
    """Sealed rows by number, in order, and the row that is being filled, which gets ``number``."""

    def __init__(self, group: str, end: End) -> None:
        self.end = end
        self.filling = Filling(group)
        self.sealed: dict[int, Row] = {}

    @property
    def number(self) -> int:
        """The number of the row that is being filled."""
        return self.end.number + 1

    def seal(self, now: float) -> None:
        """Close the row that is being filled, unless it is empty."""
        if self.filling.records:
            row = self.filling.seal(self.end, now)
            self.sealed[row.number] = row
            self.end = End.of(row)

    def let_go(self, up_to: int) -> int:
        """Forget the sealed rows up to this number; how many records they have."""
        done = [number for number in self.sealed if number <= up_to]
        return sum(self.sealed.pop(number).records for number in done)
