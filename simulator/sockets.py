"""The two WebSocket endpoints: market streams, and the request API that carries the account's events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import WSMsgType, web

from simulator.dialect import Json, Refused
from simulator.stream import Connection, encode
from simulator.venue import Venue

INVALID_REQUEST = {"code": 2, "msg": "Invalid request: it is not a JSON object with a method"}


async def market_streams(venue: Venue, request: web.Request) -> web.WebSocketResponse:
    """Serve ``/stream/ws/<n>``: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS."""
    async with _connected(venue, request) as (socket, connection):
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                connection.send(encode(_market_answer(venue, connection, message.data)))
    return socket


async def request_api(venue: Venue, request: web.Request) -> web.WebSocketResponse:
    """Serve ``/ws-api/v3``: ping, time and the subscription to the account's events."""
    async with _connected(venue, request) as (socket, connection):
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                connection.send(encode(_api_answer(venue, connection, message.data)))
    return socket


@asynccontextmanager
async def _connected(venue: Venue, request: web.Request) -> AsyncIterator[tuple[web.WebSocketResponse, Connection]]:
    # Not compressed: on loopback that would only cost time.
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    connection = Connection(socket, request, venue.faults)
    venue.hub.join(connection)
    pump = asyncio.create_task(connection.pump())
    try:
        yield socket, connection
    finally:
        venue.hub.leave(connection)
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)


def _parsed(data: str) -> Json | None:
    try:
        message = msgspec.json.decode(data, type=dict[str, object])
    except msgspec.DecodeError:
        return None
    return message if isinstance(message.get("method"), str) else None


def _market_answer(venue: Venue, connection: Connection, data: str) -> Json:
    message = _parsed(data)
    if message is None:
        return {"error": INVALID_REQUEST, "id": None}
    number, method, params = message.get("id"), message["method"], message.get("params", [])
    if method == "LIST_SUBSCRIPTIONS":
        return {"result": venue.hub.subscriptions(connection), "id": number}
    streams = [str(stream) for stream in params] if isinstance(params, list) else [str(params)]
    unknown = [stream for stream in streams if not venue.hub.knows(stream)]
    if unknown:
        return {"error": {"code": 2, "msg": f"Invalid request: invalid stream {unknown[0]}"}, "id": number}
    if method == "SUBSCRIBE":
        for stream in streams:
            venue.hub.subscribe(connection, stream)
    elif method == "UNSUBSCRIBE":
        for stream in streams:
            venue.hub.unsubscribe(connection, stream)
    else:
        return {"error": {"code": 2, "msg": f"Invalid request: unknown method {method}"}, "id": number}
    return {"result": None, "id": number}


def _api_answer(venue: Venue, connection: Connection, data: str) -> Json:
    message = _parsed(data)
    if message is None:
        return {"id": None, "status": 400, "error": INVALID_REQUEST}
    try:
        result = _api_result(venue, connection, message)
    except Refused as refused:
        return {"id": message.get("id"), "status": refused.status, "error": refused.body()}
    return {"id": message.get("id"), "status": 200, "result": result, "rateLimits": []}


def _api_result(venue: Venue, connection: Connection, message: Json) -> Json:
    method, params = message["method"], message.get("params")
    if method == "ping":
        return {}
    if method == "time":
        return {"serverTime": venue.server_time(connection.path)}
    if method == "userDataStream.subscribe.signature":
        signed = params if isinstance(params, dict) else {}
        venue.credentials.check_message(signed, venue.server_time(connection.path))
        return {"subscriptionId": venue.hub.subscribe_private(connection)}
    if method == "userDataStream.unsubscribe":
        venue.hub.unsubscribe_private(connection)
        return {}
    raise Refused(-1020, f"This operation is not supported: {method}")
