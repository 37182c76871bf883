"""Every fault, as the exception or the silence that ccxt makes of it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest

from simulator.engine.orders import Side
from simulator.server import Simulator, running
from simulator.web.faults import Faults, Latency, LostFills
from tests.simulator.helpers import client, recording, soon, until


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running(still=True, exchanges=["alpha", "beta"]) as instance:
        yield instance


# -- REST


@pytest.mark.parametrize(
    ("kind", "fields", "error"),
    [
        ("down", {}, ccxt.ExchangeNotAvailable),
        ("rate_limit", {}, ccxt.DDoSProtection),
        ("server_error", {}, ccxt.OperationFailed),
        ("server_error", {"status": 502}, ccxt.ExchangeNotAvailable),
        ("server_error", {"status": 504}, ccxt.RequestTimeout),
        ("server_error", {"status": 418}, ccxt.DDoSProtection),
        ("maintenance", {}, ccxt.OnMaintenance),
        ("timeout", {}, ccxt.RequestTimeout),
        ("latency", {"seconds": 3}, ccxt.RequestTimeout),
        ("disconnect", {"flavour": "mid_answer"}, ccxt.ExchangeError),
    ],
)
async def test_a_fault_raises_its_exception_until_it_is_cleared(
    simulator: Simulator, kind: str, fields: dict[str, object], error: type[Exception]
) -> None:
    """While the fault lasts each request fails as it would; the other exchange, and later this one, works."""
    async with client(simulator, timeout=400) as alpha, aiohttp.ClientSession() as session:
        simulator.fault("alpha", kind, **fields)
        for _ in range(2):
            with pytest.raises(error):
                await alpha.fetch_time()
        async with session.get(f"{simulator.base_url}/beta/api/v3/time") as answer:
            assert answer.status == 200
        simulator.clear_faults("alpha")
        assert await alpha.fetch_time() > 0


@pytest.mark.parametrize("flavour", ["html", "truncated", "empty"])
async def test_garbage_is_an_answer_that_is_none(simulator: Simulator, flavour: str) -> None:
    """Garbage comes with status 200 and cannot be parsed; ccxt takes it for an answer without a time."""
    simulator.fault("alpha", "garbage", flavour=flavour, count=2)
    async with aiohttp.ClientSession() as session, session.get(f"{simulator.base_url}/alpha/api/v3/time") as answer:
        assert answer.status == 200
        body = await answer.text()
    if flavour == "empty":
        assert body == ""
    else:
        assert body.startswith({"html": "<html>", "truncated": '{"server'}[flavour])
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            json.loads(body)
    async with client(simulator) as exchange:
        assert await exchange.fetch_time() is None
        assert await exchange.fetch_time() > 0


async def test_rate_limit_says_when_to_come_back(simulator: Simulator) -> None:
    """429 carries Retry-After as asked for, and the exchange's own code."""
    simulator.fault("alpha", "rate_limit", retry_after=17)
    async with aiohttp.ClientSession() as session, session.get(f"{simulator.base_url}/alpha/api/v3/time") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "17")
        assert (await answer.json())["code"] == -1003


async def test_a_skewed_clock_is_told_and_refuses_signed_requests(simulator: Simulator) -> None:
    """The server's time is off by the skew, so timestamps fall out of the window."""
    async with client(simulator) as exchange:
        simulator.fault("alpha", "clock_skew", seconds=-30)
        assert -31_000 < await exchange.fetch_time() - exchange.milliseconds() < -29_000
        with pytest.raises(ccxt.InvalidNonce):
            await exchange.fetch_balance()
        exchange.options["adjustForTimeDifference"] = True
        await exchange.load_time_difference()
        assert (await exchange.fetch_balance())["BTC"]["total"] == 20


async def test_a_skewed_clock_is_in_every_time_and_what_it_stamped_stays(simulator: Simulator) -> None:
    """Books, fills and the log carry the skewed time; when the clock is right again old fills keep theirs."""
    async with client(simulator) as exchange, recording(simulator, "alpha", "BTC/USDT") as recorders:
        await exchange.load_markets()
        real = simulator.venues["alpha"].now()
        fault = simulator.fault("alpha", "clock_skew", seconds=3600)
        simulator.quote("alpha", "BTC/USDT", "64100", "64101")
        await exchange.create_order("BTC/USDT", "market", "buy", 0.01, params={"timestamp": real + 3_600_000})
        simulator.venues["alpha"].faults.remove(fault)
        simulator.quote("alpha", "BTC/USDT", "64200", "64201")
        trade = (await exchange.fetch_my_trades("BTC/USDT"))[0]
        await until(lambda: len(recorders["BTC/USDT"].mids) == 3)
        skewed, right = (time - real for time, _ in recorders["BTC/USDT"].mids[1:])
        assert 0 <= right < 60_000
        assert skewed >= 3_600_000
        assert trade["timestamp"] == simulator.fills("alpha")[0]["time"]
        assert trade["timestamp"] >= real + 3_600_000


async def test_a_fault_keeps_to_its_route_and_its_count(simulator: Simulator) -> None:
    """Only paths that contain the route are struck, and only count times."""
    async with client(simulator) as exchange:
        simulator.fault("alpha", "server_error", status=503, route="depth", count=1)
        assert await exchange.fetch_time() > 0
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await exchange.fetch_order_book("BTC/USDT")
        assert (await exchange.fetch_order_book("BTC/USDT"))["bids"]
        listed = simulator.venues["alpha"].faults.listing()[0]
        assert (listed["hits"], listed["active"]) == (1, False)


def test_probability_and_time_limit_a_fault() -> None:
    """A fault strikes about as often as its probability says, the same for a seed, and ends by the clock."""
    now = 100.0
    outcomes = []
    for _ in range(2):
        faults = Faults("seed", lambda: now)
        faults.add(LostFills(probability=0.3))
        outcomes.append([faults.strike(LostFills, "/x") is not None for _ in range(1000)])
    assert outcomes[0] == outcomes[1]
    assert 240 < sum(outcomes[0]) < 360
    timed = Faults("seed", lambda: now)
    timed.add(Latency(seconds=1, seconds_active=5))
    assert timed.find(Latency, "/x") is not None
    now = 105.0
    assert timed.find(Latency, "/x") is None
    assert timed.listing()[0]["active"] is False


# -- streams


async def watching(exchange: Any) -> None:
    """Wait until a watched book has arrived."""
    assert (await soon(exchange.watch_order_book("BTC/USDT")))["bids"]


@pytest.mark.parametrize("fault", [{"kind": "down"}, {"kind": "disconnect"}])
async def test_dropped_sockets_raise_and_can_be_opened_again(simulator: Simulator, fault: dict[str, str]) -> None:
    """A watch on a dropped socket raises NetworkError; when the exchange is back the next one works."""
    async with client(simulator) as exchange:
        await watching(exchange)
        watch = asyncio.create_task(soon(exchange.watch_order_book("BTC/USDT")))
        await asyncio.sleep(0.05)
        simulator.fault("alpha", **fault)
        with pytest.raises(ccxt.NetworkError):
            await watch
        if fault["kind"] == "down":
            with pytest.raises(ccxt.NetworkError):
                await soon(exchange.watch_order_book("BTC/USDT"))
            simulator.clear_faults("alpha")
        exchange.clients.clear()
        await watching(exchange)


async def test_a_route_of_stream_leaves_rest_alone(simulator: Simulator) -> None:
    """With route stream, a down exchange still answers REST."""
    async with client(simulator) as exchange:
        simulator.fault("alpha", "down", route="stream")
        assert await exchange.fetch_time() > 0
        with pytest.raises(ccxt.NetworkError):
            await soon(exchange.watch_order_book("BTC/USDT"))


async def test_a_silent_stream_resumes_without_a_gap(simulator: Simulator) -> None:
    """While timed out an open stream sends nothing; afterwards everything held back comes in order."""
    async with recording(simulator, "alpha", "BTC/USDT") as recorders:
        recorder = recorders["BTC/USDT"]
        simulator.fault("alpha", "timeout", route="stream")
        for price in (64100, 64200, 64300):
            simulator.quote("alpha", "BTC/USDT", str(price), str(price + 1))
        await asyncio.sleep(0.25)
        assert len(recorder.mids) == 1
        simulator.clear_faults("alpha")
        await until(lambda: len(recorder.mids) == 4)
        assert (recorder.gaps, recorder.mid) == (0, Decimal("64300.5"))


async def test_stream_latency_delays_frames_in_order(simulator: Simulator) -> None:
    """Frames come later by the latency, none overtakes another."""
    async with recording(simulator, "alpha", "BTC/USDT") as recorders:
        simulator.fault("alpha", "latency", seconds=0.3, route="stream", count=1)
        loop = asyncio.get_running_loop()
        started = loop.time()
        simulator.quote("alpha", "BTC/USDT", "64100", "64101")
        simulator.quote("alpha", "BTC/USDT", "64200", "64201")
        await until(lambda: len(recorders["BTC/USDT"].mids) == 3)
        assert loop.time() - started >= 0.3
        assert recorders["BTC/USDT"].gaps == 0


async def test_a_spoilt_frame_is_not_json(simulator: Simulator) -> None:
    """The frame that the fault strikes cannot be parsed; the next one is whole."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{simulator.base_url}/alpha/stream/ws/0") as socket,
    ):
        simulator.fault("alpha", "garbage", flavour="not_json_frame", count=1)
        request = {"method": "LIST_SUBSCRIPTIONS", "id": 1}
        await socket.send_json(request)
        with pytest.raises(ValueError, match="Expecting value"):
            (await socket.receive(timeout=5)).json()
        await socket.send_json(request)
        assert await socket.receive_json(timeout=5) == {"result": [], "id": 1}


# -- fills on the private stream


async def fill_three_times(simulator: Simulator, until_frames: int) -> list[int]:
    """Fill an order of ours in three parts; gives the trade ids of the fills that the private stream sent."""
    received: list[int] = []
    async with private_events(simulator, received), client(simulator) as exchange:
        await exchange.create_order("BTC/USDT", "limit", "buy", 0.03, 63_990.0)
        for _ in range(3):
            simulator.trade("alpha", "BTC/USDT", Side.SELL, Decimal("0.01"))
        await until(lambda: len(received) >= until_frames)
        await asyncio.sleep(0.05)  # what comes too often would come now
    return received


@asynccontextmanager
async def private_events(simulator: Simulator, fills: list[int]) -> AsyncIterator[None]:
    """Collect the trade ids of fills from the raw frames of the account's stream."""
    url = f"{simulator.base_url}/alpha/ws-api/v3"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        signed = f"apiKey=simulator&timestamp={simulator.venues['alpha'].now()}"
        signature = hmac.new(b"simulator/secret", signed.encode(), hashlib.sha256).hexdigest()
        params = {**dict(pair.split("=") for pair in signed.split("&")), "signature": signature}
        await socket.send_json({"id": "1", "method": "userDataStream.subscribe.signature", "params": params})
        assert (await socket.receive_json(timeout=5))["result"] == {"subscriptionId": 0}

        async def follow() -> None:
            async for frame in socket:
                event = frame.json()["event"]
                if event.get("x") == "TRADE":
                    fills.append(event["t"])

        task = asyncio.create_task(follow())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def logged_ids(simulator: Simulator) -> list[int]:
    return [int(str(fill["trade_id"])) for fill in simulator.fills("alpha")]


@pytest.mark.parametrize("delay", [0.0, 0.2])
async def test_duplicate_fills_come_again_on_the_stream_only(simulator: Simulator, delay: float) -> None:
    """Each struck fill is sent copies more times, at once or later; the log has it once."""
    simulator.fault("alpha", "duplicate_fills", copies=2, delay=delay, count=2)
    received = await fill_three_times(simulator, until_frames=7)
    one, two, three = logged_ids(simulator)
    together = [one, one, one, two, two, two, three]
    assert received == (together if delay == 0 else [one, two, three, one, one, two, two])


async def test_late_fills_arrive_after_rest_knows_them(simulator: Simulator) -> None:
    """A late fill is in REST at once and on the stream after the delay, with its own time."""
    async with client(simulator) as exchange:
        simulator.fault("alpha", "late_fills", delay=1.0)
        await exchange.load_markets()
        watch = asyncio.create_task(soon(exchange.watch_my_trades("BTC/USDT")))
        await until(lambda: simulator.venues["alpha"].hub.private_count)
        await exchange.create_order("BTC/USDT", "market", "buy", 0.01)
        rest = await exchange.fetch_my_trades("BTC/USDT")
        assert not watch.done()
        late = await watch
        assert [(t["id"], t["timestamp"]) for t in late] == [(t["id"], t["timestamp"]) for t in rest]


async def test_lost_fills_are_only_in_rest(simulator: Simulator) -> None:
    """A lost fill never comes on the stream; the next ones do, and REST has all."""
    simulator.fault("alpha", "lost_fills", count=1)
    received = await fill_three_times(simulator, until_frames=2)
    assert len(logged_ids(simulator)) == 3
    assert received == logged_ids(simulator)[1:]
    async with client(simulator) as exchange:
        rest = [int(t["id"]) for t in await exchange.fetch_my_trades("BTC/USDT")]
    assert rest == logged_ids(simulator)
