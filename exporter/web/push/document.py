"""A body as slices of whole events: lines of JSON, or one JSON array.

Slices are small, so that each is decoded within a fraction of a millisecond. Cutting an array decodes nothing: a
cut is where it seems that one object ends and another begins, and right if all before it is valid JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec

from exporter.web.push.answer import RequestError

SLICE = 16 * 1024  # bytes
_LINES = 32 * 1024  # bytes, of lines, which are found in less time; each turn of the loop costs as much as a few fills
LONGEST_EVENT = 64 * 1024  # bytes; the fields of an event are bounded to far less
_TURN = 32  # slices that are counted between two turns of the loop

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANK = re.compile(rb"[ \t\r\n]{0,%d}" % LONGEST_EVENT)  # to find the end of millions takes a tenth of a second
_BETWEEN = re.compile(rb"\}[ \t\r\n]*(,)[ \t\r\n]*\{")
_BLANKS = re.compile(r"[ \t\r\n]*")

_NO_COMMA = "the array is not valid JSON: a comma is missing between two events"
_NOT_VALID = f"the array is not valid JSON, or has an event longer than {LONGEST_EVENT} bytes"

_raws = msgspec.json.Decoder(list[msgspec.Raw])
# Finds where a value ends, whatever is in it.
_scanner = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)


class Text(NamedTuple):
    """One event as it was written, and its line."""

    text: bytes
    line: int | None


@dataclass(frozen=True, slots=True)
class Slice:
    """A few whole events; ``line`` is the number of its first line, None in an array, and ``lines`` how many it has."""

    text: bytes
    line: int | None
    lines: int = 0

    def events(self) -> Iterator[Text]:
        """Each event by itself; blank lines are none."""
        if self.line is None:
            yield from (Text(text, None) for text in _values(self.text))
            return
        for number, line in enumerate(self.text.split(b"\n"), self.line):
            text = line.strip(b" \t\r")
            if text:
                yield Text(text, number)


class Document(Protocol):
    """A whole body."""

    async def check(self, max_events: int) -> None:
        """`RequestError` when it cannot be read at all, or holds more events than allowed."""

    def slices(self) -> Iterator[Slice]:
        """What it holds, in order."""


def document(body: bytearray) -> Document:
    """A body as what it looks like; `RequestError` when it looks like nothing known."""
    start = _skip(body, len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0)  # which is harmless
    if start == len(body):
        raise RequestError(400, "the body is empty; send one event a line, or an array of events")
    if body.startswith(b"\x1f\x8b"):
        raise RequestError(400, "the body is compressed; say so with the header Content-Encoding: gzip")
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in body[start : start + 4]:
        raise RequestError(400, "the body is not UTF-8 but UTF-16 or UTF-32, or no text; send UTF-8")
    return Array(body, start + 1) if body[start] == ord("[") else Lines(body, start)


class Lines:
    """One event a line."""

    def __init__(self, body: bytearray, start: int) -> None:
        self._body = body
        self._first_line = 1 + body.count(b"\n", 0, start)
        self._start = start
        self._cuts: list[tuple[int, int, int]] = []  # where a slice begins and ends, and its lines

    async def check(self, max_events: int) -> None:
        """`RequestError` when there are more lines than there may be events."""
        start, lines = self._start, 0
        while start < len(self._body):
            end = self._cut(start)
            count = 1 if end - start > _LINES else _lines(self._body[start:end])
            self._cuts.append((start, end, count))
            lines += count
            start = end
            if len(self._cuts) % _TURN == 0:
                await asyncio.sleep(0)
        check_number(lines, max_events)

    def slices(self) -> Iterator[Slice]:
        """The lines in order, as cut by `check`; of one that is too long, only the beginning."""
        line = self._first_line
        for start, end, count in self._cuts:
            text = bytes(memoryview(self._body)[start : min(end, start + LONGEST_EVENT + 1)])
            yield Slice(text, line, count)
            line += count

    def _cut(self, start: int) -> int:
        """Where a slice that begins here ends: after whole lines of `_LINES` bytes together, or one that is longer."""
        if start + _LINES >= len(self._body):
            return len(self._body)
        end = self._body.rfind(b"\n", start, start + _LINES) + 1
        return end or self._body.find(b"\n", start + _LINES) + 1 or len(self._body)


class Array:
    """One JSON array; ``start`` is what follows its bracket."""

    def __init__(self, body: bytearray, start: int) -> None:
        self._body = body
        self._start = start
        self._cuts: list[tuple[int, int]] = []

    async def check(self, max_events: int) -> None:
        """`RequestError` when it is not JSON, or has more events than allowed."""
        tail = bytes(self._body[-1024:]).rstrip(b" \t\r\n")
        if not tail.endswith(b"]"):
            raise RequestError(400, "the array is not closed; a ] is missing at the end of the body, or part of it is")
        if tail[:-1].rstrip(b" \t\r\n").endswith(b","):
            raise RequestError(400, "the array ends with a comma; remove it")
        end = max(0, len(self._body) - 1024) + len(tail) - 1
        start, events = _skip(self._body, self._start), 0
        while start < end:
            cut, number = self._cut(start, end)
            self._cuts.append((start, cut))
            events += number
            start = self._next(cut, end)
            await asyncio.sleep(0)
        check_number(events, max_events)

    def slices(self) -> Iterator[Slice]:
        """The events in order, as cut by `check`."""
        for start, end in self._cuts:
            yield Slice(bytes(memoryview(self._body)[start:end]), None)

    def _cut(self, start: int, end: int) -> tuple[int, int]:
        """Where a slice that begins here ends, and its number of events."""
        cut = end
        if end - start > SLICE:
            matches = [match.start(1) for match in _BETWEEN.finditer(self._body, start, start + SLICE)]
            if not matches:
                return self._step_through(start, end)
            cut = matches[-1]
        try:
            return cut, len(_raws.decode(b"[%b]" % bytes(self._body[start:cut])))
        except (msgspec.DecodeError, RecursionError):
            return self._step_through(start, end)

    def _next(self, cut: int, end: int) -> int:
        """Where the slice after the one that ends here begins."""
        comma = _skip(self._body, cut)
        if comma == end:
            return end
        if self._body[comma] != ord(","):
            raise RequestError(400, f"{_NO_COMMA} (byte {comma} of the body)")
        return _skip(self._body, comma + 1)

    def _step_through(self, start: int, end: int) -> tuple[int, int]:
        """As `_cut`, where that is not where it seems: one event after another."""
        window = bytes(memoryview(self._body)[start : min(end, start + SLICE + LONGEST_EVENT)])
        is_last = start + len(window) == end
        number, cut = 0, 0
        try:
            for _, found in _elements(window):
                if found == len(window) and not is_last:  # it may go on beyond the window
                    break
                number, cut = number + 1, found
                if cut >= SLICE:
                    return start + cut, number
        except RequestError as error:
            if is_last or not number:
                raise RequestError(400, f"{error} (byte {start + cut} of the body or a little after)") from None
        if not number:
            raise RequestError(400, f"{_NOT_VALID} (byte {start} of the body)")
        return start + cut, number


def _lines(text: bytearray) -> int:
    """How many there are; `count` does the same, but in the fivefold time."""
    return len(text) - len(text.replace(b"\n", b"")) + (not text.endswith(b"\n"))


def check_number(events: int, most: int) -> None:
    """`RequestError` when there are more events than allowed."""
    if events > most:
        text = f"the body has {events} events, more than {most}; send fewer at once, or raise push.max_events"
        raise RequestError(413, text)


def _skip(body: bytearray, start: int) -> int:
    """Where blanks that begin here end; `RequestError` when there are more than anything needs."""
    match = _BLANK.match(body, start)
    end = match.end() if match else start
    if end - start == LONGEST_EVENT and body[end : end + 1].isspace():
        text = f"the body has more than {LONGEST_EVENT} blanks in a row (from byte {start} on); leave them out"
        raise RequestError(400, text)
    return end


def _values(array: bytes) -> list[bytes]:
    """The values between commas, cut as they were when the array was checked."""
    try:
        return [bytes(raw) for raw in _raws.decode(b"[%b]" % array)]
    except (msgspec.DecodeError, RecursionError):
        return [array[start:end] for start, end in _elements(array)]


def _elements(array: bytes) -> Iterator[tuple[int, int]]:
    """The places of values between commas; `RequestError` where it goes wrong."""
    text = array.decode("latin-1")  # keeps the places
    at = 0
    while True:
        at = _blanks(text, at)
        end = _end_of_value(text, at)
        yield at, end
        at = _blanks(text, end)
        if at == len(text):
            return
        if text[at] != ",":
            raise RequestError(400, _NO_COMMA)
        at += 1


def _end_of_value(text: str, start: int) -> int:
    try:
        return _scanner.raw_decode(text, start)[1]
    except RecursionError:
        raise RequestError(400, "the array is nested too deeply; an event is a flat object") from None
    except ValueError:
        raise RequestError(400, _NOT_VALID) from None


def _blanks(text: str, start: int) -> int:
    match = _BLANKS.match(text, start)
    return match.end() if match else start
