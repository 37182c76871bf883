"""Keeps one stream of an exchange alive: subscribe, deliver, and come back after each failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ccxt.base.errors import NetworkError

from exporter.sources.ccxt.link import Link, Retries
from exporter.state.exchange import ErrorKind, Stream

_SUBSCRIBED_AFTER = 1.0  # seconds without a refusal, after which a quiet subscription counts as standing
_CONNECTION_IN_DOUBT = {ErrorKind.NETWORK, ErrorKind.TIMEOUT, ErrorKind.AUTHENTICATION, ErrorKind.BAD_RESPONSE}
_STOOD_LONG = 30.0  # seconds, after which a failure is a new one and not the last one going on


class StreamKeeper:
    """One stream for one symbol.

    States: down → (message, or a second without refusal on a connection that ``stands``) → up → (failure) →
    down. ``watch`` gives the next message or raises; ``deliver`` takes it. ``restored`` is called at each
    change from down to up, ``lost`` at each from up to down, ``abandon`` at failures that leave the connection
    in doubt, to let go of it, and ``quiet``, where given, after every ``quiet_after`` seconds without a message.
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
        self.stands: Callable[[], bool] = _never
        self.abandon: Callable[[], None] = _nothing
        self.quiet: Callable[[], Awaitable[None]] | None = None
        self.quiet_after = 5.0
        self._up = False
        self._heard = 0.0  # when there was last a message, on the loop's clock
        self._rose = 0.0
        self._retries = Retries(link)

    async def run(self) -> None:
        """Keep the stream until cancelled."""
        while True:
            try:
                await self._until_failure()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                await self._fail(NetworkError("the connection was closed"))
            except Exception as error:
                await self._fail(error)

    async def _until_failure(self) -> None:
        """Let messages flow; meanwhile note that the subscription stands, and look after a quiet one."""
        pump = asyncio.create_task(self._pump())
        try:
            while True:
                await asyncio.wait({pump}, timeout=self._patience())
                if pump.done():
                    pump.result()
                elif not self._up:
                    if self.stands():
                        self._rise()
                elif self.quiet is not None and self._patience() == 0:
                    await self.quiet()
                    self._heard = asyncio.get_running_loop().time()
        finally:
            pump.cancel()

    async def _pump(self) -> None:
        """Watch, deliver, watch again at once.

        A message that arrives while nobody watches wakes nobody, so between two calls there must be no turn
        of the event loop: no other task, and nothing awaited.
        """
        while True:
            message = await self._watch()
            self._deliver(message)
            self._heard = asyncio.get_running_loop().time()
            if not self._up:
                self._rise()

    def _patience(self) -> float | None:
        """Seconds until the stream has to be looked at; None where only a failure or a message matters."""
        if not self._up:
            return _SUBSCRIBED_AFTER
        if self.quiet is None:
            return None
        return max(0.0, self._heard + self.quiet_after - asyncio.get_running_loop().time())

    def _rise(self) -> None:
        self._up = True
        self._heard = asyncio.get_running_loop().time()
        self._rose = self._heard
        self._link.exchange.flows(self._stream, self._part)
        self._link.works(self._part)
        self.restored()

    async def _fail(self, error: Exception) -> None:
        kind = self._link.failed(self._part, error)
        if self._up or kind in _CONNECTION_IN_DOUBT:
            self.abandon()
        self._link.exchange.broke(self._stream, self._part, kind)
        if self._up:
            if asyncio.get_running_loop().time() - self._rose > _STOOD_LONG:
                self._retries.reset()
            self._up = False
            self.lost()
        await self._retries.pause(kind)


def _never() -> bool:
    return False


def _nothing() -> None:
    return None
