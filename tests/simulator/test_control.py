from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import aiohttp
import pytest

from simulator.server import Simulator, running


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running(still=True, exchanges=["alpha", "beta"]) as instance:
        yield instance


async def call(simulator: Simulator, method: str, path: str, body: str | None = None) -> tuple[int, object]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{simulator.base_url}/control{path}", data=body) as answer,
    ):
        return answer.status, await answer.json()


async def test_status_names_exchanges_symbols_mids_and_replay(simulator: Simulator) -> None:
    """GET /control shows all exchanges at a glance."""
    status, told = await call(simulator, "GET", "")
    assert status == 200
    assert told == simulator.status()
    assert isinstance(told, dict)
    assert told["replay"] == "none"
    assert told["exchanges"]["beta"] == {
        "symbols": ["BTC/USDT", "ETH/USDT", "BNB/USDT"],
        "mids": {"BTC/USDT": "64000.00", "ETH/USDT": "3100.00", "BNB/USDT": "580.00"},
        "replay": "none",
        "fills": 0,
        "open_orders": 0,
        "faults": [],
    }


async def test_faults_are_added_listed_and_removed(simulator: Simulator) -> None:
    """POST takes one or a list and gives ids; DELETE takes one id or all; the other exchange has none."""
    assert await call(simulator, "POST", "/alpha/faults", '{"kind":"latency","seconds":2}') == (201, {"ids": [1]})
    two = '[{"kind":"lost_fills"},{"kind":"garbage","flavour":"empty","route":"depth","count":3}]'
    assert await call(simulator, "POST", "/alpha/faults", two) == (201, {"ids": [2, 3]})
    _, listed = await call(simulator, "GET", "/alpha/faults")
    assert isinstance(listed, list)
    assert listed[2] == {
        "id": 3,
        "kind": "garbage",
        "flavour": "empty",
        "route": "depth",
        "probability": 1.0,
        "count": 3,
        "hits": 0,
        "active": True,
    }
    assert await call(simulator, "GET", "/beta/faults") == (200, [])
    assert (await call(simulator, "DELETE", "/alpha/faults/2"))[0] == 200
    assert (await call(simulator, "DELETE", "/alpha/faults/2"))[0] == 404
    assert [f["id"] for f in simulator.venues["alpha"].faults.listing()] == [1, 3]
    assert (await call(simulator, "DELETE", "/alpha/faults"))[0] == 200
    assert await call(simulator, "GET", "/alpha/faults") == (200, [])


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('{"kind":"dwon"}', "dwon"),
        ('{"kind":"down","durration":3}', "durration"),
        ('{"kind":"latency"}', "seconds"),
        ('{"kind":"latency","seconds":-1}', "seconds"),
        ('{"kind":"down","probability":2}', "probability"),
        ('{"kind":"garbage","flavour":"salad"}', "salad"),
        ('[{"kind":"down"},{"kind":"server_error","status":200}]', "status"),
        ("{}", "kind"),
        ("down", "malformed"),
        ("", "truncated"),
    ],
)
async def test_a_wrong_fault_is_refused_by_name_and_nothing_is_added(
    simulator: Simulator, body: str, named: str
) -> None:
    """An unknown kind or field, or a value out of range, is a 400 that names it."""
    status, told = await call(simulator, "POST", "/alpha/faults", body)
    assert status == 400
    assert isinstance(told, dict)
    assert named in told["error"]
    assert simulator.venues["alpha"].faults.listing() == []


async def test_market_and_trade(simulator: Simulator) -> None:
    """A third party's trade takes from the book and says what it found; the market shows best prices."""
    wanted = '{"symbol":"BTC/USDT","side":"buy","quantity":"5"}'
    assert await call(simulator, "POST", "/alpha/trade", wanted) == (200, {"traded": "2.000000", "left": "3.000000"})
    _, market = await call(simulator, "GET", "/alpha/market")
    assert isinstance(market, dict)
    btc = market["BTC/USDT"]
    assert (btc["bid"], btc["ask"], btc["mid"]) == ("63984.00", "64016.00", "64000.00")
    assert isinstance(btc["time"], int)


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("/delta/trade", "{}", 404, "delta"),
        ("/alpha/trade", '{"symbol":"NO/PE","side":"buy","quantity":"1"}', 400, "NO/PE"),
        ("/alpha/trade", '{"symbol":"BTC/USDT","side":"up","quantity":"1"}', 400, "up"),
        ("/alpha/trade", '{"symbol":"BTC/USDT","side":"buy","quantity":"-1"}', 400, "quantity"),
    ],
)
async def test_wrong_trades_are_refused(simulator: Simulator, path: str, body: str, status: int, named: str) -> None:
    """A trade that makes no sense is refused with a message that names what is wrong."""
    answered, told = await call(simulator, "POST", path, body)
    assert answered == status
    assert named in str(told)


async def test_money_moves_and_funding_is_paid_on_demand() -> None:
    """A deposit under way is finished by its number, and funding tells what was received."""
    async with running(still=True, exchanges=["alpha:binanceusdm"]) as simulator:
        account = simulator.venues["alpha"].exchange.account
        before = account.total("USDT")
        wanted = '{"kind":"deposit","asset":"USDT","amount":"5.5","is_done":false}'
        status, told = await call(simulator, "POST", "/alpha/movements", wanted)
        assert status == 201
        assert isinstance(told, dict)
        finish = f"/alpha/movements/{told['id']}/finish"
        assert account.total("USDT") == before
        assert await call(simulator, "POST", finish) == (200, {})
        assert account.total("USDT") - before == Decimal("5.5")
        assert (await call(simulator, "POST", finish))[0] == 404
        wanted = '{"symbol":"BTC/USDT:USDT","rate":"0.0001"}'
        assert await call(simulator, "POST", "/alpha/funding", wanted) == (200, {"received": "0"})


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("/delta/movements", "{}", 404, "delta"),
        ("/alpha/movements", '{"kind":"gift","asset":"USDT","amount":"1"}', 400, "gift"),
        ("/alpha/movements", '{"kind":"deposit","asset":"USDT","amount":"much"}', 400, "amount"),
        ("/alpha/movements", '{"kind":"withdrawal","asset":"USDT","amount":"-9000000"}', 400, "more than what is free"),
        ("/alpha/movements/x/finish", "", 404, "x"),
        ("/alpha/funding", '{"symbol":"BTC/USDT","rate":"0.1"}', 400, "unknown symbol"),
    ],
)
async def test_wrong_movements_are_refused(simulator: Simulator, path: str, body: str, status: int, named: str) -> None:
    """What cannot be is refused with a message that names it."""
    answered, told = await call(simulator, "POST", path, body)
    assert answered == status
    assert named in str(told)
