"""Again and again, until it is told to stop; a failure is told, and tried again before long."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

from grafana.api import GrafanaError

_FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 600.0


def repeat(work: Callable[[], None], every: float, stop: Event, failed: Callable[[GrafanaError, float], None]) -> None:
    """Do the work every so many seconds until ``stop``; ``failed`` is told each error and the seconds until a retry."""
    pause = _FIRST_PAUSE
    while not stop.is_set():
        try:
            work()
        except GrafanaError as error:
            wait = min(pause, every)
            pause = min(2 * pause, _LONGEST_PAUSE)
            failed(error, wait)
        else:
            wait, pause = every, _FIRST_PAUSE
        stop.wait(wait)


@contextmanager
def ended_by_signals(stop: Event) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C set ``stop`` within the block, so that what is under way comes to its end."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
