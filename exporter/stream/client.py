"""One connection: what it asked for, and how much of what was sent it has not read yet."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import NamedTuple, Protocol

from exporter.config import Stream as Settings
from exporter.state.stream import StreamState
from exporter.stream import protocol
from exporter.stream.frames import Message

_KERNEL_BUFFER = 65_536  # bytes; what is in there cannot be replaced by newer state
_HEARD = 8_192  # bytes at once from a client, whose words are short; a flood of them is not taken apart in one go
_LAST_WORDS_SECONDS = 2.0
_LOOK = 0.05  # seconds between two looks at whether it has read


class Bucket:
    """At most ``burst`` at once, and ``rate`` a second over time."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, monotonic()

    def take(self) -> bool:
        """Whether one more is within the limit."""
        now = monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Closing(Protocol):
    """What ends a connection with a code, after which nothing is sent."""

    @property
    def closed(self) -> bool:
        """Whether that is under way."""

    async def close(self, *, code: int, message: bytes) -> bool:
        """End it; returns once the other side has ended it, too."""


class Wire(NamedTuple):
    """A connection's two ways out.

    ``deflates`` says that the other side takes compressed messages, ``remembers`` that it keeps their text at hand.
    """

    transport: asyncio.Transport
    closing: Closing
    deflates: bool
    remembers: bool


class Client:
    """``trusted`` says that it may have what is private.

    More than ``waiting_bytes`` that it has not read make it behind: it gets nothing until it has caught up, and is
    dropped after ``slow_seconds`` of that.
    """

    def __init__(self, wire: Wire, counts: StreamState, settings: Settings, *, trusted: bool) -> None:
        self.trusted = trusted
        self.channels: dict[int, Callable[[], None]] = {}  # by number, what leaves it
        self._transport, self._closing, self._deflates, self._remembers = wire
        self._seen = b""
        self._counts = counts
        self._settings = settings
        self._behind_since: float | None = None
        self._ending: asyncio.Task[bool] | None = None
        with suppress(AttributeError):  # asyncio's own transports have it, others may not
            setattr(self._transport, "max_size", _HEARD)  # noqa: B010 - typeshed does not know it
        kernel = self._transport.get_extra_info("socket")
        if kernel is not None:
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BUFFER)

    def send(self, message: Message) -> None:
        """Send a message, unless the connection ends already."""
        if self._is_ending:
            return
        data = self._frame(message)
        self._transport.write(data)
        counts = self._counts
        counts.messages += 1
        counts.bytes_made += len(message.payload)
        counts.bytes_sent += len(data)

    def _frame(self, message: Message) -> bytes:
        if not self._deflates or not message.is_worth_it:
            return message.plain
        frame, seen = message.deflated(self._seen)
        if self._remembers:
            self._seen = seen
        return frame

    def say(self, payload: bytes) -> None:
        """Send a message to this client alone."""
        self.send(Message(payload))

    def is_behind(self) -> bool:
        """Whether it has to read first; drops it when that takes too long."""
        now = monotonic()
        if self._transport.get_write_buffer_size() <= self._settings.waiting_bytes:
            self._behind_since = None
            return False
        if self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since > self._settings.slow_seconds:
            self.end(protocol.TOO_SLOW, "too slow: what was sent is not read", "slow")
        return True

    async def room(self) -> bool:
        """Wait until it has read what it was sent; whether it is there to be sent more."""
        while not self._is_ending and self.is_behind():  # noqa: ASYNC110 - a transport tells aiohttp alone
            await asyncio.sleep(_LOOK)
        return not self._is_ending

    def end(self, code: int, reason: str, counted: str = "") -> None:
        """End the connection, with a reason for whoever still reads it."""
        if self._is_ending:
            return
        if counted:
            self._counts.dropped[counted] += 1
        self._ending = asyncio.create_task(self._closing.close(code=code, message=reason.encode()))
        asyncio.get_running_loop().call_later(_LAST_WORDS_SECONDS, self._transport.abort)

    async def ended(self) -> None:
        """Wait for the end, once it is told to."""
        if self._ending is not None:
            await self._ending

    @property
    def _is_ending(self) -> bool:
        return self._ending is not None or self._closing.closed or self._transport.is_closing()

    def leave_all(self) -> None:
        """Ask for nothing any more."""
        for leave in list(self.channels.values()):
            leave()
        self.channels.clear()
