"""The HTTP side alone, over a state that a test fills."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.config import Web
from exporter.live import Live
from exporter.state.state import State
from exporter.stream import Hub
from exporter.web.server import serve


@asynccontextmanager
async def serving(web: Web, state: State) -> AsyncIterator[str]:
    """Serve until the block ends; gives the address."""
    live = Live(state)
    async with serve(web, state, Hub(state, state.config.stream, live.views()), live) as url:
        yield url
