"""The dialect of Kraken: through ccxt, and frame by frame."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

import aiohttp
import ccxt
import pytest

from simulator.cli import main
from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.engine.orders import Side
from simulator.server import Simulator, running
from simulator.setup import Setup, SetupError
from tests.simulator.helpers import client, soon, until

SYMBOL = "BTC/USDT"
POST_ONLY = {"postOnly": True}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running(still=True, exchanges=["gamma:kraken"]) as instance:
        yield instance


@pytest.fixture
async def kraken(simulator: Simulator) -> AsyncIterator[Any]:
    async with client(simulator, "gamma") as exchange:
        yield exchange


# -- REST


async def test_markets_time_prices_and_balances_are_as_ccxt_expects_them(kraken: Any) -> None:
    """Kraken's own names become the usual ones, with tick, lot and fees; the time is told in whole seconds."""
    markets = await kraken.load_markets()
    assert {symbol: market["id"] for symbol, market in markets.items()} == {
        "BTC/USDT": "XBTUSDT",
        "ETH/USDT": "ETHUSDT",
        "BNB/USDT": "BNBUSDT",
    }
    btc = markets[SYMBOL]
    assert (btc["precision"], btc["baseId"], btc["wsId"]) == ({"amount": 1e-6, "price": 0.01}, "BTC", "XBT/USDT")
    assert (btc["maker"], btc["taker"]) == (0.0002, 0.001)
    time = await kraken.fetch_time()
    assert time % 1000 == 0
    assert abs(time - kraken.milliseconds()) < 5000
    book = await kraken.fetch_order_book(SYMBOL, 5)
    assert ([level[:2] for level in book["bids"]], [level[:2] for level in book["asks"]]) == (
        [[63984.0, 2.0]],
        [[64016.0, 2.0]],
    )
    assert (await kraken.fetch_ticker(SYMBOL))["ask"] == 64016.0
    assert (await kraken.fetch_balance())["BTC"] == {"free": 20.0, "used": 0.0, "total": 20.0}
    assert (await kraken.fetch_status())["status"] == "ok"
    assert (await kraken.fetch_currencies())["BTC"]["id"] == "XXBT"
    assert (await kraken.fetch_trading_fee(SYMBOL))["taker"] == 0.001


async def test_an_order_lives_from_placed_to_cancelled(kraken: Any) -> None:
    """A resting order is open and locks funds; cancelling undoes all of it; a second time there is no such order."""
    order = await kraken.create_order(SYMBOL, "limit", "buy", 0.5, 63990.5, POST_ONLY)
    assert order["status"] is None  # the answer to a new order says little more than its id
    assert [(o["id"], o["status"], o["remaining"]) for o in await kraken.fetch_open_orders(SYMBOL)] == [
        (order["id"], "open", 0.5)
    ]
    assert (await kraken.fetch_balance())["USDT"] == {"free": 968004.75, "used": 31995.25, "total": 1000000.0}
    await kraken.cancel_order(order["id"], SYMBOL)
    ended = await kraken.fetch_order(order["id"], SYMBOL)
    assert (ended["status"], ended["filled"], ended["postOnly"]) == ("canceled", 0.0, True)
    assert await kraken.fetch_open_orders(SYMBOL) == []
    assert [o["id"] for o in await kraken.fetch_closed_orders(SYMBOL)] == [order["id"]]
    with pytest.raises(ccxt.OrderNotFound):
        await kraken.cancel_order(order["id"], SYMBOL)


async def test_cancel_all_takes_every_order_of_every_symbol(kraken: Any, simulator: Simulator) -> None:
    """Unlike elsewhere a symbol makes no difference, and nothing to cancel is no error."""
    await kraken.create_order(SYMBOL, "limit", "buy", 0.1, 63000)
    await kraken.create_order("ETH/USDT", "limit", "sell", 1, 3300, {"clientOrderId": "mine"})
    assert (await kraken.fetch_open_orders("ETH/USDT"))[0]["clientOrderId"] == "mine"
    await kraken.cancel_all_orders(SYMBOL)
    assert simulator.venues["gamma"].exchange.open_orders() == []
    await kraken.cancel_all_orders(SYMBOL)


async def test_a_post_only_order_that_would_take_is_placed_and_cancelled_at_once(kraken: Any) -> None:
    """The request succeeds; the order tells that it was cancelled and why."""
    order = await kraken.create_order(SYMBOL, "limit", "buy", 0.02, 65_000.0, POST_ONLY)
    ended = await kraken.fetch_order(order["id"], SYMBOL)
    assert (ended["status"], ended["filled"], ended["info"]["reason"]) == ("canceled", 0.0, "Post only order")


async def test_fills_carry_exact_texts_and_fees_in_quote_currency(kraken: Any, simulator: Simulator) -> None:
    """Price, quantity, cost and fee are those of the log, with time in fractions of seconds and ids that are texts."""
    await kraken.create_order(SYMBOL, "market", "buy", 0.000311)
    await kraken.create_order(SYMBOL, "limit", "sell", 0.000311, 64000.01, POST_ONLY)
    simulator.trade("gamma", SYMBOL, Side.BUY, Decimal("0.0002"))
    told, log = await kraken.fetch_my_trades(SYMBOL), simulator.fills("gamma")
    for trade, fill in zip(told, log, strict=True):
        info = trade["info"]
        assert trade["id"].startswith("T")
        assert [Decimal(info[key]) for key in ("price", "vol", "fee")] == [
            Decimal(str(fill[key])) for key in ("price", "quantity", "commission")
        ]
        assert (trade["fee"]["currency"], fill["commission_asset"]) == ("USDT", "USDT")
        assert (trade["timestamp"], trade["side"]) == (fill["time"], fill["side"])
        assert info["maker"] is fill["is_maker"]
    assert [(await kraken.fetch_order(trade["order"]))["status"] for trade in told] == ["closed", "open"]


async def test_fees_taken_in_base_currency_are_valued_in_quote_by_the_record() -> None:
    """Over WebSocket a fee is in the currency that it was taken in; REST knows quote currency only."""
    fees = FeeSchedule(taker=Decimal("0.001"), asset=FeeAsset.RECEIVED)
    async with running(still=True, exchanges=["gamma:kraken"], fee=fees) as simulator, client(simulator, "gamma") as it:
        await it.load_markets()
        watch = asyncio.create_task(soon(it.watch_my_trades(SYMBOL)))
        await until(lambda: simulator.venues["gamma"].hub.private_count)
        order = await it.create_order(SYMBOL, "market", "buy", 0.01)
        assert (await watch)[0]["fee"] == {"cost": 0.00001, "currency": "BTC"}
        assert (await it.fetch_my_trades(SYMBOL))[0]["fee"] == {"cost": 0.64016, "currency": "USDT"}
        assert (await it.fetch_order(order["id"]))["info"]["oflags"] == "fcib"
        assert (await it.fetch_balance())["BTC"]["total"] == 20.00999


async def test_the_record_of_trades_has_all_symbols_the_newest_first_in_pages(
    kraken: Any, simulator: Simulator
) -> None:
    """Fifty at a time, from an offset on, between a start that is exclusive and an end that is not."""
    for number in range(60):
        await kraken.create_order("ETH/USDT" if number % 3 else SYMBOL, "market", "buy", 0.01)
    fills = simulator.fills("gamma")

    async def page(**params: object) -> tuple[list[int], int]:
        result = (await kraken.privatePostTradesHistory(params))["result"]
        return [trade["trade_id"] for trade in result["trades"].values()], result["count"]

    newest_first = [int(str(fill["trade_id"])) for fill in reversed(fills)]
    assert await page() == (newest_first[:50], 60)
    assert await page(ofs=50) == (newest_first[50:], 60)
    times = [float(trade["time"]) for trade in (await kraken.privatePostTradesHistory())["result"]["trades"].values()]
    middle = times[10]
    later = [number for number, time in zip(newest_first, times, strict=False) if time > middle]
    assert await page(start=repr(middle)) == (later, len(later))
    assert (await page(end=repr(middle)))[0][0] == newest_first[10]
    assert len(await kraken.fetch_my_trades(SYMBOL)) == len([n for n in range(10, 60) if n % 3 == 0])


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ((SYMBOL, "limit", "buy", 100, 64_000), ccxt.InsufficientFunds),
        ((SYMBOL, "limit", "buy", 0.00001, 64_000), ccxt.ExchangeError),
        ((SYMBOL, "market", "sell", 25), ccxt.InsufficientFunds),
    ],
)
async def test_refused_orders_leave_nothing_behind(kraken: Any, order: tuple[Any, ...], error: type[Exception]) -> None:
    """A refused order raises ccxt's exception for it and changes nothing."""
    with pytest.raises(error):
        await kraken.create_order(*order)
    assert await kraken.fetch_open_orders(SYMBOL) == []
    assert (await kraken.fetch_balance())["USDT"]["total"] == 1_000_000.0


async def signed(
    simulator: Simulator, path: str, secret: str = "", key: str = "", nonce: int | None = None, **params: object
) -> Any:
    """One private request, signed without ccxt."""
    credentials, path = simulator.setup.credentials, f"/0/private/{path}"
    nonce = simulator.venues["gamma"].now() if nonce is None else nonce
    body = urlencode({"nonce": nonce, **params})
    digest = path.encode() + hashlib.sha256(f"{nonce}{body}".encode()).digest()
    sign = hmac.new(base64.b64decode(secret or credentials.secret), digest, hashlib.sha512)
    headers = {"API-Key": key or credentials.key, "API-Sign": base64.b64encode(sign.digest()).decode()}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{simulator.base_url}/gamma{path}", data=body) as answer,
    ):
        assert answer.status == 200
        return await answer.json()


async def test_signatures_keys_and_nonces_are_checked(simulator: Simulator) -> None:
    """All refusals come with status 200 in the envelope; a nonce far below one that was used is refused."""
    wrong = base64.b64encode(b"wrong").decode()
    assert (await signed(simulator, "Balance", secret=wrong))["error"] == ["EAPI:Invalid signature"]
    assert (await signed(simulator, "Balance", key="wrong"))["error"] == ["EAPI:Invalid key"]
    assert (await signed(simulator, "Balance", nonce=100_000))["result"]["XXBT"] == "20"
    assert (await signed(simulator, "Balance", nonce=95_000))["error"] == []
    assert (await signed(simulator, "Balance", nonce=90_000))["error"] == ["EAPI:Invalid nonce"]


@pytest.mark.parametrize(
    ("path", "params", "error"),
    [
        ("AddOrder", {"pair": "NOPE"}, "EQuery:Unknown asset pair"),
        ("AddOrder", {"pair": "XBTUSDT", "ordertype": "limit"}, "EGeneral:Invalid arguments:volume"),
        ("AddOrder", {"pair": "XBTUSDT", "ordertype": "dance"}, "EGeneral:Invalid arguments:ordertype"),
        ("AddOrder", {"pair": "XBTUSDT", "ordertype": "market", "volume": "x"}, "EGeneral:Invalid arguments:volume"),
        ("AddOrder", {"pair": "XBTUSDT", "ordertype": "market", "volume": "-1"}, "EGeneral:Invalid arguments:volume"),
        ("CancelOrder", {}, "EGeneral:Invalid arguments:txid"),
        ("TradesHistory", {"ofs": "-1"}, "EGeneral:Invalid arguments:ofs"),
        ("TradesHistory", {"start": "soon"}, "EGeneral:Invalid arguments:start"),
    ],
)
async def test_malformed_requests_are_refused_by_name(
    simulator: Simulator, path: str, params: dict[str, Any], error: str
) -> None:
    """The error names what is wrong, and never is one of the server."""
    assert (await signed(simulator, path, **params))["error"] == [error]


async def test_too_many_calls_are_refused_until_time_has_passed() -> None:
    """The counter of private calls rises with each and is told by an error in the envelope."""
    async with running(still=True, exchanges=["gamma:kraken"], request_limit=3) as simulator:
        answers = [await signed(simulator, "TradesHistory", nonce=number) for number in range(1, 4)]
        assert answers[0]["error"] == []
        assert answers[-1]["error"] == ["EAPI:Rate limit exceeded"]
        async with client(simulator, "gamma") as exchange:
            assert await exchange.fetch_time() > 0


@pytest.mark.parametrize(
    ("kind", "fields", "error"),
    [
        ("down", {}, ccxt.ExchangeNotAvailable),
        ("rate_limit", {}, ccxt.DDoSProtection),
        ("server_error", {}, ccxt.ExchangeNotAvailable),
        ("server_error", {"status": 520}, ccxt.ExchangeNotAvailable),
        ("maintenance", {}, ccxt.ExchangeNotAvailable),
        ("timeout", {}, ccxt.RequestTimeout),
        ("disconnect", {"flavour": "mid_answer"}, ccxt.ExchangeError),
    ],
)
async def test_a_fault_raises_its_exception_until_it_is_cleared(
    simulator: Simulator, kind: str, fields: dict[str, object], error: type[Exception]
) -> None:
    """While the fault lasts each request fails as it would on Kraken; afterwards it works again."""
    async with client(simulator, "gamma", timeout=400) as kraken:
        simulator.fault("gamma", kind, **fields)
        with pytest.raises(error):
            await kraken.fetch_time()
        simulator.clear_faults("gamma")
        assert await kraken.fetch_time() > 0


async def test_maintenance_is_told_by_the_status(simulator: Simulator, kraken: Any) -> None:
    """What keeps its route answers, and says what is the matter."""
    simulator.fault("gamma", "maintenance", count=1)
    url = f"{simulator.base_url}/gamma/0/public/Time"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert (answer.status, await answer.json()) == (200, {"error": ["EService:Unavailable"]})
    simulator.fault("gamma", "maintenance", route="SystemStatus", probability=0)
    assert (await kraken.fetch_status())["status"] == "maintenance"


# -- WebSocket


class Socket:
    """Raw frames; numbers keep their text."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def ask(self, method: str, **params: object) -> None:
        await self._socket.send_json({"method": method, "params": params, "req_id": 7})

    async def next(self, **wanted: object) -> Any:
        """The next frame that has these fields."""
        while True:
            frame = json.loads((await self._socket.receive(timeout=10)).data, parse_float=str, parse_int=str)
            if wanted.items() <= frame.items():
                return frame


@asynccontextmanager
async def connected(simulator: Simulator, route: str = "ws/v2") -> AsyncIterator[Socket]:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{simulator.base_url}/gamma/{route}") as socket:
        yield Socket(socket)


async def private(simulator: Simulator, socket: Socket, channel: str, **params: object) -> Any:
    """Subscribe to a channel of the account; gives the snapshot."""
    token = (await signed(simulator, "GetWebSocketsToken"))["result"]["token"]
    await socket.ask("subscribe", channel=channel, token=token, **params)
    assert (await socket.next(method="subscribe"))["success"] is True
    return await socket.next(channel=channel, type="snapshot")


def digits(text: str) -> str:
    return text.replace(".", "").lstrip("0")


async def test_a_book_kept_from_frames_has_the_checksum_of_each() -> None:
    """Snapshot and updates lead to the ten best levels whose checksum each frame carries, while levels come and go."""
    async with running(exchanges=["gamma:kraken"]) as simulator, connected(simulator) as socket:
        await socket.ask("subscribe", channel="book", symbol=[SYMBOL], depth=10)
        book: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
        for number in range(15):
            frame = await socket.next(channel="book")
            assert frame["type"] == ("update" if number else "snapshot")
            (data,) = frame["data"]
            assert ("timestamp" in data) is bool(number)
            for side, levels in book.items():
                for level in data[side]:
                    levels[level["price"]] = level["qty"]
                kept = [price for price, quantity in levels.items() if Decimal(quantity)]
                best = sorted(kept, key=Decimal, reverse=side == "bids")[:10]
                book[side] = {price: levels[price] for price in best}
            best_levels = [*book["asks"].items(), *book["bids"].items()]
            assert len(best_levels) == 20
            expected = crc32("".join(digits(price) + digits(quantity) for price, quantity in best_levels).encode())
            assert data["checksum"] == str(expected)


async def test_the_book_that_ccxt_keeps_is_the_published_one() -> None:
    """After many updates ccxt has the exchange's own ten best levels."""
    async with running(exchanges=["gamma:kraken"]) as simulator, client(simulator, "gamma") as kraken:
        for _ in range(15):
            book = await soon(kraken.watch_order_book(SYMBOL))
        published = simulator.venues["gamma"].exchange.book(SYMBOL)
        for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
            expected = [[float(price), float(quantity)] for price, quantity in published.published(side)[:10]]
            assert [list(level) for level in book[name]] == expected


async def test_trades_and_tickers_arrive(simulator: Simulator, kraken: Any) -> None:
    """The trade and ticker channels show a third party's trade and the moved quote."""
    await kraken.load_markets()
    hub = simulator.venues["gamma"].hub
    trades, best = (
        asyncio.create_task(soon(work)) for work in (kraken.watch_trades(SYMBOL), kraken.watch_ticker("ETH/USDT"))
    )
    await until(lambda: hub.stream_count == 2)
    simulator.trade("gamma", SYMBOL, Side.SELL, Decimal("0.25"))
    assert [(t["side"], t["price"], t["amount"]) for t in await trades] == [("sell", 63984.0, 0.25)]
    assert ((await best)["bid"], (await best)["last"]) == (3099.07, 3100.0)


async def test_an_order_is_told_in_full_once_and_then_by_its_id(simulator: Simulator) -> None:
    """Placed, live, executed, filled, in this order, numbered without a gap; only the first says what it is for."""
    async with connected(simulator, "ws-auth/v2") as socket, client(simulator, "gamma") as kraken:
        assert (await socket.next(channel="status"))["data"][0]["system"] == "online"
        assert (await private(simulator, socket, "executions"))["data"] == []
        order = await kraken.create_order(SYMBOL, "limit", "buy", 0.02, 63_990.0)
        for _ in range(2):
            simulator.trade("gamma", SYMBOL, Side.SELL, Decimal("0.01"))
        frames = [await socket.next(channel="executions") for _ in range(5)]
        reports = [frame["data"][0] for frame in frames]
        assert [report["exec_type"] for report in reports] == ["pending_new", "new", "trade", "trade", "filled"]
        assert {report["order_id"] for report in reports} == {order["id"]}
        assert [frame["sequence"] for frame in frames] == ["2", "3", "4", "5", "6"]
        assert ["symbol" in report for report in reports] == [True, False, True, True, False]
        assert reports[2]["fees"] == [{"asset": "USDT", "qty": "0.12798000"}]
        assert (reports[2]["last_price"], reports[2]["last_qty"]) == ("63990.00", "0.010000")
        assert reports[3]["order_status"] == "partially_filled"
        assert (reports[4]["cum_qty"], reports[4]["order_status"]) == ("0.020000", "filled")


async def test_a_snapshot_has_open_orders_and_when_asked_the_last_trades(simulator: Simulator, kraken: Any) -> None:
    """Of sixty fills the last fifty come, the newest first, after the orders that rest."""
    await kraken.create_order(SYMBOL, "limit", "buy", 0.02, 63_000.0)
    for _ in range(60):
        await kraken.create_order(SYMBOL, "market", "sell", 0.0001)
    async with connected(simulator, "ws-auth/v2") as socket:
        snapshot = await private(simulator, socket, "executions", snap_trades=True)
        kinds = [report["exec_type"] for report in snapshot["data"]]
        assert kinds == ["new"] + ["trade"] * 50
        ids = [report["trade_id"] for report in snapshot["data"][1:]]
        assert ids == [fill["trade_id"] for fill in reversed(simulator.fills("gamma"))][:50]
    async with connected(simulator, "ws-auth/v2") as socket:
        assert (await private(simulator, socket, "executions", snap_orders=False))["data"] == []


async def test_balances_are_told_when_totals_change(simulator: Simulator, kraken: Any) -> None:
    """What an order holds changes no total; a fill changes both currencies."""
    async with connected(simulator, "ws-auth/v2") as socket:
        snapshot = await private(simulator, socket, "balances")
        assert {entry["asset"]: entry["balance"] for entry in snapshot["data"]}["BTC"] == "20"
        await kraken.create_order(SYMBOL, "limit", "buy", 0.02, 63_000.0)
        await kraken.create_order(SYMBOL, "market", "buy", 0.01)
        told = (await socket.next(channel="balances"))["data"]
        assert {entry["asset"]: Decimal(entry["balance"]) for entry in told} == {
            "BTC": Decimal("20.01"),
            "USDT": Decimal("999359.19984"),
        }


async def test_a_quiet_connection_hears_heartbeats_and_pongs(simulator: Simulator) -> None:
    """Who subscribed hears that the connection lives; a ping is answered with its number."""
    async with connected(simulator) as socket:
        await socket.ask("ping")
        assert (await socket.next(method="pong"))["req_id"] == "7"
        await socket.ask("subscribe", channel="book", symbol=[SYMBOL])
        assert await socket.next(channel="heartbeat") == {"channel": "heartbeat"}


@pytest.mark.parametrize(
    ("route", "params", "error"),
    [
        ("ws/v2", {"channel": "book", "symbol": ["NO/PE"]}, "Currency pair not supported NO/PE"),
        ("ws/v2", {"channel": "book", "symbol": [SYMBOL], "depth": 7}, "Subscription depth not supported"),
        ("ws/v2", {"channel": "gossip", "symbol": [SYMBOL]}, "Subscription name invalid"),
        ("ws/v2", {"channel": "executions", "token": "x"}, "Subscription name invalid"),
        ("ws-auth/v2", {"channel": "executions", "token": "made up"}, "ESession:Invalid session"),
        ("ws-auth/v2", {"channel": "executions"}, "ESession:Invalid session"),
        ("ws-auth/v2", {"channel": "book", "symbol": [SYMBOL]}, "Subscription name invalid"),
    ],
)
async def test_wrong_subscriptions_are_refused(
    simulator: Simulator, route: str, params: dict[str, object], error: str
) -> None:
    """The error says what is wrong and nothing is subscribed."""
    async with connected(simulator, route) as socket:
        await socket.ask("subscribe", **params)
        answer = await socket.next(method="subscribe")
        assert (answer["error"], answer["success"], answer["req_id"]) == (error, False, "7")
        hub = simulator.venues["gamma"].hub
        assert (hub.stream_count, hub.private_count) == (0, 0)


async def test_what_is_unsubscribed_falls_silent(simulator: Simulator) -> None:
    """After unsubscribing no further frame of the channel comes."""
    async with connected(simulator) as socket:
        await socket.ask("subscribe", channel="book", symbol=[SYMBOL])
        await socket.next(channel="book")
        await socket.ask("unsubscribe", channel="book", symbol=[SYMBOL])
        assert (await socket.next(method="unsubscribe"))["success"] is True
        assert simulator.venues["gamma"].hub.stream_count == 0


async def test_a_token_is_good_for_a_while_only(simulator: Simulator) -> None:
    """With an expired token no subscription begins."""
    simulator.speakers["gamma"].tokens.lifetime = 0  # type: ignore[attr-defined]  # Kraken's has tokens
    async with connected(simulator, "ws-auth/v2") as socket:
        token = (await signed(simulator, "GetWebSocketsToken"))["result"]["token"]
        await socket.ask("subscribe", channel="executions", token=token)
        assert (await socket.next(method="subscribe"))["error"] == "ESession:Invalid session"


@pytest.mark.parametrize("kind", ["down", "disconnect"])
async def test_dropped_sockets_raise_and_can_be_opened_again(simulator: Simulator, kraken: Any, kind: str) -> None:
    """A watch on a dropped socket raises; when the exchange is back the next one works."""
    await soon(kraken.watch_order_book(SYMBOL))
    watch = asyncio.create_task(soon(kraken.watch_order_book(SYMBOL)))
    await asyncio.sleep(0)
    simulator.fault("gamma", kind)
    with pytest.raises(ccxt.NetworkError):
        await watch
    simulator.clear_faults("gamma")
    kraken.clients.clear()
    assert (await soon(kraken.watch_order_book(SYMBOL)))["bids"]


# -- setting it up


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exchanges": ["gamma:lynx"]}, "no dialect 'lynx'; there are binance"),
        ({"exchanges": ["gamma", "gamma:kraken"]}, "two exchanges are named gamma"),
        ({"exchanges": ["gamma:kraken"], "fee": FeeSchedule(asset=FeeAsset.BNB)}, "takes no fees in BNB"),
    ],
)
def test_what_a_kraken_cannot_be_is_said(changes: dict[str, Any], words: str) -> None:
    """A dialect that is not there, a name given twice and fees that Kraken does not take are refused by name."""
    with pytest.raises(SetupError, match=words):
        Simulator(Setup(**changes))


def test_a_secret_that_is_not_base64_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line says so in one line."""
    monkeypatch.setenv("SIMULATOR_SECRET", "not base64!")
    assert main(["exchange", "--listen", "127.0.0.1:0", "--exchanges", "gamma:kraken"]) == 1
    assert "gamma:kraken: Kraken's secrets are base64, and SIMULATOR_SECRET is not" in capsys.readouterr().err


async def test_each_exchange_speaks_its_own_dialect() -> None:
    """Two dialects are served side by side, and what one has is not found at the other."""
    async with (
        running(still=True, exchanges=["alpha", "gamma:kraken"]) as simulator,
        client(simulator, "alpha") as alpha,
        client(simulator, "gamma") as gamma,
        aiohttp.ClientSession() as session,
    ):
        assert abs(await alpha.fetch_time() - await gamma.fetch_time()) < 5000
        for path in ("gamma/api/v3/time", "alpha/0/public/Time", "gamma/stream/ws/0", "alpha/ws/v2"):
            async with session.get(f"{simulator.base_url}/{path}") as answer:
                assert answer.status == 404
