"""Threads for what blocks, that keep nobody from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class LooseThreads(ThreadPoolExecutor):
    """A thread for each call, which nobody waits for at the end.

    An event loop asks for names of hosts, and reads slow files, in its default executor. asyncio and the
    interpreter wait at their end for every thread of an ordinary one, for as long as a name server is silent.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call ``fn`` in a thread of its own."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # it is the caller's
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="loose", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nothing."""
