"""Puts the parts together and runs them until told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from exporter import __version__
from exporter.config import Config
from exporter.config import Journal as JournalConfig
from exporter.errors import JournalError, ServiceError
from exporter.intake import Intake
from exporter.journal import Journal
from exporter.live import Live
from exporter.publish import publishers
from exporter.recovery import Keeper, recover
from exporter.sources import sources
from exporter.state.state import OWN, State
from exporter.stopping import Ending, Stop, leave_rest
from exporter.stream import Hub
from exporter.supervision import Parts
from exporter.threads import LooseThreads
from exporter.web.server import serve

log = logging.getLogger(__name__)

# Seconds from the beginning of the end by which each of its steps is done, all before `stopping.SECONDS` are over.
_INTAKE, _SAVING, _JOURNAL = 1.5, 3.0, 4.1


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[tuple[str, State]]:
    """The whole exporter, until the block ends; gives its address and its state."""
    journal = _journal(config.journal)
    state = _recovered(config, journal)
    keeper = Keeper(state, config.journal.snapshot_seconds)
    writer, parts, web, end = Parts(state), Parts(state), AsyncExitStack(), Ending()
    async with AsyncExitStack() as ends:
        # What was started last ends first: all that comes in, then a last saving, then the journal's writer.
        ends.push_async_callback(end.step, _JOURNAL, "the journal", journal.end)
        ends.push_async_callback(lambda: writer.end(end.left(_JOURNAL)))
        writer.start(f"{OWN}/journal", lambda: journal, vital=True)
        await keeper.begin()
        ends.push_async_callback(end.step, _SAVING, "saving the state", keeper.end)
        live = Live(state)
        hub = Hub(state, config.stream, live.views())
        ends.push_async_callback(_end_intake, end, hub, parts, web)
        address = await web.enter_async_context(serve(config.web, state, hub, live))
        parts.start(f"{OWN}/stream", lambda: hub)
        parts.start(f"{OWN}/ledger", lambda: keeper, vital=True)
        made = sources(config, state, Intake(state)) | publishers(config, state) | live.parts()
        for name, make in made.items():
            parts.start(name, make)
        yield address, state


async def _end_intake(end: Ending, hub: Hub, parts: Parts, web: AsyncExitStack) -> None:
    """End all that tells us something, or that we tell something; requests that are under way are still answered."""
    hub.close()
    await asyncio.gather(parts.end(end.left(_INTAKE)), end.step(_INTAKE, "the web server", web.aclose))


def _journal(config: JournalConfig) -> Journal:
    path = Path(config.path) if config.path else None
    return Journal.open(path, max_pending=config.max_pending, retention_days=config.retention_days)


def _recovered(config: Config, journal: Journal) -> State:
    """What the journal knows; without that the journal is closed again."""
    try:
        state = State(config, log=journal)
        recover(state)
    except BaseException as error:
        journal.close()
        if isinstance(error, JournalError):
            raise ServiceError(str(error)) from None
        raise
    return state


async def run(config: Config, stop: Stop) -> None:
    """Run until told to stop."""
    asyncio.get_running_loop().set_default_executor(LooseThreads())
    async with running(config) as (address, _):
        # What is there now stays to the end. Otherwise the garbage collector looks through all of it again and
        # again, which stops everything for tens of milliseconds and is a tenth of the work in a flood of events.
        gc.collect()
        gc.freeze()
        log.info("trading-exporter %s ready on %s", __version__, address)
        number = await stop.asked()
        log.info("stopping", extra={"signal": number.name})
    await leave_rest()
    log.info("stopped")
