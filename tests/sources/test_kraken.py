"""What is particular to Kraken, watched through ccxt, and how a Kraken account's PnL comes out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ccxt.pro
import pytest
from ccxt.base.errors import AuthenticationError, BadSymbol, RateLimitExceeded

from exporter.config import Exchange
from exporter.sources.ccxt import client as instrumented
from exporter.sources.ccxt.client import Call
from exporter.sources.ccxt.convert import EXACT
from exporter.sources.ccxt.source import _offset
from exporter.state.exchange import ErrorKind
from simulator import server
from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.engine.orders import Side
from simulator.server import Simulator
from tests.sources.conftest import SYMBOL, Watched, exchange_config, settled, watching
from tests.stack import oracle

OTHER = "ETH/USDT"


@pytest.fixture
def dialect() -> str:
    """Kraken's."""
    return "kraken"


# The record of fills.


async def test_a_long_record_of_several_symbols_is_read_whole(simulator: Simulator, trader: Any, keys: None) -> None:
    """Pages have the newest fills of all symbols; none is missed, at the start and after a gap."""
    await trader.load_markets()
    for number in range(130):
        await trader.create_order(OTHER if number % 3 else SYMBOL, "market", "buy", 0.001)
    config = exchange_config(simulator, symbols=[SYMBOL, OTHER])
    async with watching(config) as exporter:
        await exporter.until("fills_total", 44, symbol=SYMBOL)
        await exporter.until("fills_total", 86, symbol=OTHER)
        await exporter.until("exchange_stream_up", 3, exchange="alpha")
        requests = await exporter.value("exchange_requests_total", operation="fetch_my_trades")
        assert requests is not None
        assert requests <= 2 * 2 * 3  # three pages for each symbol, at the start and once the stream was up
        number = simulator.fault("alpha", "down", route="stream")
        await exporter.until("exchange_stream_up", 0, stream="fills")
        for count in range(120):
            await trader.create_order(OTHER if count % 3 else SYMBOL, "market", "sell", 0.001)
        simulator.venues["alpha"].faults.remove(number)
        await exporter.until("fills_total", 84, symbol=SYMBOL)
        await exporter.until("fills_total", 166, symbol=OTHER)


async def test_a_stream_that_begins_with_old_fills_repeats_none(
    watched: Watched, simulator: Simulator, trader: Any
) -> None:
    """At each subscription Kraken sends the last fills again, which counts neither as a repeat nor as a fill."""
    for _ in range(3):
        await trader.create_order(SYMBOL, "market", "buy", 0.001)
    await watched.until("fills_total", 3)
    failures = await watched.value("exchange_stream_failures_total", stream="fills") or 0
    simulator.fault("alpha", "disconnect")
    await watched.until("exchange_stream_failures_total", lambda n: n > failures, stream="fills")
    await settled(watched)
    await trader.create_order(SYMBOL, "market", "buy", 0.001)
    await watched.until("fills_total", 4)
    assert await watched.value("duplicate_fills_total") == 0
    assert await watched.value("events_rejected_total") in (None, 0)


# Orders, of which Kraken says only once what they are for.


async def test_a_filled_order_and_one_that_cannot_rest_are_known_to_have_ended(
    watched: Watched, simulator: Simulator, trader: Any
) -> None:
    """What ends an order names neither symbol nor side, and it is not open any more at once."""
    await trader.create_order(SYMBOL, "limit", "buy", 0.01, 63_990)
    await watched.until("orders_open", 1, side="buy")
    simulator.trade("alpha", SYMBOL, Side.SELL, Decimal("0.004"))
    await watched.until("fills_total", 1)
    assert await watched.value("orders_open", side="buy") == 1
    simulator.trade("alpha", SYMBOL, Side.SELL, Decimal("0.006"))
    await watched.until("orders_open", 0, side="buy")
    await trader.create_order(SYMBOL, "limit", "sell", 0.01, 60_000, {"postOnly": True})
    await watched.until("order_cancels_total", 1, side="sell")
    assert await watched.value("orders_open", side="sell") in (None, 0)
    assert await watched.value("orders_total") == 2
    assert await watched.value("events_rejected_total") in (None, 0)


async def test_an_order_from_before_the_start_is_known_when_it_ends(
    simulator: Simulator, trader: Any, keys: None
) -> None:
    """The snapshot that the stream begins with says what it is for."""
    order = await trader.create_order(SYMBOL, "limit", "buy", 0.01, 63_000)
    async with watching(exchange_config(simulator)) as exporter:
        await settled(exporter)
        await exporter.until("orders_open", 1, side="buy")
        await trader.cancel_order(order["id"], SYMBOL)
        await exporter.until("order_cancels_total", 1, side="buy")


# Sessions and keys.


async def test_a_session_that_is_refused_is_asked_for_anew(simulator: Simulator, trader: Any, keys: None) -> None:
    """While every token has expired already the streams are down with the reason; then they come up by themselves."""
    tokens = simulator.speakers["alpha"].tokens  # type: ignore[attr-defined]  # Kraken's has tokens
    tokens.lifetime = 0
    async with watching(exchange_config(simulator)) as exporter:
        await exporter.until("exchange_stream_failures_total", lambda n: n >= 1, stream="fills", error="network")
        detail = (await exporter.health())["services"]["exchange/alpha/main/fills/BTC/USDT"]["detail"]
        assert "ESession:Invalid session" in detail
        tokens.lifetime = 900
        await settled(exporter)
        await trader.create_order(SYMBOL, "market", "buy", 0.001)
        await exporter.until("fills_total", 1)


async def test_a_secret_that_is_not_base64_is_said_to_be_one(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, keys: None
) -> None:
    """It counts as a wrong key, the message says what to do, and market data goes on."""
    monkeypatch.setenv("TEST_SECRET", "no base64, this!")
    async with watching(exchange_config(simulator)) as exporter:
        await exporter.until("market_mid_price", lambda mid: mid > 0, symbol=SYMBOL)
        await exporter.until("exchange_stream_failures_total", lambda n: n >= 1, stream="fills")
        health = await exporter.health()
    detail = health["services"]["exchange/alpha/main/fills/BTC/USDT"]["detail"]
    assert detail.startswith("authentication: ")
    assert "is not base64; copy it as the exchange shows it" in detail
    assert "this!" not in str(health)


# What ccxt is told to do differently.


class Ears:
    """Hears and does nothing."""

    def request(self, operation: str, duration: float, error: ErrorKind | None) -> None: ...

    def throttled(self, seconds: float) -> None: ...

    def rate_limit(self, used_ratio: float) -> None: ...

    def book(self, book: Any) -> None: ...


@pytest.fixture
async def instance(simulator: Simulator) -> AsyncIterator[Any]:
    """The exporter's own ccxt client."""
    settings = simulator.ccxt_config("alpha")
    keys = {"apiKey": settings.pop("apiKey"), "secret": settings.pop("secret")}
    config = Exchange(name="alpha", id="kraken", account="main", symbols=[SYMBOL], ccxt={**settings, **keys})
    client = instrumented.connect(config, Ears())
    yield client
    await instrumented.close(client)


async def test_a_market_that_cannot_be_subscribed_to_leaves_the_others_alone(
    instance: Any, simulator: Simulator
) -> None:
    """The refusal reaches who watches that market, at once, and the other book is still sent."""
    await instance.load_markets()
    assert (await instance.watch_order_book(SYMBOL))["bids"]
    del simulator.venues["alpha"].exchange.instruments[OTHER]
    with pytest.raises(BadSymbol, match="Currency pair not supported ETH/USDT"):
        async with asyncio.timeout(10):
            await instance.watch_order_book(OTHER)
    watch = asyncio.ensure_future(instance.watch_order_book(SYMBOL))
    simulator.quote("alpha", SYMBOL, "50000", "50010")
    async with asyncio.timeout(10):
        assert (await watch)["bids"][0][0] == 50000


async def test_every_digit_of_a_streamed_execution_is_kept(instance: Any) -> None:
    """Numbers that no float holds arrive whole, whatever else is in the frame, and each part as what it is."""
    await instance.load_markets()
    socket = instance.client(instance.urls["api"]["ws"]["privateV2"])
    text = """{"channel": "executions", "type": "update", "sequence": 1, "data": [
        {"exec_type": "trade", "exec_id": "T1", "order_id": "O1", "symbol": "BTC/USDT", "side": "buy",
         "last_qty": 123456789.123456789012, "last_price": 0.000000000123456789, "liquidity_ind": "m",
         "order_status": "partially_filled", "timestamp": "2026-01-02T03:04:05.678901Z",
         "fees": [{"asset": "USDT", "qty": 0.100000000000000000001}]},
        {"exec_type": "pending_new", "order_id": "O2", "symbol": "BTC/USDT", "side": "sell", "order_qty": 2,
         "order_type": "limit", "limit_price": 70000.5, "order_status": "pending_new",
         "timestamp": "2026-01-02T03:04:05.678901Z"},
        {"exec_type": "canceled", "order_id": "O2", "order_status": "canceled",
         "timestamp": "2026-01-02T03:04:06.678901Z"},
        {"exec_type": "canceled", "order_id": "O3", "order_status": "canceled",
         "timestamp": "2026-01-02T03:04:06.678901Z"}]}"""
    socket.handle_text_or_binary_message(text)
    (trade,) = instance.myTrades
    assert trade[EXACT]["price"] == "0.000000000123456789"
    assert trade[EXACT]["amount"] == "123456789.123456789012"
    assert trade[EXACT]["fee"] == {"cost": "0.100000000000000000001", "currency": "USDT"}
    (order,) = instance.orders
    assert (order["id"], order["symbol"], order["side"], order["status"]) == ("O2", SYMBOL, "sell", "canceled")
    assert order["price"] == 70000.5


async def test_a_wrong_signature_is_a_wrong_key(instance: Any) -> None:
    """ccxt does not know the words, so that it would pass for any refusal."""
    instance.secret = "d3Jvbmc="
    with pytest.raises(AuthenticationError, match="EAPI:Invalid signature"):
        await instance.fetch_balance()


async def test_a_refusal_that_names_no_market_reaches_everybody_on_the_connection(instance: Any) -> None:
    """Who waits for fills is told what kind of refusal it was, instead of waiting for ever."""
    await instance.load_markets()
    url = instance.urls["api"]["ws"]["privateV2"]
    watch = asyncio.ensure_future(instance.watch_my_trades(SYMBOL))
    async with asyncio.timeout(10):
        while not instance.client(url).isConnected:  # noqa: ASYNC110 - ccxt gives no event to wait for
            await asyncio.sleep(0.01)
    refusal = '{"method": "subscribe", "success": false, "error": "EAuth:Too many requests"}'
    instance.client(url).handle_text_or_binary_message(refusal)
    with pytest.raises(RateLimitExceeded, match="EAuth:Too many requests"):
        await watch


# Its clock, told in whole seconds.


@pytest.mark.parametrize("truth", [0.0, 0.4, -0.7, 30.25, -3600.9])
def test_a_clock_told_in_whole_seconds_is_known_better_with_each_answer(truth: float) -> None:
    """Answers at odd moments narrow the offset down to what the requests' own duration leaves open."""
    chance = random.Random(1)
    offset, now = 0.0, 1_760_000_000.0
    for _ in range(300):
        now += chance.uniform(1, 10)
        took = chance.uniform(0.001, 0.02)
        told = float(int(now + took / 2 + truth))
        offset = _offset(told, Call("fetch_time", now, now + took), offset)
    assert offset == pytest.approx(truth, abs=0.03)


def test_a_clock_told_in_milliseconds_is_taken_as_it_is() -> None:
    """Half of the request's duration is left for the way of the answer."""
    assert _offset(1_760_000_005.25, Call("fetch_time", 1_760_000_000.0, 1_760_000_000.5), 3.0) == 5.0


# PnL.


@pytest.mark.parametrize(
    "fees",
    [
        FeeSchedule(asset=FeeAsset.QUOTE),
        FeeSchedule(maker=Decimal("-0.0001"), taker=Decimal("0.0026"), asset=FeeAsset.QUOTE),
    ],
)
async def test_pnl_equals_an_independent_calculation_from_the_exchanges_log(keys: None, fees: FeeSchedule) -> None:
    """After random trading, some of it before the start and some during an outage, every figure is the oracle's."""
    chance = random.Random(7)
    async with server.running(exchanges=["alpha:kraken"], still=True, fee=fees) as simulator:
        trader = ccxt.pro.kraken({**simulator.ccxt_config("alpha"), "enableRateLimit": False})
        try:
            await trader.load_markets()
            await trade_at_random(simulator, trader, chance, 25)
            async with watching(exchange_config(simulator)) as exporter:
                await settled(exporter)
                await trade_at_random(simulator, trader, chance, 25)
                number = simulator.fault("alpha", "down", route="stream")
                await exporter.until("exchange_stream_up", 0, stream="fills")
                await trade_at_random(simulator, trader, chance, 25)
                simulator.venues["alpha"].faults.remove(number)
                await settled(exporter)
                await trade_at_random(simulator, trader, chance, 25)
                await compare(exporter, simulator)
        finally:
            await trader.close()


async def trade_at_random(simulator: Simulator, trader: Any, chance: random.Random, steps: int) -> None:
    """Move the market by odd ticks, take from it and be taken from, also in parts."""
    for _ in range(steps):
        bid = Decimal(chance.randrange(6_300_000, 6_500_000)) / 100
        simulator.quote("alpha", SYMBOL, str(bid), str(bid + Decimal("7.77")))
        side = Side(chance.choice(["buy", "sell"]))
        size = chance.randrange(1, 90_000) / 1_000_000
        if chance.random() < 0.5:
            await trader.create_order(SYMBOL, "market", str(side), size)
        else:
            price = bid + Decimal("3.33")
            await trader.create_order(SYMBOL, "limit", str(side), size, float(price), {"postOnly": True})
            for _ in range(2):
                simulator.trade("alpha", SYMBOL, side.other, Decimal(str(size)) / 2)
            await trader.cancel_all_orders(SYMBOL)


async def compare(exporter: Watched, simulator: Simulator) -> None:
    """Wait until the exporter has everything, then compare every figure with the oracle's."""
    fills = sorted(simulator.fills("alpha"), key=lambda fill: (fill["time"], int(str(fill["trade_id"]))))
    mid = str(simulator.market("alpha")[SYMBOL]["mid"])
    truth = oracle.truth(fills, mid)
    assert truth.fills > 100
    assert {fill["is_maker"] for fill in fills} == {True, False}
    await exporter.until("fills_total", truth.fills)
    await exporter.until("market_mid_price", lambda found: found == pytest.approx(float(mid), rel=1e-12), symbol=SYMBOL)
    figures = {
        "position_base": truth.position,
        "pnl_realized_usd": truth.realized,
        "pnl_unrealized_usd": truth.unrealized,
        "pnl_total_usd": truth.total,
    }
    for name, expected in figures.items():
        found = await exporter.value(name)
        assert found is not None
        assert abs(Fraction(found) - expected) <= Fraction(1, 10**9), name
    paid, back = await exporter.value("fees_usd_total"), await exporter.value("rebates_usd_total") or 0.0
    assert paid is not None
    assert abs(Fraction(paid) - Fraction(back) - truth.fees) <= Fraction(1, 10**9)
    assert await exporter.value("conflicting_fills_total") == 0
    assert await exporter.value("duplicate_fills_total") == 0


async def test_fees_taken_in_base_currency_are_those_of_the_record(keys: None) -> None:
    """The record and the stream value such a fee differently; each fill counts once, without a conflict."""
    fees = FeeSchedule(taker=Decimal("0.0026"), asset=FeeAsset.RECEIVED)
    async with server.running(exchanges=["alpha:kraken"], still=True, fee=fees) as simulator:
        trader = ccxt.pro.kraken({**simulator.ccxt_config("alpha"), "enableRateLimit": False})
        try:
            async with watching(exchange_config(simulator, backfill_interval=1.0)) as exporter:
                await settled(exporter)
                for side in ("buy", "buy", "sell"):
                    await trader.create_order(SYMBOL, "market", side, 0.01)
                await exporter.until("fills_total", 3)
                recorded = sum(trade["fee"]["cost"] for trade in await trader.fetch_my_trades(SYMBOL))
                assert await exporter.value("fees_usd_total") == pytest.approx(recorded, rel=1e-12)
                read = await exporter.value("exchange_requests_total", operation="fetch_my_trades") or 0
                await exporter.until("exchange_requests_total", lambda n: n > read, operation="fetch_my_trades")
                assert await exporter.value("conflicting_fills_total") == 0
                assert await exporter.value("fills_total") == 3
        finally:
            await trader.close()
