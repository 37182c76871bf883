"""The freqtrade source against freqtrade itself, which trades on the simulator and is asked what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from exporter.config import parse
from exporter.service import running
from simulator import server
from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.server import Simulator
from simulator.stack.ports import free_port
from simulator.stack.processes import Stack
from tests.bots.freqtrade.program import PAIRS, PASSWORD, USERNAME, WS_TOKEN, Bot, component
from tests.sources.conftest import Watched

pytestmark = [pytest.mark.bots, pytest.mark.timeout(600)]

# No coins but what the bot buys: with more of them, freqtrade leaves a fee in coins out of its books.
BALANCES = {"USDT": Decimal(10_000), "BTC": Decimal(0), "ETH": Decimal(0), "BNB": Decimal(10)}


@dataclass
class World:
    """A simulated exchange, freqtrade that trades there, and where the exporter keeps its journal."""

    simulator: Simulator
    processes: Stack
    bot: Bot
    folder: Path

    @asynccontextmanager
    async def exporter(self, **changes: Any) -> AsyncIterator[Watched]:
        """An exporter that watches the bot, and the exchange for its prices alone."""
        settings = dict(self.simulator.ccxt_config("alpha"))
        for key in ("apiKey", "secret"):
            del settings[key]
        exchange = {"name": "alpha", "id": "binance", "rate_symbols": [*PAIRS, "BNB/USDT"], "ccxt": settings}
        names = {"username": "TEST_USERNAME", "password": "TEST_PASSWORD", "ws_token": "TEST_WS_TOKEN"}
        bot = {"name": "often", "url": self.bot.url, "exchange": "alpha", "poll_interval": 1.0}
        config = {
            "web": {"listen": "127.0.0.1:0"},
            "currency": {"pegs": {"USDT": 1}},
            "journal": {"path": str(self.folder / "journal.db")},
            "exchanges": [exchange],
            "freqtrade": [bot | {key: {"env": name} for key, name in names.items()} | changes],
        }
        async with running(parse(yaml.safe_dump(config))) as (url, _), aiohttp.ClientSession() as session:
            yield Watched(url, session)

    async def until(self, is_so: Callable[[list[Any], list[Any]], bool]) -> None:
        """Wait until the bot's open and closed trades are so."""
        while True:
            if is_so(await self.bot.get("/status"), await self.bot.closed()):
                return
            await asyncio.sleep(0.3)

    async def end_trading(self) -> list[Any]:
        """Let the bot close what is open and open nothing more; all its trades."""
        await self.bot.post("/stopentry")
        await self.until(lambda open_, _: not open_)
        return await self.bot.closed()


@asynccontextmanager
async def world(folder: Path, fees: FeeAsset, *, dry_run: bool) -> AsyncIterator[World]:
    fee = FeeSchedule(maker=Decimal("0.0002"), taker=Decimal("0.001"), asset=fees)
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(server.running(exchanges=["alpha"], fee=fee, balances=BALANCES))
        processes = await stack.enter_async_context(Stack(folder))
        freqtrade = component(simulator, folder, free_port(), dry_run=dry_run)
        await processes.start(freqtrade)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield World(simulator, processes, Bot(freqtrade.url, session), folder)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_USERNAME", USERNAME)
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    monkeypatch.setenv("TEST_WS_TOKEN", WS_TOKEN)


def filled(trades: list[Any]) -> list[tuple[str, Any]]:
    """All filled orders, each with its pair."""
    return [(trade["pair"], order) for trade in trades for order in trade["orders"] if order["filled"]]


def position(trades: list[Any], pair: str) -> Decimal:
    """What freqtrade's orders of a pair left, fees in coins taken off."""
    found = (order for name, order in filled(trades) if name == pair)
    signed = ((1 if o["ft_order_side"] == "buy" else -1, o) for o in found)
    return sum((sign * o["filled"] - (o["ft_fee_base"] or 0) for sign, o in signed), Decimal(0))


async def agrees(watched: Watched, trades: list[Any]) -> float:
    """The exporter counted each order of the bot once; its result after fees."""
    for _ in range(4):  # a fee that is not found delays its order for a minute
        with suppress(AssertionError):
            await watched.until("fills_total", len(filled(trades)), exchange="alpha")
            break
    await watched.until("fills_total", len(filled(trades)), exchange="alpha")
    for pair in PAIRS:
        held = await watched.value("position_base", symbol=pair)
        assert held == pytest.approx(float(position(trades, pair)), abs=1e-12)
    for family in ("conflicting_fills_total", "duplicate_fills_total", "events_rejected_total"):
        assert not await watched.value(family), family
    realized, fees = await watched.value("pnl_realized_usd"), await watched.value("fees_usd_total")
    assert realized is not None
    assert fees is not None
    return realized - fees


async def test_a_dry_run_is_what_freqtrade_says(tmp_path: Path) -> None:
    """Open and closed trades, entries in parts and exits in parts: fills, positions and result are the bot's own."""
    async with world(tmp_path, FeeAsset.QUOTE, dry_run=True) as here, here.exporter(account="dry") as watched:
        await watched.until("bot_up", 1, bot="often")
        await here.until(lambda _, closed: len(closed) >= 4)
        trades = await here.end_trading()
        ours, own = await agrees(watched, trades), float(sum(trade["profit_abs"] for trade in trades))
        # freqtrade rounds the result of each trade to 8 digits, and its float sums more.
        assert ours == pytest.approx(own, abs=2e-8 * len(filled(trades)))
        assert ours == pytest.approx(float((await here.bot.get("/profit"))["profit_closed_coin"]), abs=1e-6)
        assert await watched.value("bot_info", kind="freqtrade", strategy="Often", dry_run="yes") == 1
        await watched.until("bot_running", 0)  # paused
        await watched.until("bot_open_trades", 0)


@pytest.mark.parametrize("fees", [FeeAsset.BNB, FeeAsset.RECEIVED])
async def test_real_orders(fees: FeeAsset, tmp_path: Path) -> None:
    """Fees in a token, and in the coins themselves: each order once, whatever freqtrade reckons anew afterwards."""
    async with world(tmp_path, fees, dry_run=False) as here, here.exporter() as watched:
        await here.until(lambda _, closed: len(closed) >= 4)
        trades = await here.end_trading()
        ours, own = await agrees(watched, trades), float(sum(trade["profit_abs"] for trade in trades))
        exact = sum((o["safe_price"] * o["filled"] for _, o in filled(trades)), Decimal(0))
        # Its rate of a side is that of one order, from 0.0002 (maker) to 0.001 (taker); ours is the rate that
        # it had for the order at hand.
        assert abs(ours - own) <= float(exact) * 0.0008
        truth = here.simulator.venues["alpha"].exchange
        for pair in PAIRS:
            base = pair.split("/")[0]
            held = truth.account.total(base)
            # A fee in coins that freqtrade counts as dust is not in its record.
            assert float(position(trades, pair)) == pytest.approx(float(held), abs=0.001 * 0.2)


async def test_an_exporter_that_is_restarted_counts_nothing_twice(tmp_path: Path) -> None:
    """It is started again and again while the bot trades, and ends with each order once."""
    async with world(tmp_path, FeeAsset.BNB, dry_run=False) as here:
        for seen in range(1, 5):
            async with here.exporter() as watched:
                await here.until(lambda _, closed, seen=seen: len(closed) >= seen)  # type: ignore[misc]
                await watched.until("bot_up", 1)
        trades = await here.end_trading()
        async with here.exporter() as watched:
            await agrees(watched, trades)


async def test_a_bot_that_is_killed(tmp_path: Path) -> None:
    """It is down, and what it did before and after is counted once."""
    async with world(tmp_path, FeeAsset.QUOTE, dry_run=False) as here, here.exporter() as watched:
        await here.until(lambda _, closed: len(closed) >= 1)
        await here.processes.restart("freqtrade", kill=True)
        await watched.until("bot_up", 1)
        await here.until(lambda _, closed: len(closed) >= 3)
        trades = await here.end_trading()
        await agrees(watched, trades)


async def test_orders_that_wait_and_are_canceled(tmp_path: Path) -> None:
    """An entry far from the market rests, is shown as an order, and ends without a fill."""
    async with world(tmp_path, FeeAsset.QUOTE, dry_run=False) as here, here.exporter() as watched:
        order = {"pair": "BNB/USDT", "side": "long", "price": 100.0, "ordertype": "limit"}
        trade = await here.bot.post("/forceenter", **order)
        await watched.until("orders_open", 1, symbol="BNB/USDT", side="buy")
        await here.bot.delete(f"/trades/{trade['trade_id']}/open-order")
        await watched.until("order_cancels_total", 1, symbol="BNB/USDT", side="buy")
        await watched.until("orders_open", 0, symbol="BNB/USDT", side="buy")
        assert await watched.value("fills_total", symbol="BNB/USDT") is None
