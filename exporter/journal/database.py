"""The journal's SQLite database: its tables, and the statements on them.

``lasting`` and ``passing`` hold rows (`exporter.journal.rows`), ``parts`` saved state by name, ``meta`` the schema
version, the time of creation, and where retention cut ``passing``. Rows are only ever added; retention removes the
oldest of ``passing``.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from exporter.errors import ServiceError
from exporter.journal.rows import GROUPS, PASSING, End, Row

APPLICATION_ID = 0x54524A4C  # "TRJL", at offset 68 of the file
PAGE_SIZE = 4096
PRIVATE = 0o600  # permissions: what an account earned is its owner's affair
CHUNK = 32  # rows that are read or written in one statement
_BUSY_SECONDS = 1.0  # to wait for another program's lock; what is not written then is tried again anyway

_COLUMNS = ", ".join(Row._fields)
_END_COLUMNS = ", ".join(End._fields)
_MARKS = f"({', '.join('?' * len(Row._fields))})"
_CUT = struct.Struct(">qddq")  # an End, which its digest follows


class DamagedError(sqlite3.DatabaseError):
    """The file has something else than what we write; as if SQLite had found it."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


class Part(NamedTuple):
    """Saved state: what all lasting rows up to ``row`` come to, in the words of whoever saved it."""

    name: str
    row: int
    payload: bytes

    @property
    def digest(self) -> bytes:
        """What a damaged part is known by."""
        digest = hashlib.blake2b(f"{self.name}\0{self.row}\0".encode(), digest_size=16)
        digest.update(self.payload)
        return digest.digest()


def _first_schema(connection: sqlite3.Connection) -> None:
    for group in GROUPS:
        connection.execute(
            f"CREATE TABLE {group} (number INTEGER PRIMARY KEY, first_ts REAL, last_ts REAL, newest REAL, "
            "written REAL, records INTEGER, total INTEGER, digest BLOB, payload BLOB)"
        )
    connection.execute("CREATE TABLE parts (name TEXT PRIMARY KEY, row INTEGER, digest BLOB, payload BLOB)")
    connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value)")
    connection.execute("INSERT INTO meta VALUES ('schema', 0), ('created', ?)", (time.time(),))


Migration = Callable[[sqlite3.Connection], None]

MIGRATIONS: tuple[Migration, ...] = (_first_schema,)
"""Each brings a database from the schema version of its index to the next; a new one goes to the end."""


def migrate(connection: sqlite3.Connection, where: str, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the schema up to date in one transaction; `ServiceError` when it is newer than all we know."""
    version = schema_version(connection)
    if version > len(migrations):
        raise ServiceError(
            f"{where} was written by a newer trading-exporter (schema {version}, this one knows up to "
            f"{len(migrations)}); run that version, or restore a backup from before it"
        )
    if version == len(migrations):
        return
    with transaction(connection):
        for step in migrations[version:]:
            step(connection)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (len(migrations),))


def schema_version(connection: sqlite3.Connection) -> int:
    """The schema's version; 0 for an empty database."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return 0
    found = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    if not found or not isinstance(found[0], int):
        raise DamagedError("the schema's version is gone")
    return found[0]


class _InMemory(sqlite3.Connection):
    """One that nobody has to close."""

    def __del__(self) -> None:
        self.close()


def connect(path: Path | None, mode: str = "rw") -> sqlite3.Connection:
    """A connection with our settings; None is in memory. ``mode`` is ``ro``, ``rw`` or ``rwc``, as SQLite has it."""
    if path is None:
        return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, factory=_InMemory)
    connection = _opened(path, mode, timeout=_BUSY_SECONDS)
    connection.execute("PRAGMA secure_delete = OFF")
    if mode in ("rw", "rwc"):
        connection.execute("PRAGMA synchronous = FULL")  # of each connection: a commit syncs the WAL
        connection.execute("PRAGMA journal_size_limit = 16777216")
    return connection


def _opened(path: Path, mode: str, timeout: float = 5.0) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{'immutable=1' if mode == 'immutable' else f'mode={mode}'}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=timeout)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, nor leaves files beside, nor needs to write there if that can be avoided."""
    wal = beside(path, "-wal")
    if wal.exists() and wal.stat().st_size:
        return _opened(path, "ro")
    connection = _opened(path, "rw")  # takes away at its end what SQLite makes beside the file
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            return connection
        connection.close()
        return _opened(path, "immutable")
    except sqlite3.Error:
        pass  # whoever reads is told
    return connection


def make(path: Path) -> None:
    """An empty file, in the place of one that is there, that none but its owner may read.

    SQLite makes a database of it, and gives what it puts beside a database the same permissions.
    """
    for file in (path, beside(path, "-wal"), beside(path, "-shm")):
        file.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))


def create(path: Path, page_size: int = PAGE_SIZE) -> sqlite3.Connection:
    """A new empty database."""
    make(path)
    connection = connect(path, "rwc")
    connection.execute(f"PRAGMA page_size = {page_size}")
    connection.execute("PRAGMA auto_vacuum = NONE")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA journal_mode = WAL")
    migrate(connection, str(path))
    return connection


def insert(connection: sqlite3.Connection, group: str, rows: Sequence[Row]) -> None:
    """Add rows in one statement."""
    marks = ", ".join([_MARKS] * len(rows))
    values = [value for row in rows for value in row]
    connection.execute(f"INSERT INTO {group} ({_COLUMNS}) VALUES {marks}", values)  # noqa: S608 - names of our own


def read(connection: sqlite3.Connection, group: str, after: int, newer: float = 0.0) -> list[Row]:
    """Some of the rows after a number whose last event is not before ``newer``, in order."""
    sql = f"SELECT {_COLUMNS} FROM {group} WHERE number > ? AND last_ts >= ? ORDER BY number LIMIT {CHUNK}"  # noqa: S608
    return [_row(values) for values in connection.execute(sql, (after, newer))]


def read_row(connection: sqlite3.Connection, group: str, number: int) -> Row | None:
    """One row; None when it is not there."""
    sql = f"SELECT {_COLUMNS} FROM {group} WHERE number = ?"  # noqa: S608 - names of our own
    found = connection.execute(sql, (number,)).fetchone()
    return _row(found) if found else None


def _row(values: tuple[Any, ...]) -> Row:
    if not isinstance(values[0], int):
        raise DamagedError("a row has no number")
    return Row._make(values)


def all_rows(connection: sqlite3.Connection, group: str, after: int = 0) -> Iterator[Row]:
    """All rows after a number in order, a few at a time, so that none is kept from being written."""
    while rows := read(connection, group, after):
        yield from rows
        after = rows[-1].number


def read_start(connection: sqlite3.Connection, group: str) -> End:
    """What the first row continues: what retention cut off, or nothing."""
    if group == PASSING:
        found = connection.execute("SELECT value FROM meta WHERE name = 'cut'").fetchone()
        if found:
            if not isinstance(found[0], bytes) or len(found[0]) < _CUT.size:
                raise DamagedError("where retention cut is not known any more")
            number, newest, written, total = _CUT.unpack_from(found[0])
            return End(number, newest, written, total, found[0][_CUT.size :])
    return End.start(group)


def read_end(connection: sqlite3.Connection, group: str) -> End:
    """What the next row continues."""
    sql = f"SELECT {_END_COLUMNS} FROM {group} ORDER BY number DESC LIMIT 1"  # noqa: S608 - names of our own
    found = connection.execute(sql).fetchone()
    if found and not isinstance(found[0], int):
        raise DamagedError("a row has no number")
    return End._make(found) if found else read_start(connection, group)


def cut(connection: sqlite3.Connection, written_before: float, at_most: int = 1000) -> int:
    """Forget the oldest passing rows; how many that were."""
    start = read_start(connection, PASSING).number
    kept = connection.execute(
        "SELECT number FROM passing WHERE written >= ? ORDER BY number LIMIT 1", (written_before,)
    ).fetchone()
    last = kept[0] - 1 if kept else read_end(connection, PASSING).number
    last = min(last, start + at_most)
    row = read_row(connection, PASSING, last)
    if row is None:
        return 0
    end = End.of(row)
    with transaction(connection):
        set_start(connection, end)
        connection.execute("DELETE FROM passing WHERE number <= ?", (last,))
    return last - start


def set_start(connection: sqlite3.Connection, end: End) -> None:
    """Note what the first passing row continues."""
    value = _CUT.pack(end.number, end.newest, end.written, end.total) + end.digest
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('cut', ?)", (value,))


def save_parts(connection: sqlite3.Connection, parts: Iterable[Part]) -> None:
    """Replace parts by name in one transaction."""
    sql = "INSERT OR REPLACE INTO parts (name, row, digest, payload) VALUES (?, ?, ?, ?)"
    with transaction(connection):
        connection.executemany(sql, ((part.name, part.row, part.digest, part.payload) for part in parts))


def read_parts(connection: sqlite3.Connection, last: int) -> list[Part]:
    """The parts of rows up to ``last``. They belong together: if one of them is damaged, none is given."""
    found = connection.execute("SELECT name, row, payload, digest FROM parts WHERE row <= ? ORDER BY name", (last,))
    parts = [(Part(*fields), digest) for *fields, digest in found]
    try:
        return [part for part, _ in parts] if all(part.digest == digest for part, digest in parts) else []
    except TypeError:  # a damaged file gave something else than bytes
        return []


def read_created(connection: sqlite3.Connection) -> float | None:
    """When the journal was created."""
    found = connection.execute("SELECT value FROM meta WHERE name = 'created'").fetchone()
    return found[0] if found else None


def set_created(connection: sqlite3.Connection, created: float) -> None:
    """Note when the journal was created, if this one continues another."""
    connection.execute("UPDATE meta SET value = ? WHERE name = 'created'", (created,))


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """All of the block or nothing; of kind ``DEFERRED`` it reads one and the same state throughout."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def beside(path: Path, suffix: str) -> Path:
    """The file with this added to the name, such as SQLite's ``-wal``."""
    return path.with_name(path.name + suffix)


def sync_folder(path: Path) -> None:
    """Make a change of names in the file's folder last."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
