"""Saves what is intact of a damaged journal: of each group, the longest beginning in which every digest is right.

Of the passing rows, whose beginning retention cuts, it may also be a later part, when the beginning is damaged.

The damaged file stays as it is, under another name. The new one is made beside and takes its place last, so that
a process killed meanwhile leaves one or the other, and the next start ends what was begun.
"""

from __future__ import annotations

import contextlib
import logging
import math
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import TypeVar

from exporter.journal import database
from exporter.journal.database import CHUNK, Part, beside, transaction
from exporter.journal.pages import Pages, Place
from exporter.journal.rows import GROUPS, LASTING, PASSING, End, Row, decode, problem
from exporter.journal.times import moment

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was left of a damaged file, which is kept as ``damaged``.

    ``ends`` is where each group ends now; ``lost_rows`` how many rows are known to have followed, ``lost_until``
    the Unix time at which the last of them was written, if any is known.
    """

    damaged: Path
    fault: str
    ends: dict[str, End]
    lost_rows: int
    lost_until: float | None

    def __str__(self) -> str:
        return left(self.ends, self.lost_rows, self.lost_until)


def left(ends: dict[str, End], lost_rows: int, lost_until: float | None) -> str:
    """What is intact and what is lost, in words."""
    end = ends[LASTING]
    kept = f"{end.number} rows with {end.total} records, the last written {moment(end.written)}"
    lost = f"{lost_rows} rows are known to be lost" if lost_rows else "no further row is known of"
    until = f", the last of them written {moment(lost_until)}" if lost_until else ""
    return f"{kept if end.number else 'nothing'}; {lost}{until}"


def finish(path: Path, why: str = "damaged") -> Path | None:
    """End a salvage: the damaged file gets another name, which is returned, and the salvaged one its place.

    Does nothing when there is no salvaged file; None also when there was no other.
    """
    salvaged = beside(path, ".salvaged")
    if not salvaged.exists():
        return None
    damaged = free_name(path, why)
    beside(path, "-shm").unlink(missing_ok=True)
    for file, name in ((beside(path, "-wal"), beside(damaged, "-wal")), (path, damaged)):
        if file.exists() and (file == path or file.stat().st_size):
            file.rename(name)
        else:
            file.unlink(missing_ok=True)
    salvaged.rename(path)
    database.sync_folder(path)
    return damaged if damaged.exists() or beside(damaged, "-wal").exists() else None


def salvage(path: Path, fault: str) -> Salvaged:
    """Put an intact journal in the place of a damaged one."""
    log.error("%s is damaged: %s; saving what is intact of it", path, fault)
    unfinished = beside(path, ".salvaging")
    source = Source(path)
    try:
        ends = source.copy(unfinished)
        lost = source.lost(ends)
    finally:
        source.close()
    unfinished.rename(beside(path, ".salvaged"))
    database.sync_folder(path)
    damaged = finish(path) or path
    salvaged = Salvaged(damaged, fault, ends, len(lost), max(lost.values(), default=None))
    log.error("%s: intact: %s. The damaged file is kept as %s", path, salvaged, damaged)
    return salvaged


def free_name(path: Path, why: str) -> Path:
    """A name beside ``path`` that says why and when, and that no file has yet."""
    name = beside(path, f".{why}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    number = 1
    while (free := name if number == 1 else beside(name, f"-{number}")).exists() or beside(free, "-wal").exists():
        number += 1
    return free


class Source:
    """The rows of a damaged journal: through SQLite as far as it gets, then from its pages."""

    def __init__(self, path: Path) -> None:
        self._connection = _connection(path)
        self._pages = Pages(path)
        self._places: dict[str, dict[int, list[Place]]] = {}  # where rows may be, by group and number
        self._written: dict[tuple[str, int], float] = {}  # when rows that something is left of were written

    def close(self) -> None:
        """Close the files."""
        self._pages.close()
        if self._connection is not None:
            self._connection.close()

    def copy(self, target: Path, until: float = math.inf) -> dict[str, End]:
        """Write a new journal of all that is intact and written by ``until``; where its groups end.

        Saved state is of an unknown moment, and left out when there is an ``until``.
        """
        connection = database.create(target)
        with transaction(connection):
            created = self._asked(database.read_created, None)
            if created:
                database.set_created(connection, created)
            for group in GROUPS:
                start, found = self.intact(group)
                rows = takewhile(lambda row: row.written <= until, found)
                if start.number:
                    database.set_start(connection, start)
                while some := list(islice(rows, CHUNK)):
                    database.insert(connection, group, some)
        ends = {group: database.read_end(connection, group) for group in GROUPS}
        if math.isinf(until):
            parts: list[Part] = self._asked(lambda damaged: database.read_parts(damaged, ends[LASTING].number), [])
            database.save_parts(connection, parts)
        connection.close()
        return ends

    def survey(self) -> dict[str, End]:
        """Where each group would end in such a new journal."""
        ends = {}
        for group in GROUPS:
            start, rows = self.intact(group)
            ends[group] = End.of(last[0]) if (last := deque(rows, 1)) else start
        return ends

    def lost(self, ends: dict[str, End]) -> dict[tuple[str, int], float]:
        """The rows after these ends of which something is left: group and number, and when they were written."""
        self._scan(ends[LASTING].number)
        return {(group, number): ts for (group, number), ts in self._written.items() if number > ends[group].number}

    def intact(self, group: str) -> tuple[End, Iterator[Row]]:
        """What the longest intact beginning of a group continues, and its rows."""
        start = self._asked(lambda connection: database.read_start(connection, group), End.start(group))
        rows = self._chain(group, start)
        first = next(rows, None)
        if first is None and group == PASSING:
            return self._later(group, start)
        return start, chain([first] if first else [], rows)

    def _later(self, group: str, start: End) -> tuple[End, Iterator[Row]]:
        """Where a chain begins if it is not known what retention cut: the row after it vouches for its first one."""
        self._scan(0)
        places = self._places[group]
        for number in sorted(places):
            for row in self._read(places[number]):
                rows = self._chain(group, End.of(row))
                first = next(rows, None)
                if first is not None:
                    return End.of(row), chain([first], rows)
        return start, iter(())

    def _chain(self, group: str, before: End) -> Iterator[Row]:
        """The rows that continue ``before`` without a gap."""
        for row in self._readable(group, before.number):
            if not _continues(row, before):
                break
            before = End.of(row)
            yield row
        self._scan(before.number)
        while (found := self._found(self._places[group], before)) is not None:
            before = End.of(found)
            yield found

    def _scan(self, after: int) -> None:
        """Note where rows may be, once: lasting ones after a number, since there are many, and all passing ones."""
        if self._places:
            return
        self._places = {group: {} for group in GROUPS}
        for place in self._pages.places():
            head = self._pages.head(place)
            if head:
                self._written[head.group, head.number] = head.written
            for group in (head.group,) if head else GROUPS:
                if place.number > after or group == PASSING:
                    self._places[group].setdefault(place.number, []).append(place)

    def _readable(self, group: str, after: int) -> Iterator[Row]:
        """The rows after a number, as far as SQLite can read them."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                yield from database.all_rows(self._connection, group, after)

    def _found(self, places: dict[int, list[Place]], before: End) -> Row | None:
        some = places.get(before.number + 1, [])
        return next((row for row in self._read(some) if _continues(row, before)), None)

    def _read(self, places: Iterable[Place]) -> Iterator[Row]:
        return (row for place in places for row in self._pages.rows(place))

    def _asked(self, read: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What SQLite says, or something else when it cannot say."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                return read(self._connection)
        return otherwise


def _continues(row: Row, before: End) -> bool:
    try:
        return not problem(row, before) and bool(decode(row))
    except ValueError:
        return False


def _connection(path: Path) -> sqlite3.Connection | None:
    """A connection that reads a file even when it is too short."""
    if not path.exists():
        return None
    connection = database.connect_to_read(path)
    with contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("SELECT 1 FROM meta")
        return connection
    connection.close()
    return None
