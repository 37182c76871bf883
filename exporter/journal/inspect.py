"""Reads a journal from outside, also while an exporter writes it: all of it, with every digest."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exporter.errors import JournalError, ServiceError
from exporter.journal import database
from exporter.journal.damage import header_fault, is_damage, pages_fault
from exporter.journal.database import beside
from exporter.journal.rows import GROUPS, LASTING, End, Row, decode, problem
from exporter.journal.salvage import Source, left

Tell = Callable[[int], None]
"""Is told the number of records that were read so far."""


@dataclass(slots=True)
class Content:
    """What one group holds: ``first_ts`` and ``last_ts`` are the earliest and latest times of its events."""

    forgotten: int = 0
    rows: int = 0
    records: int = 0
    first_ts: float | None = None
    last_ts: float | None = None

    def add(self, row: Row) -> None:
        """Count a row."""
        self.rows += 1
        self.records += row.records
        self.first_ts = min(row.first_ts, self.first_ts or row.first_ts)
        self.last_ts = max(row.last_ts, self.last_ts or row.last_ts)


@dataclass(slots=True)
class Report:
    """What was found: ``fault`` is empty for an intact journal, else ``intact`` says what a start would go on with."""

    content: dict[str, Content]
    parts: int
    fault: str = ""
    intact: str = ""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads; `ServiceError` for what is not a journal, `JournalError` for a damaged one."""
    if not path.is_file():
        raise ServiceError(f"{path}: there is no such file; name the journal that journal.path points to")
    if fault := header_fault(path):
        raise JournalError(f"{path} is damaged: {fault}")
    try:
        connection = database.connect_to_read(path)
    except sqlite3.Error as error:
        raise _told(path, error) from None
    try:
        version = database.schema_version(connection)
        if version > len(database.MIGRATIONS):
            raise ServiceError(f"{path} was written by a newer trading-exporter; read it with that version")
        yield connection
    except sqlite3.Error as error:
        raise _told(path, error) from None
    finally:
        connection.close()


def rows(connection: sqlite3.Connection, path: Path, group: str, after: End | None = None) -> Iterator[Row]:
    """The rows of a group that are there now, each checked; `JournalError` at the first that is damaged or missing.

    What retention forgets before it was read is left out: an export may take long, and holds nobody up.
    """
    before = after or database.read_start(connection, group)
    last = database.read_end(connection, group).number
    while before.number < last:
        fault = ""
        for row in database.all_rows(connection, group, before.number):
            if row.number > last or (fault := _fault(row, before)):
                break
            before = End.of(row)
            yield row
        start = database.read_start(connection, group)
        if start.number > before.number:
            before = start
        elif fault:
            raise JournalError(f"{path} is damaged: {group}: {fault}")
        else:
            return


def _fault(row: Row, before: End) -> str:
    """What is wrong with a row that should continue ``before``; empty when nothing is."""
    if fault := problem(row, before):
        return fault
    try:
        decode(row)
    except ValueError as error:
        return str(error)
    return ""


def verify(path: Path, tell: Tell) -> Report:
    """Read all of a journal; `ServiceError` for what is none."""
    report = Report({group: Content() for group in GROUPS}, 0)
    try:
        with reading(path) as connection:
            _read_all(connection, path, report, tell)
    except JournalError as error:
        report.fault = str(error).removeprefix(f"{path} is damaged: ")
        report.intact = _intact(path)
    return report


def _read_all(connection: sqlite3.Connection, path: Path, report: Report, tell: Tell) -> None:
    read = 0
    for group in GROUPS:
        # Passing rows may be forgotten while they are read, so they are read as of one moment; there are few.
        with database.transaction(connection, "DEFERRED"):
            report.content[group].forgotten = database.read_start(connection, group).number
            for row in rows(connection, path, group):
                report.content[group].add(row)
                read += row.records
                tell(read)
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    fault = "" if found == "ok" else str(found)
    if not fault and not in_use(path):  # a writer changes the files under our eyes; it has looked at its start
        fault = pages_fault(connection, path)
    report.parts = connection.execute("SELECT count(*) FROM parts").fetchone()[0]
    if not fault and report.parts > len(database.read_parts(connection, 1 << 62)):
        fault = "the saved state was changed: a digest does not match (a start reads the rows instead)"
    if fault:
        raise JournalError(f"{path} is damaged: {fault}")


def in_use(path: Path) -> bool:
    """Whether an exporter writes this journal."""
    try:
        lock = os.open(beside(path, ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:  # that of another user, who may write
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def _intact(path: Path) -> str:
    source = Source(path)
    try:
        ends = source.survey()
        lost = source.lost(ends)
        number = sum(1 for group, _ in lost if group == LASTING)
        until = max((ts for (group, _), ts in lost.items() if group == LASTING), default=None)
        return left(ends, number, until)
    finally:
        source.close()


def _told(path: Path, error: sqlite3.Error) -> JournalError | ServiceError:
    if is_damage(error):
        return JournalError(f"{path} is damaged: {error}")
    return ServiceError(f"{path} cannot be read or copied: {error}; see to the permissions and the disk")
