"""Keeps the parts of the exporter running, and ends them in time.

A part that ends, by a fault of ours or by itself, is begun anew after a pause. While it fails again and again the
pauses grow and its circuit is open (see `Breaker`), but it is never given up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from exporter.state.breaker import Breaker
from exporter.state.state import State

log = logging.getLogger(__name__)


class Runner(Protocol):
    """What a part does."""

    async def run(self) -> None:
        """Run until cancelled; by raising it asks to be made anew."""


Make = Callable[[], Runner]
Makers = dict[str, Make]
"""Parts by the names of their components, each with a way to make it."""


class Part:
    """One part, under the name of its component; ``make`` makes it, and makes it again.

    ``vital`` is what everything else needs.
    """

    def __init__(self, name: str, make: Make, state: State, *, vital: bool = False) -> None:
        self.name = name
        self.running: asyncio.Task[None] | None = None
        self._make = make
        self._component = state.components[name]
        self._breaker = state.breakers[name] = Breaker(state.config.supervision, vital)

    async def run(self) -> None:
        """Keep it running; when this is cancelled, it is asked to end, and not waited for."""
        while True:
            pause = self._failed(await self._once())
            await asyncio.sleep(pause)
            self._breaker.restarts += 1

    async def _once(self) -> BaseException | None:
        """Run it until it ends; what it ended by, None when there was nothing.

        It has a task of its own, so that one that cancels itself, or does not let itself be cancelled, is our end no
        more than any other fault.
        """
        failures = self._breaker.failures
        self._component.up, self._component.detail = True, _again(failures) if failures else ""
        steady = asyncio.get_running_loop().call_later(self._breaker.rules.steady_after, self._works)
        self.running = asyncio.create_task(_made(self._make), name=self.name)
        try:
            await asyncio.wait([self.running])
        finally:
            steady.cancel()
            self.running.cancel()
        return asyncio.CancelledError() if self.running.cancelled() else self.running.exception()

    def _failed(self, fault: BaseException | None) -> float:
        """Say it; for how many seconds it is left alone."""
        pause = self._breaker.failed()
        failures, what = self._breaker.failures, type(fault).__name__ if fault else "it ended by itself"
        then = "its circuit is open, it is tried again" if self._breaker.is_open else "it is begun anew"
        extra = {"component": self.name, "fault": what, "failures": failures}
        log.error("%s stopped by a fault; %s in %.1f s", self.name, then, pause, exc_info=fault, extra=extra)
        self._component.up, self._component.detail = False, f"{what}; {_again(failures)} in {pause:.0f} s"
        return pause

    def _works(self) -> None:
        if self._breaker.failures:
            log.info("%s works again", self.name, extra={"component": self.name})
        self._breaker.works()
        self._component.detail = ""


def _again(failures: int) -> str:
    return "begun anew after a failure" if failures == 1 else f"begun anew after {failures} failures in a row"


async def _made(make: Make) -> None:
    await make().run()


class Parts:
    """Those that are kept running, and their end."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._kept: dict[Part, asyncio.Task[None]] = {}

    def start(self, name: str, make: Make, *, vital: bool = False) -> None:
        """Keep one running from now on."""
        part = Part(name, make, self._state, vital=vital)
        self._kept[part] = asyncio.create_task(part.run(), name=f"supervision of {name}")

    async def end(self, seconds: float) -> None:
        """End all of them; those that do not end within so many seconds are left behind, and said."""
        for keeper in self._kept.values():
            keeper.cancel()
        await asyncio.gather(*self._kept.values(), return_exceptions=True)
        ending = {part.running: part.name for part in self._kept if part.running is not None}
        if ending:
            await asyncio.wait(ending, timeout=seconds)
        for task, name in ending.items():
            if not task.done():
                log.warning("%s did not end within %.1f s", name, seconds, extra={"component": name})
            elif not task.cancelled() and task.exception() is not None:
                log.warning("%s failed at the end", name, exc_info=task.exception(), extra={"component": name})
