"""What a bot is answered."""

from __future__ import annotations

import msgspec
from aiohttp import web

from exporter.errors import ExporterError

LISTED = 1000  # errors; the rest are counted. A batch of `exporter.client` has no more events


class RequestError(ExporterError):
    """A request cannot be taken as it is; nothing of it was, unless ``next_index`` in the answer says so."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


class Problem(msgspec.Struct, frozen=True, gc=False):
    """Why an event was refused.

    ``field`` is its place in the event, empty when it is the whole; ``reason`` a word out of a small set, for
    programs and labels; ``message`` says to people what was wrong and what to write.
    """

    field: str
    reason: str
    message: str


class Refused(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A refused event: its position among the events of the body, from 0, and its line, from 1, where it has one."""

    index: int
    field: str
    reason: str
    message: str
    line: int | None = None


class Answer(msgspec.Struct, omit_defaults=True):
    """The body of each answer.

    ``duplicates`` told nothing new. ``refused`` counts the errors, of which the first are listed. Those events
    that come from ``next_index`` on were not dealt with, and have to be sent again.
    """

    accepted: int
    duplicates: int
    refused: int
    errors: list[Refused]
    next_index: int | None = None
    message: str = ""

    @classmethod
    def nothing(cls, message: str, next_index: int | None = None) -> Answer:
        """Nothing was taken."""
        return cls(0, 0, 0, [], next_index, message)

    def refuse(self, index: int, line: int | None, problem: Problem) -> None:
        """Count a refused event, and list it unless there are too many."""
        self.refused += 1
        if len(self.errors) < LISTED:
            self.errors.append(Refused(index, problem.field, problem.reason, problem.message, line))

    def response(self, status: int, headers: dict[str, str] | None = None) -> web.Response:
        """As JSON, on a line."""
        body = msgspec.json.encode(self) + b"\n"
        return web.Response(status=status, body=body, content_type="application/json", headers=headers)
