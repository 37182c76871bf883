"""A bot as hummingbot leaves it: its database and its messages, recorded, and an exporter that follows it.

``recorded/`` was written by hummingbot 20260922 itself; see ``recorded/record.py``.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import yaml

from exporter.config import parse
from exporter.events import Fill, Funding
from exporter.journal.records import Paid, Valued
from exporter.service import running
from exporter.state.bots import BotState
from exporter.state.state import Component, State
from simulator.stack.ports import LOOPBACK
from tests.sources.conftest import Watched

RECORDED = Path(__file__).parent / "recorded"
T0 = 1_760_000_000.0
NAME = "quoter"
BOT_ID = "maker-1"


def recorded_database(path: Path, journal_mode: str = "delete") -> Path:
    """The database that hummingbot wrote."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.executescript((RECORDED / "hummingbot-20260922.sql").read_text())
    return path


def recorded_messages() -> list[tuple[str, bytes]]:
    """Topic and payload of each message that hummingbot sent meanwhile."""
    lines = (RECORDED / "hummingbot-20260922.jsonl").read_text().splitlines()
    return [(line["topic"], json.dumps(line["payload"]).encode()) for line in map(json.loads, lines)]


def fee_json(*flat: tuple[str, str], percent: str = "0", fee_type: str = "AddedToCost") -> str:
    """A fee as hummingbot keeps it."""
    fees = [{"token": token, "amount": amount} for token, amount in flat]
    return json.dumps({"fee_type": fee_type, "percent": percent, "percent_token": None, "flat_fees": fees})


def add_fill(path: Path, trade_id: str, order_id: str = "B4", **changes: Any) -> None:
    """Write a fill as the bot does: 0.001 BTC at 58000.5 unless told otherwise."""
    row: dict[str, Any] = {
        "config_file_path": "conf_pure_mm_1.yml", "strategy": "pure_market_making", "market": "binance",
        "symbol": "BTC-USDT", "base_asset": "BTC", "quote_asset": "USDT", "timestamp": int(T0 * 1000) + 30_000,
        "order_id": order_id, "trade_type": "BUY", "order_type": "LIMIT", "price": 58_000_500_000, "amount": 1000,
        "leverage": 1, "trade_fee": fee_json(("USDT", "0.058")), "exchange_trade_id": trade_id, "position": "NIL",
    }  # fmt: skip
    row |= changes
    execute(path, f"INSERT INTO TradeFill ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values())


def execute(path: Path, statement: str, *values: Any) -> None:
    """Change the database as another process would, with SQLAlchemy's usual patience of 5 seconds."""
    with closing(sqlite3.connect(path, timeout=5)) as connection, connection:
        connection.execute(statement, values)


@dataclass
class Follower(Watched):
    """A running exporter, with what it has accounted for."""

    state: State

    @property
    def fills(self) -> list[Fill]:
        """The fills in the journal."""
        return [record.fill for record in self._records() if isinstance(record, Valued)]

    @property
    def payments(self) -> list[Funding]:
        """The funding payments in the journal."""
        return [record.funding for record in self._records() if isinstance(record, Paid)]

    @property
    def trade_ids(self) -> list[str]:
        return [fill.trade_id for fill in self.fills]

    @property
    def bot(self) -> BotState:
        return self.state.bots[NAME]

    def component(self, part: str) -> Component:
        return self.state.components[f"bot/{NAME}/{part}".rstrip("/")]

    @property
    def rejected(self) -> dict[str, int]:
        return dict(self.state.intake.rejected)

    def repeats(self) -> dict[str, int]:
        """How many fills came again, unasked or with other content."""
        accounts = self.state.ledger.accounts.values()
        return {"duplicates": sum(a.duplicates for a in accounts), "conflicts": sum(a.conflicts for a in accounts)}

    async def reaches(self, what: Callable[[], Any]) -> None:
        """Wait until this holds; `AssertionError` says what the parts were instead."""
        for _ in range(800):
            if what():
                return
            await asyncio.sleep(0.025)
        parts = {name: each.detail for name, each in self.state.components.items()}
        raise AssertionError(f"not within 20 s; {parts}, {self.trade_ids}, {self.rejected}")

    def _records(self) -> list[Any]:
        return [record for _, records in self.state.log.lasting() for record in records]


@asynccontextmanager
async def following(*bots: dict[str, Any], **sections: Any) -> AsyncIterator[Follower]:
    """An exporter that follows these bots until the block ends."""
    config = {"web": {"listen": "127.0.0.1:0"}, "currency": {"pegs": {"USDT": 1, "BNB": 600}}, "hummingbot": list(bots)}
    text = yaml.safe_dump(json.loads(json.dumps(config | sections)))
    async with running(parse(text)) as (url, state), aiohttp.ClientSession() as session:
        yield Follower(url, session, state)


def by_database(path: Path, **changes: Any) -> dict[str, Any]:
    """The configuration of a bot that is known by its database, read often."""
    return {"name": NAME, "database": str(path), "poll_interval": 0.1} | changes


def by_mqtt(port: int, **changes: Any) -> dict[str, Any]:
    """The configuration of a bot that is known by its messages alone."""
    return {"name": NAME, "mqtt": {"host": LOOPBACK, "port": port, "bot_id": BOT_ID, "market": "binance"} | changes}


class Speaker:
    """The bot's side of the broker."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def say(self, topic: str, payload: bytes | str | dict[str, Any], prefix: str = f"hbot/{BOT_ID}") -> None:
        """Send what is not text already as JSON, to a topic of the bot."""
        text = json.dumps(payload) if isinstance(payload, dict) else payload
        await self._client.publish(f"{prefix}/{topic}", text)

    async def beat(self) -> None:
        await self.say("hb", {"ts": 1})

    async def replay(self) -> None:
        """Send all that hummingbot sent."""
        for topic, payload in recorded_messages():
            await self._client.publish(topic, payload)

    async def fill(self, trade_id: str, prefix: str = f"hbot/{BOT_ID}", **changes: Any) -> None:
        """Tell of a fill as the bot does: 0.001 BTC at 58000.5 unless told otherwise."""
        data = {
            "order_id": "B4", "trading_pair": "BTC-USDT", "trade_type": "TradeType.BUY",
            "order_type": "OrderType.LIMIT", "price": 58000.5, "amount": 0.001,
            "trade_fee": json.loads(fee_json(("USDT", "0.058"))), "exchange_trade_id": trade_id,
            "leverage": 1, "position": "NIL",
        }  # fmt: skip
        await self.say("events", {"timestamp": int(T0) + 30, "type": "OrderFilled", "data": data | changes}, prefix)


@asynccontextmanager
async def speaking(port: int, **login: Any) -> AsyncIterator[Speaker]:
    """A bot that is connected to the broker."""
    async with aiomqtt.Client(LOOPBACK, port, **login) as client:
        yield Speaker(client)
