"""The dialects of Binance futures, through ccxt and frame by frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import ccxt
import pytest

from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.server import Simulator, running
from simulator.setup import Setup, SetupError
from tests.simulator.helpers import client, soon, until

SYMBOLS = {"binanceusdm": "BTC/USDT:USDT", "binancecoinm": "BTC/USD:BTC"}
UNITS = {"binanceusdm": 0.5, "binancecoinm": 20.0}


@pytest.fixture(params=SYMBOLS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Contracts settled in dollars, and in coins."""
    return str(request.param)


@pytest.fixture
async def simulator(dialect: str) -> AsyncIterator[Simulator]:
    async with running(still=True, exchanges=[f"alpha:{dialect}", "beta"]) as instance:
        yield instance


@pytest.fixture
async def futures(simulator: Simulator) -> AsyncIterator[Any]:
    async with client(simulator) as exchange:
        yield exchange


async def test_markets_are_perpetual_contracts(futures: Any, dialect: str) -> None:
    """Kind, size, settlement currency, steps and the exchange's clock are as ccxt expects them."""
    markets = await futures.load_markets()
    btc = markets[SYMBOLS[dialect]]
    assert len(markets) == 3
    assert (btc["swap"], btc["linear"], btc["inverse"]) == (True, dialect == "binanceusdm", dialect == "binancecoinm")
    assert (btc["contractSize"], btc["settle"]) == ((1, "USDT") if dialect == "binanceusdm" else (100, "BTC"))
    assert btc["precision"]["price"] == 0.01
    assert abs(await futures.fetch_time() - futures.milliseconds()) < 5000


async def test_orders_trades_and_positions(futures: Any, dialect: str) -> None:
    """A short is opened, partly closed and reported; an order that rests is open until it is canceled."""
    symbol, units = SYMBOLS[dialect], UNITS[dialect]
    book = await futures.fetch_order_book(symbol, 5)
    sold = await futures.create_order(symbol, "limit", "sell", units, book["bids"][0][0])
    assert (sold["status"], sold["filled"], sold["symbol"]) == ("closed", units, symbol)
    await futures.create_order(symbol, "market", "buy", units / 5)
    trades = await futures.fetch_my_trades(symbol)
    assert [(t["side"], t["amount"], t["takerOrMaker"]) for t in trades] == [
        ("sell", units, "taker"),
        ("buy", units / 5, "taker"),
    ]
    assert trades[0]["fee"]["currency"] == ("BNB" if dialect == "binanceusdm" else "BTC")
    (position,) = await futures.fetch_positions([symbol])
    assert (position["side"], position["contracts"]) == ("short", pytest.approx(units * 0.8))
    assert position["entryPrice"] == book["bids"][0][0]
    resting = await futures.create_order(symbol, "limit", "buy", units, 10_000, {"postOnly": True})
    assert (await futures.fetch_order(resting["id"], symbol))["postOnly"]
    assert [order["id"] for order in await futures.fetch_open_orders(symbol)] == [resting["id"]]
    assert (await futures.cancel_order(resting["id"], symbol))["status"] == "canceled"
    assert await futures.fetch_open_orders(symbol) == []


async def test_the_wallet_is_told_apart_from_open_results(futures: Any, simulator: Simulator, dialect: str) -> None:
    """The margin balance moves with the market, the wallet only when something is realised or paid."""
    symbol, coin = SYMBOLS[dialect], "USDT" if dialect == "binanceusdm" else "BTC"
    await futures.create_order(symbol, "market", "sell", UNITS[dialect])
    before = {each["asset"]: each for each in (await futures.fetch_balance())["info"]["assets"]}[coin]
    simulator.quote("alpha", symbol, "60000", "60010")
    after = {each["asset"]: each for each in (await futures.fetch_balance())["info"]["assets"]}[coin]
    assert after["walletBalance"] == before["walletBalance"]
    assert float(after["marginBalance"]) > float(before["marginBalance"])


async def test_income_tells_funding_and_transfers(futures: Any, simulator: Simulator, dialect: str) -> None:
    """Funding by symbol and transfers by their kind, signed as the wallet saw them."""
    symbol, coin = SYMBOLS[dialect], "USDT" if dialect == "binanceusdm" else "BTC"
    await futures.create_order(symbol, "market", "buy", UNITS[dialect])
    paid = simulator.fund("alpha", symbol, "0.0001")
    simulator.move("alpha", "transfer", coin, "-2.5")
    (funding,) = await futures.fetch_funding_history(symbol)
    assert (funding["symbol"], funding["code"], funding["amount"]) == (symbol, coin, float(paid))
    assert paid < 0
    (transfer,) = await futures.fetch_ledger(None, None, None, {"incomeType": "TRANSFER"})
    assert (transfer["direction"], transfer["amount"], transfer["currency"]) == ("out", 2.5, coin)
    kinds = {entry["info"]["incomeType"] for entry in await futures.fetch_ledger()}
    assert kinds == {"COMMISSION", "FUNDING_FEE", "TRANSFER"}


async def test_books_fills_and_orders_are_streamed(futures: Any, simulator: Simulator, dialect: str) -> None:
    """The diffs continue the snapshot without a gap, and the private stream tells of each fill and order."""
    symbol = SYMBOLS[dialect]
    book = await soon(futures.watch_order_book(symbol))
    for price in range(60_000, 60_010):
        simulator.quote("alpha", symbol, str(price), str(price + 10), "5000")
        while book["bids"][0][0] != price:
            book = await soon(futures.watch_order_book(symbol))
    trades = asyncio.create_task(futures.watch_my_trades(symbol))
    orders = asyncio.create_task(futures.watch_orders(symbol))
    await until(simulator.venues["alpha"].hub.is_heard)
    await futures.create_order(symbol, "market", "sell", UNITS[dialect])
    (trade,) = await soon(trades)
    assert (trade["side"], trade["amount"], trade["symbol"]) == ("sell", UNITS[dialect], symbol)
    assert (await soon(orders))[-1]["symbol"] == symbol


async def test_a_wrong_listen_key_opens_nothing(simulator: Simulator, dialect: str) -> None:
    """Without the right key no event of the account is sent, and only who has the API key gets one."""
    root = simulator.base_url.replace("http", "ws", 1)
    path = "/alpha/private/ws?listenKey=wrong" if dialect == "binanceusdm" else "/alpha/ws/wrong"
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(root + path) as socket:
            assert simulator.venues["alpha"].hub.private_count == 0
            if dialect == "binanceusdm":
                assert (await soon(socket.receive())).type is not aiohttp.WSMsgType.TEXT
        api = "fapi" if dialect == "binanceusdm" else "dapi"
        async with session.post(f"{simulator.base_url}/alpha/{api}/v1/listenKey") as answer:
            assert (answer.status, (await answer.json())["code"]) == (401, -2015)


async def test_errors_are_those_of_futures(futures: Any, dialect: str) -> None:
    """Margin, post-only and unknown orders are refused in the words that ccxt knows."""
    symbol = SYMBOLS[dialect]
    with pytest.raises(ccxt.ExchangeError, match="5022"):
        await futures.create_order(symbol, "limit", "buy", UNITS[dialect], 70_000, {"postOnly": True})
    with pytest.raises(ccxt.OrderNotFound):
        await futures.cancel_order("77", symbol)
    with pytest.raises(ccxt.BadSymbol):
        await futures.fetch_order_book("NO/PE:PE")


@pytest.mark.parametrize("dialect", ["binanceusdm"])
async def test_spot_keeps_its_records_of_money_apart(simulator: Simulator) -> None:
    """Deposits, withdrawals and each direction of transfers are records of their own on the spot exchange."""
    async with client(simulator, "beta") as spot:
        simulator.move("beta", "deposit", "USDT", "5")
        waiting = simulator.move("beta", "deposit", "USDT", "6", is_done=False)
        simulator.move("beta", "withdrawal", "BTC", "-1", fee="0.5")
        simulator.move("beta", "transfer", "BNB", "-3")
        assert {d["amount"]: d["status"] for d in await spot.fetch_deposits()} == {5.0: "ok", 6.0: "pending"}
        simulator.finish("beta", waiting)
        assert [deposit["status"] for deposit in await spot.fetch_deposits()] == ["ok", "ok"]
        (withdrawal,) = await spot.fetch_withdrawals()
        assert (withdrawal["amount"], withdrawal["fee"]["cost"], withdrawal["status"]) == (1.0, 0.5, "ok")
        (transfer,) = await spot.fetch_transfers(None, None, None, {"type": "MAIN_UMFUTURE"})
        assert (transfer["amount"], transfer["currency"], transfer["status"]) == (3.0, "BNB", "ok")
        assert await spot.fetch_transfers(None, None, None, {"type": "UMFUTURE_MAIN"}) == []


def test_fees_in_a_token_do_not_fit_contracts_in_coins() -> None:
    """The setup says so before anything runs."""
    fees = FeeSchedule(asset=FeeAsset.BNB)
    with pytest.raises(SetupError, match="fees cannot be in BNB"):
        Simulator(Setup(exchanges=["alpha:binancecoinm"], fee=fees))
