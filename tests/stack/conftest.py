"""Fixtures that start the real programs: `harness` with a factory behind it, and `listener`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from simulator.stack import ensure_binaries
from simulator.stack.ports import LOOPBACK
from simulator.stack.processes import ROOT, Stack
from tests.stack.harness import Harness, Listener, Options

NewHarness = Callable[[Options], Awaitable[Harness]]
RECORDED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def binaries() -> dict[str, Path]:
    """The programs of Prometheus and Alertmanager, unpacked when this machine has not got them."""
    return ensure_binaries(print)


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder with recorded trades and quotes."""
    if not RECORDED.is_dir():
        pytest.skip(f"no recorded data in {RECORDED}")
    return RECORDED


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with Stack(tmp_path / "run", print) as running:
        yield running


@pytest.fixture
async def new_harness(tmp_path: Path, binaries: dict[str, Path]) -> AsyncIterator[NewHarness]:
    """A factory: ``await new_harness(Options(…))`` gives a harness with a run directory of its own."""
    async with AsyncExitStack() as ends:
        session = await ends.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)))
        count = 0

        async def make(options: Options) -> Harness:
            nonlocal count
            count += 1
            running = await ends.enter_async_context(Stack(tmp_path / f"run{count}", print))
            return Harness(running, session, options)

        yield make


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """A server that collects what is sent to it; ``listener.url`` is its address."""
    collecting = Listener()
    application = web.Application()
    application.router.add_post("/{path:.*}", collecting.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    collecting.url = f"http://{host}:{port}"
    yield collecting
    await runner.cleanup()
