"""One exchange watched through ccxt: what it does, and what goes wrong with it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from simulator.server import Simulator
from tests.sources.conftest import SYMBOL, Watched, exchange_config, settled, watching

ROUTES = {
    "binance": {"fetch_time": "api/v3/time", "fetch_order_book": "depth"},
    "kraken": {"fetch_time": "public/Time", "fetch_order_book": "Depth"},
}


async def buy(trader: Any, quantity: float = 0.01) -> None:
    """Take liquidity, so that the fill comes at once."""
    book = await trader.fetch_order_book(SYMBOL, 5)
    await trader.create_order(SYMBOL, "limit", "buy", quantity, book["asks"][0][0])


# What a user sees when all is well.


async def test_a_fill_arrives_with_every_digit(watched: Watched, simulator: Simulator, trader: Any) -> None:
    """Price, quantity, fee (in a third token or not) and taker flag are those of the exchange's log."""
    await buy(trader, 0.01234)
    await watched.until("fills_total", 1, side="buy", liquidity="taker")
    (fill,) = simulator.fills("alpha")
    assert await watched.value("position_base") == float(str(fill["quantity"]))
    assert await watched.value("position_average_price") == float(str(fill["price"]))
    fee = float(str(fill["commission"])) * float(str(fill["commission_mid"]))
    assert await watched.value("fees_usd_total") == pytest.approx(fee, rel=1e-12)


async def test_orders_are_followed_from_placing_to_cancel(watched: Watched, trader: Any) -> None:
    """An order that rests is open, and once canceled it is not."""
    order = await trader.create_order(SYMBOL, "limit", "buy", 0.01, 10_000)
    await watched.until("orders_open", 1, side="buy")
    await trader.cancel_order(order["id"], SYMBOL)
    await watched.until("order_cancels_total", 1, side="buy")
    assert await watched.value("orders_open") == 0
    assert await watched.value("orders_total", side="buy") == 1


async def test_what_happened_before_the_start_is_read_from_history(
    simulator: Simulator, trader: Any, keys: None
) -> None:
    """Fills and open orders from before the exporter started are there, and count as no recovery."""
    await buy(trader)
    await trader.create_order(SYMBOL, "limit", "sell", 0.01, 900_000)
    async with watching(exchange_config(simulator)) as exporter:
        await exporter.until("fills_total", 1, side="buy")
        await exporter.until("orders_open", 1, side="sell")
        assert not await exporter.value("exchange_backfilled_fills_total")
        assert await exporter.value("late_fills_total") == 0


async def test_market_data_and_rates(watched: Watched, simulator: Simulator) -> None:
    """Mid and spread follow the book."""
    simulator.quote("alpha", SYMBOL, "50000", "50010")
    await watched.until("market_mid_price", 50005.0, symbol=SYMBOL)
    assert await watched.value("market_spread_ratio", symbol=SYMBOL) == pytest.approx(10 / 50005)
    await watched.until("market_observed_seconds_total", lambda seconds: seconds > 0, symbol=SYMBOL)


async def test_a_quiet_market_is_not_a_stale_one(watched: Watched) -> None:
    """When nothing changes, the exporter asks, and the data's time goes on."""
    first = await watched.value("market_data_timestamp_seconds", symbol=SYMBOL)
    assert first is not None
    await watched.until("market_data_timestamp_seconds", lambda now: now > first + 1, symbol=SYMBOL)
    assert await watched.value("exchange_stream_failures_total") == 0


async def test_the_limiters_queue_is_not_the_exchanges_latency(simulator: Simulator, keys: None) -> None:
    """Waiting for our own limiter is reported apart and leaves the request's duration alone."""
    slow = exchange_config(simulator)
    slow["ccxt"] = {**slow["ccxt"], "rateLimit": 400}
    async with watching(slow) as exporter:
        await exporter.until("exchange_throttle_wait_seconds_sum", lambda seconds: seconds > 2)
        durations = await exporter.value("exchange_request_duration_seconds_sum")
        requests = await exporter.value("exchange_request_duration_seconds_count")
        waited = await exporter.value("exchange_throttle_wait_seconds_sum")
    assert durations is not None
    assert waited is not None
    assert requests is not None
    assert durations < waited


# What goes wrong with fills.


async def test_no_fill_waits_for_the_next_one(watched: Watched, trader: Any) -> None:
    """Each of many fills at odd moments is there by itself, through the stream and not by a later recovery."""
    for count in range(1, 31):
        await buy(trader, 0.001)
        await asyncio.gather(*(trader.fetch_time() for _ in range(count % 3)))
    await watched.until("fills_total", 30)
    assert not await watched.value("exchange_backfilled_fills_total")


async def test_a_fill_that_comes_twice_counts_once(watched: Watched, simulator: Simulator, trader: Any) -> None:
    """Copies from the stream are ignored and counted."""
    simulator.fault("alpha", "duplicate_fills", copies=2, delay=0.1)
    await buy(trader)
    await watched.until("duplicate_fills_total", 2)
    assert await watched.value("fills_total") == 1
    assert await watched.value("position_base") == 0.01


async def test_a_late_fill_takes_its_place(watched: Watched, simulator: Simulator, trader: Any) -> None:
    """A fill that arrives after a later one is counted as late, and the position is that of both."""
    simulator.fault("alpha", "late_fills", delay=1.0, count=1)
    await buy(trader, 0.01)
    await buy(trader, 0.02)
    await watched.until("late_fills_total", 1)
    assert await watched.value("fills_total") == 2
    assert await watched.value("position_base") == pytest.approx(0.03)


async def test_a_lost_fill_is_recovered_from_history(simulator: Simulator, trader: Any, keys: None) -> None:
    """What the stream never delivers, the next reading of the history brings."""
    async with watching(exchange_config(simulator, backfill_interval=1.0)) as exporter:
        await settled(exporter)
        simulator.fault("alpha", "lost_fills")
        await buy(trader)
        await exporter.until("exchange_backfilled_fills_total", 1, account="main")
        assert await exporter.value("fills_total") == 1


async def test_fills_during_a_gap_are_recovered_when_it_ends(
    watched: Watched, simulator: Simulator, trader: Any
) -> None:
    """The history is read right after the stream is back, not a minute later."""
    number = simulator.fault("alpha", "down", route="stream")
    await watched.until("exchange_stream_up", 0, stream="fills")
    await buy(trader)
    simulator.venues["alpha"].faults.remove(number)
    await watched.until("fills_total", 1)
    await watched.until("exchange_stream_up", 1, stream="fills")


# What goes wrong with an exchange.


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "rate_limit"}, "rate_limit"),
        ({"kind": "server_error", "status": 500}, "unavailable"),
        ({"kind": "maintenance"}, "maintenance"),
        ({"kind": "timeout"}, "timeout"),
        ({"kind": "down"}, "unavailable"),
        ({"kind": "garbage", "flavour": "html"}, "bad_response"),
        ({"kind": "garbage", "flavour": "truncated"}, "bad_response"),
        ({"kind": "garbage", "flavour": "empty"}, "bad_response"),
    ],
)
async def test_each_fault_is_counted_by_its_kind_and_survived(
    watched: Watched, simulator: Simulator, dialect: str, fault: dict[str, Any], error: str
) -> None:
    """The failed probe has its kind, the exchange is down, and afterwards it is up again by itself."""
    if dialect == "kraken" and error == "maintenance":
        error = "unavailable"  # the words for both are the same
    simulator.fault("alpha", route=ROUTES[dialect]["fetch_time"], **fault)
    await watched.until("exchange_request_errors_total", lambda n: n >= 1, operation="fetch_time", error=error)
    await watched.until("exchange_up", 0)
    health = await watched.health()
    assert health["overall_status"] == "degraded"
    assert health["services"]["exchange/alpha"]["state"] == "down"
    simulator.clear_faults("alpha")
    await watched.until("exchange_up", 1)


@pytest.mark.parametrize("fault", [{"kind": "garbage", "flavour": "not_json_frame"}, {"kind": "disconnect"}])
async def test_a_broken_stream_comes_back(
    watched: Watched, simulator: Simulator, trader: Any, fault: dict[str, Any]
) -> None:
    """After a frame of garbage or a dropped socket, books and fills flow again."""
    simulator.fault("alpha", **fault)
    for price in range(50_000, 50_020):
        simulator.quote("alpha", SYMBOL, str(price), str(price + 10))
        await asyncio.sleep(0.02)
    await watched.until("exchange_stream_failures_total", lambda n: n >= 1)
    simulator.clear_faults("alpha")
    await settled(watched)
    simulator.quote("alpha", SYMBOL, "60000", "60010")
    await watched.until("market_mid_price", 60005.0, symbol=SYMBOL)
    await buy(trader)
    await watched.until("fills_total", 1)


async def test_a_stream_that_falls_silent_is_found_out(simulator: Simulator, keys: None) -> None:
    """A socket that stays open while the market moves on is replaced."""
    async with watching(exchange_config(simulator)) as exporter:
        await settled(exporter)
        hub = simulator.venues["alpha"].hub
        hub._subscribers.clear()  # the exchange forgets its subscribers without a word
        for price in range(51_000, 51_100):
            simulator.quote("alpha", SYMBOL, str(price), str(price + 10))
            if await exporter.value("exchange_stream_failures_total", stream="books"):
                break
            await asyncio.sleep(0.2)
        await exporter.until("exchange_stream_up", 1, stream="books")
        simulator.quote("alpha", SYMBOL, "61000", "61010")
        await exporter.until("market_mid_price", 61005.0, symbol=SYMBOL)


async def test_a_question_that_fails_does_not_break_a_quiet_stream(
    watched: Watched, simulator: Simulator, dialect: str
) -> None:
    """While the exchange refuses to be asked for a quiet book, the stream is kept."""
    simulator.fault("alpha", "rate_limit", route=ROUTES[dialect]["fetch_order_book"])
    await watched.until("exchange_request_errors_total", lambda n: n >= 2, operation="fetch_order_book")
    assert await watched.value("exchange_stream_failures_total") == 0
    assert await watched.value("exchange_stream_up", stream="books") == 1


async def test_a_wrong_clock_is_measured_and_does_no_harm(watched: Watched, simulator: Simulator, trader: Any) -> None:
    """Signed requests go on with the exchange's time, data looks neither old nor new, and PnL follows throughout."""
    await buy(trader)
    number = simulator.fault("alpha", "clock_skew", seconds=30.0)
    offset = await watched.until("exchange_clock_offset_seconds", lambda seconds: seconds > 25)
    assert offset == pytest.approx(30, abs=2)
    before = await watched.value("exchange_requests_total", operation="fetch_open_orders")
    assert before is not None
    simulator.fault("alpha", "disconnect")
    await watched.until("exchange_requests_total", lambda n: n > before, operation="fetch_open_orders")
    await settled(watched)
    await expect_valued_at(watched, simulator, 52_000)
    updated = await watched.value("market_data_timestamp_seconds", symbol=SYMBOL)
    assert updated == pytest.approx(time.time(), abs=10)
    simulator.venues["alpha"].faults.remove(number)
    await watched.until("exchange_clock_offset_seconds", lambda seconds: seconds < 5)
    await expect_valued_at(watched, simulator, 53_000)


async def expect_valued_at(watched: Watched, simulator: Simulator, price: int) -> None:
    """Move the market, and see both the mid and the position's value follow."""
    simulator.quote("alpha", SYMBOL, str(price), str(price + 10))
    await watched.until("market_mid_price", price + 5.0, symbol=SYMBOL)
    position = await watched.value("position_base")
    assert position is not None
    notional = await watched.value("position_notional_usd")
    assert notional == pytest.approx(position * (price + 5))


async def test_an_exchange_that_is_down_at_the_start_is_watched_once_it_is_up(simulator: Simulator, keys: None) -> None:
    """The exporter waits, and needs no restart."""
    simulator.fault("alpha", "down")
    async with watching(exchange_config(simulator)) as exporter:
        await exporter.until("exchange_up", 0)
        assert not await exporter.value("market_mid_price")
        simulator.clear_faults("alpha")
        await settled(exporter)
        await exporter.until("market_mid_price", lambda mid: mid > 0, symbol=SYMBOL)


async def test_one_exchange_down_leaves_the_other_alone(simulator: Simulator, keys: None) -> None:
    """While alpha answers nothing, beta's data follows its market and none of its requests fails."""
    async with watching(exchange_config(simulator), exchange_config(simulator, "beta")) as exporter:
        await settled(exporter, "alpha")
        await settled(exporter, "beta")
        simulator.fault("alpha", "timeout")
        await exporter.until("exchange_up", 0, exchange="alpha")
        for price in (50_000, 51_000, 52_000):
            simulator.quote("beta", SYMBOL, str(price), str(price + 10))
            await exporter.until("market_mid_price", price + 5.0, exchange="beta", symbol=SYMBOL)
        assert await exporter.value("exchange_up", exchange="beta") == 1
        assert await exporter.value("exchange_request_errors_total", exchange="beta") == 0


# What a user gets wrong.


async def test_a_wrong_secret_stops_only_what_needs_it(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, keys: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Market data goes on, each private part says once what is wrong, and no secret is shown."""
    monkeypatch.setenv("TEST_SECRET", "not/the/right/on")
    async with watching(exchange_config(simulator)) as exporter:
        await exporter.until("exchange_request_errors_total", lambda n: n >= 1, error="authentication")
        await exporter.until("market_mid_price", lambda mid: mid > 0, symbol=SYMBOL)
        assert await exporter.value("exchange_up") == 1
        for stream in ("fills", "orders"):
            detail = await until_down(exporter, f"exchange/alpha/main/{stream}/BTC/USDT")
            assert detail.startswith("authentication: ")
            assert await exporter.value("exchange_stream_up", stream=stream) == 0
        health = await exporter.health()
    history = health["services"]["exchange/alpha/main/history/BTC/USDT"]
    assert history["state"] == "down"
    assert history["detail"].startswith("authentication: ")
    for part in ("main/history", "main/fills", "main/orders"):
        assert len([record for record in caplog.records if part in record.getMessage()]) == 1
    assert "not/the/right/on" not in caplog.text + str(health) + str([vars(record) for record in caplog.records])


async def until_down(exporter: Watched, part: str) -> str:
    """Wait until a part is down for a reason and stays so for longer than a subscription needs to stand."""
    for _ in range(100):
        found = (await exporter.health())["services"].get(part, {})
        if found.get("detail", "starting") not in ("", "starting"):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.5)
    service = (await exporter.health())["services"][part]
    assert service["state"] == "down"
    return str(service["detail"])


async def test_an_unknown_symbol_is_said_once_and_the_others_work(
    simulator: Simulator, keys: None, caplog: pytest.LogCaptureFixture
) -> None:
    """The message names the symbol and what the exchange has instead."""
    async with watching(exchange_config(simulator, symbols=[SYMBOL, "BTC/USDX"])) as exporter:
        await settled(exporter)
        health = await exporter.health()
    said = [record.getMessage() for record in caplog.records if "BTC/USDX" in record.getMessage()]
    assert said == ["alpha: unknown symbol 'BTC/USDX'; this exchange has, for example, BTC/USDT, ETH/USDT, BNB/USDT"]
    assert health["services"]["exchange/alpha/BTC/USDX"]["state"] == "down"


async def test_two_accounts_of_one_exchange_share_its_market_data(simulator: Simulator, keys: None) -> None:
    """Each book is watched once, and each account has its own fills."""
    second = exchange_config(simulator, account="second", strategy="other")
    async with watching(exchange_config(simulator), second) as exporter:
        await settled(exporter)
        await exporter.until("market_mid_price", lambda mid: mid > 0, symbol=SYMBOL)
        books = await exporter.value("events_total", type="book")
        simulator.quote("alpha", SYMBOL, "54000", "54010")
        await exporter.until("market_mid_price", 54005.0, symbol=SYMBOL)
        after = await exporter.value("events_total", type="book")
    assert books is not None
    assert after is not None
    assert after - books <= 3  # the change itself and, at most, questions to the two quiet markets


async def test_without_keys_there_is_market_data(simulator: Simulator) -> None:
    """Nothing private is asked for, and nothing fails."""
    public = exchange_config(simulator)
    del public["api_key"], public["secret"]
    async with watching(public) as exporter:
        await exporter.until("market_mid_price", lambda mid: mid > 0, symbol=SYMBOL)
        assert await exporter.value("exchange_request_errors_total") == 0
        assert await exporter.value("exchange_requests_total", operation="fetch_my_trades") is None
