"""Readers of the stream for ``make bench``, a process of its own: many that only take what comes, few that look at it.

``python -m tests.bench.readers URL JSON`` with the keys of `Plan`; prints ``ready``, then a line of JSON, `Seen`.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

_TURN = 0.25  # seconds between two emptyings of the sockets of those that only take
_KEY = "AAAAAAAAAAAAAAAAAAAAAA=="


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How many readers, what each asks for (in turn), for how long after a pause, in seconds."""

    drained: int = 0
    sampled: int = 0
    asked: list[dict[str, object]] = []
    pause: float = 1.0
    seconds: float = 5.0
    stuck: bool = False


class Seen(msgspec.Struct, kw_only=True):
    """What the sampled readers saw: delays in seconds from telling to reading, frames and things.

    ``lost`` are connections of all readers that ended before they were to.
    """

    delays: list[float] = msgspec.field(default_factory=list)
    frames: int = 0
    things: int = 0
    lost: int = 0


def connect(url: str, asked: dict[str, object], buffer: int | None = None) -> socket.socket:
    """A connection that has asked for a stream; what comes is left to the caller."""
    parts = urlsplit(url)
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.connect((parts.hostname, parts.port))
    extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    head = f"GET /ws HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    connection.sendall(f"{head}Sec-WebSocket-Key: {_KEY}\r\nSec-WebSocket-Version: 13\r\n{extension}\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(1)
    if b" 101 " not in answer:
        raise ConnectionError(answer.decode())
    connection.sendall(text(json.dumps({"op": "subscribe", **asked})))
    connection.setblocking(False)
    return connection


def text(payload: str) -> bytes:
    """A client's text frame, masked as RFC 6455 has it."""
    body, mask = payload.encode(), os.urandom(4)
    size = bytes((0x80 | len(body),)) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
    return b"\x81" + size + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(body))


@dataclass(slots=True)
class Sampled:
    """A reader that looks at every message."""

    connection: socket.socket
    is_over: bool = False
    waiting: bytearray = field(default_factory=bytearray)
    inflater: zlib._Decompress = field(default_factory=lambda: zlib.decompressobj(-15))

    def messages(self) -> Iterator[bytes]:
        """What came."""
        came = self.connection.recv(1 << 18)
        self.is_over = not came
        self.waiting += came
        while (whole := self._whole()) is not None:
            start, end = whole
            first, body = self.waiting[0], bytes(self.waiting[start:end])
            del self.waiting[:end]
            if first & 0x40:
                body = self.inflater.decompress(body + b"\x00\x00\xff\xff")
            if first & 0x0F == 1:
                yield body

    def _whole(self) -> tuple[int, int] | None:
        """Where the body of the first frame is, once all of it came."""
        waiting = self.waiting
        if len(waiting) < 10 and len(waiting) < 2 + (waiting[1] & 127 if len(waiting) > 1 else 0):
            return None
        size, start = waiting[1] & 127, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(waiting[2:start], "big")
        return (start, start + size) if len(waiting) >= start + size else None


def main() -> None:
    """Connect, say so, take what comes, and tell what was seen."""
    url, plan = sys.argv[1], msgspec.json.decode(sys.argv[2], type=Plan)
    asked = plan.asked or [{"stream": "spreads"}]
    buffer = 4096 if plan.stuck else None
    drained = [connect(url, asked[i % len(asked)], buffer) for i in range(plan.drained)]
    sampled = [Sampled(connect(url, asked[i % len(asked)])) for i in range(plan.sampled)]
    print("ready", flush=True)
    if plan.stuck:
        time.sleep(plan.pause + plan.seconds)
        return
    print(msgspec.json.encode(_read(plan, drained, sampled)).decode(), flush=True)


def _read(plan: Plan, drained: list[socket.socket], sampled: list[Sampled]) -> Seen:
    seen, selector = Seen(), selectors.DefaultSelector()
    for reader in sampled:
        selector.register(reader.connection, selectors.EVENT_READ, reader)
    begins = time.time() + plan.pause
    ends, turn = begins + plan.seconds, time.monotonic()
    scratch = bytearray(1 << 18)
    while (now := time.time()) < ends:
        for key, _ in selector.select(min(ends - now, 0.05)):
            for message in key.data.messages():
                _note(seen, message, time.time(), begins)
            if key.data.is_over:
                selector.unregister(key.fileobj)
                seen.lost += 1
        if drained and time.monotonic() - turn >= _TURN:
            turn = time.monotonic()
            there = [connection for connection in drained if _empty(connection, scratch)]
            seen.lost += len(drained) - len(there)
            drained = there
    return seen


def _note(seen: Seen, message: bytes, now: float, begins: float) -> None:
    told = msgspec.json.decode(message)
    if told["type"] == "update" and told["ts"] >= begins:
        seen.delays.append(now - told["ts"])
        seen.frames += 1
        seen.things += len(told["data"])


def _empty(connection: socket.socket, scratch: bytearray) -> bool:
    """Read what came; whether more can come."""
    try:
        return connection.recv_into(scratch) > 0
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


if __name__ == "__main__":
    main()
