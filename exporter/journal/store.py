"""The journal's file in use: one transaction a commit, synced before it returns."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from exporter.journal import database
from exporter.journal.database import CHUNK, Part, beside
from exporter.journal.rows import GROUPS, End, Row
from exporter.journal.stored import Stored


class StoreError(Exception):
    """The file cannot be written now. ``word`` says why, fit for a log field; the message is for people."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message)
        self.word = word


class Store:
    """An intact journal file, or one in memory.

    One thread at a time may write; another may read what is ``stored`` meanwhile.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._writer = database.connect(path)
        database.migrate(self._writer, str(path))
        self._reader = self._writer if path is None else database.connect(path, "ro")
        self.stored = Stored(self._reader, path)
        self._inode = path.stat().st_ino if path else 0
        self._doubtful = False  # whether rows may be there that `ends` does not know
        self.ends = self._read_ends()

    def write(self, rows: dict[str, list[Row]]) -> None:
        """Add rows and sync them; `StoreError` when that fails, after which the same may be tried again.

        Rows that an earlier try did add are left out.
        """
        with self._reporting():
            self._look()
            if self._doubtful:
                self.ends = self._read_ends()
            self._doubtful = True
            new = {group: [row for row in some if row.number > self.ends[group].number] for group, some in rows.items()}
            self._insert(new)
            self.ends = {group: End.of(new[group][-1]) if new.get(group) else self.ends[group] for group in GROUPS}
            self._doubtful = False

    def save(self, parts: list[Part]) -> None:
        """Replace parts by name in one transaction; `StoreError` when that fails."""
        with self._reporting():
            database.save_parts(self._writer, parts)

    def forget(self, written_before: float) -> int:
        """Forget some of the oldest passing rows; how many, 0 when none is left. `StoreError` when that fails."""
        with self._reporting():
            return database.cut(self._writer, written_before)

    def size(self) -> int:
        """Bytes on disk, or in memory."""
        if self.path is None:
            pages, size = (self._writer.execute(f"PRAGMA {word}").fetchone()[0] for word in ("page_count", "page_size"))
            return int(pages * size)
        return sum(path.stat().st_size for path in (self.path, beside(self.path, "-wal")) if path.exists())

    def close(self) -> None:
        """Bring everything into the one file and close it."""
        self._reader.close()
        with contextlib.suppress(sqlite3.Error):  # the WAL stays then, and the next opening reads it
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._writer.close()

    def _insert(self, rows: dict[str, list[Row]]) -> None:
        """One statement commits itself, several need a transaction around them.

        Each statement lets go of Python's lock and waits for it again, so there are as few as can be.
        """
        pieces = [(group, some[i : i + CHUNK]) for group, some in rows.items() for i in range(0, len(some), CHUNK)]
        if len(pieces) == 1:
            database.insert(self._writer, *pieces[0])
        elif pieces:
            with database.transaction(self._writer):
                for group, some in pieces:
                    database.insert(self._writer, group, some)

    def _read_ends(self) -> dict[str, End]:
        return {group: database.read_end(self._writer, group) for group in GROUPS}

    def _look(self) -> None:
        """What is written into a file that was removed is lost when the exporter ends, so that is a failure, too."""
        if self.path is None:
            return
        try:
            there = self.path.stat().st_ino
        except OSError:
            there = 0
        if there != self._inode:
            raise StoreError("removed", "the file was removed or replaced while in use; put it back")

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """Say what to do about what failed, which was undone."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(*_reason(error)) from error


def _reason(error: sqlite3.Error) -> tuple[str, str]:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return "full", "no space is left on its disk; make room there"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "locked", "another program holds it; end that program"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "permission", "it cannot be written; see to the permissions of the file and its folder"
        case sqlite3.SQLITE_IOERR:
            return "io", f"its disk fails ({error}); see the system's log"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return "damaged", "the file is damaged; restart, which keeps it beside and goes on with what is intact"
        case _:
            return "other", str(error)
