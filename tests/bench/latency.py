"""The time from a fill on the exchange to its place in ``/metrics``, over real sockets and processes."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import ccxt.async_support

from simulator.dialects import ccxt_settings
from simulator.stack.components import API_KEY, SECRET, Market
from simulator.stack.processes import Stack
from tests.bench.figure import Figure, quantile
from tests.stack.harness import Harness, Options, eventually

ROUNDS = 150
SYMBOL = "BTC/USDT"
_FILLS = re.compile(r"^trading_fills_total\{[^}]*\} (\d+)$", re.MULTILINE)


def measure() -> Iterator[Figure]:
    """Latencies of fills one after another; each is the exchange's own time of the fill to the end of a scrape."""
    latencies = asyncio.run(_latencies())
    yield Figure("fill to /metrics: fills", len(latencies), "fills")
    yield Figure("fill to /metrics: p50", quantile(latencies, 0.5) * 1000, "ms")
    yield Figure("fill to /metrics: p99", quantile(latencies, 0.99) * 1000, "ms", "<= 100")


async def _latencies() -> list[float]:
    async with _harness() as harness:
        settings = {"apiKey": API_KEY, "secret": SECRET, **ccxt_settings(harness.url("simulator"), "alpha")}
        bot = ccxt.async_support.binance(settings)
        try:
            await bot.load_markets()
            return [await _one(bot, harness) for _ in range(ROUNDS)]
        finally:
            await bot.close()


@asynccontextmanager
async def _harness() -> AsyncIterator[Harness]:
    """A simulator and an exporter, both processes of their own, the exporter's streams up."""
    async with AsyncExitStack() as ends:
        folder = ends.enter_context(tempfile.TemporaryDirectory())
        stack = await ends.enter_async_context(Stack(Path(folder) / "run", lambda _: None))
        session = await ends.enter_async_context(aiohttp.ClientSession())
        harness = Harness(stack, session, Options(market=Market(exchanges=("alpha",))))
        await harness.start("simulator", "exporter")
        await eventually(lambda: _ready(harness))
        yield harness


async def _ready(harness: Harness) -> bool:
    """Whether all streams are up and the rate that converts the fees is known."""
    text = await harness.metrics()
    up = re.findall(r"^trading_exchange_stream_up\{[^}]*\} 1", text, re.MULTILINE)
    return len(up) == 3 and 'trading_market_mid_price{exchange="alpha",symbol="BNB/USDT"}' in text


async def _one(bot: ccxt.async_support.binance, harness: Harness) -> float:
    """Buy a little and scrape until the fill is there; seconds from the fill's own time."""
    before = await _fills(harness)
    book = await bot.fetch_order_book(SYMBOL, 5)
    order = await bot.create_order(SYMBOL, "limit", "buy", 0.001, book["asks"][0][0] + 100)
    placed = float(order["timestamp"]) / 1000
    while await _fills(harness) == before:
        pass
    return time.time() - placed


async def _fills(harness: Harness) -> int:
    return sum(map(int, _FILLS.findall(await harness.metrics())))
