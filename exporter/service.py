"""Puts the parts together and runs them until told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from exporter import __version__
from exporter.config import Config
from exporter.config import Journal as JournalConfig
from exporter.errors import JournalError, ServiceError
from exporter.intake import Intake
from exporter.journal import Journal
from exporter.publish import publishers
from exporter.recovery import Keeper, recover
from exporter.sources import Source, sources
from exporter.sources.base import Backoff
from exporter.state.state import OWN, State
from exporter.threads import LooseThreads
from exporter.web.server import serve

log = logging.getLogger(__name__)


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[tuple[str, State]]:
    """The whole exporter, until the block ends; gives its address and its state."""
    journal = _journal(config.journal)
    try:
        state = State(config, log=journal)
        try:
            recover(state)
        except JournalError as error:
            raise ServiceError(str(error)) from None
        keeper = Keeper(state, config.journal.snapshot_seconds)
        async with AsyncExitStack() as ends:
            # What was started last ends first: sources, then a last saving, then the journal's writer.
            await ends.enter_async_context(_task(_supervise(f"{OWN}/journal", lambda: journal, state)))
            await keeper.begin()
            ends.push_async_callback(keeper.end)
            address = await ends.enter_async_context(serve(config.web, state))
            await ends.enter_async_context(_task(_supervise(f"{OWN}/ledger", lambda: keeper, state)))
            tasks = sources(config, state, Intake(state)) | publishers(config, state)
            for name, make in tasks.items():
                await ends.enter_async_context(_task(_supervise(name, make, state)))
            yield address, state
    finally:
        journal.close()


def _journal(config: JournalConfig) -> Journal:
    path = Path(config.path) if config.path else None
    return Journal.open(path, max_pending=config.max_pending, retention_days=config.retention_days)


@asynccontextmanager
async def _task(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """A task that is cancelled when the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def run(config: Config) -> None:
    """Run until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(LooseThreads())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(config) as (address, _):
        # What is there now stays to the end. Otherwise the garbage collector looks through all of it again and
        # again, which stops everything for tens of milliseconds and is a tenth of the work in a flood of events.
        gc.collect()
        gc.freeze()
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
