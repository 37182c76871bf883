"""``/ws/real-time-metrics``: what is measured, every five seconds, to whoever connects."""

from __future__ import annotations

import asyncio

from aiohttp import web

from exporter.live.ring import STEP, Ring
from exporter.stream import protocol
from exporter.stream.client import Client
from exporter.stream.frames import Message
from exporter.web.stream import Streams


class Updates:
    """The connections, which are made as those of ``/ws`` are."""

    def __init__(self, streams: Streams, ring: Ring) -> None:
        self._streams = streams
        self._ring = ring
        self._number, self._newest = 0, Message(b"")

    async def ws(self, request: web.Request) -> web.StreamResponse:
        """One connection, from its handshake to its end."""
        return await self._streams.serve(request, self._talk)

    async def _talk(self, socket: web.WebSocketResponse, client: Client) -> None:
        telling = asyncio.create_task(self._tell(client))
        telling.add_done_callback(lambda _: client.end(protocol.FAULT, "a fault of the exporter; come again"))
        try:
            async for _ in self._streams.said(socket, client):
                pass  # it means nothing here
        finally:
            telling.cancel()

    async def _tell(self, client: Client) -> None:
        while True:
            if not client.is_behind():
                client.send(self._message())
            await asyncio.sleep(STEP)

    def _message(self) -> Message:
        """The newest figures; made once for all who get them."""
        if self._number != self._ring.number:
            self._number = self._ring.number
            self._newest = Message(b'{"type":"metrics_update","data":' + self._ring.text + b"}")
        return self._newest
