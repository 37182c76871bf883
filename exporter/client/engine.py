"""The machine behind a client: a queue, a thread that empties it into the outbox, and a thread that sends."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any

from exporter.client.lines import MOMENTARY, UnusableError, encode
from exporter.client.outbox import Outbox
from exporter.client.post import Connection
from exporter.client.sender import Sender
from exporter.client.settings import Latest, Settings, Statistics, Tally, log
from exporter.client.spool import Spool

_GATHER = 0.02  # seconds in which reports gather, so that few wake-ups serve many
_IDLE_AFTER = 1.0  # seconds without a report
_TICK = 0.5  # seconds between looks at the disk while nothing is reported
_SLICE = 32  # reports that are formatted before the bot gets the interpreter back
_BREATH = 0.0001
_NUDGE = 0.25
_START_AGAIN = 5.0
_LOSING = 60.0  # seconds between two warnings that reports are lost

Report = tuple[str, dict[str, Any]]


class Engine:
    """``take`` is the bot's side: it only appends to a deque, which needs no lock, not even in a signal handler."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._queue: deque[Report] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._asleep = False
        self._busy = 0.0  # when there was something in the queue last
        self._most = settings.queue
        self._most_momentary = settings.queue // 2  # so that books never take the room of fills
        self._overflown = Tally()  # reports that were lost, since the queue was full or the client closed
        self._skipped = Tally()  # books and quotes for which the queue had no room
        self._faults: deque[str] = deque(maxlen=1000)
        self._faulty = Tally()
        self._unusable = 0
        self._refusals: set[str] = set()
        self._latest = Latest()
        self._told_lost, self._told_at, self._told_late = 0, -_LOSING, False
        self._outbox = Outbox(Spool(settings.spool, settings.spool_bytes, self._latest))
        self._connection = Connection(settings.url, settings.token, settings.timeout)
        self._sender = Sender(self._connection, self._outbox, settings.retry_seconds, self._latest, self._changed)
        self._change = threading.Condition()
        self._rounds_begun = self._rounds_done = 0
        self._waiters = 0  # while somebody waits for the writer, it neither gathers nor puts syncs off
        self._broken = 0  # events that a fault of ours cost
        self._starting = threading.Lock()
        self._start_after = 0.0
        self._threads: list[threading.Thread] = []  # that run
        self._unstarted = [
            threading.Thread(target=work, name=f"exporter-client-{name}", daemon=True)
            for name, work in (("writer", self._write), ("sender", self._sender.run))
        ]
        self._stopping = False
        self.is_open = True

    # The bot's side.

    def take(self, kind: str, fields: dict[str, Any]) -> None:
        """Put a report into the queue, and wake the writer if it sleeps."""
        waiting = len(self._queue)
        if waiting >= self._most_momentary and (kind in MOMENTARY or waiting >= self._most):
            (self._skipped if kind in MOMENTARY else self._overflown).add()
        elif not self.is_open:
            self._too_late()
        else:
            self._queue.append((kind, fields))
        if self._asleep:
            self._asleep = False
            self._bell.put(None)
        if self._unstarted:
            self.start()

    def fault(self, words: str) -> None:
        """Note a call that could not become a report; the writer logs it."""
        self._faulty.add()
        self._faults.append(words)

    def start(self) -> None:
        """Start the threads, unless that failed a moment ago."""
        if time.monotonic() < self._start_after or not self.is_open or not self._starting.acquire(blocking=False):
            return
        try:
            while self._unstarted:
                self._unstarted[0].start()
                self._threads.append(self._unstarted.pop(0))
        except RuntimeError:  # no more threads, or the interpreter ends
            self._start_after = time.monotonic() + _START_AGAIN
        finally:
            self._starting.release()

    def statistics(self) -> Statistics:
        """What happened so far."""
        counts, spool = self._sender.counts, self._outbox.spool
        return Statistics(
            sent=counts.sent,
            accepted=counts.accepted,
            duplicates=counts.duplicates,
            refused=counts.refused + self._unusable + self._faulty.value(),
            queued=len(self._queue),
            waiting=self._outbox.waiting(),
            spooled=spool.lines_on_disk,
            dropped=self._outbox.dropped + spool.dropped + counts.dropped + self._skipped.value(),
            lost=spool.lost + self._broken + self._overflown.value(),
            connected=self._sender.tries > 0 and not self._sender.trouble.there,
            last_error=self._latest.text,
        )

    def flush(self, timeout: float, *, to_disk: bool) -> bool:
        """Wait until all that was reported so far is with the exporter, or at least safe on disk."""
        deadline = time.monotonic() + timeout
        if not self.is_open:
            return self._outbox.is_settled(self._outbox.mark())
        with self._waiting():
            if not self._drained(deadline):
                return False
            mark, spool = self._outbox.mark(), self._outbox.spool
            self._sender.notify(hurry=True)
            return self._until(
                lambda: self._outbox.is_settled(mark) or (to_disk and spool.is_safe),
                deadline,
            )

    def finish(self, timeout: float) -> None:
        """Wait until all is with the exporter, or on disk once the exporter has not taken it."""
        deadline = time.monotonic() + timeout
        sender, spool = self._sender, self._outbox.spool
        if not self._threads:
            return
        with self._waiting():
            if not self._drained(deadline):
                return
            mark, tries = self._outbox.mark(), sender.tries
            sender.notify(hurry=True)
            self._until(
                lambda: (
                    self._outbox.is_settled(mark)
                    or (spool.is_safe and sender.trouble.there and (sender.is_patient or sender.tries > tries))
                ),
                deadline,
            )

    def close(self, timeout: float) -> None:
        """Finish, end the threads and give the spool back."""
        if not self.is_open:
            return
        deadline = time.monotonic() + timeout
        self.is_open = False
        self.finish(timeout)
        self._stopping = True
        self._sender.stop()
        self._bell.put(None)
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        self._outbox.spool.close()
        if left := len(self._queue):
            self._broken += left
            log.error("%d reports are lost: the client was closed before it could take them", left)

    def abandon(self) -> None:
        """After a fork, in the child: let go of what is the parent's."""
        self._outbox.spool.abandon()
        self._sender.abandon()

    def _too_late(self) -> None:
        self._overflown.add()
        if not self._told_late:
            self._told_late = True
            log.error("reports are lost: the client was closed before they were made")

    # The writer.

    def _write(self) -> None:
        is_new = True
        while not self._stopping:
            try:
                if is_new:
                    is_new = False
                    self._outbox.spool.open()
                    self._sender.notify()
                self._sleep()
                self._rounds_begun += 1
                self._empty()
                self._outbox.spool.maintain(0.0 if self._urgent else self._settings.sync_seconds)
                self._tell()
            except Exception as error:  # a fault of ours must not end the reports
                self.fault(f"a fault of the client: {type(error).__name__}: {error}")
                log.debug("fault in the writer", exc_info=True)
                time.sleep(_TICK)
            self._rounds_done = self._rounds_begun
            self._changed()

    def _sleep(self) -> None:
        """Let reports gather; after a while without any, sleep until the next one rings the bell.

        Ringing wakes a thread, which costs the bot more than the report itself, so a busy bot never has to.
        """
        is_idle = time.monotonic() - self._busy > _IDLE_AFTER
        self._asleep = is_idle
        if is_idle and self._queue:  # reported before it could know that the bell is needed
            self._asleep = is_idle = False
        with suppress(Empty):
            self._bell.get(timeout=_TICK if is_idle else _GATHER)
        self._asleep = False
        if self._queue:
            self._busy = time.monotonic()
        with suppress(Empty):
            while True:
                self._bell.get_nowait()

    def _empty(self) -> None:
        """Format what is queued and put it into the outbox, in slices that leave the bot its time."""
        for _ in range(len(self._queue) // _SLICE + 1):
            lines = []
            for _ in range(min(_SLICE, len(self._queue))):
                kind, fields = self._queue.popleft()
                try:
                    lines.append((encode(kind, fields, self._settings.defaults), kind in MOMENTARY))
                except UnusableError as error:
                    self._refuse(kind, str(error))
            if lines:
                self._put(lines)
            time.sleep(_BREATH)

    def _put(self, lines: list[tuple[bytes, bool]]) -> None:
        try:
            self._outbox.put(lines)
        except Exception:
            self._broken += len(lines)
            raise
        self._sender.notify()

    def _refuse(self, kind: str, message: str) -> None:
        self._unusable += 1
        self._latest.text = message
        reason = f"{kind}:{message.partition(' ')[0]}"
        if reason not in self._refusals and len(self._refusals) < 1000:
            self._refusals.add(reason)
            log.error("a report cannot be sent and is left out; such are counted: %s", message)

    def _tell(self) -> None:
        """Log what the bot's side could only note."""
        while self._faults:
            words = self._faults.popleft()
            self._latest.text = words
            if words not in self._refusals and len(self._refusals) < 1000:
                self._refusals.add(words)
                log.error("a report was called wrongly and is left out; such are counted: %s", words)
        lost = self._overflown.value()
        if lost > self._told_lost and time.monotonic() - self._told_at >= _LOSING:
            log.error("%d reports are lost: they came faster than the disk took them", lost - self._told_lost)
            self._told_lost, self._told_at = lost, time.monotonic()

    # Waiting.

    @property
    def _urgent(self) -> bool:
        return self._stopping or self._waiters > 0

    def _changed(self) -> None:
        with self._change:
            self._change.notify_all()

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        with self._change:
            self._waiters += 1
        try:
            yield
        finally:
            with self._change:
                self._waiters -= 1

    def _drained(self, deadline: float) -> bool:
        """Wait until the writer has taken what was in the queue; False when it is too late."""
        self.start()
        wanted = self._rounds_begun + 1
        return self._until(lambda: self._rounds_done >= wanted, deadline)

    def _until(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Wait, while the writer is kept awake and the sender tries again soon; False when it is too late."""
        self._bell.put(None)
        with self._change:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                if not self._change.wait(min(left, _NUDGE)):
                    self._bell.put(None)
                    self._sender.notify(hurry=True)
        return True
