"""nautilus_trader itself, publishing to a real Redis, and the exporter's books beside nautilus's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bots.nautilus.program import backtest, node, read
from tests.servers import RedisServer, redis_server
from tests.sources.nautilus.account import check
from tests.sources.nautilus.conftest import TRADER, watching

pytestmark = pytest.mark.bots

LAYOUTS: dict[str, dict[str, Any]] = {
    "json": {"encoding": "json"},
    "msgpack": {"encoding": "msgpack"},
    "iso8601": {"encoding": "json", "iso8601": True},
    "one-stream": {"encoding": "msgpack", "stream_per_topic": False},
    "instance": {"encoding": "msgpack", "use_instance_id": True},
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_the_books_equal_nautilus_s_own_account(server: RedisServer, tmp_path: Path, layout: str) -> None:
    """Fills, commissions in three currencies, positions and realised PnL of a history with every kind of order."""
    settings = LAYOUTS[layout] | {"port": server.port, "trader_id": TRADER}
    report = await asyncio.to_thread(backtest, tmp_path, settings)
    instance: dict[str, Any] = {"instance_id": "*"} if "use_instance_id" in settings else {}
    async with watching(server.port, heartbeat_timeout=86_400, **instance) as exporter:
        await exporter.fills(len(report["fills"]))
        await exporter.settled()
        check(exporter.state, report)
        assert dict(exporter.state.intake.rejected) == {}


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_a_live_node_is_followed_while_it_trades(server: RedisServer, tmp_path: Path, encoding: str) -> None:
    """It is up and trades, its orders' answers are timed, and in the end both have counted the same."""
    settings = {"port": server.port, "trader_id": TRADER, "encoding": encoding}
    async with watching(server.port, heartbeat_timeout=5, positions=False) as exporter:
        with node(tmp_path, settings) as report:
            await exporter.until("bot_up", 1, bot="node")
            await exporter.until("bot_running", 1, bot="node")
            await exporter.until("fills_total", lambda count: count >= 30, exchange="binance")
            await exporter.until("order_ack_seconds_count", lambda count: count >= 5, exchange="binance")
        told = read(report)
        await exporter.fills(len(told["fills"]))
        await exporter.until("bot_running", 0, bot="node")
        check(exporter.state, told)
        assert dict(exporter.state.intake.rejected) == {}
        accounts = exporter.state.ledger.accounts.values()
        assert [(account.duplicates, account.conflicts) for account in accounts] == [(0, 0)]
