"""Faults on demand: what can be asked for, and which of them strikes a given request or frame."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

STREAM = "stream"
"""As a fault's ``route``: every WebSocket, public or private."""

Seconds = Annotated[float, Meta(ge=0)]
ErrorStatus = Annotated[int, Meta(ge=400, le=599)]


class Fault(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """What every fault can limit itself by.

    ``route``: only paths that contain it, or ``stream`` for WebSockets; ``probability``: of striking, each
    time; ``count``: how many times it strikes; ``seconds_active``: for how long.
    """

    route: str | None = None
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    count: Annotated[int, Meta(ge=1)] | None = None
    seconds_active: Annotated[float, Meta(gt=0)] | None = None


class Down(Fault, tag="down"):
    """Every connection is aborted without an answer and open WebSockets are dropped."""


class Latency(Fault, tag="latency"):
    """Answers and frames come ``seconds`` later."""

    seconds: Seconds


class RateLimit(Fault, tag="rate_limit"):
    """429 with ``Retry-After: retry_after`` (seconds)."""

    retry_after: Annotated[int, Meta(ge=0)] = 5


class ServerError(Fault, tag="server_error"):
    """An answer with this HTTP ``status``."""

    status: ErrorStatus = 500


class Maintenance(Fault, tag="maintenance"):
    """503 with the words that the exchange uses while it is under maintenance."""


class Timeout(Fault, tag="timeout"):
    """Requests are never answered; WebSockets stay open but silent until the fault ends."""


class Disconnect(Fault, tag="disconnect"):
    """``sockets`` drops the open WebSockets, once; ``mid_answer`` breaks off REST answers half-way."""

    flavour: Literal["sockets", "mid_answer"] = "sockets"


class Garbage(Fault, tag="garbage"):
    """An answer with status 200 that is no answer, or (``not_json_frame``) a stream's frame that is not JSON."""

    flavour: Literal["html", "truncated", "empty", "not_json_frame"] = "html"


class ClockSkew(Fault, tag="clock_skew"):
    """The exchange's clock is ``seconds`` ahead (negative: behind): in events, answers and checks alike.

    With a ``route``, only the time told and checked by these requests is wrong.
    """

    seconds: float


class DuplicateFills(Fault, tag="duplicate_fills"):
    """The private stream sends each fill ``copies`` more times, ``delay`` seconds later."""

    copies: Annotated[int, Meta(ge=1, le=100)] = 1
    delay: Seconds = 0.0


class LateFills(Fault, tag="late_fills"):
    """The private stream sends fills ``delay`` seconds late; REST has them at once."""

    delay: Seconds


class LostFills(Fault, tag="lost_fills"):
    """The private stream does not send fills; REST has them."""


AnyFault = (
    Down | Latency | RateLimit | ServerError | Maintenance | Timeout | Disconnect | Garbage | ClockSkew
    | DuplicateFills | LateFills | LostFills
)  # fmt: skip
FaultT = TypeVar("FaultT", bound=Fault)


class _Entry:
    def __init__(self, fault: AnyFault, ends: float | None) -> None:
        self.fault = fault
        self.ends = ends
        self.hits = 0
        self.spent = False


class Faults:
    """The faults of one exchange; ``now`` gives seconds of any steady clock."""

    def __init__(self, seed: str, now: Callable[[], float]) -> None:
        self._random = random.Random(seed)  # noqa: S311 - chooses which requests fail
        self._now = now
        self._ids = count(1)
        self._entries: dict[int, _Entry] = {}

    def add(self, fault: AnyFault) -> int:
        """Activate ``fault`` and return its id."""
        ends = None if fault.seconds_active is None else self._now() + fault.seconds_active
        number = next(self._ids)
        self._entries[number] = _Entry(fault, ends)
        return number

    def remove(self, number: int) -> bool:
        """End one fault; returns whether there was one with this id."""
        return self._entries.pop(number, None) is not None

    def clear(self) -> None:
        """End all faults."""
        self._entries.clear()

    def listing(self) -> list[dict[str, object]]:
        """Return all faults that were not removed: their fields, id, hits so far and whether still active."""
        return [
            {"id": number, **_fields(entry.fault), "hits": entry.hits, "active": self._active(entry)}
            for number, entry in self._entries.items()
        ]

    def spend(self, number: int) -> None:
        """Note that a one-time fault has struck."""
        entry = self._entries[number]
        entry.hits += 1
        entry.spent = True

    def find(self, kind: type[FaultT], path: str, *, stream: bool = False) -> FaultT | None:
        """Return the first active fault of ``kind`` that covers ``path``, without counting it."""
        entry = self._covering(kind, path, stream=stream)
        return entry.fault if entry is not None and isinstance(entry.fault, kind) else None

    def skew(self, path: str = "") -> int:
        """Return by how many milliseconds the exchange's clock is wrong, on ``path`` or in all events."""
        fault = self.find(ClockSkew, path, stream=not path)
        return round(fault.seconds * 1000) if fault else 0

    def strike(
        self, kind: type[FaultT], path: str, *, stream: bool = False, flavours: tuple[str, ...] = ()
    ) -> FaultT | None:
        """Return the first active fault of ``kind`` that covers ``path`` and strikes now, counting it.

        With ``flavours``, only a fault of one of these.
        """
        for entry in list(self._entries.values()):
            fault = entry.fault
            if not isinstance(fault, kind) or not self._covers(entry, path, stream=stream):
                continue
            if flavours and getattr(fault, "flavour", None) not in flavours:
                continue
            if fault.probability >= 1 or self._random.random() < fault.probability:
                entry.hits += 1
                entry.spent = fault.count is not None and entry.hits >= fault.count
                return fault
        return None

    def _covering(self, kind: type[Fault], path: str, *, stream: bool) -> _Entry | None:
        for entry in self._entries.values():
            if isinstance(entry.fault, kind) and self._covers(entry, path, stream=stream):
                return entry
        return None

    def _covers(self, entry: _Entry, path: str, *, stream: bool) -> bool:
        route = entry.fault.route
        matches = route is None or (stream if route == STREAM else route in path)
        return matches and self._active(entry)

    def _active(self, entry: _Entry) -> bool:
        return not entry.spent and (entry.ends is None or self._now() < entry.ends)


def _fields(fault: AnyFault) -> dict[str, object]:
    return {name: value for name, value in msgspec.to_builtins(fault).items() if value is not None}
