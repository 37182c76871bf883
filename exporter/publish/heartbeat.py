"""Whether Alertmanager, and Prometheus behind it, are heard of."""

from __future__ import annotations

import asyncio

from exporter.health import Health
from exporter.publish.scrapes import PART as PROMETHEUS
from exporter.state.state import State

_LOOK_EVERY = 1.0  # seconds

PART = "alertmanager"


class Heartbeat:
    """Keeps the component ``alertmanager`` up to date until `run` is cancelled."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._health = Health(PART, state)
        self._began = state.clock()

    async def run(self) -> None:
        """Look; returns only by cancellation."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK_EVERY)

    def look(self) -> None:
        """Look once. At our own start there is as much time for the first word as later for the next."""
        incidents, within = self._state.incidents, self._state.config.incidents.heard_within
        if incidents.heard is None and self._state.clock() - self._began <= within:
            self._health.works("not heard of yet")
        elif incidents.heartbeat and not incidents.is_silent:
            self._health.works()
        elif self._is_unscraped():
            self._health.unknown("Prometheus, which is away, tells it nothing")
        elif not incidents.heartbeat:
            self._health.failed("Prometheus tells it nothing; is Prometheus up, and does it reach Alertmanager?")
        else:
            self._health.failed(f"nothing was heard of it for {within:g} s; is it up, and does it reach us?")

    def _is_unscraped(self) -> bool:
        """Whether Prometheus is known to be away, which says it all."""
        parts = self._state.components
        return PROMETHEUS in parts and not parts[PROMETHEUS].up
