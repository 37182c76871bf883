"""A run of lines of the spool: in a file or, while there is no disk for it, in memory."""

from __future__ import annotations

import os
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from exporter.client.lane import Lane
from exporter.client.lines import is_passing

_CHUNK = 1024 * 1024


class Position(NamedTuple):
    """A place in the spool: a segment's number and the offset in it."""

    segment: int
    offset: int


class Segment:
    """Appended to at its end, read from ``read_to`` on, and acknowledged up to ``start``."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.path: Path | None = None  # None while it is in memory
        self.lane: Lane | None = None
        self.size = 0  # bytes of whole lines
        self.start = 0
        self.read_to = 0
        self.synced = 0  # safe from a power failure up to here
        self.lines = 0  # that are not acknowledged
        self.is_found = False  # left by another process, so that its lines are to be checked
        self.is_thinned = False
        self._memory = bytearray()
        self._file: int | None = None

    @classmethod
    def found(cls, number: int, path: Path, start: int, lane: Lane) -> Segment:
        """What a client left. A last line that a crash tore is beyond ``size``."""
        segment = cls(number)
        segment.path, segment.lane, segment.is_found = path, lane, True
        lines = 0
        offset = 0
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                lines += chunk.count(b"\n")
                if (end := chunk.rfind(b"\n")) >= 0:
                    segment.size = offset + end + 1
                offset += len(chunk)
        segment.synced = segment.size
        segment.start = segment.read_to = min(start, segment.size)
        segment.lines = lines - segment.read(0, segment.start).count(b"\n")
        return segment

    @property
    def end(self) -> Position:
        """Where the next line will begin."""
        return Position(self.number, self.size)

    @property
    def is_open(self) -> bool:
        """Whether lines can be appended."""
        return self._file is not None or (self.path is None and not self.is_found)

    def create(self, path: Path, lane: Lane) -> None:
        """Make its file, into which goes what it has in memory; `OSError` leaves it as it was."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            _write(file, self._memory)
            if self._memory:
                sync(file)
            _sync_folder(lane.folder)
        except OSError:
            with suppress(OSError):
                os.close(file)
                path.unlink()
            raise
        self.synced = self.size
        self.path, self.lane, self._file, self._memory = path, lane, file, bytearray()

    def append(self, data: bytes, lines: int) -> None:
        """Add lines; `OSError` when the disk refuses, and then nothing is added and the segment is closed."""
        if self.path is None:
            self._memory += data
        elif self._file is not None:
            try:
                _write(self._file, data)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(self._file, self.size)  # a part may have been written
                self.close()
                raise
        self.size += len(data)
        self.lines += lines

    def read(self, offset: int, size: int) -> bytes:
        """Bytes from ``offset`` on."""
        size = min(size, self.size - offset)
        if self.path is None:
            return bytes(self._memory[offset : offset + size])
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def sync(self) -> None:
        """Make what was appended so far safe from a power failure."""
        size, file = self.size, self._file
        if file is not None and self.synced < size:
            sync(file)
            self.synced = size

    def thin(self) -> int:
        """Write it anew without what may give way; how many lines that were. Nothing of it may have been read."""
        self.is_thinned = True
        lines = BytesIO(self.read(0, self.size)).readlines()
        kept = [line for line in lines if not is_passing(line)]
        if self.path and len(kept) < len(lines):
            beside = self.path.with_suffix(".tmp")
            with beside.open("wb") as file:
                file.writelines(kept)
                file.flush()
                sync(file.fileno())
            beside.replace(self.path)
            self.size = self.synced = sum(map(len, kept))
            self.lines = len(kept)
        return len(lines) - len(kept)

    def close(self) -> None:
        """Append nothing more."""
        file, self._file = self._file, None  # forgotten first: a fork in between must not close it twice
        if file is not None:
            with suppress(OSError):
                os.close(file)

    def delete(self) -> None:
        """Close it and delete its file."""
        self.close()
        if self.path:
            with suppress(OSError):
                self.path.unlink()


def sync(file: int) -> None:
    """Bring what was written to the platter."""
    getattr(os, "fdatasync", os.fsync)(file)


def _write(file: int, data: bytes | bytearray) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some platforms cannot
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
