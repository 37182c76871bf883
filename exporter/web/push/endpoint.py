"""The request handler: receive, take, wait for the disk, answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from aiohttp import web

from exporter.errors import EventError, JournalError
from exporter.events import Event
from exporter.intake import Intake
from exporter.state.state import State
from exporter.web.push.access import Access, Scope
from exporter.web.push.answer import Answer, RequestError
from exporter.web.push.body import Receiver
from exporter.web.push.decode import UnreadableError, decode, decode_one, explain
from exporter.web.push.document import Document, Slice, document

SOURCE = "push"

_ONE_BY_ONE = 50  # events between two turns of the loop when each is looked at by itself

_NOT_ON_DISK = (
    "what was sent is not on disk, which refuses it now; send all of it again later, nothing counts twice. The "
    "exporter's log says what is wrong with the disk"
)
_BEHIND = "the disk is behind; send the events from next_index on again later"
_NO_EVENT = "nothing in the body can be read as an event; send one JSON object a line, or an array of them"


class Push:
    """``POST /v1/events``."""

    def __init__(self, state: State, intake: Intake) -> None:
        config = state.config.push
        self._access = Access(config.tokens)
        self._receiver = Receiver(config, state.push)
        self._max_events = config.max_events
        self._counts = state.push
        self._intake = intake

    async def events(self, request: web.Request) -> web.Response:
        """Take the events of a body; the answer says what became of each."""
        started = time.perf_counter()
        try:
            response = await self._events(request)
        except RequestError as error:
            response = Answer.nothing(str(error)).response(error.status, error.headers)
        self._counts.requests[response.status] += 1
        self._counts.durations.observe(time.perf_counter() - started)
        return response

    async def _events(self, request: web.Request) -> web.Response:
        scope = self._access.scope(request.headers.get("Authorization", ""))
        async with self._receiver.body(request) as body:
            found = document(body)
            await found.check(self._max_events)
            batch = _Batch(self._intake, scope)
            return await self._answer(batch, found)

    async def _answer(self, batch: _Batch, found: Document) -> web.Response:
        """Take the events, and say what was taken once it is on disk."""
        try:
            await batch.take(found)
            await self._intake.durable()
        except JournalError:  # also where a row that a repeat is compared with cannot be read
            return Answer.nothing(_NOT_ON_DISK, next_index=0).response(503, {"Retry-After": "5"})
        answer = batch.answer
        if batch.stopped:
            answer.next_index, answer.message = batch.index, _BEHIND
            return answer.response(429, {"Retry-After": "1"})
        if answer.refused and batch.unreadable == batch.index:
            answer.message = _NO_EVENT
            return answer.response(400)
        return answer.response(200)


class _Batch:
    """The events of one body on their way in.

    ``index`` is the position of the next event; ``stopped`` says that no more could be taken.
    """

    def __init__(self, intake: Intake, scope: Scope) -> None:
        self.answer = Answer(0, 0, 0, [])
        self.index = 0
        self.unreadable = 0
        self.stopped = False
        self._intake = intake
        self._check = None if scope.is_open else scope.check

    async def take(self, found: Document) -> None:
        """Take all that can be taken; the loop turns in between."""
        for part in found.slices():
            events = decode(part)
            if events is None:
                await self._one_by_one(part)
            else:
                await self._in_turns(events, part.line)
            if self.stopped:
                return
            await asyncio.sleep(0)

    async def _in_turns(self, events: Sequence[Event], line: int | None) -> None:
        """Take them all, with turns of the loop between where repeats take long."""
        done = self._all(events, line)
        while done < len(events) and not self.stopped:
            await asyncio.sleep(0)
            done += self._all(events[done:], None if line is None else line + done)

    def _all(self, events: Sequence[Event], line: int | None) -> int:
        """Take what can be taken in this turn; how many were dealt with."""
        taken, first, answer = self._intake.take_all(events, SOURCE, self._check), self.index, self.answer
        answer.accepted += taken.new
        answer.duplicates += taken.repeated
        for place, error in taken.refused:
            self.index = first + place
            self._refuse(error, None if line is None else line + place)
        self.index = first + taken.count
        self.stopped = taken.stopped
        return taken.count

    async def _one_by_one(self, part: Slice) -> None:
        for number, (text, line) in enumerate(part.events(), 1):
            try:
                event = decode_one(text)
            except EventError as error:
                self._refuse(error, line)
                self.index += 1
            else:
                self._all((event,), line)
            if self.stopped:
                return
            if number % _ONE_BY_ONE == 0:
                await asyncio.sleep(0)

    def _refuse(self, error: EventError, line: int | None) -> None:
        self._intake.reject(error, SOURCE)
        self.unreadable += isinstance(error, UnreadableError)
        self.answer.refuse(self.index, line, explain(error))
