"""``/ws``: the streams over WebSocket."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import msgspec
from aiohttp import WSMessage, WSMsgType, hdrs, web

from exporter.state.state import State
from exporter.stream import frames, protocol
from exporter.stream.client import Bucket, Client, Wire
from exporter.stream.hub import Hub
from exporter.stream.protocol import PRIVATE, Auth, Ping, Request, Subscribe, Unsubscribe
from exporter.web.keys import TRUSTED

Talk = Callable[[web.WebSocketResponse, Client], Awaitable[None]]

_PATIENCE = 50  # messages beyond the limit after which a client has to go


class Streams:
    """The connections; ``token`` is what private streams need, if anything."""

    def __init__(self, state: State, hub: Hub, token: str | None) -> None:
        self._state = state
        self._hub = hub
        self._token = token
        self._settings = state.config.stream

    async def ws(self, request: web.Request) -> web.StreamResponse:
        """One connection, from its handshake to its end."""
        return await self.serve(request, self._talk)

    async def serve(self, request: web.Request, talk: Talk) -> web.StreamResponse:
        """A connection over which is talked as told, if it may be made."""
        if not self._is_welcome(request):
            self._state.stream.refused["origin"] += 1
            return web.Response(status=403, text="pages of this origin may not connect; add it to stream.origins\n")
        if self._state.stream.connections >= self._settings.connections:
            self._state.stream.refused["full"] += 1
            return web.Response(status=503, text="too many connections; try again later\n")
        socket = web.WebSocketResponse(
            heartbeat=self._settings.ping_seconds, max_msg_size=protocol.LONGEST, compress=True, autoping=False
        )
        await socket.prepare(request)
        if request.transport is None:
            return socket
        client = Client(
            _wire(request.transport, socket),
            self._state.stream,
            self._settings,
            trusted=request.get(TRUSTED, True),
        )
        self._hub.enter(client)
        try:
            await talk(socket, client)
        finally:
            self._hub.exit(client)
        await client.ended()
        return socket

    async def _talk(self, socket: web.WebSocketResponse, client: Client) -> None:
        interval = self._settings.interval_seconds * 1000
        client.say(protocol.hello(self._hub.epoch, interval, trusted=client.trusted))
        async for message in self.said(socket, client):
            if message.type is not WSMsgType.TEXT:
                client.end(protocol.UNSUPPORTED, "send text, as JSON", "binary")
                return
            if await client.room(self._state.clock):
                await self._answer(client, message.data)

    def _is_welcome(self, request: web.Request) -> bool:
        """Whether a browser's page may connect: one of ours, or of an origin in the configuration."""
        origin = request.headers.get("Origin")
        if origin is None or origin in self._settings.origins:
            return True
        try:
            return urlsplit(origin).netloc == request.host
        except ValueError:  # no address at all
            return False

    async def said(self, socket: web.WebSocketResponse, client: Client) -> AsyncIterator[WSMessage]:
        """What a client says, as long as that is not too much. Its pings count, and are answered here."""
        settings, clock = self._settings, self._state.clock
        bucket, excess = Bucket(settings.messages_per_second, settings.burst, clock()), 0
        async for message in socket:
            if not bucket.take(clock()):
                excess += 1
                self._refuse(client, "rate", f"more than {settings.messages_per_second:g} messages a second")
                if excess > _PATIENCE:
                    client.end(protocol.FLOOD, "too many messages", "flood")
                    return
            elif message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                self._state.stream.received += 1
                yield message

    async def _answer(self, client: Client, text: str) -> None:
        try:
            request = protocol.decode(text)
        except (msgspec.MsgspecError, UnicodeEncodeError) as error:
            self._refuse(client, "malformed", f"{error}; docs/stream.md says what may be sent")
            return
        await self._do(client, request)

    async def _do(self, client: Client, request: Request) -> None:
        match request:
            case Auth(token):
                self._authorize(client, token)
            case Subscribe():
                await self._subscribe(client, request)
            case Unsubscribe(channel):
                leave = client.channels.pop(channel, None)
                if leave is None:
                    self._refuse(client, "channel", f"there is no channel {channel} to leave")
                else:
                    leave()
                    client.say(protocol.told("unsubscribed", channel=channel))
            case Ping():
                client.say(protocol.told("pong", ts=self._state.clock()))

    def _authorize(self, client: Client, token: str) -> None:
        wanted = self._token
        given = token.encode(errors="surrogateescape")
        if wanted is None or hmac.compare_digest(given, wanted.encode()):
            client.trusted = True
            client.say(protocol.told("authorized"))
        else:
            self._refuse(client, "token", "the token is not the one of web.bearer_token")

    async def _subscribe(self, client: Client, wanted: Subscribe) -> None:
        if wanted.stream not in self._hub.streams:
            self._refuse(client, "stream", f"the stream {wanted.stream} is off; pages.public switches it on")
        elif wanted.stream in PRIVATE and not client.trusted:
            self._refuse(client, "token", f"the stream {wanted.stream} needs a token; send it with the op auth")
        elif len(client.channels) >= self._settings.subscriptions:
            self._refuse(client, "subscriptions", f"more than {self._settings.subscriptions} subscriptions")
        else:
            await self._hub.subscribe(client, wanted)

    def _refuse(self, client: Client, code: str, message: str) -> None:
        self._state.stream.refused[code] += 1
        client.say(protocol.told("error", code=code, message=message))


def _wire(transport: asyncio.Transport, socket: web.WebSocketResponse) -> Wire:
    agreed = socket.headers.get(hdrs.SEC_WEBSOCKET_EXTENSIONS, "")
    return Wire(
        transport,
        socket,
        deflates=socket.compress == frames.WINDOW_BITS,
        remembers="server_no_context_takeover" not in agreed,
    )
