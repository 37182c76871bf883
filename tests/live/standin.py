"""Stand-ins for Prometheus and Alertmanager: real sockets on loopback, which say what a test wants."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from exporter.live.recorded import LEVELS, SYSTEM

Json = dict[str, Any]


@dataclass
class Standin:
    """``series`` are values by name and labels; ``alerts`` what Alertmanager lists.

    ``fault`` is said instead: a status and a body. While ``hangs`` nothing is answered; ``asked`` are the headers of
    all requests, ``queries`` what Prometheus was asked, ``hanging`` is set once one of them waits. With ``says_all`` it
    says all that it knows, whatever it was asked.
    """

    series: dict[str, list[tuple[Json, float]]] = field(default_factory=dict)
    alerts: list[Json] = field(default_factory=list)
    fault: tuple[int, str] | None = None
    hangs: bool = False
    says_all: bool = False
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[dict[str, str]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    url: str = ""

    async def query(self, request: web.Request) -> web.Response:
        """An instant query for series by a pattern of their names."""
        result: list[Json] = [
            {"metric": labels, "value": [1760000000.1, str(value)]}
            for labels, value in self._chosen(str((await request.post())["query"]))
        ]
        return await self._answer(request, {"status": "success", "data": {"resultType": "vector", "result": result}})

    async def query_range(self, request: web.Request) -> web.Response:
        """The same over time, in which nothing ever changed."""
        asked = await request.post()
        start, end, step = (int(str(asked[name])) for name in ("start", "end", "step"))
        result: list[Json] = [
            {"metric": labels, "values": [[at, str(value)] for at in range(start, end + 1, step)]}
            for labels, value in self._chosen(str(asked["query"]))
        ]
        return await self._answer(request, {"status": "success", "data": {"resultType": "matrix", "result": result}})

    async def list_alerts(self, request: web.Request) -> web.Response:
        """The alerts that fire; the stand-in looks at no filter but for its being there."""
        assert request.query["active"] == "true"
        assert request.query["silenced"] == request.query["inhibited"] == "false"
        return await self._answer(request, self.alerts)

    def _chosen(self, query: str) -> Iterator[tuple[Json, float]]:
        self.queries.append(query)
        chosen = re.fullmatch(r'\{__name__=~"(.*)"\}', query)
        assert chosen, query
        for name, values in self.series.items():
            if self.says_all or re.fullmatch(chosen[1], name):
                yield from ((labels | {"__name__": name}, value) for labels, value in values)

    async def _answer(self, request: web.Request, body: Any) -> web.Response:
        self.asked.append(dict(request.headers))
        if self.hangs:
            self.hanging.set()
            await asyncio.sleep(3600)
        if self.fault is not None:
            status, text = self.fault
            return web.Response(status=status, text=text, content_type="application/json")
        return web.Response(text=json.dumps(body), content_type="application/json")


@asynccontextmanager
async def standin(prefix: str = "") -> AsyncIterator[Standin]:
    """Serve until the block ends, as both of them; ``prefix`` stands before their paths."""
    upstream = Standin()
    app = web.Application()
    app.router.add_post(f"{prefix}/api/v1/query", upstream.query)
    app.router.add_post(f"{prefix}/api/v1/query_range", upstream.query_range)
    app.router.add_get(f"{prefix}/api/v2/alerts", upstream.list_alerts)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        upstream.url = f"http://{host}:{port}{prefix}"
        yield upstream
    finally:
        await runner.cleanup()


def all_series() -> dict[str, list[tuple[Json, float]]]:
    """Each series that is asked for, with values that can be told apart in an answer."""
    found: dict[str, list[tuple[Json, float]]] = {name: [({}, number + 0.5)] for number, name in enumerate(SYSTEM)}
    found |= {name: [({}, 1)] for name in SYSTEM if name.endswith((":bool", "state", "level30m", "level60m"))}
    resources = ("cpu", "memory", "network", "requests")
    for name, labels in LEVELS.items():
        if labels == ("resource",):
            found[name] = [({"resource": each}, 0.5) for each in resources]
    found["resource:exhaustion:timestamp_seconds"] = [({"resource": each}, 1.8e9) for each in resources]
    found["resource:scaling:urgency"] = [({"resource": each}, urgency) for urgency, each in enumerate(resources)]
    found["resource:health_value:rate1m"] = [
        ({"resource": "response"}, 0.12),
        ({"resource": "errors"}, 0.015),
        ({"resource": "cpu"}, 0.95),
        ({"resource": "memory"}, 0.5),
    ]
    found["resource_severity:health_issue:bool"] = [
        ({"resource": "response", "severity": "critical"}, 1),
        ({"resource": "cpu", "severity": "critical"}, 1),
        ({"resource": "errors", "severity": "warning"}, 1),
    ]
    found["benchmark:response_advantage:factor"] = [
        ({"benchmark": "traditional"}, 4),
        ({"benchmark": "retail HFT"}, 0.4),
    ]
    found["benchmark:ahead:bool"] = [({"benchmark": "traditional"}, 1), ({"benchmark": "retail HFT"}, 0)]
    found["exchange:status:level"] = [({"exchange": "alpha"}, 0), ({"exchange": "beta"}, 3)]
    found["exchange:request_duration_seconds:mean5m"] = [({"exchange": "beta"}, 1.25)]
    found["exchange:request_errors:ratio_rate5m"] = [({"exchange": "beta"}, 0.06)]
    found["exchange:availability:ratio_rate5m"] = [({"exchange": "beta"}, 0.94)]
    return found


def told(name: str, severity: str, starts: str = "2026-11-20T10:00:00.000Z", /, **labels: str) -> Json:
    """An alert as Alertmanager lists it."""
    return {
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {
            "summary": f"{name}.",
            "description": "It is so.",
            "runbook_url": f"https://example.org/{name}",
        },
        "startsAt": starts,
        "endsAt": "2026-11-20T10:05:00.000Z",
        "updatedAt": "2026-11-20T10:01:00.000Z",
        "fingerprint": f"{name}-{severity}-{labels.get('exchange', '')}",
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
        "receivers": [{"name": "warning"}],
        "generatorURL": "",
    }
