"""Whether Alertmanager, and Prometheus behind it, are heard of."""

from __future__ import annotations

import asyncio

from exporter.sources.base import Health
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
        elif incidents.is_silent:
            self._health.failed(f"nothing was heard of it for {within:g} s; is it up, and does it reach us?")
        elif not incidents.heartbeat:
            self._health.failed("Prometheus tells it nothing; is Prometheus up?")
        else:
            self._health.works()
