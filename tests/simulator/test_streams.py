"""Market streams and the account's events over WebSocket, through ccxt.pro."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from simulator.engine.orders import Side
from simulator.server import Simulator, running
from tests.simulator.helpers import client, recording, soon, until


async def test_a_watched_book_equals_the_snapshot_of_the_same_update() -> None:
    """After many diffs the book that ccxt keeps is exactly the one REST gives for that update id."""
    async with running() as simulator, client(simulator) as exchange:
        seen: dict[int, tuple[Any, Any]] = {}

        async def watch(count: int) -> None:
            for _ in range(count):
                book = await soon(exchange.watch_order_book("BTC/USDT"))
                seen[book["nonce"]] = ([*map(list, book["bids"])], [*map(list, book["asks"])])

        await watch(1)
        compared = rounds = 0
        while rounds < 3 or (not compared and rounds < 20):
            await exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 50_000.0)
            snapshot = await exchange.fetch_order_book("BTC/USDT", 1000)
            await watch(6)
            rounds += 1
            if snapshot["nonce"] in seen:
                assert seen[snapshot["nonce"]] == (snapshot["bids"], snapshot["asks"])
                compared += 1
        assert len(seen) >= 10
        assert compared >= 1


async def test_diffs_follow_each_other_without_a_gap_and_lead_to_the_published_book() -> None:
    """Each diff starts where the one before ended, and applying them gives the book that REST shows."""
    async with running() as simulator, recording(simulator, "alpha", "BTC/USDT") as recorders:
        recorder = recorders["BTC/USDT"]
        await until(lambda: len(recorder.mids) > 12)
        assert recorder.gaps == 0
        times = [time for time, _ in recorder.mids]
        assert times == sorted(set(times))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{simulator.base_url}/alpha/api/v3/depth?symbol=BTCUSDT") as answer,
        ):
            snapshot = await answer.json()
        # The market stands still while nothing awaits, so the recorder reaches just this update.
        history = {recorder.last_update: (dict(recorder.bids), dict(recorder.asks))}
        while snapshot["lastUpdateId"] not in history:
            assert recorder.last_update < snapshot["lastUpdateId"]
            await asyncio.sleep(0)
            history[recorder.last_update] = (dict(recorder.bids), dict(recorder.asks))
        bids, asks = history[snapshot["lastUpdateId"]]
        assert bids == {Decimal(p): Decimal(q) for p, q in snapshot["bids"]}
        assert asks == {Decimal(p): Decimal(q) for p, q in snapshot["asks"]}


async def test_a_still_book_publishes_only_when_it_changes() -> None:
    """Nothing is published while nothing changes; an order of ours changes the book."""
    async with (
        running(still=True) as simulator,
        recording(simulator, "alpha", "BTC/USDT") as recorders,
        client(simulator) as exchange,
    ):
        await asyncio.sleep(0.35)
        assert len(recorders["BTC/USDT"].mids) == 1
        await exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 63_990.0)
        await until(lambda: len(recorders["BTC/USDT"].mids) == 2)
        assert recorders["BTC/USDT"].bids[Decimal(63990)] == Decimal("0.01")
        assert simulator.market("alpha")["BTC/USDT"]["mid"] == "64003.00"


async def test_trades_best_prices_and_tickers_arrive() -> None:
    """The trade, bookTicker and miniTicker streams show a third party's trade and the moved quote."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        await exchange.load_markets()
        watches = [
            asyncio.create_task(soon(work))
            for work in (
                exchange.watch_trades("BTC/USDT"),
                exchange.watch_bids_asks(["BTC/USDT"]),
                exchange.watch_ticker("ETH/USDT"),
            )
        ]
        await until(lambda: _subscribed(simulator) == 3)
        simulator.trade("alpha", "BTC/USDT", Side.SELL, Decimal("0.25"))
        simulator.quote("alpha", "BTC/USDT", "64100", "64110")
        trades, best, ticker = await asyncio.gather(*watches)
        assert [(t["side"], t["price"], t["amount"]) for t in trades] == [("sell", 63984.0, 0.25)]
        assert (best["BTC/USDT"]["bid"], best["BTC/USDT"]["ask"]) == (64100.0, 64110.0)
        assert ticker["last"] == 3100.0


def _subscribed(simulator: Simulator) -> int:
    return simulator.venues["alpha"].hub.stream_count


async def test_the_private_stream_tells_of_orders_fills_and_balances() -> None:
    """One subscription brings the order's way from new to filled, the fill with its fee, and the balance."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        await exchange.load_markets()
        fills = asyncio.create_task(soon(exchange.watch_my_trades("BTC/USDT")))
        orders = asyncio.create_task(soon(exchange.watch_orders("BTC/USDT")))
        await until(lambda: simulator.venues["alpha"].hub.private_count)
        order = await exchange.create_order("BTC/USDT", "limit", "buy", 0.02, 63_990.0)
        first = (await orders)[0]
        assert (first["id"], first["status"]) == (order["id"], "open")
        orders = asyncio.create_task(soon(exchange.watch_orders("BTC/USDT")))
        await asyncio.sleep(0)
        simulator.trade("alpha", "BTC/USDT", Side.SELL, Decimal("0.015"))
        fill = (await fills)[0]
        assert (fill["order"], fill["amount"], fill["price"], fill["takerOrMaker"]) == (
            order["id"],
            0.015,
            63990.0,
            "maker",
        )
        assert fill["fee"] == {"cost": 0.00033098, "currency": "BNB"}  # 63990 x 0.015 x 0.0002 / 580
        partly = (await orders)[-1]
        assert (partly["status"], partly["filled"], partly["info"]["X"]) == ("open", 0.015, "PARTIALLY_FILLED")
        balance = asyncio.create_task(soon(exchange.watch_balance()))
        orders = asyncio.create_task(soon(exchange.watch_orders("BTC/USDT")))
        await asyncio.sleep(0)
        await exchange.cancel_order(order["id"], "BTC/USDT")
        assert (await orders)[-1]["status"] == "canceled"
        assert (await balance)["BTC"]["total"] == 20.015


async def test_a_rejected_order_is_told_on_the_private_stream() -> None:
    """A maker-only order that would take appears with status rejected and the reason."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        await exchange.load_markets()
        watch = asyncio.create_task(soon(exchange.watch_orders("BTC/USDT")))
        await until(lambda: simulator.venues["alpha"].hub.private_count)
        with pytest.raises(Exception, match="immediately match"):
            await exchange.create_order("BTC/USDT", "limit", "buy", 0.02, 65_000.0, {"postOnly": True})
        rejected = (await watch)[0]
        assert (rejected["status"], rejected["info"]["r"]) == ("rejected", "WOULD_MATCH_IMMEDIATELY")


async def test_a_private_subscription_with_a_wrong_signature_is_refused() -> None:
    """The request API answers a wrong signature with -1022 and subscribes nobody."""
    async with (
        running(still=True) as simulator,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{simulator.base_url}/alpha/ws-api/v3") as socket,
    ):
        now = simulator.venues["alpha"].now()
        params = {"apiKey": "simulator", "timestamp": now, "signature": "0" * 64}
        request = {"id": "7", "method": "userDataStream.subscribe.signature", "params": params}
        await socket.send_json(request)
        answer = await socket.receive_json(timeout=5)
        assert (answer["id"], answer["status"], answer["error"]["code"]) == ("7", 400, -1022)
        assert simulator.venues["alpha"].hub.private_count == 0


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"method": "SUBSCRIBE", "params": ["btcusdt@nothing"], "id": 3}, "invalid stream btcusdt@nothing"),
        ({"method": "SUBSCRIBE", "params": ["nope@trade"], "id": 3}, "invalid stream nope@trade"),
        ({"method": "DANCE", "params": [], "id": 3}, "unknown method DANCE"),
        (["no object"], "not a JSON object"),
    ],
)
async def test_wrong_stream_requests_get_an_error(request_: object, words: str) -> None:
    """A request that means nothing here is answered with an error that says what is wrong with it."""
    async with (
        running(still=True) as simulator,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{simulator.base_url}/alpha/stream/ws/0") as socket,
    ):
        await socket.send_str(json.dumps(request_))
        assert words in (await socket.receive_json(timeout=5))["error"]["msg"]


async def test_unsubscribed_streams_fall_silent() -> None:
    """After UNSUBSCRIBE the list is empty and no further frame of the stream comes."""
    async with (
        running(still=True) as simulator,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{simulator.base_url}/alpha/stream/ws/0") as socket,
    ):
        for number, method in enumerate(("SUBSCRIBE", "UNSUBSCRIBE"), 1):
            await socket.send_json({"method": method, "params": ["btcusdt@depth@100ms"], "id": number})
            assert (await socket.receive_json(timeout=5))["id"] == number
        simulator.quote("alpha", "BTC/USDT", "64100", "64110")
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 9})
        assert await socket.receive_json(timeout=5) == {"result": [], "id": 9}
