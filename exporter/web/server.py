"""Serves ``/metrics``, ``/health``, ``/v1/events``, ``/v1/schema``, ``/v1/alerts``, ``/v1/sms`` and ``/``."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from exporter.collectors import discover, gather
from exporter.config import Web
from exporter.errors import ServiceError
from exporter.exposition import CONTENT_TYPE, Exposition
from exporter.intake import Intake
from exporter.publish.scrapes import Scrapes
from exporter.state.state import OWN, State
from exporter.web import schema
from exporter.web.alerts import Alerts
from exporter.web.index import Index
from exporter.web.push import Push

# What a load balancer or a person may ask without a token, and where bots and Alertmanager come with their own.
_OPEN_PATHS = frozenset(("/", "/health", "/v1/schema", "/v1/events", "/v1/alerts", "/v1/sms"))

_TRUSTED = web.RequestKey("trusted", bool)  # whether a request came with the token


class Endpoints:
    """The request handlers over one state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._collectors = discover()
        self.scrapes = Scrapes(state)
        limits = state.config.limits
        self._exposition = Exposition(limits.series_per_family, limits.series, state.dropped)
        self._process = CollectorRegistry(auto_describe=False)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._process)

    async def metrics(self, request: web.Request) -> web.Response:
        """All families in Prometheus' text format."""
        self.scrapes.came(request.headers)
        text = [part async for part in self._exposition.render(gather(self._collectors, self._state))]
        body = "".join(text).encode() + generate_latest(self._process)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def health(self, request: web.Request) -> web.Response:
        """The state of each part.

        Unhealthy, with a 503, is the exporter only when a part of its own failed: what is down outside
        degrades it, and no restart would help. Details are for those who may read the metrics.
        """
        parts = self._state.components
        failed = {name.partition("/")[0] for name, part in parts.items() if not part.up}
        overall = "unhealthy" if OWN in failed else "degraded" if failed else "healthy"
        trusted = request.get(_TRUSTED, True)
        services = {
            name: {"state": "up" if part.up else "down"} | ({"detail": part.detail} if trusted else {})
            for name, part in parts.items()
        }
        body = msgspec.json.encode({"overall_status": overall, "services": services})
        return web.Response(body=body, status=503 if overall == "unhealthy" else 200, content_type="application/json")

    async def schema(self, _: web.Request) -> web.Response:
        """The JSON Schema of what is pushed."""
        return web.Response(text=schema.TEXT, content_type="application/schema+json")


def _authentication(token: str) -> Middleware:
    """A middleware that asks for ``Authorization: Bearer TOKEN``."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        matches = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token.encode())
        request[_TRUSTED] = matches and scheme.lower() == "bearer"
        if request[_TRUSTED] or request.path in _OPEN_PATHS:
            return await handler(request)
        return web.Response(status=401, text="a bearer token is needed\n", headers={"WWW-Authenticate": "Bearer"})

    return check


@web.middleware
async def _in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What no handler serves is answered as JSON, like all that programs read here."""
    headers = {}
    try:
        return await handler(request)
    except web.HTTPNotFound:
        status, text = 404, f"there is no {request.path} here; GET / lists what there is"
    except web.HTTPMethodNotAllowed as error:
        status, headers = 405, {"Allow": error.headers["Allow"]}
        text = f"{request.path} takes {headers['Allow']}, not {request.method}"
    body = msgspec.json.encode({"message": text}) + b"\n"
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


@asynccontextmanager
async def serve(config: Web, state: State) -> AsyncIterator[str]:
    """Serve until the block ends; gives the address, with the real port where 0 was configured."""
    endpoints = Endpoints(state)
    guard = [_authentication(config.bearer_token.read())] if config.bearer_token else []
    app = web.Application(middlewares=[*guard, _in_json])
    app.router.add_get("/metrics", endpoints.metrics)
    app.router.add_get("/health", endpoints.health)
    app.router.add_get("/v1/schema", endpoints.schema)
    app.router.add_post("/v1/events", Push(state, Intake(state)).events)
    alerts = Alerts(state)
    app.router.add_post("/v1/alerts", alerts.alerts)
    app.router.add_post("/v1/sms", alerts.sms)
    app.router.add_get("/", Index(state.config.links).page)
    # Bodies are decompressed by `Push`, within its limits.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, auto_decompress=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.host, config.port)
        try:
            await site.start()
        except OSError as error:
            text = f"cannot listen on {config.listen}: {error.strerror}; free the port or change web.listen"
            raise ServiceError(text) from None
        host, port = runner.addresses[0][:2]
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        endpoints.scrapes.stop()
        await runner.cleanup()
