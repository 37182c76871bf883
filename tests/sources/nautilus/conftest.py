"""The exporter in this process, following streams of a real Redis that a test writes as nautilus would."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from redis import Redis

from exporter.config import parse
from exporter.service import running
from exporter.state.state import State
from tests.servers import RedisServer, redis_server
from tests.sources.conftest import Watched

TRADER = "TESTER-001"
BASE = f"trader-{TRADER}:stream"
START = 1_760_000_000  # seconds
PERPETUAL = "BTCUSDT-PERP.BINANCE"
SPOT = "BTCUSDT.BINANCE"
DEFINITIONS: dict[str, dict[str, Any]] = {
    PERPETUAL: {"settlement_currency": "USDT", "is_inverse": False, "multiplier": "0.01"},
    SPOT: {"multiplier": "1"},
}


@dataclass
class Watching(Watched):
    """A running exporter, with its state within reach."""

    state: State = field(kw_only=True)

    async def eventually(self, met: Callable[[State], object], what: str = "the state is as expected") -> None:
        """Wait until something holds of the state."""
        for _ in range(400):
            if met(self.state):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"within 20 s it never was so that {what}; {self.state.components}")

    async def fills(self, count: int) -> None:
        """Wait until so many fills were accepted."""
        await self.eventually(
            lambda state: state.intake.accepted["fill", "nautilus"] == count, f"{count} fills are known"
        )

    async def settled(self) -> None:
        """Wait until Redis answers and the node is not known to be away."""
        parts = ("bot/node", "bot/node/redis")
        await self.eventually(lambda state: all(state.components[part].up for part in parts), "the node is up")


@asynccontextmanager
async def watching(
    port: int, *, journal: Path | None = None, max_pending: int = 1000, **changes: Any
) -> AsyncIterator[Watching]:
    """An exporter that follows one node, until the block ends."""
    node = {"name": "node", "port": port, "trader_id": TRADER, "scan_interval": 0.2, "request_timeout": 1.0} | changes
    config: dict[str, Any] = {
        "web": {"listen": "127.0.0.1:0"},
        "currency": {"pegs": {"USDT": 1}},
        "nautilus": [node],
    }
    if journal is not None:
        config["journal"] = {"path": str(journal), "max_pending": max_pending}
    async with running(parse(yaml.safe_dump(config))) as (url, state), aiohttp.ClientSession() as session:
        yield Watching(url, session, state=state)


class Bot:
    """Writes to Redis what nautilus would, as JSON with the fields of older versions."""

    def __init__(self, port: int, base: str = BASE, *, clock_behind: float = 0.0) -> None:
        self.redis = Redis(port=port)
        self._behind = clock_behind
        self._base = base
        self._events = 0

    def say(self, topic: str, payload: dict[str, Any] | bytes) -> None:
        """Add an entry to the stream of a topic."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        number = f"{round((time.time() - self._behind) * 1000)}-*" if self._behind else "*"
        self.redis.xadd(f"{self._base}:{topic}", {"topic": topic, "payload": raw}, id=number)

    def define(self, *names: str) -> None:
        """Publish instruments, as a node does when it starts."""
        for name in names or DEFINITIONS:
            symbol, _, venue = name.rpartition(".")
            told = {"type": "CryptoPerpetual" if "-PERP" in name else "CurrencyPair", "id": name}
            told |= {"base_currency": "BTC", "quote_currency": "USDT"}
            self.say(f"data.instrument.{venue}.{symbol}", told | DEFINITIONS[name])

    def heartbeat(self) -> None:
        """Show that the node runs."""
        self.say("health:heartbeat", b"2026-11-21T13:29:03.265236790+00:00")

    def order(self, kind: str, order_id: str, strategy: str = "MM-001", **fields: Any) -> None:
        """Say something of an order."""
        self._events += 1
        ts = (START + self._events) * 1_000_000_000
        told = {"type": kind, "strategy_id": strategy, "instrument_id": SPOT, "client_order_id": order_id}
        told |= {"account_id": "BINANCE-main", "ts_event": str(ts), "ts_init": str(ts)}
        self.say(f"events.order.{strategy}", told | fields)

    def fill(self, trade_id: str, side: str, quantity: str, price: str, **fields: Any) -> None:
        """Say that an order of its own was filled."""
        told = {"venue_order_id": f"V-{trade_id}", "trade_id": trade_id, "order_side": side, "last_qty": quantity}
        told |= {"last_px": price, "currency": "USDT", "commission": "0.00 USDT", "liquidity_side": "MAKER"}
        self.order("OrderFilled", fields.pop("client_order_id", f"O-{trade_id}"), **(told | fields))


@pytest.fixture(scope="session")
def session_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(session_server: RedisServer) -> RedisServer:
    """A Redis with nothing in it."""
    with Redis(port=session_server.port) as client:
        client.flushall()
    return session_server


@pytest.fixture
def bot(server: RedisServer) -> Iterator[Bot]:
    """A node that has started: its instruments are defined, and it sends a heartbeat."""
    started = Bot(server.port)
    with started.redis:
        started.define()
        started.heartbeat()
        yield started


def replay(path: Path, port: int) -> dict[str, Any]:
    """Write what was recorded into Redis as it was; gives what nautilus itself made of it."""
    head, *lines = path.read_text().splitlines()
    with Redis(port=port) as client:
        for line in lines:
            entry = json.loads(line)
            fields = {name: _bytes(value) for name, value in entry["fields"].items()}
            client.xadd(entry["key"], fields, id=entry["id"])
    report: dict[str, Any] = json.loads(head)["report"]
    return report


def _bytes(value: str | dict[str, str]) -> bytes:
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])
