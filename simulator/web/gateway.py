"""From HTTP request to answer: faults first, then what the exchange's dialect says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NoReturn

from aiohttp import WSMsgType, web

from simulator.web.dialect import Answer, Excused, Request, Speaker, route_of
from simulator.web.faults import (
    Disconnect,
    Down,
    Garbage,
    Latency,
    Maintenance,
    RateLimit,
    ServerError,
    Timeout,
)
from simulator.web.hub import Connection
from simulator.web.venue import Venue

HTML = b"<html><head><title>Just a moment...</title></head><body>Checking your browser.</body></html>"
REST_GARBAGE = ("html", "truncated", "empty")


class Gateway:
    """Routes requests to exchanges by the first part of the path."""

    def __init__(self, venues: Mapping[str, Venue], speakers: Mapping[str, Speaker]) -> None:
        self._venues = venues
        self._speakers = speakers

    def routes(self) -> list[web.RouteDef]:
        """Return the one route to all exchanges: what is behind it depends on the exchange's dialect."""
        return [web.route("*", "/{exchange}/{route:.*}", self._handle)]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["exchange"]
        if name not in self._venues:
            raise web.HTTPNotFound(text=f"no exchange {name!r} here; there are {', '.join(self._venues)}\n")
        venue, speaker, route = self._venues[name], self._speakers[name], route_of(request.path)
        if speaker.serves(request.method, route):
            return await _rest(venue, speaker, request)
        if request.method == "GET" and speaker.has_socket(route):
            return await _socket(venue, speaker, request)
        raise web.HTTPNotFound(text=f"{name} has no {request.method} {route}\n")


async def _rest(venue: Venue, speaker: Speaker, request: web.Request) -> web.StreamResponse:
    failure = await _failure(venue, speaker, request, stream=False)
    if failure is not None:
        return _response(failure)
    query, body = request.rel_url.raw_query_string, await request.text()
    answer = speaker.answer(Request(request.method, request.path, query, body, request.headers))
    return await _spoilt(venue, request, answer)


async def _socket(venue: Venue, speaker: Speaker, request: web.Request) -> web.StreamResponse:
    failure = await _failure(venue, speaker, request, stream=True)
    if failure is not None:
        return _response(failure)
    async with _connected(venue, request) as (socket, connection):
        speaker.opened(connection)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                speaker.heard(connection, message.data)
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


async def _failure(venue: Venue, speaker: Speaker, request: web.Request, *, stream: bool) -> Answer | None:
    """Return the answer of the fault that strikes before the endpoint, or None; may abort or never return."""
    faults, path = venue.faults, request.path
    if faults.strike(Down, path, stream=stream):
        _abort(request)
    if faults.strike(Timeout, path, stream=stream):
        await venue.closing.wait()
        _abort(request)
    if not stream and (latency := faults.strike(Latency, path)):
        await asyncio.sleep(latency.seconds)
    fault: Excused | None = faults.strike(RateLimit, path, stream=stream)
    fault = fault or faults.strike(ServerError, path, stream=stream)
    fault = fault or faults.strike(Maintenance, path, stream=stream)
    return speaker.excuse(fault) if fault else None


async def _spoilt(venue: Venue, request: web.Request, answer: Answer) -> web.StreamResponse:
    """Return the answer, or what a fault makes of it."""
    faults, path, body = venue.faults, request.path, answer.body
    garbage = faults.strike(Garbage, path, flavours=REST_GARBAGE)
    if garbage is not None:
        if garbage.flavour == "html":
            return _response(Answer(HTML, content_type="text/html"))
        half = body[: len(body) // 2] if garbage.flavour == "truncated" else b""
        return _response(replace(answer, body=half, status=200))
    if faults.strike(Disconnect, path, flavours=("mid_answer",)):
        partial = web.StreamResponse(status=answer.status, headers={"Content-Length": str(len(body))})
        await partial.prepare(request)
        await partial.write(body[: len(body) // 2])
        _abort(request)
    return _response(answer)


def _abort(request: web.Request) -> NoReturn:
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError


def _response(answer: Answer) -> web.Response:
    headers, kind = dict(answer.headers), answer.content_type
    return web.Response(body=answer.body, status=answer.status, headers=headers, content_type=kind)
