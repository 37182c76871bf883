"""Perpetual contracts through ccxt: fills, funding, balances and positions of a simulated Binance futures account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ccxt.pro
import pytest

from simulator import server
from simulator.server import Simulator
from tests.sources.conftest import Watched, exchange_config, watching

LINEAR, INVERSE = "BTC/USDT:USDT", "BTC/USD:BTC"
# Weight a minute: records that are read each second as long as a balance differs would use up the usual one, and then
# nothing is answered until the minute is over.
LIMIT = 1_000_000


@dataclass(frozen=True)
class Market:
    """One kind of contract: how its dialect, symbol and wallet are called, and the size of a small order."""

    dialect: str
    symbol: str
    wallet: str
    unit: str
    rate_symbols: tuple[str, ...]
    size: int = 1
    inverse: bool = False

    def worth(self, price: Fraction) -> Fraction:
        """What a contract is worth in the settlement currency, up to a constant."""
        return -self.size / price if self.inverse else self.size * price


MARKETS = {
    "linear": Market("binanceusdm", LINEAR, "USDT", "0.1", ("BNB/USDT:USDT",)),
    "inverse": Market("binancecoinm", INVERSE, "BTC", "30", ("BNB/USD:BNB",), size=100, inverse=True),
}


@pytest.fixture(params=MARKETS)
def market(request: pytest.FixtureRequest) -> Market:
    """Linear contracts with fees in BNB, and inverse ones with fees in the coin."""
    return MARKETS[str(request.param)]


@pytest.fixture
async def futures(market: Market) -> AsyncIterator[Simulator]:
    """An exchange for contracts whose markets move only when a test moves them."""
    async with server.running(
        exchanges=[f"alpha:{market.dialect}"], still=True, request_limit=LIMIT
    ) as running_simulator:
        yield running_simulator


@dataclass
class Desk:
    """A trader's own client, and the exporter that watches the account."""

    simulator: Simulator
    market: Market
    client: Any
    exporter: Watched
    drifts: list[tuple[str, dict[str, str], float]] = field(default_factory=list)

    async def trade(self, side: str, units: int) -> None:
        """Take liquidity at once."""
        symbol = self.market.symbol
        book = await self.client.fetch_order_book(symbol, 5)
        price = book["asks" if side == "buy" else "bids"][0][0]
        await self.client.create_order(symbol, "limit", side, float(self.market.unit) * units, price)

    async def compared(self) -> None:
        """Wait until balances and position were read and compared anew, keeping every drift that was told."""
        before = await self.exporter.value("reconciled_timestamp_seconds") or 0.0
        for _ in range(200):
            samples = await self.exporter.samples()
            for name in ("balance_drift", "position_drift_base"):
                self.drifts += [(name, labels, value) for labels, value in samples.get(name, [])]
            if any(at > before + 2 for _, at in samples.get("reconciled_timestamp_seconds", [])):
                return
            await asyncio.sleep(0.1)
        raise AssertionError("nothing was compared within 20 s")

    @property
    def worst(self) -> float:
        """The largest drift that was ever told."""
        return max((abs(value) for _, _, value in self.drifts), default=0.0)


@asynccontextmanager
async def desk(simulator: Simulator, market: Market, **changes: Any) -> AsyncIterator[Desk]:
    """An exporter that watches the contract, and a client that trades it."""
    settings: dict[str, Any] = {"symbols": [market.symbol], "rate_symbols": list(market.rate_symbols)}
    settings["reconcile_interval"] = 1.0
    client = getattr(ccxt.pro, market.dialect)(simulator.ccxt_config("alpha"))
    config = exchange_config(simulator, **settings | changes)
    config["ccxt"]["rateLimit"] = 1  # milliseconds a request's weight: the exchange's limit is not what is tested
    async with watching(config) as exporter:
        try:
            await exporter.until("exchange_stream_up", 3, exchange="alpha")
            await exporter.until("reconciled_timestamp_seconds", lambda at: at > 0)
            yield Desk(simulator, market, client, exporter)
        finally:
            await client.close()


@dataclass(frozen=True)
class Truth:
    """What the exchange's own log comes to, in exact fractions: coins at the entry price, and US dollars."""

    base: Fraction
    realized: Fraction
    unrealized: Fraction
    fees: Fraction


def truth(market: Market, fills: list[dict[str, Any]], mid: str) -> Truth:
    """Average cost, by closing first and opening with the rest; dollars at the mid of each fill's time."""
    quantity = cost = realized = fees = Fraction(0)
    for each in fills:
        rate = Fraction(each["mid"]) if market.inverse else Fraction(1)
        worth = market.worth(Fraction(each["price"]))
        left = Fraction(each["quantity"]) * (1 if each["side"] == "buy" else -1)
        fees += Fraction(each["commission"]) * Fraction(each["commission_mid"])
        if quantity * left < 0:
            closed = max(left, -quantity) if left < 0 else min(left, -quantity)
            average = cost / quantity
            realized += -closed * (worth - average) * rate
            quantity, cost, left = quantity + closed, cost + closed * average, left - closed
        quantity, cost = quantity + left, cost + left * worth
    rate = Fraction(mid) if market.inverse else Fraction(1)
    base = -cost if market.inverse else quantity * market.size
    return Truth(base, realized, (quantity * market.worth(Fraction(mid)) - cost) * rate, fees)


async def test_an_account_long_short_and_through_zero(futures: Simulator, market: Market, keys: None) -> None:
    """Position, PnL, fees and funding are those of exact fractions, and nothing drifts at any time."""
    async with desk(futures, market) as at:
        funding = Fraction(0)
        for number, (side, units) in enumerate(
            [("buy", 3), ("buy", 1), ("sell", 2), ("sell", 5), ("sell", 1), ("buy", 2)]
        ):
            price = 64_000 + 160 * number
            futures.quote("alpha", market.symbol, str(price), str(price + 20), "5000")
            await at.exporter.until("market_mid_price", price + 10.0, symbol=market.symbol)
            await at.trade(side, units)
            if number in {1, 4}:
                rate = Fraction(price + 10) if market.inverse else Fraction(1)
                funding += Fraction(futures.fund("alpha", market.symbol, "0.0003")) * rate
            if number == 2:
                futures.move("alpha", "transfer", market.wallet, "12.5")
                futures.move("alpha", "transfer", market.wallet, "-0.25")
            await at.compared()
        expected = truth(market, futures.fills("alpha"), "64810")
        await at.exporter.until("fills_total", 6)
        await at.exporter.until("events_total", 2, type="funding")
        await at.compared()
        value = at.exporter.value
        assert await value("position_base") == pytest.approx(float(expected.base), rel=1e-12)
        assert await value("pnl_realized_usd") == pytest.approx(float(expected.realized), rel=1e-12)
        assert await value("pnl_unrealized_usd") == pytest.approx(float(expected.unrealized), rel=1e-12)
        assert await value("fees_usd_total") == pytest.approx(float(expected.fees), rel=1e-12)
        assert await value("funding_usd") == pytest.approx(float(funding), rel=1e-12)
        assert await value("events_total", type="transfer") == 2
        assert at.worst < 1e-7
        assert await value("exchange_request_errors_total") == 0
        assert await value("exchange_backfilled_fills_total") == 0


async def test_a_fill_that_is_not_seen_shows_as_drift_until_it_is_found(keys: None) -> None:
    """Neither stream nor history has it: position and balance differ by it since they were compared without it."""
    market = MARKETS["linear"]
    async with (
        server.running(exchanges=[f"alpha:{market.dialect}"], still=True, request_limit=LIMIT) as futures,
        desk(futures, market, backfill_interval=1.0) as at,
    ):
        await at.trade("buy", 2)
        await at.compared()
        assert at.worst == 0
        history = futures.fault("alpha", "server_error", route="userTrades")
        futures.fault("alpha", "lost_fills")
        await at.trade("sell", 5)
        drift = await at.exporter.until("position_drift_base", lambda drift: drift != 0)
        assert drift == pytest.approx(-0.5)
        since = await at.exporter.value("position_drift_since_timestamp_seconds", symbol=market.symbol)
        assert since is not None
        assert since >= futures.fills("alpha")[-1]["time"] / 1000  # type: ignore[operator]
        assert await at.exporter.value("position_base") == 0.2
        futures.venues["alpha"].faults.remove(history)
        await at.exporter.until("position_drift_base", 0)
        await at.exporter.until("balance_drift", 0, currency="USDT")
        assert await at.exporter.value("position_drift_since_timestamp_seconds", symbol=market.symbol) is None
        assert await at.exporter.value("position_base") == pytest.approx(-0.3)


async def test_digits_and_sizes_of_contracts_are_exact(keys: None) -> None:
    """A fill of an inverse contract keeps its quantity in contracts, and the size of one of them."""
    market = MARKETS["inverse"]
    async with (
        server.running(exchanges=[f"alpha:{market.dialect}"], still=True, request_limit=LIMIT) as futures,
        desk(futures, market) as at,
    ):
        await at.trade("sell", 1)
        await at.exporter.until("fills_total", 1, side="sell")
        (fill,) = futures.fills("alpha")
        volume = Decimal(str(fill["quantity"])) * 100
        assert await at.exporter.value("fill_volume_usd_total", side="sell") == pytest.approx(float(volume), rel=1e-3)
