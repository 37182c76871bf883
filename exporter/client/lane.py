"""A folder of the spool that one client at a time may use.

::

    spool/0/lock                         held while a client uses the folder
    spool/0/acknowledged                 the segment and the offset up to which the exporter has taken it
    spool/0/01760000000000000000.ndjson  a segment: lines, in the order in which they were reported
    spool/refused.ndjson                 events that the exporter refused, for a person to look at
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NAME = re.compile(r"\d{20}\.ndjson")
_MOST_LANES = 1000


class Lane:
    """A locked folder; the lock ends with the process at the latest."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self._lock: int | None = lock
        self._cursor: int | None = None

    @classmethod
    def claim(cls, folder: Path) -> Lane | None:
        """Lock a folder, which is made if needed; None when another client has it."""
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if _locked(lock):
                return cls(folder, lock)
        except OSError:
            os.close(lock)
            raise
        os.close(lock)
        return None

    @classmethod
    def claim_all(cls, spool: Path) -> list[Lane]:
        """All lanes that nobody uses, at least one: what dead clients left is ours to send."""
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        numbers = sorted(int(path.name) for path in spool.iterdir() if path.name.isdecimal())
        lanes: list[Lane] = []
        for number in numbers:
            with suppress(PermissionError):  # another user's
                lanes += filter(None, [cls.claim(spool / str(number))])
        for number in range(_MOST_LANES):
            if lanes:
                break
            lanes += filter(None, [cls.claim(spool / str(number))] if number not in numbers else [])
        if not lanes:
            raise OSError(f"all {_MOST_LANES} lanes are in use")
        return lanes

    def leftovers(self) -> Iterator[tuple[Path, int]]:
        """Each segment that is not acknowledged yet and where that begins; those that are get deleted."""
        name, offset = self._acknowledged()
        for unfinished in self.folder.glob("*.tmp"):
            unfinished.unlink()
        for path in sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)):
            if path.name == name and offset >= path.stat().st_size:
                path.unlink()
            else:
                yield path, offset if path.name == name else 0

    def acknowledge(self, name: str, offset: int) -> None:
        """Remember how far the exporter has taken a segment; failing means only that events repeat."""
        with suppress(OSError):
            if self._cursor is None:
                self._cursor = os.open(self.folder / "acknowledged", os.O_WRONLY | os.O_CREAT, 0o600)
            os.lseek(self._cursor, 0, os.SEEK_SET)
            os.write(self._cursor, f"{name} {offset:020d}\n".encode())

    def release(self) -> None:
        """Let another client have it."""
        numbers = self._cursor, self._lock
        self._cursor = self._lock = None  # forgotten before they are closed: a fork in between closes nothing twice
        for number in filter(None, numbers):
            with suppress(OSError):
                os.close(number)

    def _acknowledged(self) -> tuple[str, int]:
        try:
            name, offset = (self.folder / "acknowledged").read_text().split()
            return name, int(offset)
        except (OSError, ValueError):  # not there yet, or torn: all is sent again
            return "", 0


if sys.platform == "win32":  # pragma: no cover - the lock of another platform
    import msvcrt

    def _locked(number: int) -> bool:
        try:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _locked(number: int) -> bool:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
