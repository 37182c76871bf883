"""The Grafana that is brought to the wanted state."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from grafana.api import Answer, Client, Json, UnreachableError

OLDEST = (9, 4)

_UNSEEN = (400, 403, 404, 406, 500)  # answers for what may not, or cannot, be looked at


@dataclass(frozen=True, slots=True)
class Server:
    """A Grafana; with ``dry_run`` it is only looked at, and every change is taken to succeed."""

    client: Client
    dry_run: bool

    def version(self) -> str:
        """Return the version that Grafana tells, or nothing if it keeps it to itself."""
        answer = self.client.call("GET", "/api/health", None, needs="none")
        if not isinstance(answer.body, dict) or "database" not in answer.body:
            raise UnreachableError(f"what answers at {self.client.url} is not Grafana: check GRAFANA_URL")
        return str(answer.body.get("version", ""))

    def one(self, path: str, what: str, *, needs: str) -> Json | None:
        """Return one thing, or None if there is none."""
        answer = self.client.get(path, needs=needs)
        return None if answer is None else _object(answer.body, what)

    def many(self, path: str, what: str, *, needs: str, maybe: bool = False) -> list[Json]:
        """Return a list of things; what it is a list of is there, but with ``maybe``, when none is right."""
        answer = self.client.call("GET", path, None, needs=needs, expected=(404,) if maybe else ())
        return [] if answer.status == 404 else _objects(answer.body, what)

    def found(self, path: str, what: str, *, needs: str) -> Json:
        """Return the answer of a search, which is there also when it found nothing."""
        return _object(self.client.call("GET", path, None, needs=needs).body, what)

    def look(self, path: str) -> Answer:
        """Return an answer of any status that says that something is not there, or may not or cannot be seen."""
        return self.client.call("GET", path, None, needs="none", expected=_UNSEEN)

    def change(
        self, method: str, path: str, body: Json | None, *, needs: str, expected: tuple[int, ...] = ()
    ) -> Answer:
        """Send a change, unless this is a dry run; return an answer of 2xx or of a status in ``expected``."""
        if self.dry_run:
            return Answer(200, {})
        return self.client.call(method, path, body, needs=needs, expected=expected)


def warning_about(version: str) -> str:
    """Return what to say about Grafana's version: nothing for a good or a hidden one."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if not version or (numbers and (int(numbers[1]), int(numbers[2])) >= OLDEST):
        return ""
    return f"Grafana says it is {version[:40]}; made for {OLDEST[0]}.{OLDEST[1]} and later, so look at the result"


def _object(body: Any, what: str) -> Json:
    if not isinstance(body, dict):
        message = f"Grafana's answer about the {what} is not an object: is there a proxy in between?"
        raise UnreachableError(message)
    return body


def _objects(body: Any, what: str) -> list[Json]:
    if not isinstance(body, list):
        message = f"Grafana's answer about the {what} is not a list: is there a proxy in between?"
        raise UnreachableError(message)
    return [_object(each, what) for each in body]
