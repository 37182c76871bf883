"""Sends what is in the outbox, and does what the exporter's answers ask for."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from exporter.client.lines import LONGEST_LINE
from exporter.client.outbox import Outbox
from exporter.client.post import Answer, Connection
from exporter.client.settings import Latest, Notice, log
from exporter.client.spool import Entry

BATCH = 1000  # events, of which an exporter names each that it refused
BATCH_BYTES = 256 * 1024
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0  # seconds between tries while nobody answers
_LONGEST_RETRY_AFTER = 300.0
_IDLE = 5.0

_ADVICE = {
    400: "it does not understand the request; look for a proxy in between, or bring client and exporter to one version",
    401: "it does not know the token; give the client the token that stands in the exporter's configuration",
    403: "the token is not allowed to do this; look at the exporter's configuration",
    404: "there is no push at this address; check the url, and that push is switched on in its configuration",
    405: "there is no push at this address; check the url, and that push is switched on in its configuration",
    415: "it does not understand the request; look for a proxy in between, or bring client and exporter to one version",
}


@dataclass
class Counts:
    """What became of the events that were sent."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    dropped: int = 0


class Sender:
    """Takes batches from the outbox one after another; the same batch again until it is dealt with."""

    def __init__(
        self,
        connection: Connection,
        outbox: Outbox,
        retry_seconds: float,
        latest: Latest,
        settled: Callable[[], None],
    ) -> None:
        self.counts = Counts()
        self.trouble = Notice(latest)
        self.tries = 0  # that ended
        self.is_patient = False  # waits because the exporter or a person must do something first
        self._connection = connection
        self._outbox = outbox
        self._retry_seconds = retry_seconds
        self._latest = latest
        self._settled = settled  # called when something was dealt with or a try ended
        self._hand: list[Entry] = []
        self._most = BATCH
        self._failures = 0
        self._refusals: set[str] = set()
        self._wake = threading.Condition()
        self._news = False
        self._hurry = False
        self._stopped = False

    def run(self) -> None:
        """Until stopped."""
        if self._connection.warning:
            log.warning(self._connection.warning)
        while not self._stopped:
            try:
                pause = self._round()
            except Exception as error:  # a fault of ours must not end the reports
                self.trouble.begins(type(error).__name__, f"a fault of the client: {type(error).__name__}")
                log.debug("fault in the sender", exc_info=True)
                pause = _LONGEST_PAUSE
            self._settled()
            self._wait(pause)
        self._connection.close()

    def notify(self, *, hurry: bool = False) -> None:
        """There is something to send; with ``hurry`` a pause after a failed connection ends."""
        with self._wake:
            self._news = True
            self._hurry |= hurry
            self._wake.notify_all()

    def stop(self) -> None:
        """End after the present try."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()

    def abandon(self) -> None:
        """Close this process's copy of the parent's connection after a fork."""
        self._connection.abandon()

    def _wait(self, pause: float | None) -> None:
        """Wait for news (None), or for so many seconds."""
        until = time.monotonic() + (_IDLE if pause is None else pause)
        with self._wake:
            while not self._stopped and (left := until - time.monotonic()) > 0:
                if (pause is None and self._news) or (self._hurry and not self.is_patient):
                    break
                self._wake.wait(left)
            self._news = self._hurry = False

    def _round(self) -> float | None:
        """Send one batch; the seconds to wait then, 0 when there may be more, None when there was nothing."""
        self.is_patient = False
        if not self._hand:
            self._hand = self._outbox.take(BATCH, BATCH_BYTES)
        if not self._hand:
            return None
        if self._connection.problem:
            return self._configuration("problem", self._connection.problem)
        batch = self._batch()
        try:
            answer = self._connection.post(b"".join(entry.line for entry in batch))
        except (OSError, http.client.HTTPException) as error:
            return self._unreachable(error)
        finally:
            self.tries += 1
        return self._answered(answer, batch)

    def _batch(self) -> list[Entry]:
        size = 0
        for number, entry in enumerate(self._hand[: self._most]):
            size += len(entry.line)
            if size > BATCH_BYTES + LONGEST_LINE:
                return self._hand[:number]
        return self._hand[: self._most]

    def _answered(self, answer: Answer, batch: list[Entry]) -> float:
        name = self._connection.name
        if answer.deals_with(len(batch)):
            self.trouble.ends(f"{name} takes events again")
            self._failures = 0
            self._settle(answer, batch)
            self._most = min(BATCH, self._most + self._most // 2 + 1)
            return 0.0
        if answer.status in (429, 503):
            return self._overloaded(answer, batch)
        if answer.status == 413:
            return self._too_large(batch)
        if answer.status in _ADVICE:
            advice = answer.advice(_ADVICE[answer.status])
            return self._configuration(str(answer.status), f"{name} answers {answer.status}: {advice}")
        if answer.status == 200 or 300 <= answer.status < 400:
            what = "but not as an exporter does; check the url"
            return self._configuration(str(answer.status), f"{name} answers {answer.status}, {what}")
        return self._failed(str(answer.status), f"{name} answers {answer.status}")

    def _settle(self, answer: Answer, batch: list[Entry]) -> None:
        """The exporter has dealt with these, of which it may have refused some."""
        self.counts.sent += len(batch)
        self.counts.accepted += answer.number("accepted") or 0
        self.counts.duplicates += answer.number("duplicates") or 0
        self.counts.refused += answer.refused
        for error in answer.errors:
            self._refused(error, batch)
        del self._hand[: len(batch)]
        self._outbox.settle(batch)

    def _refused(self, error: dict[str, object], batch: list[Entry]) -> None:
        index = error.get("index")
        if isinstance(index, int) and 0 <= index < len(batch):
            self._set_aside(batch[index])
        reason, message = str(error.get("reason", ""))[:100], str(error.get("message", ""))[:500]
        self._latest.text = f"{message} ({reason})"
        if reason not in self._refusals and len(self._refusals) < 1000:
            self._refusals.add(reason)
            log.error("the exporter refused an event; such are counted: %s (%s)", message, reason)

    def _overloaded(self, answer: Answer, batch: list[Entry]) -> float:
        """Send the rest later, when it said so."""
        done = min(answer.number("next_index") or 0, len(batch))
        if done:
            self._settle(answer, batch[:done])
        pause = self._failed(str(answer.status), f"{self._connection.name} cannot take more now ({answer.status})")
        if answer.retry_after is None:
            return pause
        self.is_patient = True
        if done:  # it goes on, if slowly
            self._failures = 0
        return min(answer.retry_after, _LONGEST_RETRY_AFTER) * random.uniform(1.0, 1.2) + 0.01  # noqa: S311 - jitter

    def _too_large(self, batch: list[Entry]) -> float:
        """Halve the batch; one event that is too large by itself is left out."""
        if len(batch) > 1:
            self._most = len(batch) // 2
            return 0.0
        self.counts.dropped += 1
        self._set_aside(batch[0])
        size = len(batch[0].line)
        log.error("an event of %d bytes is too large for %s and is left out", size, self._connection.name)
        del self._hand[:1]
        self._outbox.settle(batch)
        return 0.0

    def _set_aside(self, entry: Entry) -> None:
        if entry.end is not None:  # books and quotes are not worth it
            self._outbox.spool.set_aside([entry.line])

    def _unreachable(self, error: Exception) -> float:
        words = getattr(error, "strerror", None) or type(error).__name__  # never its text: that may quote a header
        kind = "timeout" if isinstance(error, TimeoutError) else type(error).__name__
        return self._failed(kind, f"no answer from {self._connection.name} ({words}); events wait until there is one")

    def _failed(self, kind: str, message: str) -> float:
        """Report it, and say how long to wait: longer each time, and not the same for all clients."""
        self.trouble.begins(kind, message)
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**self._failures)
        self._failures = min(self._failures + 1, 30)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def _configuration(self, kind: str, message: str) -> float:
        """Report what a person has to mend; events are kept meanwhile."""
        self.trouble.begins(kind, f"{message}; events are kept until then", level=40)
        self.is_patient = True
        return self._retry_seconds
