"""A client without a connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from exporter.stream.frames import Message


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.trusted = True
        self.channels: dict[int, Callable[[], None]] = {}
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def is_behind(self) -> bool:
        return False

    async def room(self) -> bool:
        return True

    def send(self, message: Message) -> None:
        self.told.put_nowait(json.loads(message.payload))

    def say(self, payload: bytes) -> None:
        assert json.loads(payload)["type"] == "subscribed"

    def leave_all(self) -> None:
        for leave in self.channels.values():
            leave()
        self.channels.clear()

    def news(self) -> list[dict[str, Any]]:
        """All that it was told so far, and not given here before."""
        return [self.told.get_nowait() for _ in range(self.told.qsize())]
