"""The socket of the stand-in."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tests.grafana.standin import dashboards, data_sources, figures, folders, others, shares, snapshots, teams
from tests.grafana.standin.state import Grafana, Handler, Json, Reply, Request, Route, caller

ROUTES: tuple[Route, ...] = (
    *data_sources.ROUTES,
    *folders.ROUTES,
    *teams.ROUTES,
    *dashboards.ROUTES,
    *others.ROUTES,
    *figures.ROUTES,
    *snapshots.ROUTES,
    *shares.ROUTES,
)
OPEN: tuple[Route, ...] = (*snapshots.OPEN, *shares.OPEN)
"""What everybody may call."""


def reply(grafana: Grafana, method: str, url: str, body: Json, authorization: str) -> Reply:
    """Answer one call."""
    parts = urlsplit(url)
    if parts.path == "/api/health":
        version = {} if grafana.version is None else {"version": grafana.version, "commit": "NA"}
        return 200, {"database": "ok"} | version
    query = dict(parse_qsl(parts.query))
    if known := _found(OPEN, method, parts.path):
        return known[1](grafana, Request(query, body, 0), *known[2])
    if not authorization:
        return 401, {"message": "Unauthorized"}
    user = caller(authorization)
    if user is None:
        return 401, {"message": "invalid API key", "traceID": ""}
    if known := _found(ROUTES, method, parts.path):
        return grafana.refusal(known[0]) or known[1](grafana, Request(query, body, user), *known[2])
    return 404, {"message": "Not found"}


def _found(routes: tuple[Route, ...], method: str, path: str) -> tuple[str, Handler, tuple[str, ...]] | None:
    """Return the permission, the handler and its arguments for a call, if there is a route."""
    for verb, pattern, permission, handler in routes:
        found = re.fullmatch(pattern, path)
        if verb == method and found:
            return permission, handler, found.groups()
    return None


@contextmanager
def serve(grafana: Grafana) -> Iterator[Grafana]:
    """Serve on a free port of the loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            path = urlsplit(self.path).path
            grafana.calls.append(f"{self.command} {path}")
            if self.command != "GET" and grafana.before_write:
                once, grafana.before_write = grafana.before_write, None
                once()
            fault = grafana.fault
            hit = fault is not None and fault.hits(self.command, path)
            if fault is None or not hit or fault.after:
                authorization = self.headers.get("Authorization", "")
                status, answer = reply(grafana, self.command, self.path, body, authorization)
            if fault is not None and hit:
                self._send(fault.status, fault.body, fault.content_type, fault.headers)
            else:
                self._send(status, "" if answer is None else json.dumps(answer), "application/json", {})

        def _send(self, status: int, body: str, content_type: str, headers: dict[str, str]) -> None:
            data = body.encode()
            self.send_response(status)
            for name, value in ({"Content-Type": content_type, "Content-Length": str(len(data))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    grafana.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield grafana
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
