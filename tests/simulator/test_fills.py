"""The log of fills: the truth that accounts are checked against."""

from __future__ import annotations

import asyncio
import json
import random
from decimal import Decimal
from pathlib import Path

import aiohttp

from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.engine.orders import Side
from simulator.server import Simulator, running
from tests.simulator.helpers import client, recording, until

KEYS = [
    *("exchange", "account", "symbol", "trade_id", "order_id", "side", "price", "quantity", "commission"),
    *("commission_asset", "is_maker", "time", "mid", "commission_mid"),
]


async def trade_at_random(simulator: Simulator, fills: int) -> None:
    """Rest and take at random until there are `fills` fills, in a market that moves."""
    chooser = random.Random(1)
    async with client(simulator) as exchange:
        while len(simulator.fills("alpha")) < fills:
            best = simulator.market("alpha")["BTC/USDT"]
            side = chooser.choice(["buy", "sell"])
            if chooser.random() < 0.3:
                await exchange.create_order("BTC/USDT", "market", side, 0.003)
            else:
                await exchange.create_order("BTC/USDT", "limit", side, 0.004, float(str(best["mid"])))
                simulator.trade("alpha", "BTC/USDT", Side(side).other, Decimal("0.05"))
            await asyncio.sleep(chooser.random() * 0.06)
        await exchange.cancel_all_orders("BTC/USDT") if await exchange.fetch_open_orders("BTC/USDT") else None


async def test_each_logged_mid_is_the_one_last_published_at_the_fills_time() -> None:
    """The log's mids equal those of an independently recorded depth stream, taken at each fill's time."""
    async with running() as simulator, recording(simulator, "alpha", "BTC/USDT", "BNB/USDT") as recorders:
        await trade_at_random(simulator, 60)
        log = simulator.fills("alpha")
        last = max(int(str(fill["time"])) for fill in log)
        await until(lambda: all(r.mids[-1][0] > last for r in recorders.values()))
        assert all(recorder.gaps == 0 for recorder in recorders.values())
        for fill in log:
            time = int(str(fill["time"]))
            assert Decimal(str(fill["mid"])) == recorders["BTC/USDT"].mid_at(time)
            assert Decimal(str(fill["commission_mid"])) == recorders["BNB/USDT"].mid_at(time)
        assert len({fill["mid"] for fill in log}) > 5
        assert {fill["is_maker"] for fill in log} == {True, False}


async def test_the_log_the_file_and_my_trades_tell_the_same(tmp_path: Path) -> None:
    """One line a fill, appended as it happens; equal to the control endpoint and to what REST gives."""
    async with running(log_dir=tmp_path) as simulator:
        await trade_at_random(simulator, 10)
        lines = [json.loads(line) for line in (tmp_path / "alpha.fills.ndjson").read_text().splitlines()]
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{simulator.base_url}/control/alpha/fills") as answer,
        ):
            assert await answer.json() == lines == simulator.fills("alpha")
        assert all(list(line) == KEYS for line in lines)
        async with client(simulator) as exchange:
            mine = [t["info"] for t in await exchange.fetch_my_trades("BTC/USDT", limit=1000)]
        told = [(t["id"], t["price"], t["qty"], t["commission"], t["commissionAsset"], t["time"]) for t in mine]
        keys = ("trade_id", "price", "quantity", "commission", "commission_asset", "time")
        assert [(int(a), b, c, d, e, f) for a, b, c, d, e, f in (map(line.get, keys) for line in lines)] == told


async def test_each_exchange_has_its_own_fees() -> None:
    """Rates and fee asset can differ by exchange; in USDT the commission's price is exactly 1."""
    fees = {"beta": FeeSchedule(maker=Decimal("-0.00005"), asset=FeeAsset.QUOTE)}
    async with running(still=True, exchanges=["alpha", "beta"], fees=fees) as simulator:
        for name in ("alpha", "beta"):
            async with client(simulator, name) as exchange:
                await exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 64_000.0)
            simulator.trade(name, "BTC/USDT", Side.SELL, Decimal("0.01"))
        alpha, beta = (simulator.fills(name)[0] for name in ("alpha", "beta"))
        assert (alpha["commission_asset"], alpha["commission"], alpha["commission_mid"]) == (
            "BNB",
            "0.00022069",
            "580.00",
        )
        assert (beta["commission_asset"], beta["commission"], beta["commission_mid"]) == ("USDT", "-0.03200000", "1")
