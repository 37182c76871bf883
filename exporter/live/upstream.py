"""Prometheus and Alertmanager: what each said last, and why it is not known where that is so.

They are asked at a steady pace, whoever wants to know, so that nobody waits for them.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec
from aiohttp import ClientConnectorError, ClientError, ClientResponse, ClientSession, ClientTimeout

from exporter.config import Server, Upstream
from exporter.health import Health
from exporter.state.state import State

_KEPT = 30.0  # seconds for which an answer stands while there is no newer one, and three questions are not
_LONGEST = 300  # characters of a reason
_MOST_BYTES = 8 * 1024 * 1024

T = TypeVar("T")


class UpstreamError(Exception):
    """A server did not answer as it should; the message says how, without a secret."""


class Link(Generic[T]):
    """One server, under the name of a component, ``upstream/NAME``; what follows a slash says what else it is asked.

    ``ask`` asks it, over a session whose base is its address.
    """

    def __init__(self, name: str, state: State, ask: Callable[[ClientSession], Awaitable[T]]) -> None:
        settings: Upstream = state.config.upstream
        server = name.partition("/")[0]
        self.server: Server | None = getattr(settings, server)
        self._settings = settings
        self._ask = ask
        self._clock = state.clock
        self._kept = max(_KEPT, 3 * settings.interval)
        self._title = server.title()
        self._value: T | None = None
        self._at = 0.0
        self._problem = "was not asked yet; ask again in a moment"
        self._secrets: list[str] = []
        if self.server is not None:
            self._secrets = [secret.read() for secret in self.server.secrets.values()]
            self._health = Health(f"upstream/{name}", state)
            self._health.works("not asked yet")

    @property
    def value(self) -> T | None:
        """What it said last; None when that is too long ago, or it never said anything."""
        return None if self._clock() - self._at > self._kept else self._value

    @property
    def why(self) -> str:
        """Why there is no value."""
        if self.server is None:
            return f"{self._title} is not configured: upstream.{self._title.lower()}"
        return f"{self._title} {self._problem}"

    async def run(self) -> None:
        """Ask it again and again, until cancelled."""
        if self.server is None:
            return
        async with _session(self.server, self._settings.request_timeout) as session:
            while True:
                await self._once(session)
                await asyncio.sleep(self._settings.interval)

    async def _once(self, session: ClientSession) -> None:
        try:
            self._value, self._at = await self._ask(session), self._clock()
        except (ClientError, TimeoutError, UpstreamError, msgspec.MsgspecError, ValueError) as error:
            self._problem = self._without_secrets(self._describe(error))
            self._health.failed(self._problem)
        else:
            self._problem = "has not answered for a while"
            self._health.works()

    def _describe(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"did not answer within {self._settings.request_timeout:g} s"
        if isinstance(error, UpstreamError):
            return str(error)
        if isinstance(error, ClientConnectorError):
            number = error.os_error.errno or 0  # a name that is not known has one below 0
            return f"cannot be reached: {os.strerror(number) if number > 0 else error.os_error.strerror}"
        if isinstance(error, ClientError):
            return f"cannot be asked: {error}"
        return f"sent what is no answer of it ({error}); is the address right?"

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:_LONGEST]


def _session(server: Server, seconds: float) -> ClientSession:
    """A session with what the server wants to see; the address ends in a slash, so that paths go on from it."""
    headers = {}
    if server.bearer_token is not None:
        headers["Authorization"] = f"Bearer {server.bearer_token.read()}"
    elif server.username is not None and server.password is not None:
        login = f"{server.username.read()}:{server.password.read()}"
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    base = server.url.rstrip("/") + "/"
    return ClientSession(base, headers=headers, timeout=ClientTimeout(total=seconds))


async def body(response: ClientResponse) -> bytes:
    """All of an answer; `UpstreamError` when it is none that can be used."""
    if response.status != 200:
        raise UpstreamError(f"answered with status {response.status}; are its address and the login right?")
    read = bytearray()
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > _MOST_BYTES:
            raise UpstreamError(f"answered with more than {_MOST_BYTES} bytes")
    return bytes(read)
