"""Reads a journal in use: what is on disk, what waits to be written, and the row that is being filled, as one."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from exporter.errors import JournalError
from exporter.journal.database import Part
from exporter.journal.records import Record
from exporter.journal.rows import FULL, LASTING, PASSING, End, Row, decode, problem
from exporter.journal.stored import Stored
from exporter.journal.tail import Tail

_CACHED = 8 * FULL  # records
_ADVICE = "run `trading-exporter journal verify` on a copy, and see docs/journal.md on damage"

T = TypeVar("T")


class Reader:
    """Decoded rows; `JournalError` for one that is missing or damaged."""

    def __init__(self, stored: Stored, tails: dict[str, Tail]) -> None:
        self._stored = stored
        self._tails = tails
        self._cache: OrderedDict[int, list[Record]] = OrderedDict()
        self._cached = 0

    def remember(self, number: int, records: list[Record]) -> None:
        """Keep a decoded lasting row at hand; the least used ones go when there are too many."""
        self._cache[number] = records
        self._cached += len(records)
        while self._cached > _CACHED and len(self._cache) > 1:
            self._cached -= len(self._cache.popitem(last=False)[1])

    def records(self, number: int) -> list[Record]:
        """The records of one lasting row."""
        tail = self._tails[LASTING]
        if number == tail.number:
            return tail.filling.records
        records = self._cache.get(number)
        if records is not None:
            self._cache.move_to_end(number)
            return records
        row = tail.sealed.get(number) or self._asked(lambda: self._stored.row(LASTING, number))
        if row is None:
            raise self._damaged(f"row {number} is missing")
        records = self._decoded(row)
        self.remember(number, records)
        return records

    def all(self, group: str, after: int) -> Iterator[tuple[int, list[Record]]]:
        """The rows after a number, each checked to continue the one before."""
        before = self._end(group, after)
        for row in self._rows(group, before.number):
            if fault := problem(row, before):
                raise self._damaged(fault)
            before = End.of(row)
            yield row.number, self._decoded(row)
        tail = self._tails[group]
        if tail.filling.records:
            yield tail.number, tail.filling.records

    def since(self, ts: float) -> Iterator[tuple[int, list[Record]]]:
        """The lasting rows that have an event at or after ``ts``."""
        for row in self._rows(LASTING, self._asked(lambda: self._stored.before(ts)), ts):
            yield row.number, self._decoded(row)
        tail = self._tails[LASTING]
        if tail.filling.records:
            yield tail.number, tail.filling.records

    def passing_since(self, ts: float) -> Iterator[tuple[int, list[Record]]]:
        """The passing rows that have an event at or after ``ts``."""
        for row in self._rows(PASSING, 0, ts):
            yield row.number, self._decoded(row)
        tail = self._tails[PASSING]
        if tail.filling.records:
            yield tail.number, tail.filling.records

    def parts(self) -> list[Part]:
        """The saved parts."""
        return self._asked(self._stored.parts)

    def _rows(self, group: str, after: int, newer: float = 0.0) -> Iterator[Row]:
        """From disk, and then those that wait; the writer may move some from here to there meanwhile."""
        while True:
            rows = self._asked(partial(self._stored.rows, group, after, newer))
            if not rows:
                rows = [
                    row for row in self._tails[group].sealed.values() if row.number > after and row.last_ts >= newer
                ]
            if not rows:
                return
            yield from rows
            after = rows[-1].number

    def _end(self, group: str, after: int) -> End:
        start = self._asked(lambda: self._stored.start(group))
        if after <= start.number:
            return start
        tail = self._tails[group]
        row = tail.sealed.get(after) or self._asked(lambda: self._stored.row(group, after))
        if row is None:
            raise self._damaged(f"row {after} is missing")
        return End.of(row)

    def _decoded(self, row: Row) -> list[Record]:
        try:
            return decode(row)
        except ValueError as error:
            raise self._damaged(str(error)) from None

    def _asked(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except sqlite3.Error as error:
            raise self._damaged(str(error)) from None

    def _damaged(self, what: str) -> JournalError:
        return JournalError(f"{self._stored.path or 'the journal in memory'}: {what}; {_ADVICE}")
