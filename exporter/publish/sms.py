"""Sends the texts that wait, one after the other, and again where that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from exporter.config import Sms, Supervision
from exporter.health import Health
from exporter.state.breaker import Breaker
from exporter.state.sms import Text
from exporter.state.state import State

PART = "sms"

_LOOK_EVERY = 0.2  # seconds; a text may wait that long

Send = Callable[[str], bool]
"""Hands a text to a gateway, however long that takes; whether it was taken."""


class Sender:
    """One text is on its way at a time.

    After a failure the pauses grow. After so many in a row the circuit opens: the gateway is left alone for a while,
    and then tried with one text. Only a text can tell whether the gateway works: a while after the last one failed,
    with none to try, nobody knows.
    """

    def __init__(self, config: Sms, state: State, send: Send) -> None:
        self._config = config
        self._texts = state.texts
        self._state = state
        self._send = send
        self._health = Health(PART, state)
        rules = Supervision(
            retry_after=config.retry_after,
            open_after=config.open_after,
            open_for=config.open_for,
            open_longest=config.open_for,
        )
        self._breaker = Breaker(rules)
        self._problem, self._failed_at = "", 0.0  # of the last try

    async def run(self) -> None:
        """Send; returns only by cancellation."""
        self._health.works()
        while True:
            text = self._texts.next()
            if text is None:
                self._idle()
                await asyncio.sleep(_LOOK_EVERY)
            elif text.tried and self._state.clock() - text.since > self._config.give_up_after:
                self._texts.give_up(text)
            else:
                await self._try(text)

    async def _try(self, text: Text) -> None:
        text.tried = True
        problem = await self._hand_over(text)
        if not problem:
            self._texts.sent(text)
            self._problem, self._texts.circuit_open = "", False
            self._breaker.works()
            self._health.works()
            return
        self._texts.again(text)
        self._failed(problem)
        pause = self._breaker.failed()
        self._texts.circuit_open = self._breaker.is_open
        await asyncio.sleep(pause)

    def _idle(self) -> None:
        """Nothing waits, so that nothing is held back either."""
        self._texts.circuit_open = False
        if not self._problem:
            return
        if self._state.clock() - self._failed_at > self._config.give_up_after:
            self._health.unknown(f"the last text failed ({self._problem}), and there was none since")
        else:
            self._health.failed(f"{self._problem}; none waits any more, the next one will tell")

    async def _hand_over(self, text: Text) -> str:
        """Why the text could not be handed over; empty when it was.

        What takes too long cannot be called back and may arrive yet: for as long as the circuit would be open it is
        waited for, since people would get it twice if it were sent again meanwhile.
        """
        seconds, longer = self._config.request_timeout, self._config.open_for
        sending = asyncio.create_task(asyncio.to_thread(self._send, text.text))
        try:
            done, _ = await asyncio.wait((sending,), timeout=seconds)
            if not done:
                self._failed(f"no gateway answered within {seconds:g} s")
                self._texts.circuit_open = True
                done, _ = await asyncio.wait((sending,), timeout=longer)
            if not done:
                return f"no gateway answered within {seconds + longer:g} s"
            return "" if sending.result() else "no gateway took a text"
        finally:
            sending.cancel()

    def _failed(self, problem: str) -> None:
        self._problem, self._failed_at = problem, self._state.clock()
        self._health.failed(problem)
