"""Keeps one stream of an exchange alive: subscribe, deliver, and come back after each failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ccxt.base.errors import NetworkError

from exporter.sources.base import Backoff
from exporter.sources.ccxt.link import Link
from exporter.state.exchange import ErrorKind, Stream

_SUBSCRIBED_AFTER = 1.0  # seconds without a refusal, after which a quiet subscription counts as standing


class StreamKeeper:
    """One stream for one symbol.

    States: down → (subscribed) → up → (failure) → down. ``watch`` gives the next message or raises;
    ``deliver`` takes it; ``restored`` is called at each change from down to up, ``lost`` at each from up to
    down, and ``quiet``, where given, after every ``quiet_after`` seconds without a message.
    """

    def __init__(
        self,
        link: Link,
        stream: Stream,
        part: str,
        watch: Callable[[], Awaitable[Any]],
        deliver: Callable[[Any], None],
    ) -> None:
        self._link = link
        self._stream = stream
        self._part = part
        self._watch = watch
        self._deliver = deliver
        self.restored: Callable[[], None] = _nothing
        self.lost: Callable[[], None] = _nothing
        self.quiet: Callable[[], Awaitable[None]] | None = None
        self.quiet_after = 5.0
        self._up = False

    async def run(self) -> None:
        """Keep the stream until cancelled."""
        backoff = Backoff()
        while True:
            try:
                message = await self._next()
                self._deliver(message)
                backoff.reset()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                await self._fail(NetworkError("the connection was closed"), backoff)
            except Exception as error:  # whatever it was, the stream must come back
                await self._fail(error, backoff)

    async def _next(self) -> Any:
        """The next message; on the way, note that the subscription stands, and look after a quiet one."""
        watching = asyncio.ensure_future(self._watch())
        try:
            if not self._up:
                await asyncio.wait({watching}, timeout=_SUBSCRIBED_AFTER)
                if not (watching.done() and (watching.cancelled() or watching.exception())):
                    self._rise()
            while self.quiet is not None:
                await asyncio.wait({watching}, timeout=self.quiet_after)
                if watching.done():
                    break
                await self.quiet()
            return await watching
        finally:
            if not watching.done():
                watching.cancel()

    def _rise(self) -> None:
        if not self._up:
            self._up = True
            self._link.exchange.streams[self._stream].up = True
            self._link.works(self._part)
            self.restored()

    async def _fail(self, error: Exception, backoff: Backoff) -> None:
        kind: ErrorKind = self._link.failed(self._part, error)
        self._link.exchange.broke(self._stream, kind)
        if self._up:
            self._up = False
            self.lost()
        await self._link.pause(backoff, kind)


def _nothing() -> None:
    return None
