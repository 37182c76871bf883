"""Looks a hundred times a second at what the event loop does, and tells where the time goes.

A timer's signal has the main thread itself look, between two steps of Python. So what is looked at runs as fast as
otherwise; a profiler that is called at each function makes it several times slower. A thread that looked would have to
wait for the interpreter until the loop rests, and would see it rest. What is written in C counts for its caller.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import msgspec

_EVERY = 0.00997  # seconds; not in step with anything that happens a hundred times a second
_DEEPEST = 200  # frames
_TURN = asyncio.Handle._run.__code__  # through what an event loop calls everything
_SHOWN = 50  # functions of the text

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


class Place(NamedTuple):
    """A stack, from what the event loop called inwards; ``line`` is the innermost's, ``task`` a name or nothing."""

    task: str
    functions: tuple[CodeType, ...]
    line: int


_IDLE = Place("idle", (), 0)


class Profile:
    """What was seen: places in the order of time, each with the seconds that it stands for."""

    def __init__(self) -> None:
        self.seen: list[tuple[Place, float]] = []
        self.seconds = 0.0
        self.cpu = 0.0  # seconds of the main thread

    def text(self) -> str:
        """The functions that take the most by themselves, as shares of all the time."""
        own: defaultdict[CodeType, float] = defaultdict(float)
        total: defaultdict[CodeType, float] = defaultdict(float)
        for place, seconds in self.seen:
            for code in place.functions[-1:]:
                own[code] += seconds
            for code in set(place.functions):
                total[code] += seconds
        percent = 100 / (sum(seconds for _, seconds in self.seen) or 1)
        most = sorted(own, key=own.__getitem__, reverse=True)[:_SHOWN]
        lines = [f"{own[code] * percent:6.1f} % {total[code] * percent:6.1f} %  {name(code)}" for code in most]
        busy = sum(own.values()) * percent
        head = f"{self.seconds:.1f} s, {len(self.seen)} samples: busy for {busy:.0f} %, {self.cpu:.2f} s of CPU\n"
        return "\n".join([head, "     own    total  function", *lines, ""])

    def collapsed(self) -> str:
        """A line for each stack with its samples, as flame graphs are made from."""
        counts = Counter(place for place, _ in self.seen)
        return "".join(f"{';'.join(_names(place))} {count}\n" for place, count in counts.most_common())

    def speedscope(self) -> bytes:
        """In the file format of https://www.speedscope.app."""
        frames: dict[str, int] = {}
        samples = [[frames.setdefault(name, len(frames)) for name in _names(place)] for place, _ in self.seen]
        weights = [seconds for _, seconds in self.seen]
        profile = {
            **{"type": "sampled", "name": "trading-exporter", "unit": "seconds"},
            **{"startValue": 0, "endValue": sum(weights), "samples": samples, "weights": weights},
        }
        shared = {"frames": [{"name": name} for name in frames]}
        return msgspec.json.encode({"$schema": _SCHEMA, "shared": shared, "profiles": [profile]})


async def profile(seconds: float) -> Profile:
    """Look at this thread for so many seconds; only one may do so at a time.

    `ValueError` where that cannot be: on a system without timers, or in a thread that gets no signals.
    """
    found, loop = Profile(), asyncio.get_running_loop()
    last = began = time.monotonic()
    cpu = time.thread_time()

    def look(_: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        found.seen.append((_place(frame, asyncio.current_task(loop)), now - last))
        last = now

    with _timer(look):
        await asyncio.sleep(seconds)
    found.seconds, found.cpu = time.monotonic() - began, time.thread_time() - cpu
    return found


@contextmanager
def _timer(look: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Has this called again and again until the block ends; a timer that there was before goes on then."""
    if not hasattr(signal, "setitimer"):
        raise ValueError("this system has no timers for that")
    before, began = signal.signal(signal.SIGALRM, look), time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, _EVERY, _EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(_EVERY, left - (time.monotonic() - began)), interval)


def _place(frame: FrameType | None, task: asyncio.Task[Any] | None) -> Place:
    if frame is None or (frame.f_code.co_name == "select" and frame.f_code.co_filename.endswith("selectors.py")):
        return _IDLE
    functions: list[CodeType] = []
    at: FrameType | None = frame
    while at is not None and at.f_code is not _TURN and len(functions) < _DEEPEST:
        functions.append(at.f_code)
        at = at.f_back
    given = "" if task is None else task.get_name()
    return Place("" if given.startswith("Task-") else given, tuple(reversed(functions)), frame.f_lineno)


def _names(place: Place) -> list[str]:
    """The task and the functions of a stack, the innermost with its line."""
    names = [name(code) for code in place.functions[:-1]] + [name(code, place.line) for code in place.functions[-1:]]
    return [place.task, *names] if place.task else names or ["event loop"]


def name(code: CodeType, line: int | None = None) -> str:
    """A function, with the end of its file's path, and the line."""
    where = "/".join(Path(code.co_filename).parts[-3:])
    return f"{code.co_qualname} ({where})" if line is None else f"{code.co_qualname} ({where}:{line})"
