"""An exporter's push on loopback that answers anything that a test wants: over a real socket, in a thread.

``python -m tests.client.standin`` accepts all until its standard input ends; its first line is its address.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 30.0  # seconds until a test that waits in vain fails


class Request:
    """What a client sent, and the ways to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, server: StandIn) -> None:
        self._handler = handler
        self._server = server
        self.headers = handler.headers
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.size = len(body)
        self.gzipped = handler.headers.get("Content-Encoding") == "gzip"
        self.text = (gzip.decompress(body) if self.gzipped else body).decode()
        self.events: list[dict[str, Any]] = [json.loads(line) for line in self.text.split("\n")[:-1]]

    def take(self, first: int = 0, last: int | None = None) -> int:
        """Keep the events as an exporter would; how many."""
        events = self.events[first:last]
        with self._server.change:
            self._server.taken += events
            self._server.change.notify_all()
        return len(events)

    def accept(self, **more: object) -> None:
        """Take all and say so."""
        self.answer(200, {"accepted": self.take(), "duplicates": 0, "errors": []} | more)

    def answer(self, status: int, body: object = None, **headers: str) -> None:
        """Answer with a status, a body (text, or JSON) and headers."""
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self._handler.send_response(status)
        self._handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()
        self._handler.wfile.write(content)

    def reset(self) -> None:
        """Break the connection off."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.connection.close()
        self._handler.close_connection = True

    def garbage(self, data: bytes) -> None:
        """Send bytes that are no HTTP, and hang up."""
        self._handler.wfile.write(data)
        self._handler.close_connection = True

    def hang(self) -> None:
        """Do not answer until the server ends."""
        self._server.ended.wait(PATIENCE)
        self._handler.close_connection = True


Behaviour = Callable[[Request], None]


class StandIn:
    """Keeps what it accepted in ``taken``; ``behave`` may be changed at any time."""

    def __init__(self, behave: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.behave = behave
        self.taken: list[dict[str, Any]] = []
        self.requests = 0
        self.connections = 0
        self.change = threading.Condition()
        self.ended = threading.Event()
        self.port = 0
        self._open: list[socket.socket] = []
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the same port as before."""
        standin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                standin.connections += 1
                super().setup()
                standin._open.append(self.connection)

            def do_POST(self) -> None:
                request = Request(self, standin)
                with standin.change:
                    standin.requests += 1
                    standin.change.notify_all()
                standin.behave(request)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that hung up is no news."""

        self.ended.clear()
        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more, and break off what is open."""
        if self._server and self._thread:
            self.ended.set()
            self._server.shutdown()
            self._server.server_close()
            while self._open:
                with suppress(OSError):
                    self._open.pop().shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._server = None

    def ids(self) -> list[str]:
        """The trade ids of the fills that were taken, in order."""
        with self.change:
            return [event["trade_id"] for event in self.taken if event["type"] == "fill"]

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is true of what was received; fail when it never is."""
        with self.change:
            assert self.change.wait_for(condition, PATIENCE), f"it never came; taken: {len(self.taken)}"


@contextmanager
def standin(behave: Behaviour = Request.accept, tls: ssl.SSLContext | None = None) -> Iterator[StandIn]:
    """A server that listens until the block ends."""
    server = StandIn(behave, tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def until(condition: Callable[[], bool]) -> None:
    """Wait until something that nothing announces becomes true; fail when it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


if __name__ == "__main__":
    with standin() as listening:
        print(listening.url, flush=True)
        sys.stdin.read()
