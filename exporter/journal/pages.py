"""Finds rows in the pages of a damaged SQLite file and its WAL, when SQLite itself cannot reach them any more.

A row is a cell of a table's leaf page. A long one keeps its first bytes there and the rest in a chain of overflow
pages. A page may exist several times, in the file and in the WAL, so a row may be found several times; which one is
right is told by its digest. Format: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from exporter.journal.database import PAGE_SIZE, beside
from exporter.journal.rows import Row, group_of

_LEAF = 0x0D
_LONGEST = 1 << 24  # bytes; a full row has far less
_WAL_HEAD, _FRAME_HEAD = 32, 24
_FLOATS = ("first_ts", "last_ts", "newest", "written")
_TYPES = (int, float, float, float, float, int, int, bytes, bytes)


class Place(NamedTuple):
    """Where the row of this number may be: the offset of its page in one of the two files, of its cell in the page."""

    number: int
    in_wal: bool
    page: int
    cell: int


class Head(NamedTuple):
    """What the first page of a row tells of it."""

    group: str
    number: int
    written: float


class Pages:
    """The pages of a journal file and its WAL, whatever their state."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb") if path.exists() else None
        wal = beside(path, "-wal")
        self._wal = wal.open("rb") if wal.exists() else None
        self.size = self._page_size()
        self._logged: dict[int, list[int]] = {}  # offsets in the WAL by page number, the newest last
        for offset, number in self._frames():
            self._logged.setdefault(number, []).append(offset)

    def close(self) -> None:
        """Close both files."""
        for file in (self._file, self._wal):
            if file is not None:
                file.close()

    def places(self) -> Iterator[Place]:
        """Everything that may be a row."""
        for in_wal, offset, begin in self._all():
            page = self._read(in_wal, offset)
            yield from (Place(number, in_wal, offset, cell) for number, cell in _cells(page, begin))

    def rows(self, place: Place) -> Iterator[Row]:
        """The row at this place, once for each way in which its overflow pages can be read."""
        page = self._read(place.in_wal, place.page)
        for wal_first in (place.in_wal, not place.in_wal):
            try:
                length, at = _begin(page, place.cell)
                yield _parse(place.number, self._payload(page, at, length, wal_first=wal_first))
            except (IndexError, ValueError, struct.error):
                continue

    def head(self, place: Place) -> Head | None:
        """What can be told without the overflow pages; None when that is not enough, or it is no row of ours."""
        page = self._read(place.in_wal, place.page)
        try:
            length, at = _begin(page, place.cell)
            row = _parse(place.number, page[at : at + self._local(length)].ljust(length, b"\0"))
        except (IndexError, ValueError, struct.error):
            return None
        group = group_of(row.payload)
        return Head(group, row.number, row.written) if group else None

    def _page_size(self) -> int:
        """From either header, else the one that we create files with."""
        for file, offset, form in ((self._file, 16, ">H"), (self._wal, 8, ">I")):
            if file is not None:
                file.seek(offset)
                data = file.read(struct.calcsize(form))
                size = struct.unpack(form, data)[0] if len(data) == struct.calcsize(form) else 0
                size = 65536 if size == 1 else size
                if 512 <= size <= 65536 and size & (size - 1) == 0:
                    return int(size)
        return PAGE_SIZE

    def _frames(self) -> Iterator[tuple[int, int]]:
        """Offset of the page and its number for each frame of the WAL, old ones that wait to be overwritten, too."""
        if self._wal is None:
            return
        offset = _WAL_HEAD
        while True:
            self._wal.seek(offset)
            head = self._wal.read(_FRAME_HEAD)
            if len(head) < _FRAME_HEAD:
                return
            yield offset + _FRAME_HEAD, struct.unpack_from(">I", head)[0]
            offset += _FRAME_HEAD + self.size

    def _all(self) -> Iterator[tuple[bool, int, int]]:
        """Each page: whether it is in the WAL, its offset, and where in it the b-tree's header begins."""
        if self._file is not None:
            size = self._file.seek(0, 2)
            yield from ((False, offset, 100 if offset == 0 else 0) for offset in range(0, size, self.size))
        for number, offsets in self._logged.items():
            yield from ((True, offset, 100 if number == 1 else 0) for offset in offsets)

    def _read(self, in_wal: bool, offset: int) -> bytes:
        file = self._wal if in_wal else self._file
        if file is None:
            return b""
        file.seek(offset)
        return file.read(self.size)

    def _numbered(self, number: int, *, wal_first: bool) -> bytes:
        """A page by its number, from the WAL or from the file if it is in both."""
        offsets = self._logged.get(number)
        page = b"" if offsets and wal_first else self._read(False, (number - 1) * self.size)
        if len(page) < self.size and offsets:
            page = self._read(True, offsets[-1])
        return page

    def _local(self, length: int) -> int:
        """How many bytes of a record of this length are in its leaf page."""
        if length <= self.size - 35:
            return length
        least = (self.size - 12) * 32 // 255 - 23
        local = least + (length - least) % (self.size - 4)
        return local if local <= self.size - 35 else least

    def _payload(self, page: bytes, at: int, length: int, *, wal_first: bool) -> bytes:
        """The bytes of a record, overflow pages included; `ValueError` when some are missing."""
        local = self._local(length)
        parts = [page[at : at + local]]
        missing, follows = length - local, page[at + local : at + local + 4]
        while missing > 0:
            overflow = self._numbered(int.from_bytes(follows, "big"), wal_first=wal_first) if any(follows) else b""
            part = overflow[4 : 4 + missing]
            if not part:
                raise ValueError("an overflow page is missing")
            parts.append(part)
            missing -= len(part)
            follows = overflow[:4]
        data = b"".join(parts)
        if len(data) != length:
            raise ValueError("the record is cut")
        return data


def _begin(page: bytes, cell: int) -> tuple[int, int]:
    """The length of the record in a cell, and where it begins; `ValueError` when none of ours is that long."""
    length, at = _varint(page, cell)
    if length > _LONGEST:
        raise ValueError("too long for a row")
    return length, _varint(page, at)[1]


def _cells(page: bytes, begin: int) -> Iterator[tuple[int, int]]:
    """The number and offset of each cell of a leaf page, as far as they make sense."""
    if page[begin : begin + 1] != bytes((_LEAF,)):
        return
    count = int.from_bytes(page[begin + 3 : begin + 5], "big")
    for index in range(count):
        pointer = page[begin + 8 + 2 * index : begin + 10 + 2 * index]
        cell = int.from_bytes(pointer, "big")
        try:
            number, _ = _varint(page, _varint(page, cell)[1])
        except IndexError:
            continue
        if 0 < number < 1 << 62:
            yield number, cell


def _parse(number: int, data: bytes) -> Row:
    """The row in a record; `ValueError` when it is none of ours."""
    head, at = _varint(data, 0)
    kinds: list[int] = []
    while at < head:
        kind, at = _varint(data, at)
        kinds.append(kind)
    if at != head or len(kinds) != len(Row._fields):
        raise ValueError("other columns than a row's")
    values: list[Any] = []
    for name, kind in zip(Row._fields, kinds, strict=True):
        value, at = _value(data, at, kind)
        values.append(float(value) if name in _FLOATS and isinstance(value, int) else value)  # SQLite stores 2.0 as 2
    row = Row(*values)._replace(number=number)  # the key itself is stored as NULL
    if at != len(data) or any(not isinstance(value, kind) for value, kind in zip(row, _TYPES, strict=True)):
        raise ValueError("other types than a row's")
    return row


def _value(data: bytes, at: int, kind: int) -> tuple[int | float | bytes | None, int]:
    """One column's value by its serial type, and where the next one begins."""
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind == 7:
        return struct.unpack_from(">d", data, at)[0], at + 8
    if kind <= 6:
        size = (0, 1, 2, 3, 4, 6, 8)[kind]
        return int.from_bytes(data[at : at + size], "big", signed=True), at + size
    if kind < 12:
        raise ValueError("not a serial type")
    size = (kind - 12) // 2
    return data[at : at + size], at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """SQLite's integer of 1 to 9 bytes, and where it ends; `IndexError` when it is cut."""
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | data[at + 8], at + 9
