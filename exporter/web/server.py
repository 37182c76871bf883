"""Serves ``/metrics``, ``/health``, ``/api/…``, ``/live``, ``/public``, ``/ws``, ``/v1/…`` and ``/``."""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from exporter.collectors import Gatherer, switched_on
from exporter.config import Web
from exporter.errors import ServiceError
from exporter.exposition import CONTENT_TYPE, Exposition
from exporter.intake import Intake
from exporter.live import Live
from exporter.publish.scrapes import Scrapes
from exporter.state.state import OWN, State
from exporter.stream import Hub
from exporter.web import hosts, pages, schema
from exporter.web.alerts import Alerts
from exporter.web.api import Api
from exporter.web.debug import Debug
from exporter.web.index import Index
from exporter.web.keys import TRUSTED
from exporter.web.push import Push
from exporter.web.shapes import Health, Service
from exporter.web.stream import Streams
from exporter.web.updates import Updates

# What says nothing private, and where bots and Alertmanager come with a token of their own.
_OPEN_TO_ALL = frozenset(("/v1/schema", "/v1/events", "/v1/alerts", "/v1/sms"))

# What a load balancer or a person may ask without the token besides.
_OPEN_PATHS = frozenset(("/", "/health", "/api/docs", "/api/openapi.json", "/ws"))

log = logging.getLogger(__name__)
# What is no HTTP is answered with a 400, and said nowhere else: scanners would fill the disk with it.
log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))

_LAST_ANSWERS_SECONDS = 0.7  # for requests under way at the end, and as long again for those that are then cancelled


class Endpoints:
    """The request handlers over one state."""

    def __init__(self, state: State, live: Live) -> None:
        self._state = state
        self._scores = live.ring.scores
        self._gatherer = Gatherer(switched_on(state.config), state)
        self.scrapes = Scrapes(state)
        limits = state.config.limits
        self._exposition = Exposition(limits.series_per_family, limits.series, state.dropped)
        self._process = CollectorRegistry(auto_describe=False)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._process)

    async def metrics(self, request: web.Request) -> web.Response:
        """All families in Prometheus' text format."""
        self.scrapes.came(request.headers)
        text = [part async for part in self._exposition.render(self._gatherer.batches())]
        body = "".join(text).encode() + generate_latest(self._process)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def health(self, request: web.Request) -> web.Response:
        """The state of each part.

        Unhealthy, with a 503, is the exporter only when a part of its own failed: what is down outside
        degrades it, and no restart would help. The parts, which have names of accounts and bots in them, are for those
        who may read the metrics.
        """
        parts = self._state.components
        failed = {name.partition("/")[0] for name, part in parts.items() if not part.up}
        trusted = request.get(TRUSTED, True)
        found = Health(
            overall_status="unhealthy" if OWN in failed else "degraded" if failed else "healthy",
            score=self._scores.overall(),
            services={name: self._service(name) for name in parts} if trusted else None,
            missing={} if trusted else {"services": "only those who send the token of web.bearer_token see the parts"},
        )
        status = 503 if found.overall_status == "unhealthy" else 200
        return web.Response(body=msgspec.json.encode(found), status=status, content_type="application/json")

    def _service(self, name: str) -> Service:
        part, breaker = self._state.components[name], self._state.breakers.get(name)
        return Service(
            state="up" if part.up else "down",
            score=self._scores.of(name),
            detail=part.detail,
            restarts=breaker.restarts if breaker else msgspec.UNSET,
            circuit=("open" if breaker.is_open else "closed") if breaker else msgspec.UNSET,
        )

    async def schema(self, _: web.Request) -> web.Response:
        """The JSON Schema of what is pushed."""
        return web.Response(text=schema.TEXT, content_type="application/schema+json")


def _is_open_to_all(path: str) -> bool:
    return path in _OPEN_TO_ALL or pages.is_open(path)


def _guards(config: Web, token: str | None) -> list[Middleware]:
    if token is not None:
        return [_authentication(token)]
    return [hosts.guard(config.hosts, _is_open_to_all)] if config.on_loopback else []


def _authentication(token: str) -> Middleware:
    """A middleware that asks for ``Authorization: Bearer TOKEN``."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        matches = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token.encode())
        request[TRUSTED] = matches and scheme.lower() == "bearer"
        if request[TRUSTED] or request.path in _OPEN_PATHS or _is_open_to_all(request.path):
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
async def serve(config: Web, state: State, hub: Hub, live: Live) -> AsyncIterator[str]:
    """Serve until the block ends; gives the address, with the real port where 0 was configured."""
    endpoints = Endpoints(state, live)
    token = config.bearer_token.read() if config.bearer_token else None
    app = web.Application(middlewares=[*_guards(config, token), _in_json])
    app.router.add_get("/metrics", endpoints.metrics)
    app.router.add_get("/health", endpoints.health)
    app.router.add_get("/v1/schema", endpoints.schema)
    app.router.add_post("/v1/events", Push(state, Intake(state)).events)
    alerts = Alerts(state)
    app.router.add_post("/v1/alerts", alerts.alerts)
    app.router.add_post("/v1/sms", alerts.sms)
    app.router.add_get("/", Index(state.config).page)
    app.router.add_routes(Api(live, guarded=token is not None).routes())
    app.router.add_routes(pages.Pages(live, state.config.pages).routes())
    if state.config.debug.enabled:
        app.router.add_routes(Debug().routes())
    if state.config.stream.enabled:
        streams = Streams(state, hub, token)
        app.router.add_get("/ws", streams.ws)
        app.router.add_get("/ws/real-time-metrics", Updates(state, streams, live.ring).ws)
    # Bodies are decompressed by `Push`, within its limits.
    runner = web.AppRunner(
        app, access_log=None, logger=log, shutdown_timeout=_LAST_ANSWERS_SECONDS, auto_decompress=False
    )
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
