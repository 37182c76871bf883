"""Serves ``/metrics``, ``/health``, ``/api/…``, ``/live``, ``/public``, ``/ws``, ``/v1/…`` and ``/``."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
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
from exporter.web import pages, schema
from exporter.web.alerts import Alerts
from exporter.web.answers import message
from exporter.web.api import Api
from exporter.web.debug import Debug
from exporter.web.guards import guards
from exporter.web.index import Index
from exporter.web.keys import TRUSTED
from exporter.web.push import Push
from exporter.web.shapes import Health, Service
from exporter.web.stream import Streams
from exporter.web.updates import Updates

log = logging.getLogger(__name__)

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
            missing={} if trusted else {"services": "the parts are for those who may see the metrics"},
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


@web.middleware
async def _in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What is refused is answered as JSON, like all that programs read here."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return message(404, f"there is no {request.path} here; GET / lists what there is")
    except web.HTTPMethodNotAllowed as error:
        allowed = error.headers["Allow"]
        return message(405, f"{request.path} takes {allowed}, not {request.method}", {"Allow": allowed})
    except web.HTTPError as error:
        headers = {name: value for name, value in error.headers.items() if not name.lower().startswith("content-")}
        return message(error.status, error.text or error.reason, headers)


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a fault is none of whoever asked: what is no HTTP gets its 400, and scanners would fill the disk."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


@asynccontextmanager
async def serve(config: Web, state: State, hub: Hub, live: Live) -> AsyncIterator[str]:
    """Serve until the block ends; gives the address, with the real port where 0 was configured."""
    endpoints = Endpoints(state, live)
    log.addFilter(_is_ours)
    logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)  # it repeats what strangers send
    token = config.bearer_token.read() if config.bearer_token else None
    app = web.Application(middlewares=[*guards(config, token), _in_json])
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
        app.router.add_routes(Debug(guarded=token is not None).routes())
    if state.config.stream.enabled:
        streams = Streams(state, hub, token)
        app.router.add_get("/ws", streams.ws)
        app.router.add_get("/ws/real-time-metrics", Updates(streams, live.ring).ws)
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
