"""From HTTP request to answer: faults first, then weight, signature and the endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn
from urllib.parse import parse_qsl

from aiohttp import web

from simulator import dialect, sockets
from simulator.dialect import Refused
from simulator.faults import (
    Disconnect,
    Down,
    Garbage,
    Latency,
    Maintenance,
    RateLimit,
    ServerError,
    Timeout,
)
from simulator.orders import Refusal
from simulator.rest import ENDPOINTS, Call, Endpoint
from simulator.statistics import Statistics
from simulator.stream import encode
from simulator.venue import Throttled, Venue

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HTML = b"<html><head><title>Just a moment...</title></head><body>Checking your browser.</body></html>"
REST_GARBAGE = ("html", "truncated", "empty")


class Gateway:
    """Routes requests to venues by the first part of the path."""

    def __init__(self, venues: Mapping[str, Venue], statistics: Mapping[str, Statistics]) -> None:
        self._venues = venues
        self._statistics = statistics

    def routes(self) -> list[web.RouteDef]:
        """Return all routes of the exchanges."""
        rest = [
            web.route(endpoint.method, "/{exchange}" + endpoint.path, self._rest(endpoint), allow_head=False)
            if endpoint.method == "GET"
            else web.route(endpoint.method, "/{exchange}" + endpoint.path, self._rest(endpoint))
            for endpoint in ENDPOINTS
        ]
        return [
            *rest,
            web.get("/{exchange}/stream/ws/{number}", self._socket(sockets.market_streams)),
            web.get("/{exchange}/ws-api/v3", self._socket(sockets.request_api)),
        ]

    def venue(self, request: web.Request) -> Venue:
        """Return the exchange that the path names; raises HTTPNotFound."""
        name = request.match_info["exchange"]
        if name not in self._venues:
            raise web.HTTPNotFound(text=f"no exchange {name!r} here; there are {', '.join(self._venues)}\n")
        return self._venues[name]

    def _socket(self, serve: Callable[[Venue, web.Request], Awaitable[web.StreamResponse]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            venue = self.venue(request)
            failure = await _failure(venue, request, stream=True)
            return failure if failure is not None else await serve(venue, request)

        return handle

    def _rest(self, endpoint: Endpoint) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            venue = self.venue(request)
            failure = await _failure(venue, request, stream=False)
            if failure is not None:
                return failure
            response = await self._answer(venue, endpoint, request)
            response.headers["X-MBX-USED-WEIGHT-1M"] = str(venue.weight.used)
            return await _spoilt(venue, request, response)

        return handle

    async def _answer(self, venue: Venue, endpoint: Endpoint, request: web.Request) -> web.Response:
        query, form = request.rel_url.raw_query_string, await request.text()
        params = dict(request.query) | dict(parse_qsl(form, keep_blank_values=True))
        try:
            venue.weight.use(endpoint.cost(params), venue.now())
            if endpoint.signed:
                key, now = request.headers.get("X-MBX-APIKEY"), venue.server_time(request.path)
                venue.credentials.check_request(key, query + form, params, now)
            call = Call(venue, self._statistics[venue.name], request.path, params)
            return _json(endpoint.handler(call))
        except Throttled as throttled:
            return _json(throttled.body(), 429, {"Retry-After": str(throttled.retry_after)})
        except Refused as refused:
            return _json(refused.body(), refused.status)
        except Refusal as refusal:
            code, message = dialect.REFUSALS[refusal.reason]
            return _json({"code": code, "msg": message}, 400)


async def _failure(venue: Venue, request: web.Request, *, stream: bool) -> web.Response | None:
    """Return the answer of the fault that strikes before the endpoint, or None; may abort or never return."""
    faults, path = venue.faults, request.path
    if faults.strike(Down, path, stream=stream):
        _abort(request)
    if faults.strike(Timeout, path, stream=stream):
        await venue.closing.wait()
        _abort(request)
    if not stream and (latency := faults.strike(Latency, path)):
        await asyncio.sleep(latency.seconds)
    if limit := faults.strike(RateLimit, path, stream=stream):
        body = Refused(*dialect.TOO_MANY_REQUESTS).body()
        return _json(body, 429, {"Retry-After": str(limit.retry_after)})
    if error := faults.strike(ServerError, path, stream=stream):
        return _server_error(error.status)
    if faults.strike(Maintenance, path, stream=stream):
        return _json(Refused(*dialect.MAINTENANCE).body(), 503)
    return None


def _server_error(status: int) -> web.Response:
    """Return the engine's own words for 500, and a gateway's page for what comes from a gateway."""
    if status == 500:
        return _json(Refused(*dialect.UNKNOWN_ERROR).body(), status)
    page = f"<html><head><title>{status}</title></head><body>{status}</body></html>"
    return web.Response(text=page, status=status, content_type="text/html")


async def _spoilt(venue: Venue, request: web.Request, response: web.Response) -> web.StreamResponse:
    """Return ``response``, or what a fault makes of it."""
    faults, path = venue.faults, request.path
    body = response.body if isinstance(response.body, bytes) else b""
    garbage = faults.strike(Garbage, path, flavours=REST_GARBAGE)
    if garbage is not None:
        if garbage.flavour == "html":
            return web.Response(body=HTML, content_type="text/html")
        return _raw(body[: len(body) // 2] if garbage.flavour == "truncated" else b"")
    if faults.strike(Disconnect, path, flavours=("mid_answer",)):
        partial = web.StreamResponse(status=response.status, headers={"Content-Length": str(len(body))})
        await partial.prepare(request)
        await partial.write(body[: len(body) // 2])
        _abort(request)
    return response


def _abort(request: web.Request) -> NoReturn:
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError


def _json(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    response = _raw(encode(body))
    response.set_status(status)
    response.headers.update(headers or {})
    return response


def _raw(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
