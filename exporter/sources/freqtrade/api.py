"""The bot's REST server as a client sees it: tokens, time-outs, and answers that make no sense."""

from __future__ import annotations

import asyncio
import base64
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec

from exporter import __version__
from exporter.config import Freqtrade
from exporter.sources.freqtrade.failures import BotError
from exporter.state.exchange import ErrorKind

_RENEW_AFTER = 600.0  # seconds; an access token is good for 15 minutes
_LARGEST = 32 * 1024 * 1024  # bytes of an answer

_WHY = {
    401: (ErrorKind.AUTHENTICATION, "refuses username or password; correct them, or api_server in the bot's settings"),
    403: (ErrorKind.AUTHENTICATION, "forbids the request; see what stands between it and the exporter"),
    404: (ErrorKind.NOT_SUPPORTED, "has no such page; correct url, or bring the bot to a newer version"),
    429: (ErrorKind.RATE_LIMIT, "is asked too often; raise poll_interval"),
    503: (ErrorKind.UNAVAILABLE, "does not trade: it starts, or serves its web page only"),
}

T = TypeVar("T")


class _Tokens(msgspec.Struct):
    access_token: str
    refresh_token: str = ""


class Api:
    """One bot's server. To be used as a context manager; every failure is a `BotError`."""

    def __init__(self, config: Freqtrade) -> None:
        self._root = config.url.rstrip("/") + "/api/v1"
        self._basic = _basic(config.username.read(), config.password.read())
        self._ws_token = config.ws_token.read() if config.ws_token else ""
        self._timeout = config.request_timeout
        self._tokens: _Tokens | None = None
        self._renewed = 0.0
        self._logging_in = asyncio.Lock()
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=config.request_timeout),
            headers={"User-Agent": f"trading-exporter/{__version__}"},
        )

    async def __aenter__(self) -> Api:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str, kind: type[T], **parameters: str | int) -> T:
        """Ask for a page and read it as ``kind``; a token that is not taken any more is replaced once."""
        route = f"{path}?{urlencode(parameters)}" if parameters else path
        token = await self.access()
        status, body = await self._request("GET", route, f"Bearer {token}")
        if status == 401:
            token = await self.access(instead_of=token)
            status, body = await self._request("GET", route, f"Bearer {token}")
        _check(status, path)
        return _decoded(body, kind, path)

    async def access(self, instead_of: str = "") -> str:
        """An access token; another one than ``instead_of``, which the bot has refused."""
        async with self._logging_in:
            now = asyncio.get_running_loop().time()
            tokens = self._tokens
            if tokens is None or tokens.access_token == instead_of:
                tokens = await self._log_in()
            elif now - self._renewed > _RENEW_AFTER:
                tokens = await self._renew(tokens)
            else:
                return tokens.access_token
            self._tokens, self._renewed = tokens, now
            return tokens.access_token

    async def connect(self) -> aiohttp.ClientWebSocketResponse:
        """Open the stream of messages."""
        token = self._ws_token or await self.access()
        timeout = aiohttp.ClientWSTimeout(ws_close=self._timeout)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._session.ws_connect(
                    f"{self._root}/message/ws", params={"token": token}, heartbeat=20.0, timeout=timeout
                )
        except aiohttp.WSServerHandshakeError as error:
            if error.status == 403 and not self._ws_token:
                self._tokens = None  # the bot was started anew with another key
            raise _stream_refused(error.status) from None
        except Exception as error:
            raise _failure(error) from None

    async def _log_in(self) -> _Tokens:
        status, body = await self._request("POST", "/token/login", self._basic)
        _check(status, "/token/login")
        return _decoded(body, _Tokens, "/token/login")

    async def _renew(self, tokens: _Tokens) -> _Tokens:
        status, body = await self._request("POST", "/token/refresh", f"Bearer {tokens.refresh_token}")
        if status == 401:
            return await self._log_in()
        _check(status, "/token/refresh")
        access = _decoded(body, _Tokens, "/token/refresh").access_token
        return _Tokens(access, tokens.refresh_token)

    async def _request(self, method: str, route: str, authorization: str) -> tuple[int, bytes]:
        headers = {"Authorization": authorization}
        try:
            # A redirect is not followed: what it leads to is not told the password.
            async with self._session.request(
                method, self._root + route, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status, await _read(answer)
        except BotError:
            raise
        except Exception as error:
            raise _failure(error) from None


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        body += chunk
        if len(body) > _LARGEST:
            raise BotError(ErrorKind.BAD_RESPONSE, f"answers with more than {_LARGEST} bytes; correct url")
    return bytes(body)


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _check(status: int, path: str) -> None:
    if status == 200:
        return
    kind, text = _WHY.get(status, (ErrorKind.BAD_RESPONSE, f"answers with the status {status}; correct url"))
    if status >= 500 and status != 503:
        kind, text = ErrorKind.UNAVAILABLE, f"answers with the status {status}; see its log"
    raise BotError(kind, f"{path}: the bot {text}")


def _decoded(body: bytes, kind: type[T], path: str) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        # What msgspec says names keys and types, never a value.
        text = f"{path}: the answer is not freqtrade's ({error}); correct url, or bring the bot to a newer version"
        raise BotError(ErrorKind.BAD_RESPONSE, text) from None


def _stream_refused(status: int) -> BotError:
    if status == 404:
        return BotError(ErrorKind.NOT_SUPPORTED, "/message/ws: the bot has no stream; its record is read at intervals")
    if status in (401, 403):
        return BotError(ErrorKind.AUTHENTICATION, "/message/ws: the bot refuses the token; correct ws_token")
    return BotError(ErrorKind.BAD_RESPONSE, f"/message/ws: the bot answers with the status {status}")


def _failure(error: Exception) -> BotError:
    """A failure of the connection; only its kind is told, since its text may have the url with the token in it."""
    if isinstance(error, TimeoutError):
        return BotError(ErrorKind.TIMEOUT, "no answer in time; see whether the bot is overloaded")
    if isinstance(error, aiohttp.InvalidURL):
        return BotError(ErrorKind.OTHER, "url is no address; correct it")
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error.strerror or type(error.os_error).__name__
        return BotError(ErrorKind.NETWORK, f"no connection ({reason}); see whether the bot runs, and correct url")
    if isinstance(error, aiohttp.ClientError | OSError):
        return BotError(ErrorKind.NETWORK, f"the connection broke ({type(error).__name__})")
    if isinstance(error, ValueError):
        return BotError(ErrorKind.BAD_RESPONSE, "the bot gave a token that cannot be sent; correct url")
    raise error


Anything = dict[str, Any]
"""An object whose keys are asked for one by one, since versions differ."""
