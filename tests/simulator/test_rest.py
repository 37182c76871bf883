"""Orders, trades and errors over REST, through ccxt."""

from __future__ import annotations

import json
from decimal import Decimal

import aiohttp
import ccxt
import pytest

from simulator.engine.orders import Side
from simulator.server import running
from tests.simulator.helpers import client

POST_ONLY = {"postOnly": True}


async def test_markets_time_and_tickers_are_as_ccxt_expects_them() -> None:
    """Markets carry tick and lot, the time is the present, and each kind of ticker shows the book."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        markets = await exchange.load_markets()
        assert set(markets) == {"BTC/USDT", "ETH/USDT", "BNB/USDT"}
        assert markets["BTC/USDT"]["precision"] == {**markets["BTC/USDT"]["precision"], "amount": 1e-6, "price": 0.01}
        assert abs(await exchange.fetch_time() - exchange.milliseconds()) < 5000
        asks = await exchange.fetch_bids_asks(["BTC/USDT"])
        ticker = await exchange.fetch_ticker("BTC/USDT")
        book = await exchange.fetch_order_book("BTC/USDT", 5)
        assert (book["bids"], book["asks"]) == ([[63984.0, 2.0]], [[64016.0, 2.0]])
        assert (asks["BTC/USDT"]["bid"], ticker["ask"]) == (63984.0, 64016.0)
        assert (await exchange.fetch_status())["status"] == "ok"


async def test_an_order_lives_from_placed_to_cancelled() -> None:
    """A resting order is open, in the book and locks funds; cancelling undoes all of it."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        order = await exchange.create_order("BTC/USDT", "limit", "buy", 0.5, 63990.5, POST_ONLY)
        assert (order["status"], order["filled"], order["remaining"]) == ("open", 0.0, 0.5)
        assert [o["id"] for o in await exchange.fetch_open_orders("BTC/USDT")] == [order["id"]]
        balance = await exchange.fetch_balance()
        assert balance["USDT"] == {"free": 968004.75, "used": 31995.25, "total": 1000000.0}
        cancelled = await exchange.cancel_order(order["id"], "BTC/USDT")
        assert cancelled["status"] == "canceled"
        assert (await exchange.fetch_order(order["id"], "BTC/USDT"))["status"] == "canceled"
        assert await exchange.fetch_open_orders("BTC/USDT") == []
        assert (await exchange.fetch_balance())["USDT"]["free"] == 1_000_000.0
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_order(order["id"], "BTC/USDT")


async def test_cancel_all_takes_every_order_of_the_symbol() -> None:
    """All orders of one symbol go, those of another stay, and nothing to cancel is an error."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        await exchange.create_order("BTC/USDT", "limit", "buy", 0.1, 63000)
        await exchange.create_order("BTC/USDT", "limit", "sell", 0.1, 65000)
        other = await exchange.create_order("ETH/USDT", "limit", "sell", 1, 3300)
        assert {o["status"] for o in await exchange.cancel_all_orders("BTC/USDT")} == {"canceled"}
        assert [o["id"] for o in await exchange.fetch_open_orders("ETH/USDT")] == [other["id"]]
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_all_orders("BTC/USDT")
        assert len(await exchange.fetch_orders("BTC/USDT")) == 2


async def test_taking_and_resting_orders_fill_with_exact_strings() -> None:
    """Fills carry the exact text of price, quantity and commission, whoever took."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        taker = await exchange.create_order("BTC/USDT", "market", "buy", 0.000311)
        assert (taker["status"], taker["average"]) == ("closed", 64016.0)
        maker = await exchange.create_order("BTC/USDT", "limit", "sell", 0.000311, 64000.01, POST_ONLY)
        assert simulator.trade("alpha", "BTC/USDT", Side.BUY, Decimal("0.0002")) == 0
        trades = await exchange.fetch_my_trades("BTC/USDT")
        assert [(t["order"], t["takerOrMaker"], t["side"]) for t in trades] == [
            (taker["id"], "taker", "buy"),
            (maker["id"], "maker", "sell"),
        ]
        infos = [trade["info"] for trade in trades]
        assert [(i["price"], i["qty"], i["commissionAsset"]) for i in infos] == [
            ("64016.00", "0.000311", "BNB"),
            ("64000.01", "0.000200", "BNB"),
        ]
        # 64016 x 0.000311 x 0.001 / 580 and 64000.01 x 0.0002 x 0.0002 / 580, to 8 digits
        assert [i["commission"] for i in infos] == ["0.00003433", "0.00000441"]
        state = await exchange.fetch_order(maker["id"], "BTC/USDT")
        assert (state["status"], state["info"]["status"], state["filled"]) == ("open", "PARTIALLY_FILLED", 0.0002)


async def test_candles_show_what_was_traded_and_stand_still_before() -> None:
    """As many as are asked for: flat at the first price before it, then the tape's prices and volume."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        simulator.trade("alpha", "BTC/USDT", Side.BUY, Decimal("0.5"))
        simulator.trade("alpha", "BTC/USDT", Side.SELL, Decimal("0.25"))
        rows = await exchange.fetch_ohlcv("BTC/USDT", "1d", limit=10)
        assert len(rows) == 10
        assert rows[0][1:] == [64016.0, 64016.0, 64016.0, 64016.0, 0.0]
        assert sum(row[5] for row in rows) == 0.75
        assert [max(row[2] for row in rows), min(row[3] for row in rows), rows[-1][4]] == [64016.0, 63984.0, 63984.0]
        since = rows[-3][0]
        assert [row[0] for row in await exchange.fetch_ohlcv("BTC/USDT", "1d", since)] == [row[0] for row in rows[-3:]]
        with pytest.raises(ccxt.BadRequest):
            await exchange.public_get_klines({"symbol": "BTCUSDT", "interval": "7m"})


async def test_market_orders_can_spend_an_amount_of_quote_currency() -> None:
    """A market buy for a cost takes as many whole lots as the cost buys."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        order = await exchange.create_market_buy_order_with_cost("BTC/USDT", 1000)
        assert order["info"]["executedQty"] == "0.015621"  # 1000 / 64016, rounded down to a lot


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (("BTC/USDT", "limit", "buy", 0.01, 64016, POST_ONLY), ccxt.OrderImmediatelyFillable),
        (("BTC/USDT", "limit", "buy", 1000, 60000), ccxt.InsufficientFunds),
        (("BTC/USDT", "market", "sell", 1000), ccxt.InsufficientFunds),
        (("BTC/USDT", "limit", "buy", 0.00001, 60000), ccxt.BadRequest),
    ],
)
async def test_refused_orders_raise_what_the_real_exchange_makes_ccxt_raise(
    order: tuple[object, ...], error: type[Exception]
) -> None:
    """A refused order raises ccxt's exception for it and changes nothing."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        with pytest.raises(error):
            await exchange.create_order(*order)
        assert await exchange.fetch_open_orders("BTC/USDT") == []
        assert (await exchange.fetch_balance())["USDT"]["total"] == 1_000_000.0


@pytest.mark.parametrize(
    ("change", "code", "error"),
    [
        ({"apiKey": "wrong"}, -2015, ccxt.AuthenticationError),
        ({"secret": "wrong"}, -1022, ccxt.AuthenticationError),
        ({"behind": 60_000}, -1021, ccxt.InvalidNonce),
        ({"behind": -60_000}, -1021, ccxt.InvalidNonce),
    ],
)
async def test_signed_requests_are_checked(change: dict[str, object], code: int, error: type[Exception]) -> None:
    """A wrong key, a wrong secret and a wrong clock are refused with the exchange's codes."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        exchange.apiKey = change.get("apiKey", exchange.apiKey)
        exchange.secret = change.get("secret", exchange.secret)
        exchange.options["timeDifference"] = change.get("behind", 0)
        with pytest.raises(error, match=str(code)):
            await exchange.fetch_balance()


@pytest.mark.parametrize("query", ["symbol=NOPEUSDT", "symbol=btcusdt"])
async def test_an_unknown_symbol_is_refused(query: str) -> None:
    """An id that is not traded is answered with 400 and -1121."""
    async with (
        running(still=True) as simulator,
        aiohttp.ClientSession() as session,
        session.get(f"{simulator.base_url}/alpha/api/v3/depth?{query}") as answer,
    ):
        assert (answer.status, await answer.json()) == (400, {"code": -1121, "msg": "Invalid symbol."})


async def test_request_weight_is_told_and_enforced() -> None:
    """Each answer tells the weight used this minute; beyond the limit comes 429 with Retry-After."""
    async with running(still=True, request_limit=60) as simulator, aiohttp.ClientSession() as session:
        url = f"{simulator.base_url}/alpha/api/v3"
        used = []
        for path in ("time", "depth?symbol=BTCUSDT&limit=1000"):
            async with session.get(f"{url}/{path}") as answer:
                used.append(int(answer.headers["X-MBX-USED-WEIGHT-1M"]))
        assert used[1] - used[0] == 50
        async with session.get(f"{url}/depth?symbol=BTCUSDT&limit=1000") as answer:
            assert answer.status == 429
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            assert (await answer.json())["code"] == -1003


async def test_my_trades_pages_by_time_and_by_id() -> None:
    """From a time or an id on come the first trades, without either the last ones, up to the limit."""
    async with running(still=True) as simulator, client(simulator) as exchange:
        for _ in range(5):
            await exchange.create_order("BTC/USDT", "market", "buy", 0.001)
        everything = await exchange.fetch_my_trades("BTC/USDT")
        ids, times = [t["id"] for t in everything], [t["timestamp"] for t in everything]

        async def page(since: int | None = None, limit: int | None = None, **params: object) -> list[str]:
            return [t["id"] for t in await exchange.fetch_my_trades("BTC/USDT", since, limit, params)]

        assert await page(limit=2) == ids[3:]
        assert await page(since=times[0], limit=2) == ids[:2]
        assert await page(since=times[4] + 1) == []
        assert await page(limit=2, fromId=ids[1]) == ids[1:3]
        assert await page(orderId=everything[2]["order"]) == [ids[2]]
        assert await page(since=times[0], until=times[2]) == [
            i for i, t in zip(ids, times, strict=True) if t <= times[2]
        ]
        with pytest.raises(ccxt.BadRequest):
            await page(since=times[0], fromId=ids[0])


async def test_exchanges_are_apart_and_an_unknown_one_is_named() -> None:
    """An order on one exchange is not seen on another; a wrong name is a 404 that lists the right ones."""
    async with running(still=True, exchanges=["alpha", "beta"]) as simulator:
        async with client(simulator, "alpha") as alpha, client(simulator, "beta") as beta:
            await alpha.create_order("BTC/USDT", "limit", "buy", 0.1, 63000)
            assert len(await alpha.fetch_open_orders("BTC/USDT")) == 1
            assert await beta.fetch_open_orders("BTC/USDT") == []
        async with aiohttp.ClientSession() as session, session.get(f"{simulator.base_url}/delta/api/v3/time") as answer:
            assert answer.status == 404
            assert "alpha, beta" in await answer.text()


@pytest.mark.parametrize("limit", ["x", "-1", "", "1.5", "²"])
async def test_malformed_parameters_are_refused(limit: str) -> None:
    """A parameter of the wrong form is answered with -1100, never with a server error."""
    async with running(still=True) as simulator, aiohttp.ClientSession() as session:
        params = {"symbol": "BTCUSDT", "limit": limit}
        async with session.get(f"{simulator.base_url}/alpha/api/v3/depth", params=params) as answer:
            assert (answer.status, json.loads(await answer.text())["code"]) == (400, -1100)
