"""The journal: takes records at once, writes them in groups, and says when they are on disk."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from exporter.errors import JournalError, OverloadError
from exporter.journal.database import Part
from exporter.journal.figures import Figures
from exporter.journal.opening import Opened, open_store
from exporter.journal.reader import Reader
from exporter.journal.records import Record
from exporter.journal.rows import FULL, GROUPS, KINDS, LASTING, PASSING, Row
from exporter.journal.store import StoreError
from exporter.journal.tail import Tail
from exporter.journal.waiting import Waiting

log = logging.getLogger(__name__)

_DAY = 86_400.0
_FORGET_SECONDS = 3600.0  # between two rounds of forgetting
_GATHER_SECONDS, _GATHERED = 0.02, 4 * FULL  # what is written without anyone waiting: what came within this, or so many
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between two tries while the disk refuses


class Journal:
    """What must not be lost. All methods belong to the thread of the event loop.

    What is appended gets on disk by the task `run`; without it, `durable` and `save` write themselves. While the
    disk refuses, all stays in memory, up to ``max_pending`` records, and is tried again until it is written.
    ``row`` is the number of the lasting row that the next lasting record goes into, ``figures`` what the journal
    tells of itself. ``salvaged`` says what was left of a damaged file, None when it was whole.
    """

    def __init__(
        self, opened: Opened, max_pending: int, retention_days: float, figures: Figures, clock: Callable[[], float]
    ) -> None:
        self.salvaged = opened.salvaged
        self.figures = figures
        self._store, self._lock = opened.store, opened.lock
        self._max_pending, self._retention = max_pending, retention_days * _DAY
        self._clock = clock
        self._tails = {group: Tail(group, self._store.ends[group]) for group in GROUPS}
        self._lasting = self._tails[LASTING]
        self._tail_of = {kind: self._tails[group] for group, kinds in KINDS.items() for kind in kinds}
        self.row = self._lasting.number
        self._reader = Reader(self._store.stored, self._tails)
        self._thread = ThreadPoolExecutor(1, "journal")
        self._running = False
        self._wakeup: asyncio.Future[None] | None = None
        self._taken: int | None = None  # records that the writer has in hand
        self._waiting = Waiting()
        self._forget_at = 0.0
        self._reason = ""
        figures.salvaged = opened.salvaged is not None
        figures.lost_rows = opened.salvaged.lost_rows if opened.salvaged else 0
        self._note_written()

    @classmethod
    def open(
        cls,
        path: Path | None,
        *,
        max_pending: int = 200_000,
        retention_days: float = 30.0,
        figures: Figures | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Journal:
        """The journal in this file, made if it is not there; None keeps it in memory alone.

        A damaged file is kept beside, and what of it is intact is gone on with. `ServiceError` when the file
        cannot be used at all, such as one that another exporter writes.
        """
        return cls(open_store(path), max_pending, retention_days, figures or Figures(), clock)

    def append(self, record: Record) -> None:
        """Take a record; it is kept once `durable` has returned.

        `OverloadError` when too much waits to be written, `EventError` when this record cannot be written at
        all; it was not taken then.
        """
        figures = self.figures
        if figures.pending >= self._max_pending:
            raise OverloadError(self._overload())
        tail = self._tail_of[type(record)]
        count = tail.filling.add(record)
        figures.pending += 1
        if count >= FULL:
            self._seal(tail)
        if self._wakeup is not None and (figures.pending == 1 or figures.pending >= _GATHERED):
            self._wake()

    async def durable(self) -> None:
        """Return once all that was appended so far is on disk; `JournalError` when the disk refuses it."""
        if not self.figures.pending:
            return
        if not self._running:
            self._write_here()
            return
        if self.figures.failing_since is not None:
            raise JournalError(self._failure())
        future = self._waiting.for_records(taken=self._taken == self.figures.pending)
        self._wake()
        await future

    async def save(self, parts: list[Part]) -> None:
        """Replace saved parts by name, after all that was appended so far is on disk; `JournalError` as there."""
        if not self._running:
            self._write_here()
            self._save_here(parts)
            return
        if self.figures.failing_since is not None:
            raise JournalError(self._failure())
        future = self._waiting.for_parts(parts)
        self._wake()
        await future

    def cut(self) -> int:
        """Close the row that is being filled; the number of the last row that is closed now."""
        self._seal(self._lasting)
        return self.row - 1

    def records(self, row: int) -> list[Record]:
        """The records of one lasting row, also of the one that is being filled; not to be changed.

        `JournalError` when the row is missing or damaged, here and in what follows.
        """
        return self._reader.records(row)

    def lasting(self, after: int = 0) -> Iterator[tuple[int, list[Record]]]:
        """All lasting rows after a number, in order, those that are not on disk yet included."""
        return self._reader.all(LASTING, after)

    def since(self, ts: float) -> Iterator[tuple[int, list[Record]]]:
        """The lasting rows whose last event is at or after ``ts``, in order, as in `lasting`."""
        return self._reader.since(ts)

    def passing(self, since: float = 0.0) -> Iterator[list[Record]]:
        """The passing rows that are not forgotten and have an event at or after ``since``, in order."""
        rows = self._reader.passing_since(since) if since else self._reader.all(PASSING, 0)
        return (records for _, records in rows)

    def parts(self) -> Iterator[Part]:
        """What was saved, of rows that are there; nothing when some of it is damaged, since it belongs together."""
        return iter(self._reader.parts())

    async def run(self) -> None:
        """Write what is appended, and forget what may be forgotten, until cancelled."""
        self._running = True
        pause = _FIRST_PAUSE
        try:
            while True:
                await self._work()
                if await self._commit():
                    pause = _FIRST_PAUSE
                else:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            self._running, self._taken = False, None
            self._waiting.refused("the exporter is stopping; what it accepted is written before it ends")

    def close(self) -> None:
        """Write what is pending and close the file; what cannot be written is logged and gone."""
        try:
            self._write_here()
        except JournalError:
            self._tell_of_lost()
        self._thread.submit(self._store.close).result()
        self._thread.shutdown()
        self._lock.release()

    async def end(self) -> None:
        """As `close`, for when the task has ended, with all else going on meanwhile; no record is taken any more."""
        self._max_pending = 0
        try:
            await self._in_thread(self._store.write, self._sealed())
        except StoreError as error:
            self._note_refused(error)
            self._tell_of_lost()
        else:
            self._note_written()
        await self._in_thread(self._store.close)
        self._thread.shutdown()
        self._lock.release()

    async def _work(self) -> None:
        """Wait until there is something to do; forgetting is done in between, at most a little before each commit.

        A commit costs as much as a hundred records, so that those for which nobody waits are gathered for a moment.
        """
        while True:
            now = time.monotonic()
            if now >= self._forget_at and not await self._forget():
                self._forget_at = now + _FORGET_SECONDS
            pending = self.figures.pending
            if self._waiting.is_work or pending >= _GATHERED:
                return
            self._wakeup = asyncio.get_running_loop().create_future()
            timeout = _GATHER_SECONDS if pending else max(0.0, self._forget_at - now)
            await asyncio.wait([self._wakeup], timeout=timeout)
            self._wakeup = None
            if pending:
                return

    async def _forget(self) -> bool:
        """Forget some of what is older than retention asks for; whether there may be more."""
        try:
            return bool(await self._in_thread(self._store.forget, self._clock() - self._retention))
        except StoreError as error:
            log.warning("the journal cannot forget old rows now", extra={"error": error.word})
            return False

    async def _commit(self) -> bool:
        """Write all that is pending, then save what is to be saved; False when the disk refuses."""
        rows = self._sealed()
        self._taken = self.figures.pending
        self._waiting.take()
        saving = self._waiting.saving.copy()
        started = time.perf_counter()
        try:
            if self._taken:
                await self._in_thread(self._store.write, rows)
        except StoreError as error:
            self._note_refused(error)
            self._waiting.refused(self._failure())
            return False
        finally:
            self._taken = None
        if any(rows.values()):
            self.figures.commits.observe(time.perf_counter() - started)
        self._note_written()
        self._waiting.written()
        for parts, future in saving:
            await self._save(parts, future)
        return True

    async def _save(self, parts: list[Part], future: asyncio.Future[None]) -> None:
        """Save parts; being far larger than rows, they may fail on their own."""
        try:
            await self._in_thread(self._store.save, parts)
        except StoreError as error:
            self._waiting.saved(parts, future, f"{self._name}: the state cannot be saved: {error}")
        else:
            self._waiting.saved(parts, future)

    async def _in_thread(self, function: Callable[..., int | None], *arguments: object) -> int | None:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def _write_here(self) -> None:
        """Write all that is pending, without the task; `JournalError` when the disk refuses."""
        rows = self._sealed()
        try:
            self._thread.submit(self._store.write, rows).result()
        except StoreError as error:
            self._note_refused(error)
            raise JournalError(self._failure()) from None
        self._note_written()

    def _save_here(self, parts: list[Part]) -> None:
        try:
            self._thread.submit(self._store.save, parts).result()
        except StoreError as error:
            raise JournalError(f"{self._name}: the state cannot be saved: {error}") from None

    def _sealed(self) -> dict[str, list[Row]]:
        """All rows that are not on disk, after closing those that were being filled."""
        for tail in self._tails.values():
            self._seal(tail)
        return {group: list(tail.sealed.values()) for group, tail in self._tails.items()}

    def _seal(self, tail: Tail) -> None:
        if tail is self._lasting and tail.filling.records:
            self._reader.remember(self.row, tail.filling.records)
        tail.seal(self._clock())
        self.row = self._lasting.number

    def _note_written(self) -> None:
        """Let go of what is on disk, and count it."""
        figures = self.figures
        for group, end in self._store.ends.items():
            figures.pending -= self._tails[group].let_go(end.number)
            figures.rows[group], figures.records[group] = end.number, end.total
        figures.size = self._store.size()
        figures.last_commit = max(end.written for end in self._store.ends.values()) or None
        if figures.failing_since is not None:
            log.info("the journal is written again", extra={"after_seconds": self._clock() - figures.failing_since})
            figures.failing_since, figures.error = None, ""

    def _note_refused(self, error: StoreError) -> None:
        figures = self.figures
        figures.failures += 1
        if figures.failing_since is None or figures.error != error.word:
            figures.failing_since = figures.failing_since or self._clock()
            figures.error, self._reason = error.word, str(error)
            log.error("%s", self._failure())

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)
        self._wakeup = None

    @property
    def _name(self) -> str:
        return str(self._store.path or "the journal in memory")

    def _failure(self) -> str:
        return (
            f"{self._name} cannot be written: {self._reason}. {self.figures.pending} records wait in memory and "
            "are tried again by themselves"
        )

    def _tell_of_lost(self) -> None:
        log.error("the journal ends with records that were never said to be kept: %s", self._failure())

    def _overload(self) -> str:
        if not self._max_pending:
            return "the exporter is stopping; deliver again later"
        why = self._failure() if self.figures.failing_since is not None else "the disk is slower than the events"
        return f"{self.figures.pending} records wait to be written, no more are taken now; deliver again later: {why}"
