"""What is in a journal's file, read with one connection."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from exporter.journal import database
from exporter.journal.database import Part
from exporter.journal.rows import LASTING, End, Row


class Stored:
    """The rows and parts that are there; `sqlite3.Error` when they cannot be read."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self.path = path
        self._connection = connection

    def row(self, group: str, number: int) -> Row | None:
        """One row; None when it is not there."""
        return database.read_row(self._connection, group, number)

    def rows(self, group: str, after: int, newer: float = 0.0) -> list[Row]:
        """Some of the rows after a number whose last event is not before ``newer``, in order."""
        return database.read(self._connection, group, after, newer)

    def start(self, group: str) -> End:
        """What the first row that is there continues."""
        return database.read_start(self._connection, group)

    def end(self, group: str) -> End:
        """What the next row will continue."""
        return database.read_end(self._connection, group)

    def before(self, ts: float) -> int:
        """The number of the last lasting row up to which there is no event from ``ts`` on."""
        low, high = 0, self.end(LASTING).number
        while low < high:
            middle = (low + high + 1) // 2
            row = self._connection.execute("SELECT newest FROM lasting WHERE number = ?", (middle,)).fetchone()
            low, high = (middle, high) if row and row[0] < ts else (low, middle - 1)
        return low

    def parts(self) -> list[Part]:
        """The saved parts of rows that are there; none when one of them is damaged."""
        return database.read_parts(self._connection, self.end(LASTING).number)
