"""``/ws``: the streams over WebSocket."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import get_args
from urllib.parse import urlsplit

import msgspec
from aiohttp import WSMessage, WSMsgType, hdrs, web

from exporter.state.state import State
from exporter.stream import frames, protocol
from exporter.stream.client import Bucket, Client, Wire
from exporter.stream.hub import Hub
from exporter.stream.protocol import PRIVATE, Asked, Auth, Ping, Request, Stream, Subscribe, Unsubscribe
from exporter.web.keys import TRUSTED

Talk = Callable[[web.WebSocketResponse, Client], Awaitable[None]]

_PATIENCE = 50  # messages beyond the limit, as many a second again, after which a client has to go
_STRANGERS_SECONDS = 15.0  # within which those without the token have to ask for something
_MAY_BE_SENT = f"op is auth, subscribe, unsubscribe or ping, stream {', '.join(get_args(Stream))}; see docs/stream.md"


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
        if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            text = f"{request.path} is a WebSocket; docs/stream.md says how programs talk to it"
            raise web.HTTPUpgradeRequired(text=text, headers={hdrs.UPGRADE: "websocket"})
        trusted = request.get(TRUSTED, True)
        if not self._is_welcome(request):
            self._state.stream.refused["origin"] += 1
            raise web.HTTPForbidden(text="pages of this origin may not connect; add it to stream.origins")
        if self._is_full(trusted=trusted):
            self._state.stream.refused["full"] += 1
            raise web.HTTPServiceUnavailable(text="too many connections; try again later", headers={"Retry-After": "5"})
        socket = web.WebSocketResponse(
            heartbeat=self._settings.ping_seconds, max_msg_size=protocol.LONGEST, compress=True, autoping=False
        )
        try:
            await socket.prepare(request)
        except ConnectionError:
            return web.Response(status=400)  # which nobody gets any more
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"this is no handshake of a WebSocket: {error}") from None
        if request.transport is None:
            return socket
        client = Client(
            _wire(request.transport, socket),
            self._state.stream,
            self._settings,
            trusted=trusted,
        )
        self._hub.enter(client)
        patience = asyncio.get_running_loop().call_later(_STRANGERS_SECONDS, _ask_for_something, client)
        try:
            await talk(socket, client)
        except ConnectionError:  # it went in the middle of an answer
            pass
        finally:
            patience.cancel()
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
            if await client.room():
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
        rate = self._settings.messages_per_second
        bucket, patience = Bucket(rate, self._settings.burst), Bucket(rate, _PATIENCE)
        async for message in socket:
            if not bucket.take():
                self._refuse(client, "rate", f"more than {rate:g} messages a second")
                if not patience.take():
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
            self._refuse(client, "malformed", f"{error}; {_MAY_BE_SENT}")
            return
        await self._do(client, request)

    async def _do(self, client: Client, request: Request) -> None:
        match request:
            case Auth(token):
                self._authorize(client, request, token)
            case Subscribe():
                await self._subscribe(client, request)
            case Unsubscribe(channel):
                leave = client.channels.pop(channel, None)
                if leave is None:
                    self._refuse(client, "channel", f"there is no channel {channel} to leave", request)
                else:
                    leave()
                    client.say(protocol.told("unsubscribed", request, channel=channel))
            case Ping():
                client.say(protocol.told("pong", request, ts=self._state.clock()))

    def _authorize(self, client: Client, request: Auth, token: str) -> None:
        wanted = self._token
        given = token.encode(errors="surrogateescape")
        if wanted is None or hmac.compare_digest(given, wanted.encode()):
            client.trusted = True
            client.say(protocol.told("authorized", request))
        else:
            self._refuse(client, "token", "the token is not the one of web.bearer_token", request)

    async def _subscribe(self, client: Client, wanted: Subscribe) -> None:
        stream, most = wanted.stream, self._settings.subscriptions
        if stream not in self._hub.streams:
            self._refuse(client, "stream", f"the stream {stream} is off; pages.public switches it on", wanted)
        elif stream in PRIVATE and not client.trusted:
            self._refuse(client, "token", f"the stream {stream} needs a token; send it with the op auth", wanted)
        elif wanted.meaningless:
            text = f"nothing in {stream} is chosen by {' or '.join(wanted.meaningless)}; leave it out"
            self._refuse(client, "selection", text, wanted)
        elif len(client.channels) >= most:
            self._refuse(client, "subscriptions", f"more than {most} subscriptions", wanted)
        else:
            await self._hub.subscribe(client, wanted)

    def _refuse(self, client: Client, code: str, message: str, asked: Asked | None = None) -> None:
        self._state.stream.refused[code] += 1
        client.say(protocol.told("error", asked, code=code, message=message))

    def _is_full(self, *, trusted: bool) -> bool:
        """Strangers may take half of the places, so that they keep nobody out who sends the token."""
        most = self._settings.connections
        return self._state.stream.connections >= most or (not trusted and self._hub.strangers >= most / 2)


def _ask_for_something(client: Client) -> None:
    if not client.trusted and not client.channels:
        client.end(protocol.POLICY, "ask for a stream, or send the token", "idle")


def _wire(transport: asyncio.Transport, socket: web.WebSocketResponse) -> Wire:
    agreed = socket.headers.get(hdrs.SEC_WEBSOCKET_EXTENSIONS, "")
    return Wire(
        transport,
        socket,
        deflates=socket.compress == frames.WINDOW_BITS,
        remembers="server_no_context_takeover" not in agreed,
    )
