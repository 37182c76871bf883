"""A REST server on loopback that speaks like freqtrade's, and says what a test wants it to."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from aiohttp import WSMsgType, web

RECORDED = Path(__file__).with_name("recorded")
# Seconds since the begin of each: the bot has had its time to find fees anew, and in the last one to find all.
AGO = {"dry-run": 30, "live-fees-in-bnb": 30, "live-fees-in-coins": 90}
RUNS = tuple(AGO)
USERNAME, PASSWORD, WS_TOKEN = "exporter", "hunter2 with:a colon", "hunter2-token"

Trade = dict[str, Any]


def recorded(run: str) -> dict[str, Any]:
    """One recorded run of freqtrade, as if it had begun a moment ago."""
    found: dict[str, Any] = json.loads((RECORDED / f"{run}.json").read_text())
    later = round((time.time() - AGO[run] - found["health"]["bot_start_ts"]) * 1000)
    return cast("dict[str, Any]", _shifted(found, later))


def _shifted(value: Any, later: int) -> Any:
    """The same with all times in milliseconds put off."""
    if isinstance(value, list):
        return [_shifted(each, later) for each in value]
    if isinstance(value, dict):
        return {
            key: each + later if key.endswith("_timestamp") and each else _shifted(each, later)
            for key, each in value.items()
        }
    return value


@dataclass
class Standin:
    """What the bot says.

    ``failure`` is a status instead of every answer, ``failures`` one instead of a page, ``garbage`` a body instead.
    """

    pages: dict[str, Any]
    open: list[Trade] = field(default_factory=list)
    closed: list[Trade] = field(default_factory=list)
    url: str = ""
    failure: int | None = None
    failures: dict[str, int] = field(default_factory=dict)
    garbage: dict[str, bytes] = field(default_factory=dict)
    slow: asyncio.Event | None = None
    has_stream: bool = True
    sorts_by_id: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    subscribed: asyncio.Event = field(default_factory=asyncio.Event)
    _tokens: set[str] = field(default_factory=set)
    _asking: asyncio.Condition = field(default_factory=asyncio.Condition)
    _sockets: set[web.WebSocketResponse] = field(default_factory=set)

    @classmethod
    def of(cls, run: str, *, at: int | None = None) -> Standin:
        """The bot of a recorded run, as it was at one of its moments; by default before it traded."""
        told = recorded(run)
        made = cls({page: told[page] for page in ("show_config", "health", "count", "balance", "profit")})
        made.pages["show_config"]["state"] = "running"  # each run was stopped at its end
        made.pages["health"]["last_process_ts"] = 9_999_999_999  # the loop turns
        if at is not None:
            made.move_to(told["moments"][at])
        return made

    def move_to(self, moment: dict[str, Any]) -> None:
        """What the pages say at a recorded moment."""
        self.open = copy.deepcopy(moment["status"])
        self.closed = copy.deepcopy(moment["trades"]["trades"])

    async def is_asked(self, page: str, times: int) -> None:
        """Wait until a page has been asked for so many times more."""
        wanted = self.asked[page] + times
        async with asyncio.timeout(20), self._asking:
            await self._asking.wait_for(lambda: self.asked[page] >= wanted)

    async def send(self, message: dict[str, Any] | str) -> None:
        """Send a message to all who listen."""
        for socket in list(self._sockets):
            await socket.send_str(message if isinstance(message, str) else json.dumps(message))

    def forget_tokens(self) -> None:
        """Be started anew, with another key for tokens."""
        self._tokens.clear()

    async def hang_up(self) -> None:
        """End all streams."""
        self.subscribed.clear()
        for socket in list(self._sockets):
            await socket.close()

    # What is served.

    async def login(self, request: web.Request) -> web.Response:
        self.asked["login"] += 1
        expected = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != expected:
            return web.json_response({"detail": "Incorrect username or password"}, status=401)
        token = f"hunter2-access-{self.asked['login']}"
        self._tokens.add(token)
        return web.json_response({"access_token": token, "refresh_token": "hunter2-refresh"})

    async def page(self, request: web.Request) -> web.Response:
        name = request.path.removeprefix("/api/v1/")
        self.asked[name] += 1
        async with self._asking:
            self._asking.notify_all()
        if self.slow is not None:
            await self.slow.wait()
        if self.failure is not None:
            return web.Response(status=self.failure, text="<html>down</html>")
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            return web.json_response({"detail": "Could not validate credentials"}, status=401)
        if name in self.failures:
            return web.json_response({"error": f"Error querying {request.path}"}, status=self.failures[name])
        if name in self.garbage:
            return web.Response(body=self.garbage[name], content_type="application/json")
        return web.json_response(self._told(name, request))

    def _told(self, name: str, request: web.Request) -> Any:
        if name == "status":
            return self.open
        if name == "trades":
            return self._history(int(request.query["limit"]), int(request.query["offset"]))
        if name.startswith("trade/"):
            number = int(name.removeprefix("trade/"))
            found = [trade for trade in (*self.open, *self.closed) if trade["trade_id"] == number]
            if not found:
                raise web.HTTPBadGateway(text='{"error": "no active trade"}')
            return found[0]
        if name in self.pages:
            return self.pages[name]
        raise web.HTTPNotFound

    def _history(self, limit: int, offset: int) -> dict[str, Any]:
        key = "trade_id" if self.sorts_by_id else "close_timestamp"
        rows = sorted(self.closed, key=lambda trade: Decimal(trade[key]), reverse=not self.sorts_by_id)
        page = rows[offset : offset + limit]
        return {"trades": page, "trades_count": len(page), "offset": offset, "total_trades": len(rows)}

    async def stream(self, request: web.Request) -> web.StreamResponse:
        if not self.has_stream:
            raise web.HTTPNotFound
        self.asked["stream"] += 1
        if request.query.get("token") not in {WS_TOKEN, *self._tokens}:
            raise web.HTTPForbidden
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT and json.loads(message.data)["type"] == "subscribe":
                self.subscribed.set()
        self._sockets.discard(socket)
        return socket


@asynccontextmanager
async def serving(standin: Standin, port: int = 0) -> AsyncIterator[Standin]:
    """Serve until the block ends."""
    app = web.Application()
    app.router.add_post("/api/v1/token/login", standin.login)
    app.router.add_get("/api/v1/message/ws", standin.stream)
    app.router.add_get("/api/v1/{page:.*}", standin.page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        host, bound = runner.addresses[0][:2]
        standin.url = f"http://{host}:{bound}"
        yield standin
    finally:
        await standin.hang_up()
        await runner.cleanup()
