"""The bot's stream of messages: it says what happened, but not to which order, so it is only a hint to read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec

from exporter.health import Backoff, Health
from exporter.sources.freqtrade.api import Api
from exporter.sources.freqtrade.failures import BotError
from exporter.state.exchange import ErrorKind

_KINDS = (
    *("entry", "entry_fill", "entry_cancel", "exit", "exit_fill", "exit_cancel"),
    *("status", "warning", "exception", "startup"),
)
_FILLS = ("entry_fill", "exit_fill")
_SUBSCRIBE = msgspec.json.encode({"type": "subscribe", "data": _KINDS}).decode()
_SELDOM = 60.0  # seconds between two attempts where the next one is as likely to fail
_HOPELESS = {ErrorKind.AUTHENTICATION, ErrorKind.NOT_SUPPORTED}


class _Message(msgspec.Struct):
    type: str
    trade_id: int | None = None


class Stream:
    """Keeps the connection; ``hear`` gets the trade that a fill belongs to, or None for all else."""

    def __init__(self, api: Api, health: Health, hear: Callable[[int | None], None]) -> None:
        self._api = api
        self._health = health
        self._hear = hear

    async def run(self) -> None:
        """Listen until cancelled."""
        backoff = Backoff()
        while True:
            try:
                await self._listen(backoff)
            except BotError as error:
                if error.kind is ErrorKind.NOT_SUPPORTED:
                    self._health.works(str(error))  # an old version: nothing is broken
                else:
                    self._health.failed(str(error), error.kind)
                await asyncio.sleep(_SELDOM if error.kind in _HOPELESS else backoff.next())

    async def _listen(self, backoff: Backoff) -> None:
        """One connection, to its end; messages before it may have been missed."""
        connection = await self._api.connect()
        try:
            await connection.send_str(_SUBSCRIBE)
            self._health.works()
            self._hear(None)
            async for message in connection:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(message.data)
                    backoff.reset()
        except (aiohttp.ClientError, OSError) as error:
            raise BotError(ErrorKind.NETWORK, f"/message/ws: the connection broke ({type(error).__name__})") from None
        finally:
            await connection.close()
        if connection.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION:
            raise BotError(ErrorKind.AUTHENTICATION, "/message/ws: the bot refuses the token; correct ws_token")
        raise BotError(ErrorKind.NETWORK, f"/message/ws: the bot closed the connection ({connection.close_code})")

    def _take(self, text: str) -> None:
        try:
            message = msgspec.json.decode(text, type=_Message)
        except msgspec.MsgspecError:
            self._hear(None)  # whatever it says, something happened
        else:
            self._hear(message.trade_id if message.type in _FILLS else None)
