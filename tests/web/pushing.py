"""A bot's side of push: an exporter that runs in this process, and requests to it over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from exporter.config import parse
from exporter.service import running
from exporter.state.state import State
from tests.builders import T0

TOKEN = "a1b2c3d4e5f6a7b8"
OTHER = "f6e5d4c3b2a1f0e9"

Settings = dict[str, Any]


def event(number: int = 1, /, **changes: Any) -> dict[str, Any]:
    """A fill as a bot writes it; ``...`` leaves a key out."""
    fields: dict[str, Any] = {
        "type": "fill",
        "exchange": "alpha",
        "account": "main",
        "symbol": "BTC/USDT",
        "strategy": "maker",
        "trade_id": str(number),
        "side": "buy",
        "price": "60000.10",
        "quantity": "0.012",
        "fee": {"currency": "USDT", "amount": "0.01"},
        "ts": T0 + number,
    }
    return {name: value for name, value in (fields | changes).items() if value is not ...}


def lines(*events: dict[str, Any]) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in events).encode()


def fills(first: int, last: int) -> bytes:
    return lines(*map(event, range(first, last)))


@dataclass(frozen=True)
class Reply:
    """An answer of the exporter."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Accepted, duplicates, refused."""
        return self.body["accepted"], self.body["duplicates"], self.body["refused"]

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))

    @property
    def problems(self) -> list[tuple[int, str, str]]:
        """Index, field and reason of each error."""
        return [(each["index"], each["field"], each["reason"]) for each in self.body["errors"]]


@dataclass(frozen=True)
class Bot:
    """Sends to one exporter."""

    url: str
    session: aiohttp.ClientSession
    state: State

    async def push(self, body: Any, token: str | None = TOKEN, **headers: str) -> Reply:
        """Push a body; underscores in the names of headers stand for dashes."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        data = io.BytesIO(body.encode() if isinstance(body, str) else body) if isinstance(body, str | bytes) else body
        async with self.session.post(f"{self.url}/v1/events", data=data, headers=sent) as answer:
            return Reply(answer.status, dict(answer.headers), json.loads(await answer.read()))

    async def zipped(self, body: bytes, token: str = TOKEN) -> Reply:
        return await self.push(gzip.compress(body, mtime=0), token, Content_Encoding="gzip")

    async def metrics(self) -> str:
        async with self.session.get(f"{self.url}/metrics") as answer:
            assert answer.status == 200
            return await answer.text()

    async def value(self, start: str) -> float:
        """The sum of the samples whose lines begin so, without the namespace."""
        text = await self.metrics()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"trading_{start}"))

    async def until(self, start: str, least: float) -> None:
        """Wait until `value` is at least so much."""
        for _ in range(5000):
            if await self.value(start) >= least:
                return
            await asyncio.sleep(0.001)
        raise AssertionError(f"{start} never was {least}")


def settings(folder: Path, /, **push: Any) -> Settings:
    """A configuration with two tokens, of which the second is for some accounts alone, and a journal."""
    for name, token in (("first", TOKEN), ("second", OTHER)):
        (folder / name).write_text(token)
    tokens = [
        {"name": "any", "token": {"file": str(folder / "first")}},
        {"name": "some", "token": {"file": str(folder / "second")}, "accounts": ["alpha/m*", "*/shared"]},
    ]
    return {
        "web": {"listen": "127.0.0.1:0"},
        "currency": {"pegs": {"USDT": 1}},
        "journal": {"path": str(folder / "journal")},
        "push": {"tokens": tokens} | push,
    }


@asynccontextmanager
async def pushing(config: Settings) -> AsyncIterator[Bot]:
    """An exporter that runs until the block ends."""
    async with running(parse(yaml.safe_dump(config))) as (url, state), aiohttp.ClientSession() as session:
        yield Bot(url, session, state)
