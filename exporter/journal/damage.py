"""Tells a damaged journal from an intact one without reading all of it, and without changing anything.

Looked at: whether every page that should be there is there, and the first and last rows of each
group with their digests.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from exporter.errors import ServiceError
from exporter.journal import database
from exporter.journal.database import APPLICATION_ID, beside
from exporter.journal.rows import GROUPS, End, Row, decode, problem

MAGIC = b"SQLite format 3\0"
_WAL_HEAD, _FRAME_HEAD = 32, 24
_LOOKED_AT = 8  # rows
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


def damage(path: Path) -> str:
    """What is damaged; empty when nothing is to be seen. `ServiceError` for what is not a journal at all."""
    if path.is_dir():
        raise ServiceError(f"{path} is a folder; name a file in it")
    if not path.exists():
        return "the file is gone, and its -wal is still there"
    fault = header_fault(path)
    if fault:
        return fault
    try:
        connection = database.connect_to_read(path)
        try:
            return _rows_fault(connection) or pages_fault(connection, path)
        finally:
            connection.close()
    except sqlite3.Error as error:
        if is_damage(error):
            return str(error)
        raise


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the error comes from what the file contains."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)  # none: a text that is not UTF-8
    return code & 0xFF in _DAMAGED or code == sqlite3.SQLITE_IOERR_SHORT_READ


def header_fault(path: Path) -> str:
    """What is wrong with the first bytes of the file; `ServiceError` when they were never a journal's."""
    with path.open("rb") as file:
        head = file.read(100)
    ours = head[68:72] == APPLICATION_ID.to_bytes(4, "big")
    if len(head) < 100 and MAGIC.startswith(head[:16]):
        return "the file is shorter than its header"
    if ours and head[:16] == MAGIC:
        return ""
    if ours:
        return "the file's header is damaged"
    raise ServiceError(f"{path} is not a journal; move it away, or correct journal.path")


def _rows_fault(connection: sqlite3.Connection) -> str:
    version = database.schema_version(connection)
    if version == 0:
        return "the tables are gone"
    if version != len(database.MIGRATIONS):
        return ""  # a newer one is refused when it is opened, an older one has rows that we may not know
    for group in GROUPS:
        start, end = database.read_start(connection, group), database.read_end(connection, group)
        before = database.read_row(connection, group, end.number - _LOOKED_AT)
        for last in (start, End.of(before) if before else start):
            if fault := _chain_fault(islice(database.all_rows(connection, group, last.number), _LOOKED_AT), last):
                return f"{group}: {fault}"
    return ""


def _chain_fault(rows: Iterable[Row], before: End) -> str:
    for row in rows:
        if fault := problem(row, before):
            return fault
        try:
            decode(row)
        except ValueError as error:
            return str(error)
        before = End.of(row)
    return ""


def pages_fault(connection: sqlite3.Connection, path: Path) -> str:
    """Which pages are missing, in the file and in the WAL."""
    (pages,), (size,) = (connection.execute(f"PRAGMA {word}").fetchone() for word in ("page_count", "page_size"))
    there, rest = divmod(path.stat().st_size, size)
    logged = _logged(path, size)
    missing = pages - there - sum(1 for page in logged if there < page <= pages)
    if missing > 0:
        return f"{missing} of {pages} pages are missing"
    if there > pages:
        return f"the file has {there} pages instead of {pages}: its -wal is damaged"
    if rest and there >= pages:
        return "the file does not end at the end of a page"
    return ""


def _logged(path: Path, page_size: int) -> set[int]:
    """The pages that the WAL holds."""
    wal = beside(path, "-wal")
    if not wal.exists():
        return set()
    pages: set[int] = set()
    with wal.open("rb") as file:
        salt = file.read(_WAL_HEAD)[16:24]
        while len(head := file.read(_FRAME_HEAD)) == _FRAME_HEAD and head[8:16] == salt:
            pages.add(struct.unpack_from(">I", head)[0])
            file.seek(page_size, 1)
    return pages
