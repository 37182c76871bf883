"""Puts the parts together and runs them until told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from exporter import __version__
from exporter.config import Config
from exporter.intake import Intake
from exporter.sources import Source, sources
from exporter.sources.base import Backoff
from exporter.state.state import State
from exporter.web.server import serve

log = logging.getLogger(__name__)


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[tuple[str, State]]:
    """The whole exporter, until the block ends; gives its address and its state."""
    state = State(config)
    intake = Intake(state)
    async with serve(config.web, state) as address:
        tasks = [
            asyncio.create_task(_supervise(name, make, state)) for name, make in sources(config, state, intake).items()
        ]
        try:
            yield address, state
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def run(config: Config) -> None:
    """Run until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(config) as (address, _):
        log.info("trading-exporter %s ready on %s", __version__, address)
        await stop.wait()
        log.info("stopping")


async def _supervise(name: str, make: Callable[[], Source], state: State) -> None:
    """Keep a source running; one that ends by a fault of ours is made anew after a pause."""
    backoff = Backoff()
    component = state.components[name]
    while True:
        component.up, component.detail = True, ""
        try:
            await make().run()
        except Exception as error:
            log.exception("%s stopped by a fault, restarting", name)
            component.up, component.detail = False, f"{type(error).__name__}, restarting"
        await asyncio.sleep(backoff.next())
