"""A running exporter whose events a test makes, and clients of its stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import yaml
from aiohttp import ClientWebSocketResponse, WSMsgType

from exporter.config import parse
from exporter.intake import Intake
from exporter.service import running
from exporter.state.state import State
from tests.builders import book, fee, fill

TOKEN = "0123456789abcdef"
QUICK = {"interval_seconds": 0.02}


@dataclass
class Desk:
    """A running exporter whose events a test makes, and clients of it."""

    url: str
    state: State
    session: aiohttp.ClientSession

    def __post_init__(self) -> None:
        self.intake = Intake(self.state)

    def move(self, bid: float, symbol: str = "BTC/USDT", exchange: str = "alpha") -> None:
        """Let a market move."""
        self.intake.accept(book(bid, bid + 2, self.state.clock(), symbol=symbol, exchange=exchange), "test")

    def trade(self, number: int, **changes: Any) -> None:
        """Let a fill come."""
        told = {"side": "buy", "price": "100", "quantity": "1"} | changes
        side, price, quantity = (told.pop(name) for name in ("side", "price", "quantity"))
        self.intake.accept(fill(str(number), side, price, quantity, self.state.clock(), fee=fee("0"), **told), "test")

    @asynccontextmanager
    async def client(self, headers: Mapping[str, str] | None = None, compress: int = 15) -> AsyncIterator[Reader]:
        """A client that has been greeted."""
        async with self.session.ws_connect(f"{self.url}/ws", headers=headers, compress=compress) as connection:
            reader = Reader(connection)
            reader.hello = await reader.next("hello")
            yield reader


class Reader:
    """A client, and what it was greeted with."""

    def __init__(self, connection: ClientWebSocketResponse) -> None:
        self.connection = connection
        self.hello: dict[str, Any] = {}

    async def say(self, op: str, **what: Any) -> None:
        await self.connection.send_str(json.dumps({"op": op, **what}))

    async def next(self, kind: str, seconds: float = 10) -> dict[str, Any]:
        """The next message of a kind; others before it are passed over."""
        async with asyncio.timeout(seconds):
            while True:
                message: dict[str, Any] = await self.connection.receive_json()
                if message["type"] == kind:
                    return message

    async def subscribe(self, stream: str, **what: Any) -> dict[str, Any]:
        """Ask for a stream; gives the first message."""
        await self.say("subscribe", stream=stream, **what)
        async with asyncio.timeout(10):
            while True:
                found: dict[str, Any] = await self.connection.receive_json()
                if found["type"] != "subscribed":
                    return found

    async def closed(self) -> tuple[int | None, str]:
        """Read until the end; gives its code and reason."""
        async with asyncio.timeout(20):
            while True:
                message = await self.connection.receive()
                if message.type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING}:
                    return self.connection.close_code, str(message.extra or "")


@asynccontextmanager
async def a_desk(**settings: Any) -> AsyncIterator[Desk]:
    web = {"listen": "127.0.0.1:0", **settings.pop("web", {})}
    text = yaml.safe_dump({"web": web, "stream": QUICK | settings, "currency": {"pegs": {"USDT": 1}}})
    async with running(parse(text)) as (url, state), aiohttp.ClientSession() as session:
        yield Desk(url, state, session)
