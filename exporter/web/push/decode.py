"""From text to events, and from what a decoder says to what a person can mend."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, get_args

import msgspec

from exporter.errors import EventError
from exporter.events import Event, Fill, Prediction
from exporter.web.push.answer import Problem
from exporter.web.push.document import LONGEST_EVENT, Slice

TYPES = tuple(str(kind.__struct_config__.tag) for kind in get_args(Event))

_event = msgspec.json.Decoder(Event)
_events = msgspec.json.Decoder(list[Event])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_SHOWN = 40  # characters of what was sent, in a message
_LONGEST_MESSAGE = 300


class UnreadableError(EventError):
    """An event that is no JSON object."""


def decode(part: Slice) -> list[Event] | None:
    """The events of a slice; None when they have to be looked at one by one."""
    text = part.text
    if part.line is None:
        events = _decoded(_events.decode, b"[%b]" % text)
    else:
        events = _decoded(_event.decode_lines, text)
        if events is not None and len(events) != part.lines:
            return None  # an event over several lines, or several on one; or blank lines
    # What is not seen is outside of ASCII, or escaped; most text is neither.
    is_plain = text.isascii() and b"\\" not in text and b"\x7f" not in text
    return events if events is None or is_plain or _have_names(events) else None


def _decoded(decoder: Callable[[bytes], list[Event]], text: bytes) -> list[Event] | None:
    try:
        return decoder(text)
    except _UNREADABLE:
        return None


def decode_one(text: bytes) -> Event:
    """One event; `EventError` when it is none. `explain` turns that into words."""
    if len(text) > LONGEST_EVENT:
        raise UnreadableError("size", f"the event is longer than {LONGEST_EVENT} bytes; no event needs that")
    try:
        event: Event = _event.decode(text)
    except msgspec.ValidationError as error:
        problem = _problem(error)
        is_object = problem.field or problem.reason != "type"
        raise _FieldError(problem) if is_object else UnreadableError(problem.reason, problem.message) from None
    except msgspec.DecodeError as error:
        raise UnreadableError("json", _malformed(str(error), text)) from None
    except UnicodeDecodeError:
        raise UnreadableError("encoding", "the event is not UTF-8; send text in UTF-8") from None
    except RecursionError:
        raise UnreadableError("json", "the event is nested too deeply; it is a flat object, but for its fees") from None
    _check_names(event)
    return event


class _FieldError(EventError):
    """An event whose content is wrong, at a place that is known."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason, problem.message)
        self.problem = problem


def explain(error: EventError) -> Problem:
    """Where, what, and what to do."""
    if isinstance(error, _FieldError):
        return error.problem
    if isinstance(error, UnreadableError):
        return Problem("", error.reason, str(error))
    return _of_event(error)


def _of_event(error: EventError) -> Problem:
    """An error of an event's own checks, whose message begins with the field."""
    message = str(error)
    field = re.match(r"[a-z_.]+", message)
    known = field is not None and field[0].partition(".")[0] in _FIELDS
    return Problem(field[0] if field and known else "", error.reason, _short(message))


def _fields() -> frozenset[str]:
    return frozenset(field.name for kind in get_args(Event) for field in msgspec.structs.fields(kind))


_FIELDS = _fields()


# Labels that cannot be read.


_LABELS = (
    *("exchange", "account", "symbol", "strategy", "currency"),
    *("app", "route", "cache", "tier", "model", "name"),
)


def _have_names(events: list[Event]) -> bool:
    try:
        for event in events:
            _check_names(event)
    except EventError:
        return False
    return True


def _check_names(event: Event) -> None:
    """`EventError` when what becomes a label has characters that nobody sees."""
    for field in _LABELS:
        _check_name(field, getattr(event, field, ""))
    if isinstance(event, Fill):
        for fee in event.fees:
            _check_name("fee.currency", fee.currency)
    if isinstance(event, Prediction):
        for name in event.features:
            _check_name("features", name)


def _check_name(field: str, value: str) -> None:
    if not value.isprintable():
        text = f"{field} is {ascii(value)[:_SHOWN]}, with a character that is not seen, such as a line end; remove it"
        raise _FieldError(Problem(field, "name", text))


# What the decoder says, in our words.


def _problem(error: msgspec.ValidationError) -> Problem:
    if isinstance(error.__cause__, EventError):
        return _of_event(error.__cause__)
    text, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    for pattern, explained in _EXPLAINED:
        match = re.fullmatch(pattern, text, re.DOTALL)
        if match:
            place, reason, message = explained(field, match)
            return Problem(place, reason, _short(message))
    return Problem(field, "invalid", _short(f"{field or 'the event'}: {text}"))


_Explained = tuple[str, str, str]  # field, reason, message

_WORDS = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "decimal": "a number, best as text",
    "object": "an object",
    "array": "an array",
    "null": "null",
    "bool": "true or false",
}


def _words(kinds: str) -> str:
    return " or ".join(_WORDS.get(kind, kind) for kind in kinds.split(" | "))


def _missing(field: str, match: re.Match[str]) -> _Explained:
    name = f"{field}.{match[1]}".lstrip(".")
    hint = f"one of {', '.join(TYPES)}" if name == "type" else "/v1/schema says what belongs to an event"
    return name, "missing", f"{name} is missing; {hint}"


def _wrong_type(field: str, match: re.Match[str]) -> _Explained:
    if field == "type":
        return _unknown_type(field, match)
    found = f", not {_words(match[2])}" if match[2] else ""
    return field, "type", f"{field or 'an event'} must be {_words(match[1])}{found}"


def _unknown_type(field: str, match: re.Match[str]) -> _Explained:
    shown = match[0].removeprefix("Invalid value ") if match[0].startswith("Invalid value") else "no text"
    return field, "unknown_type", f"type is {_cut(shown)}; write one of {', '.join(TYPES)}"


def _unknown_value(field: str, match: re.Match[str]) -> _Explained:
    choices = _choices(field)
    return field, "value", f"{field} is {_cut(match[1])}; write {' or '.join(choices) or 'one that /v1/schema lists'}"


def _choices(field: str) -> tuple[str, ...]:
    """The values that a field may have, in whatever event."""
    found: dict[Any, None] = {}
    for kind in get_args(Event):
        for info in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]
            if info.name == field and isinstance(info.type, msgspec.inspect.LiteralType):
                found |= dict.fromkeys(info.type.values)
    return tuple(map(str, found))


def _length(field: str, match: re.Match[str]) -> _Explained:
    what = {"str": "characters", "array": "entries"}.get(match[1], match[1])
    wrong = "is empty" if match[2] == ">=" else f"has more than {match[3]} {what}"
    return field, "length", f"{field} {wrong}; it needs {match[2]} {match[3]} {what}"


def _pattern(field: str, _: re.Match[str]) -> _Explained:
    return field, "pattern", f"{field} must be a word of at most 40 characters out of a-z, 0-9 and _"


def _no_number(field: str, _: re.Match[str]) -> _Explained:
    return field, "number", f'{field} is not a number; write digits, such as "60000.10"'


def _out_of_range(field: str, _: re.Match[str]) -> _Explained:
    return field, "number", f"{field} is larger than any number can be here; correct it"


_EXPLAINED: tuple[tuple[str, Callable[[str, re.Match[str]], _Explained]], ...] = (
    (r"Object missing required field `(.+)`", _missing),
    (r"Expected `(str|array)` of length (>=|<=) (\d+)", _length),
    (r"Expected `str` matching regex .*", _pattern),
    (r"Expected `([^`]+)`(?:, got `([^`]+)`)?", _wrong_type),
    (r"Invalid enum value (.*)", _unknown_value),
    (r"Invalid value (.*)", _unknown_type),
    (r"Invalid decimal string", _no_number),
    (r"Number out of range", _out_of_range),
)


def _malformed(message: str, text: bytes) -> str:
    """What is wrong with the JSON, and the text around it."""
    place = re.search(r" \(byte (\d+)\)", message)
    at = int(place[1]) if place else len(text)
    what = re.sub(r" \(byte \d+\)", "", message.removeprefix("JSON is malformed: "))
    around = ascii(text[max(0, at - 10) : at + 10].decode(errors="replace"))
    return f"the event is not JSON: {what} at byte {at}, near {around}{_hint(text, at)}"


def _hint(text: bytes, at: int) -> str:
    before = text[max(0, at - 1) :]  # the place is that of the character at fault, or of the one after it
    rest = before.lstrip()
    if text.startswith(b"\xef\xbb\xbf"):
        return "; a byte order mark may stand before the first event only"
    if before.startswith((b"-Inf", b"NaN", b"Inf")) or text[at:].startswith((b"NaN", b"Inf")):
        return "; JSON has no NaN and no infinity, leave the event out"
    if rest.startswith(b"{"):
        return "; write one event a line (with curl, send files with --data-binary)"
    if rest == b",":
        return "; lines of JSON end without a comma"
    return ""


def _cut(shown: str) -> str:
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def _short(message: str) -> str:
    """The message without the middle of what was sent, where that is long; its advice stands at the end."""
    half = _LONGEST_MESSAGE // 2
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:half]}…{message[-half:]}"
