"""Opens a journal: one writer at a time, an intact file, the present schema."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from exporter.errors import ServiceError
from exporter.journal import database, salvage
from exporter.journal.damage import damage
from exporter.journal.database import beside
from exporter.journal.salvage import Salvaged
from exporter.journal.store import Store

log = logging.getLogger(__name__)


class Lock:
    """Keeps other processes from writing the same journal, until released or the process ends."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else _locked(beside(path, ".lock"), path)

    def release(self) -> None:
        """Let others write."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Opened(NamedTuple):
    """A journal file ready for use; ``salvaged`` says what was left of a damaged one."""

    store: Store
    lock: Lock
    salvaged: Salvaged | None


def open_store(path: Path | None) -> Opened:
    """The journal in this file, made if it is not there; `ServiceError` when it cannot be used."""
    if path is None:
        log.warning("journal.path is not set: what is accounted for is forgotten when the exporter stops")
        return Opened(Store(None), Lock(None), None)
    lock = Lock(path)
    try:
        salvaged = _prepare(path)
        return Opened(Store(path), lock, salvaged)
    except OSError as error:
        lock.release()
        raise ServiceError(f"{path}: {error.strerror}; see to the disk and the permissions of the folder") from None
    except sqlite3.Error as error:
        lock.release()
        raise ServiceError(f"{path} cannot be opened: {error}; see to the disk and the file's permissions") from None
    except BaseException:
        lock.release()
        raise


def _prepare(path: Path) -> Salvaged | None:
    """See to it that there is an intact file."""
    salvage.finish(path)
    if not path.exists() and not beside(path, "-wal").exists():
        _create(path)
        return None
    fault = damage(path)
    return salvage.salvage(path, fault) if fault else None


def _create(path: Path) -> None:
    """Make a new journal, which is there whole or not at all."""
    unfinished = beside(path, ".new")
    database.create(unfinished).close()
    unfinished.rename(path)
    database.sync_folder(path)


def _locked(lock: Path, path: Path) -> int:
    try:
        file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, database.PRIVATE)
    except FileNotFoundError:
        raise ServiceError(f"the folder of {path} does not exist; create it, or correct journal.path") from None
    except OSError as error:
        raise ServiceError(
            f"the folder of {path} cannot be written: {error.strerror}; see to its permissions, or correct journal.path"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise ServiceError(
            f"{path} is written by another trading-exporter; end that one, or give each a journal of its own"
        ) from None
    return file
