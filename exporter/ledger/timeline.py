"""The fills of one book in the order of their times, of which only the newest are kept in memory."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from operator import attrgetter

import msgspec

from exporter.ledger.position import CostBasis
from exporter.ledger.running import Order, Running, SavedRunning, Step, order

_KEPT = 2  # chunks that stay when the oldest one is let go
_MARKS = 48  # states from before the window that are remembered, the denser the newer

Mark = tuple[Order, SavedRunning]


class SavedTimeline(msgspec.Struct, frozen=True, array_like=True):
    """A `Timeline` to be kept and restored."""

    chunk: int
    steps: list[Step]
    marks: list[Mark]
    behind: Order | None = None


class Timeline:
    """Steps and what they come to, whatever the order in which they arrive.

    A step that comes late is put in its place, and what follows is taken again from the checkpoint before it.
    If its place is before all that is in memory, ``behind`` says from where on the steps have to be read again.
    ``chunk`` steps lie between two checkpoints; ``marks`` are the states from which the steps go on, if not from the
    beginning.
    """

    def __init__(self, basis: CostBasis, chunk: int, marks: list[Mark] | None = None) -> None:
        self._basis: CostBasis = basis
        self._chunk = chunk
        self._marks: list[Mark] = marks or []  # each after the step with that order; the last is where memory begins
        self._steps: list[Step] = []
        self._checkpoints: list[SavedRunning] = []  # before each chunk but the first
        self._now = self._start()
        self._taken = 0  # the first so many steps are in `_now`, if all are
        self.behind: Order | None = None

    @property
    def now(self) -> Running:
        """What all steps come to."""
        self.settle()
        return self._now

    def extend(self, steps: list[Step]) -> None:
        """Put steps behind all that are there; they must come in their order."""
        is_settled = self._taken == len(self._steps)
        self._steps += steps
        if is_settled:
            self._take()
        while len(self._steps) >= self._chunk * (_KEPT + 1):
            self._let_go()

    def put(self, steps: list[Step]) -> None:
        """Put steps in their places; among themselves they must come in their order."""
        begins, mine = self.begins, self._steps
        if begins is not None and order(steps[0]) < begins:
            self._fall_behind(order(steps[0]))
            steps = [step for step in steps if order(step) >= begins]
        if not steps:
            return
        place = bisect_right(mine, order(steps[0]), key=order)
        if place == len(mine):
            self.extend(steps)
        else:
            mine[place:] = sorted([*mine[place:], *steps], key=order)
            self._taken = min(self._taken, place)
            self.extend([])

    def replace(self, step: Step) -> None:
        """Put a step in the place of the one with its time and identity."""
        place = bisect_right(self._steps, order(step), key=order) - 1
        if place >= 0 and order(self._steps[place]) == order(step):
            self._steps[place] = step
            self._taken = min(self._taken, place)
        else:
            self._fall_behind(order(step))

    def settle(self) -> bool:
        """Take again what follows the places where steps came late; True when there was something.

        Not at once, since late steps come in numbers: when somebody asks, or the oldest are let go.
        """
        if self._taken == len(self._steps):
            return False
        kept = min(self._taken // self._chunk, len(self._checkpoints))
        del self._checkpoints[kept:]
        self._now = Running.restore(self._checkpoints[-1], self._basis) if kept else self._start()
        self._taken = kept * self._chunk
        self._take()
        return True

    def booked(self, since: float) -> list[tuple[float, Decimal]] | None:
        """What the steps after ``since`` realised at average cost, with their times; None where memory begins later."""
        self.settle()
        steps = self._steps
        place = bisect_right(steps, since, key=attrgetter("ts"))
        if self.behind is not None or (self.begins is not None and not place and self.begins[0] > since):
            return None
        kept = min(place // self._chunk, len(self._checkpoints))
        running = Running.restore(self._checkpoints[kept - 1], self._basis) if kept else self._start()
        running.take(steps[kept * self._chunk : place])
        found = []
        for step in steps[place:]:
            before = running.booked
            running.take((step,))
            found.append((step.ts, running.booked - before))
        return found

    def again(self) -> Timeline:
        """An empty timeline that goes on from the newest state that is still true."""
        behind = self.behind
        return Timeline(self._basis, self._chunk, [mark for mark in self._marks if behind is None or mark[0] < behind])

    @property
    def begins(self) -> Order | None:
        """The place of the last step that is not in memory; None when all are."""
        return self._marks[-1][0] if self._marks else None

    @property
    def newest(self) -> float | None:
        """The time of the last step; None without any."""
        return self.last[0] if self.last else None

    @property
    def last(self) -> Order | None:
        """The place of the last step; None without any."""
        return order(self._steps[-1]) if self._steps else self.begins

    def save(self) -> SavedTimeline:
        """All of it as a value."""
        return SavedTimeline(self._chunk, self._steps.copy(), self._marks.copy(), self.behind)

    @classmethod
    def restore(cls, saved: SavedTimeline, basis: CostBasis) -> Timeline:
        """The one that was saved."""
        self = cls(basis, saved.chunk, list(saved.marks))
        self._steps = list(saved.steps)
        self.behind = saved.behind
        return self

    def _start(self) -> Running:
        return Running.restore(self._marks[-1][1], self._basis) if self._marks else Running(self._basis)

    def _fall_behind(self, place: Order) -> None:
        self.behind = min(self.behind, place) if self.behind else place

    def _take(self) -> None:
        """Take what follows the steps that are taken, with a checkpoint before each chunk but the first."""
        steps, chunk = self._steps, self._chunk
        while self._taken < len(steps):
            start = self._taken
            if start and start % chunk == 0 and len(self._checkpoints) < start // chunk:
                self._checkpoints.append(self._now.save())
            self._taken = min(start - start % chunk + chunk, len(steps))
            self._now.take(steps[start : self._taken])

    def _let_go(self) -> None:
        """Forget the oldest chunk but for what it came to."""
        self.settle()
        self._marks.append((order(self._steps[self._chunk - 1]), self._checkpoints.pop(0)))
        del self._steps[: self._chunk]
        self._taken = len(self._steps)
        if len(self._marks) > _MARKS:
            older = len(self._marks) // 2
            self._marks[:older] = self._marks[:older:2]
