"""All that waits to be sent, in the order in which it was reported: the spool, and books and quotes in memory."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

from exporter.client.segment import Position
from exporter.client.spool import Entry, Spool

MOMENTARY = 10_000  # books and quotes that may wait; beyond, the oldest are dropped


class Mark(NamedTuple):
    """A moment in the outbox: what had been put into it by then."""

    spool: Position
    momentary: int


class Outbox:
    """One thread puts in, another takes out and says what became of it."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.dropped = 0
        self._lock = threading.Lock()
        self._momentary: deque[tuple[Position, bytes]] = deque()  # each with the place in the spool that it follows
        self._momentary_put = 0
        self._momentary_settled = 0

    def put(self, lines: list[tuple[bytes, bool]]) -> None:
        """Add lines, each with whether it is momentary."""
        lasting: list[bytes] = []
        for line, is_momentary in lines:
            if not is_momentary:
                lasting.append(line)
                continue
            if lasting:
                self.spool.append(lasting)
                lasting = []
            self._put_momentary(line)
        if lasting:
            self.spool.append(lasting)

    def take(self, most: int, most_bytes: int) -> list[Entry]:
        """The next lines in order; those of the spool are given once, and wait in it to be acknowledged."""
        now = self.spool.end
        entries: list[Entry] = []
        for entry in self.spool.read(most, most_bytes):
            entries += self._momentary_before(entry.end)
            entries.append(entry)
        return entries or self._momentary_before(Position(now.segment, now.offset + 1))

    def settle(self, entries: list[Entry]) -> None:
        """The exporter has dealt with these, the next in order."""
        ends = [entry.end for entry in entries if entry.end]
        with self._lock:
            self._momentary_settled += len(entries) - len(ends)
        for segment in sorted({end.segment for end in ends}):
            own = [end for end in ends if end.segment == segment]
            self.spool.acknowledge(own[-1], len(own))

    def mark(self) -> Mark:
        """Now."""
        return Mark(self.spool.end, self._momentary_put)

    def is_settled(self, mark: Mark) -> bool:
        """Whether nothing waits of what was put in before ``mark``."""
        return self._momentary_settled >= mark.momentary and self.spool.is_acknowledged(mark.spool)

    def waiting(self) -> int:
        """How many events wait."""
        return self._momentary_put - self._momentary_settled + self.spool.lines

    def _put_momentary(self, line: bytes) -> None:
        after = self.spool.end
        with self._lock:
            self._momentary.append((after, line))
            self._momentary_put += 1
            if len(self._momentary) > MOMENTARY:
                self._momentary.popleft()
                self._momentary_settled += 1
                self.dropped += 1

    def _momentary_before(self, end: Position | None) -> list[Entry]:
        """Books and quotes that were reported before the line that ends there."""
        entries = []
        with self._lock:
            while self._momentary and end and self._momentary[0][0] < end:
                entries.append(Entry(self._momentary.popleft()[1], None))
        return entries
