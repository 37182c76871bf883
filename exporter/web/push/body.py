"""Receives bodies: in full, decompressed, and never more than memory is meant for."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from exporter.config import Push
from exporter.state.push import PushState
from exporter.web.push.answer import RequestError

_STEP = 128 * 1024  # bytes to decompress between two turns of the loop, about half a millisecond

_BUSY = {"Retry-After": "1"}


class Receiver:
    """Bounds the bodies that are read at once, and the memory that they take together."""

    def __init__(self, limits: Push, counts: PushState) -> None:
        self._limits = limits
        self._counts = counts
        self._bodies = 0
        self._bytes = 0
        self._most_bytes = 2 * max(limits.max_body_bytes, limits.max_decompressed_bytes)

    @asynccontextmanager
    async def body(self, request: web.Request) -> AsyncIterator[bytearray]:
        """The whole body; `RequestError` when it is not acceptable."""
        encoding = _encoding(request)
        self._check_size(request.content_length or 0)
        if self._bodies >= self._limits.max_in_flight:
            text = f"{self._bodies} requests are being read, which is push.max_in_flight; send this one again later"
            raise RequestError(429, text, _BUSY)
        self._bodies += 1
        body = bytearray()
        try:
            await self._receive(request, encoding, body)
            yield body
        finally:
            self._bodies -= 1
            self._bytes -= len(body)

    async def _receive(self, request: web.Request, encoding: str, body: bytearray) -> None:
        seconds = self._limits.receive_timeout
        try:
            async with asyncio.timeout(seconds):
                async for part in self._parts(request, encoding):
                    self._keep(part, body)
        except TimeoutError:
            text = f"the body did not come within {seconds:g} s; send less at once, or raise push.receive_timeout"
            raise RequestError(408, text) from None
        except (ConnectionError, ClientError, HttpProcessingError):
            raise RequestError(400, "the connection ended, or broke, within the body; nothing was taken") from None

    async def _parts(self, request: web.Request, encoding: str) -> AsyncIterator[bytes]:
        """What comes in, decompressed where it is compressed; the loop turns between two parts."""
        size = 0
        unzip = Gunzip()
        async for piece in request.content.iter_any():
            size += len(piece)
            self._counts.received_bytes += len(piece)
            self._check_size(size)
            if encoding == "identity":
                yield piece
                continue
            for part in unzip.feed(piece):
                yield part
                await asyncio.sleep(0)
        if encoding == "gzip":
            unzip.finish()

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_body_bytes:
            raise RequestError(413, _too_much("as it is sent", "max_body_bytes", self._limits.max_body_bytes))

    def _keep(self, part: bytes, body: bytearray) -> None:
        limits = self._limits
        if len(body) + len(part) > limits.max_decompressed_bytes:
            raise RequestError(413, _too_much("decompressed", "max_decompressed_bytes", limits.max_decompressed_bytes))
        if self._bytes + len(part) > self._most_bytes:
            raise RequestError(429, "other requests take all the memory there is for them; send this one later", _BUSY)
        self._bytes += len(part)
        body += part


class Gunzip:
    """Decompresses gzip, one member or several, in steps."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What comes out of some more input, in parts of bounded size."""
        while data:
            if self._inflate.eof:
                self._inflate = zlib.decompressobj(wbits=31)
            data, part = self._step(data)
            yield part
            while len(part) == _STEP and not data and not self._inflate.eof:  # more may wait inside
                data, part = self._step(data)
                yield part

    def finish(self) -> None:
        """`RequestError` unless the end was reached."""
        if not self._inflate.eof:
            raise RequestError(400, "the gzip stream ends too early; send all of it, or without Content-Encoding")

    def _step(self, data: bytes) -> tuple[bytes, bytes]:
        """The input that is left, and what came out."""
        try:
            part = self._inflate.decompress(data, _STEP)
        except zlib.error:
            text = "the body is not gzip, or damaged; compress it anew, or send it without Content-Encoding"
            raise RequestError(400, text) from None
        return (self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail), part


def _encoding(request: web.Request) -> str:
    given = request.headers.get("Content-Encoding", "").strip().lower()
    known = {"": "identity", "identity": "identity", "gzip": "gzip", "x-gzip": "gzip"}.get(given)
    if known is None:
        text = f"Content-Encoding is {given[:50]!r}; use gzip, or none"
        raise RequestError(415, text, {"Accept-Encoding": "gzip, identity"})
    return known


def _too_much(how: str, key: str, most: int) -> str:
    return f"the body has more than {most} bytes {how}; send fewer events at once, or raise push.{key}"
