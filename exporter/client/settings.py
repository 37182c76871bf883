"""What a client is told, and what it tells about itself."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger("exporter.client")


@dataclass(frozen=True)
class Settings:
    """How a client works; see `Client` for each."""

    url: str
    token: str = field(repr=False)
    defaults: Mapping[str, str]
    spool: Path | None
    spool_bytes: int
    sync_seconds: float
    queue: int
    timeout: float
    retry_seconds: float


@dataclass(frozen=True)
class Statistics:
    """Counts since the client was made, and what is on its way now.

    ``sent`` events were dealt with by the exporter: ``accepted`` and new to it, known already (``duplicates``), or
    refused. ``refused`` also counts what could not be made an event here. ``queued`` reports have not been taken
    by the background thread yet, ``waiting`` ones have not been sent yet; of these, ``spooled`` are on disk, with
    what an earlier run left. ``dropped`` books, quotes, orders, balances and positions gave way, and ``lost`` events
    are gone because neither exporter nor disk nor memory took them: it should be 0. ``last_error`` says what
    went wrong last, empty when nothing did; ``connected`` whether the last try to send succeeded.
    """

    sent: int
    accepted: int
    duplicates: int
    refused: int
    queued: int
    waiting: int
    spooled: int
    dropped: int
    lost: int
    connected: bool
    last_error: str


class Tally:
    """A counter that any thread may raise without a lock: in a signal handler, too, it cannot deadlock."""

    def __init__(self) -> None:
        self._count = itertools.count()
        self._readings = 0
        self._reading = threading.RLock()

    def add(self) -> None:
        """Count one."""
        next(self._count)

    def value(self) -> int:
        """The count so far."""
        with self._reading:
            self._readings += 1
            return next(self._count) - self._readings + 1


class Latest:
    """What went wrong last; empty when nothing did."""

    text = ""


class Notice:
    """Logs a trouble once when it begins or changes, and once when it ends."""

    def __init__(self, latest: Latest) -> None:
        self._latest = latest
        self._kind = ""

    @property
    def there(self) -> bool:
        """Whether the trouble lasts."""
        return bool(self._kind)

    def begins(self, kind: str, message: str, level: int = logging.WARNING) -> None:
        """Note a trouble; ``kind`` tells it from others."""
        self._latest.text = message
        if kind != self._kind:
            self._kind = kind
            log.log(level, message)

    def ends(self, message: str) -> None:
        """Note that it works."""
        if self._kind:
            self._kind = ""
            log.info(message)
