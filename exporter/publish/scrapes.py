"""Whether Prometheus still scrapes: known from the scrapes themselves."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

from exporter.health import Health
from exporter.state.state import State

PART = "prometheus"

_MISSED = 4  # usual gaps without a scrape, after which it is away
_AT_LEAST = 15.0  # seconds that are no absence, however often it scrapes
_UNLESS_KNOWN = 60.0  # seconds between two scrapes, where Prometheus's configuration says nothing
_SEEN, _NTH = 12, 3  # the usual gap is the third longest of the last dozen


class Scrapes:
    """The component ``prometheus``, which is there from the first scrape on.

    The usual gap is learned, long ones rather than short ones, since several servers may scrape in turn; one absence
    alone is not usual. When one of several stays away while the others go on, nothing is said.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._gaps: deque[float] = deque(maxlen=_SEEN)
        self._last: float | None = None  # on the loop's clock, as all times here
        self._alarm: asyncio.TimerHandle | None = None

    def came(self, headers: Mapping[str, str]) -> None:
        """Note a request of the metrics, unless it comes neither from Prometheus nor from what acts like it."""
        is_scrape = headers.get("User-Agent", "").startswith("Prometheus/")
        if not is_scrape and "X-Prometheus-Scrape-Timeout-Seconds" not in headers:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._last is not None:
            self._gaps.append(now - self._last)
        self._last = now
        Health(PART, self._state).works()
        self.stop()
        self._alarm = loop.call_later(self._patience(), self._missing)

    def stop(self) -> None:
        """Wait for no further scrape."""
        if self._alarm is not None:
            self._alarm.cancel()

    def _usual(self) -> float:
        return sorted(self._gaps)[-_NTH] if len(self._gaps) == _SEEN else _UNLESS_KNOWN

    def _patience(self) -> float:
        return max(_AT_LEAST, _MISSED * self._usual())

    def _missing(self) -> None:
        usual, patience = self._usual(), self._patience()
        text = f"no scrape for {patience:.0f} s, usually there is one each {usual:.0f} s"
        Health(PART, self._state).failed(f"{text}; is Prometheus up, and does it reach us?")
