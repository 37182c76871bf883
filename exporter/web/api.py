"""``/api/…``: what the pages show, as JSON.

Everything is known already when it is asked for, so that no answer takes long.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import msgspec
from aiohttp import web

from exporter.live import Live
from exporter.live.ring import MINUTES
from exporter.web import openapi, reading

TREND_MINUTES = (30, 60)

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LARGE = 4096  # bytes from which an answer is compressed, in a thread

_encode = msgspec.json.encode


class Api:
    """The request handlers; ``guarded`` says that they are asked with a token."""

    def __init__(self, live: Live, *, guarded: bool) -> None:
        self._live = live
        document = openapi.document(guarded=guarded)
        self._document = _encode(document)
        self._page = reading.page(document)

    def routes(self) -> list[web.RouteDef]:
        """Which handler is where."""
        handlers = {
            "executive-summary": self.executive_summary,
            "operations-overview": self.operations_overview,
            "performance-metrics": self.performance_metrics,
            "performance-history": self.performance_history,
            "exchanges": self.exchanges,
            "alerts": self.alerts,
            "targets": self.targets,
            "openapi.json": self.openapi,
            "docs": self.docs,
        }
        return [web.get(f"/api/{name}", handler) for name, handler in handlers.items()]

    async def executive_summary(self, _: web.Request) -> web.Response:
        """What the system is worth."""
        return _json(self._live.executive_summary())

    async def operations_overview(self, request: web.Request) -> web.Response:
        """How well it works."""
        minutes = _minutes(request, TREND_MINUTES[-1])
        if minutes not in TREND_MINUTES:
            _refuse(f"trends are known over {' or '.join(map(str, TREND_MINUTES))} minutes, not {minutes}")
        return _json(self._live.operations_overview(minutes))

    async def performance_metrics(self, _: web.Request) -> web.Response:
        """What is measured now."""
        return _answer(self._live.ring.text)

    async def performance_history(self, request: web.Request) -> web.Response:
        """What was measured, every five seconds."""
        minutes = _minutes(request, MINUTES)
        if not 1 <= minutes <= MINUTES:
            _refuse(f"the last {MINUTES} minutes are kept; ask for 1 to {MINUTES}, not {minutes}")
        return _answer(b"[" + b",".join(self._live.ring.history(minutes)) + b"]")

    async def exchanges(self, _: web.Request) -> web.Response:
        """How each exchange is."""
        return _json(self._live.exchanges())

    async def alerts(self, _: web.Request) -> web.Response:
        """What fires."""
        return _json(self._live.alerts())

    async def targets(self, _: web.Request) -> web.Response:
        """What figures are held against."""
        return _json(self._live.targets())

    async def openapi(self, _: web.Request) -> web.Response:
        """All of this, for programs."""
        return _answer(self._document)

    async def docs(self, _: web.Request) -> web.Response:
        """All of this, for people."""
        return web.Response(text=self._page, content_type="text/html", headers=_HEADERS | reading.POLICY)


def _minutes(request: web.Request, default: int) -> int:
    given = request.query.getall("duration_minutes", [str(default)])
    if len(given) != 1 or not re.fullmatch(r"-?[0-9]{1,9}", given[0], re.ASCII):
        _refuse("duration_minutes is no whole number; write for example duration_minutes=60")
    return int(given[0])


def _refuse(text: str) -> NoReturn:
    raise web.HTTPBadRequest(text=text, headers=_HEADERS)


def _json(found: Any) -> web.Response:
    return _answer(_encode(found))


def _answer(body: bytes) -> web.Response:
    response = web.Response(body=body, content_type="application/json", headers=_HEADERS, zlib_executor_size=_LARGE)
    if len(body) > _LARGE:
        response.enable_compression()
    return response
