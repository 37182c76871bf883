"""The market maker, as a user starts it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from simulator.engine.orders import Side
from simulator.maker import MakerSetup, make_markets
from simulator.server import Simulator, running
from simulator.setup import Replay
from tests.simulator.helpers import until
from tests.simulator.test_replay import QUOTES, TRADES, recorded


@asynccontextmanager
async def making(simulator: Simulator, exchanges: list[str], symbols: list[str]) -> AsyncIterator[None]:
    task = asyncio.create_task(make_markets(MakerSetup(simulator.base_url, exchanges, symbols)))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def quoted(simulator: Simulator, exchange: str, symbol: str) -> bool:
    sides = [o.request.side for o in simulator.venues[exchange].exchange.open_orders(symbol)]
    return sorted(sides) == ["buy", "sell"]


@pytest.mark.parametrize("given", ["alpha", "alpha:kraken"])
async def test_it_quotes_both_sides_around_the_mid_leans_and_cancels_at_the_end(given: str) -> None:
    """Both sides rest at the asked-for spread; after buying the quotes move down; at the end nothing rests."""
    async with running(still=True, exchanges=[given], symbols=["BTC/USDT"]) as simulator:
        exchange = simulator.venues["alpha"].exchange
        simulator.quote("alpha", "BTC/USDT", "63900", "64100")

        def prices() -> list[Decimal]:
            return sorted(order.request.price for order in exchange.open_orders("BTC/USDT"))

        async with making(simulator, [given], ["BTC/USDT"]):
            await until(lambda: quoted(simulator, "alpha", "BTC/USDT"))
            bid, ask = prices()
            assert abs(float((bid + ask) / 2) - 64000) < 0.02
            assert abs(float((ask - bid) / 64000) - 4e-4) < 1e-6
            for bought in range(1, 6):
                simulator.trade("alpha", "BTC/USDT", Side.SELL, Decimal("0.1"))
                assert len(exchange.fills) == bought
                await until(lambda: quoted(simulator, "alpha", "BTC/USDT"))
            await until(lambda: len(prices()) == 2 and prices()[1] < ask - 3)
        assert exchange.open_orders() == []


@pytest.mark.parametrize("given", ["alpha", "alpha:kraken"])
async def test_it_goes_on_elsewhere_while_an_exchange_is_down_and_comes_back(given: str) -> None:
    """A down exchange does not stop quotes on another; when it is back it is quoted again."""
    async with running(still=True, exchanges=[given, "beta"], symbols=["BTC/USDT"]) as simulator:
        simulator.fault("alpha", "down")
        async with making(simulator, [given, "beta"], ["BTC/USDT"]):
            await until(lambda: quoted(simulator, "beta", "BTC/USDT"))
            assert not quoted(simulator, "alpha", "BTC/USDT")
            simulator.clear_faults("alpha")
            await until(lambda: quoted(simulator, "alpha", "BTC/USDT"))
            simulator.fault("alpha", "disconnect")
            await until(lambda: not quoted(simulator, "alpha", "BTC/USDT"))
            assert quoted(simulator, "beta", "BTC/USDT")
            await until(lambda: quoted(simulator, "alpha", "BTC/USDT"))


@recorded
async def test_on_the_recorded_market_it_buys_sells_and_ends_with_the_replay() -> None:
    """In the replay it gets tens of fills on both sides, some partial, then cancels all and returns."""
    replay = Replay("BTC/USDT", TRADES, QUOTES, speed=10, wait=True)
    async with running(replay=replay, symbols=["BTC/USDT"]) as simulator:
        setup = MakerSetup(simulator.base_url, ["alpha"], ["BTC/USDT"], stop_when_replay_ends=True)
        maker = asyncio.create_task(make_markets(setup))
        await until(lambda: quoted(simulator, "alpha", "BTC/USDT"))
        simulator.start_replay()
        async with asyncio.timeout(30):
            await maker
        exchange = simulator.venues["alpha"].exchange
        sides = Counter(fill.side for fill in exchange.fills)
        assert sides[Side.BUY] >= 5
        assert sides[Side.SELL] >= 5
        assert len(exchange.fills) > len({fill.order_id for fill in exchange.fills})
        assert exchange.open_orders() == []
