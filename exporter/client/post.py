"""One connection to the exporter, and its answers."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_GZIP_ABOVE = 4096  # bytes; smaller bodies fit into a few packets anyway
_LONGEST_ANSWER = 4 * 1024 * 1024
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Answer:
    """What the exporter, or whoever listens there, answered; ``body`` is empty unless it is a JSON object."""

    status: int
    body: dict[str, Any]
    retry_after: float | None
    location: str = ""

    def number(self, name: str) -> int | None:
        """A count in the body; None when there is none."""
        value = self.body.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Of the events that were refused, those that are listed: ``index``, ``field``, ``reason``, ``message``."""
        errors = self.body.get("errors")
        return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []

    @property
    def refused(self) -> int:
        """How many events were refused."""
        return self.number("refused") or len(self.errors)

    def deals_with(self, events: int) -> bool:
        """Whether each of so many events was taken, known already, or refused: none is to be sent again.

        An exporter answers 400 when it refused all of them.
        """
        accepted, duplicates = self.number("accepted"), self.number("duplicates")
        if self.status == 200:
            return accepted is not None
        return self.status == 400 and (accepted or 0) + (duplicates or 0) + self.refused == events

    def advice(self, otherwise: str) -> str:
        """The exporter's own words on what is wrong, if it has any."""
        message = self.body.get("message")
        return " ".join(message.split())[:300] if isinstance(message, str) and message else otherwise


class Connection:
    """Posts bodies, over one connection as long as that lasts.

    ``problem`` says what is wrong with the address or the token; empty when nothing is.
    """

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self._timeout = timeout
        self._http: http.client.HTTPConnection | None = None
        self._headers = {"Content-Type": "application/x-ndjson", "User-Agent": "trading-exporter-client"}
        self.name = "the exporter"  # for messages: without credentials or query
        self.problem = ""
        self.warning = ""
        try:
            self._address(url)
            self._authorize(token)
        except (ValueError, TypeError, AttributeError) as error:
            self.problem = str(error)

    def _address(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise ValueError("the url of the exporter is not one; write it as http://127.0.0.1:9850")
        self._secure = parts.scheme == "https"
        self._host, self._port = host, port or (443 if self._secure else 80)
        self._path = parts.path.rstrip("/") + "/v1/events"
        self.name = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    def _authorize(self, token: str) -> None:
        token = token.strip()
        if not token:
            return
        if not token.isascii() or not token.isprintable():
            raise ValueError("the token has characters that no token has; read it again from where it is kept")
        self._headers["Authorization"] = f"Bearer {token}"
        if not self._secure and self._host not in _LOOPBACK:
            self.warning = f"the token goes to {self.name} unencrypted; use https or a trusted network"

    def post(self, body: bytes) -> Answer:
        """Send one body; `OSError` or `http.client.HTTPException` when no answer came."""
        headers = self._headers
        if len(body) > _GZIP_ABOVE:
            body = gzip.compress(body, 1, mtime=0)
            headers = headers | {"Content-Encoding": "gzip"}
        was_open = self._http is not None
        try:
            return self._post(body, headers)
        except TimeoutError:
            raise
        except (ConnectionError, http.client.BadStatusLine):  # RemoteDisconnected is both
            if not was_open:
                raise
        return self._post(body, headers)  # the server may have closed it while nothing was to be said

    def close(self) -> None:
        """End the connection."""
        connection, self._http = self._http, None
        if connection is not None:
            with suppress(OSError):
                connection.close()

    def abandon(self) -> None:
        """Close this process's copy of the parent's socket, and nothing that a thread of the parent may have locked."""
        sock = self._http.sock if self._http else None
        if sock is not None:
            with suppress(OSError):
                os.close(sock.detach())

    def _post(self, body: bytes, headers: dict[str, str]) -> Answer:
        try:
            if self._http is None:
                kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
                self._http = kind(self._host, self._port, timeout=self._timeout)
            self._http.request("POST", self._path, body, headers)
            response = self._http.getresponse()
            answer = Answer(
                response.status,
                _object(self._read(response)),
                _seconds(response.headers.get("Retry-After", "")),
                response.headers.get("Location", ""),
            )
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        return answer

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        """The body, unless it is too long or comes too slowly."""
        deadline = time.monotonic() + self._timeout
        parts: list[bytes] = []
        size = 0
        while part := response.read1(65536):
            parts.append(part)
            size += len(part)
            if size > _LONGEST_ANSWER or time.monotonic() > deadline:
                raise http.client.HTTPException("its answer has no end")
        response.read()  # nothing is left, but only this tells the connection that it is free again
        return b"".join(parts)


def _object(body: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        parsed = json.loads(body)
        if isinstance(parsed, dict):
            return parsed
    return {}


def _seconds(text: str) -> float | None:
    """The number of seconds in ``Retry-After``; None when there is none (a date is not used by exporters)."""
    with suppress(ValueError):
        seconds = float(text)
        if 0 <= seconds < 1e6:
            return seconds
    return None
