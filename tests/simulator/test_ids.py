"""Ids that an exchange gives out, over restarts of the simulator."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.server import Simulator, running
from tests.simulator.helpers import client, soon

LARGEST = 2**53 - 1
"""Beyond, a program that reads JSON's numbers as JavaScript does takes two ids for one."""


async def told(simulator: Simulator, symbol: str, movements: str) -> dict[str, set[str]]:
    """The ids of a few trades, orders and movements, as a client is told of them."""
    simulator.move("alpha", "deposit", "USDT", "7")
    async with client(simulator) as exchange:
        for _ in range(3):
            await soon(exchange.create_order(symbol, "market", "buy", 0.01))
        trades, orders = await exchange.fetch_my_trades(symbol), await exchange.fetch_closed_orders(symbol)
        public = await exchange.fetch_trades(symbol)
        ledger: list[dict[str, Any]] = await getattr(exchange, movements)()
    assert {trade["order"] for trade in trades} == {order["id"] for order in orders}
    return {
        "trades": {trade["id"] for trade in trades},
        "orders": {order["id"] for order in orders},
        "public": {trade["id"] for trade in public},
        "movements": {entry["id"] for entry in ledger},
    }


@pytest.mark.parametrize(
    ("dialect", "symbol", "movements"),
    [
        ("binance", "BTC/USDT", "fetch_deposits"),
        ("kraken", "BTC/USDT", "fetch_ledger"),
        ("binanceusdm", "BTC/USDT:USDT", "fetch_ledger"),
    ],
)
async def test_no_id_is_given_out_again_after_a_restart(dialect: str, symbol: str, movements: str) -> None:
    """Whoever remembers what was told before takes nothing new for a repeat of it; numbers fit into JSON's."""
    lives = []
    for _ in range(2):
        async with running(still=True, exchanges=[f"alpha:{dialect}"]) as simulator:
            lives.append(await told(simulator, symbol, movements))
    first, second = lives
    for kind, ids in first.items():
        assert len(ids) >= (1 if kind == "movements" else 3), kind
        assert not ids & second[kind], kind
        assert all(int(each) <= LARGEST for each in ids if each.isdecimal())
