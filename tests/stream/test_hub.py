"""All streams have their turn, however much one of them has to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import cast

from exporter.config import Stream as Settings
from exporter.state.state import State
from exporter.stream import Hub
from exporter.stream.client import Client
from exporter.stream.protocol import Stream, Subscribe
from exporter.stream.table import Labels, Table
from tests.builders import config
from tests.stream.listening import Listener


class Figure:
    """A stream of one thing; while it is ``busy`` it is never done with bringing it up to date."""

    def __init__(self) -> None:
        self.table = Table(1)
        self.busy = False
        self.value = 0

    def refresh(self) -> Iterator[None]:
        self.table.put("it", Labels(), json.dumps(self.value).encode())
        while self.busy:
            yield

    def look_again(self) -> None:
        """It is looked at each time."""


async def test_a_stream_that_is_never_done_holds_up_no_other() -> None:
    """Not those before it in the list, and not those behind it."""
    figures = {name: Figure() for name in ("alerts", "pnl", "metrics")}
    hub = Hub(State(config()), Settings(interval_seconds=0.02), figures)
    listener = Listener()
    hub.enter(cast("Client", listener))
    for name in figures:
        await hub.subscribe(cast("Client", listener), Subscribe(stream=cast("Stream", name)))
        assert (await listener.told.get())["type"] == "snapshot"
    running = asyncio.create_task(hub.run())
    figures["pnl"].busy = True
    for value in (1, 2, 3):
        figures["alerts"].value = figures["metrics"].value = value
        missing = {"alerts", "metrics"}
        async with asyncio.timeout(10):
            while missing:
                told = await listener.told.get()
                if told["data"] == [value]:
                    missing.discard(told["stream"])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
