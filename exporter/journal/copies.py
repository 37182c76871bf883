"""Copies of a journal: a backup while the exporter writes, and a restored journal, whole or up to a point in time."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
from collections.abc import Callable
from itertools import islice, takewhile
from pathlib import Path
from typing import NamedTuple

from exporter.errors import JournalError, ServiceError
from exporter.journal import database, inspect
from exporter.journal.database import CHUNK, beside
from exporter.journal.inspect import Report, Tell
from exporter.journal.opening import Lock
from exporter.journal.rows import GROUPS, LASTING
from exporter.journal.salvage import Source, finish

_PAGES = 1000  # copied in one step

TellPages = Callable[[int, int], None]
"""Is told how many pages are left, of how many."""


def backup(path: Path, target: Path, tell_pages: TellPages, tell: Tell, *, force: bool = False) -> Report:
    """Copy a journal as it is at this moment, read the copy again, and only then give it its name.

    `ServiceError` when the target is there and not ``force``, or in use; `JournalError` when the copy is damaged.
    """
    _refuse(path, target, force=force)
    if inspect.in_use(target):
        raise ServiceError(f"{target} is written by a trading-exporter; give another name, or end that one")
    unfinished = beside(target, ".unfinished")
    try:
        with inspect.reading(path) as source, database.transaction(source, "DEFERRED"):
            source.execute("SELECT 1 FROM meta").fetchone()  # from here on it stays the same for us, whoever writes
            database.make(unfinished)
            copy = sqlite3.connect(unfinished)
            with contextlib.closing(copy):
                source.backup(copy, pages=_PAGES, progress=lambda _, left, of: tell_pages(left, of))
        _sync(unfinished)
        report = inspect.verify(unfinished, tell)
        if report.fault:
            raise JournalError(f"{path} is damaged, and so is its copy, which is not kept: {report.fault}")
        for suffix in ("-wal", "-shm"):
            beside(unfinished, suffix).unlink(missing_ok=True)
            beside(target, suffix).unlink(missing_ok=True)  # SQLite would read it into the copy
        unfinished.rename(target)
        database.sync_folder(target)
    except OSError as error:
        raise ServiceError(f"{target} cannot be written: {error.strerror}; see to its folder and disk") from None
    finally:
        _remove(unfinished)
    return report


class Choice(NamedTuple):
    """Which rows to take: those written by ``until``; with ``intact``, of a damaged journal those that are intact.

    Saved state, which may be of a later moment even if its rows are not, is taken only without an ``until``.
    """

    until: float = math.inf
    intact: bool = False


def restore(path: Path, target: Path, choice: Choice, tell: Tell, *, force: bool = False) -> tuple[Path | None, str]:
    """Make a journal of rows of another one.

    Gives the name under which a target that was there is kept, and what was wrong with ``path``. `JournalError`
    when that is damaged and not all was chosen that is ``intact``, `ServiceError` when the target is there and not
    ``force``, or in use.
    """
    _refuse(path, target, force=force)
    lock = Lock(target)
    unfinished, fault = beside(target, ".unfinished"), ""
    try:
        try:
            with inspect.reading(path) as source:
                _copy(source, path, unfinished, choice.until, tell)
        except JournalError as error:
            if not choice.intact:
                raise
            fault = str(error)
            with contextlib.closing(Source(path)) as damaged:
                damaged.copy(unfinished, choice.until)
        unfinished.rename(beside(target, ".salvaged"))
        database.sync_folder(target)
        return finish(target, "replaced"), fault
    except sqlite3.Error as error:
        raise ServiceError(f"{target} cannot be written: {error}; see to its folder and disk") from None
    finally:
        _remove(unfinished)
        lock.release()


def _copy(source: sqlite3.Connection, path: Path, target: Path, until: float, tell: Tell) -> None:
    copy = database.create(target)
    read = 0
    with contextlib.closing(copy), database.transaction(source, "DEFERRED"):
        with database.transaction(copy):
            created = database.read_created(source)
            if created:
                database.set_created(copy, created)
            for group in GROUPS:
                start = database.read_start(source, group)
                if start.number:
                    database.set_start(copy, start)
                rows = takewhile(lambda row: row.written <= until, inspect.rows(source, path, group))
                while some := list(islice(rows, CHUNK)):
                    database.insert(copy, group, some)
                    read += sum(row.records for row in some)
                    tell(read)
        if math.isinf(until):
            database.save_parts(copy, database.read_parts(source, database.read_end(copy, LASTING).number))


def _refuse(path: Path, target: Path, *, force: bool) -> None:
    """Neither a file that somebody may still need nor the original itself is written over."""
    if target.is_dir():
        raise ServiceError(f"{target} is a folder; name a file in it")
    if not target.parent.is_dir():
        raise ServiceError(f"the folder of {target} does not exist; create it")
    if target.exists() and path.exists() and target.samefile(path):
        raise ServiceError(f"{target} is the journal itself; give another name")
    if target.exists() and not force:
        raise ServiceError(f"{target} is there already; give another name, or --force")


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _remove(unfinished: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        beside(unfinished, suffix).unlink(missing_ok=True)
