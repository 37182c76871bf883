"""Asks one server again and again."""

from __future__ import annotations

import asyncio

from exporter.config import CacheServer
from exporter.health import Backoff, Health
from exporter.sources.caches.servers import FAILURES, Server, connect
from exporter.state.state import State


class CacheSource:
    """Keeps what a server counts up to date until `run` is cancelled.

    While it does not answer nothing is known of it: its figures are gone, and it is down.
    """

    def __init__(self, config: CacheServer, state: State) -> None:
        self._config = config
        self._signals = state.signals
        secrets = tuple(secret.read() for secret in config.secrets.values())
        self._health = Health(f"cache/{config.name}", state, secrets)

    async def run(self) -> None:
        """Ask; returns only by cancellation."""
        backoff = Backoff(self._config.poll_interval)
        while True:
            server = connect(self._config)
            try:
                while True:
                    await self._ask(server)
                    backoff.reset()
                    await asyncio.sleep(self._config.poll_interval)
            except FAILURES as error:
                self._signals.caches.pop(self._config.label, None)
                self._signals.servers[self._config.label] = False
                self._health.failed(error)
            finally:
                await server.close()
            await asyncio.sleep(backoff.next())

    async def _ask(self, server: Server) -> None:
        async with asyncio.timeout(self._config.request_timeout):
            figures = await server.read()
        self._signals.caches[self._config.label] = figures
        self._signals.servers[self._config.label] = True
        self._health.works()
