"""Ends the program within a few seconds of being told to, whatever hangs.

The end has steps that take so many seconds at most; what is not done by then is left behind, and said. Should the event
loop itself stand still, a thread ends the program. None of that can lose what was acknowledged, which is on disk.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NoReturn

log = logging.getLogger(__name__)

SECONDS = 4.6  # from the signal until nothing is waited for any more; the process is to be gone within 5 s
_MOMENT = 0.05
_REST_SECONDS = _LAST_WORDS_SECONDS = 0.2

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Notices SIGTERM and SIGINT; a second one ends the program at once.

    A thread waits for them, so that they are noticed while the event loop stands still as well.
    """

    def __init__(self) -> None:
        self._asked: Future[signal.Signals] = Future()
        self._main = threading.get_ident()

    def listen(self) -> None:
        """Take the signals from now on; to be called before there is any other thread, which would get them as well."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        threading.Thread(target=self._wait, name="signals", daemon=True).start()

    async def asked(self) -> signal.Signals:
        """The first signal, once it has come."""
        return await asyncio.wrap_future(self._asked)

    def _wait(self) -> None:
        number = signal.Signals(signal.sigwait(_SIGNALS))
        timer = threading.Timer(SECONDS, self._too_late)
        timer.daemon = True
        timer.start()
        self._asked.set_result(number)
        second = signal.sigwait(_SIGNALS)
        _say("told to stop again; ending at once", signal=signal.Signals(second).name)
        os._exit(128 + second)

    def _too_late(self) -> NoReturn:
        _say("not everything ended in time, and is left behind", seconds=SECONDS, at=_place(self._main))
        os._exit(0)


class Ending:
    """The steps of the end; what one does not need of its time is left for those after it."""

    def __init__(self) -> None:
        self._began: float | None = None

    def left(self, until: float) -> float:
        """Seconds until so many have passed since this was first asked, and at least a moment."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        return max(_MOMENT, self._began + until - now)

    async def step(self, until: float, what: str, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Do one step; one that fails, or takes too long, is said."""
        seconds = self.left(until)
        task = asyncio.create_task(work(), name=what)
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            log.warning("%s did not end within %.1f s", what, seconds)
            task.cancel()
        elif not task.cancelled() and task.exception() is not None:
            log.error("%s failed at the end", what, exc_info=task.exception())


async def leave_rest() -> None:
    """Return when all tasks and threads have ended; otherwise end the program now, without them."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_REST_SECONDS)
    threads = {thread.name for thread in threading.enumerate() if not thread.daemon} - {threading.main_thread().name}
    left = [task.get_name() for task in tasks if not task.done()] + sorted(threads)
    if left:
        _say("some parts did not end, and are left behind", parts=left)
        os._exit(0)


def _say(text: str, **fields: object) -> None:
    """Log it, unless nobody reads the log: then the program ends without."""
    thread = threading.Thread(target=log.warning, args=(text,), kwargs={"extra": fields}, daemon=True)
    thread.start()
    thread.join(_LAST_WORDS_SECONDS)


def _place(thread: int) -> str:
    """What a thread is doing."""
    frame = sys._current_frames().get(thread)
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame else ""
