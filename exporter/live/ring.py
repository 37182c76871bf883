"""What was measured: now, looked at every second, and every five seconds of the last hour."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from time import perf_counter

import msgspec

from exporter.live.performance import Given, Windows, figures
from exporter.live.scores import Scores
from exporter.live.sums import Sums, Survey
from exporter.live.window import Look, Window
from exporter.state.state import State

STEP = 5.0  # seconds between two samples
MINUTES = 60  # that are kept

_EVERY = 1.0  # second between two looks
_LOOKS = 61  # at the pace of samples, for five minutes
_KEPT = int(MINUTES * 60 / STEP)
_REVENUE = ("revenue_usd",)
_BUDGET = 0.001  # seconds for reading what is many, before everything else has its turn

Volume = Callable[[], tuple[float | None, str]]
"""The volume of 24 h in USD, or why it is not known."""

_encode = msgspec.json.encode


class Ring:
    """``figures`` are the newest, ``missing`` says why some of them are null, ``number`` counts them.

    ``text`` is both as JSON, made once for all who ask; ``checked`` says when each exchange last had a request.
    """

    def __init__(self, state: State, volume: Volume) -> None:
        self.scores = Scores(state)
        self.number = 0
        self.missing: dict[str, str] = {}
        self.checked: dict[str, float] = {}
        self._state = state
        self._volume = volume
        self._survey = Survey(state)
        self._looks: deque[Look] = deque(maxlen=_LOOKS)
        self._revenue: deque[Look] = deque(maxlen=_KEPT + 1)
        self._samples: deque[tuple[float, bytes]] = deque(maxlen=_KEPT)
        self._newest: Look | None = None
        self._step = 0
        self.look()

    async def run(self) -> None:
        """Look every second, until cancelled."""
        await self.read()
        while True:
            self.look()
            await asyncio.sleep(_EVERY - self._state.clock() % _EVERY)
            if self._is_due():
                await self.read()

    def look(self) -> None:
        """Work out what is so now."""
        now = self._state.clock()
        if self._newest is not None and now < self._newest.ts:  # the clock was set
            self._forget()
        look = Look(now, self._survey.quick())
        self._check(look)
        self._newest = look
        minute, five = _window(self._looks, look, 60), _window(self._looks, look, 300)
        windows = Windows(minute, five, _window(self._revenue, look, 3600))
        self.figures, self.missing = figures(self._state, windows, Given(self._survey.pnl, *self._volume()))
        sample = _encode(self.figures)
        self.text = sample[:-1] + b',"missing":' + _encode(self.missing) + b"}"
        self.number += 1
        self.scores.look()
        if int(now / STEP) != self._step:
            self._keep(look, sample)

    def history(self, minutes: int) -> list[bytes]:
        """The samples of the last so many minutes as JSON, the oldest first."""
        since = self._state.clock() - minutes * 60
        return [sample for ts, sample in self._samples if ts > since]

    def _is_due(self) -> bool:
        """Whether it is time for the next sample."""
        return int(self._state.clock() / STEP) != self._step

    def _keep(self, look: Look, sample: bytes) -> None:
        self._step = int(look.ts / STEP)
        self._looks.append(look)
        revenue: Sums = {key: look.sums[key] for key in (_REVENUE,) if key in look.sums}
        self._revenue.append(Look(look.ts, revenue))
        self._samples.append((look.ts, sample))

    def _check(self, look: Look) -> None:
        """Note which exchanges were asked something since the last look."""
        before = self._newest.sums if self._newest else {}
        for name in self._state.exchanges:
            key = ("exchange_requests", name)
            if look.sums[key] > before.get(key, 0.0):
                self.checked[name] = look.ts

    def _forget(self) -> None:
        self._looks.clear()
        self._revenue.clear()
        self._samples.clear()

    async def read(self) -> None:
        """Read what is many, with all else going on between."""
        until = perf_counter() + _BUDGET
        for _ in self._survey.slow():
            if perf_counter() > until:
                await asyncio.sleep(0)
                until = perf_counter() + _BUDGET


def _window(looks: Iterable[Look], newest: Look, seconds: float) -> Window:
    """From the last look that is at least so old, or the first one of all, to the newest."""
    chosen = None
    for look in looks:
        if chosen is not None and newest.ts - look.ts < seconds:
            break
        chosen = look
    return Window(chosen or newest, newest)
