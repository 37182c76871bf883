"""How an exchange answers: requests, errors, latency, streams."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.metrics import LATENCY_BUCKETS
from exporter.state.histogram import Histogram


class ErrorKind(StrEnum):
    """What went wrong between us and an exchange; values of the label ``error``."""

    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    NETWORK = "network"
    UNAVAILABLE = "unavailable"
    MAINTENANCE = "maintenance"
    AUTHENTICATION = "authentication"
    BAD_RESPONSE = "bad_response"
    CLOCK = "clock"
    REJECTED = "rejected"
    NOT_SUPPORTED = "not_supported"
    OTHER = "other"


UNAVAILABLE = frozenset(
    (ErrorKind.NETWORK, ErrorKind.TIMEOUT, ErrorKind.UNAVAILABLE, ErrorKind.MAINTENANCE, ErrorKind.BAD_RESPONSE)
)
"""The exchange's own failures: it was not there, or what it said made no sense. The others are about us."""

PROBE = "fetch_time"
"""The operation that asks at a steady pace whether an exchange is there."""


class Stream(StrEnum):
    """What an exchange sends without being asked each time; values of the label ``stream``."""

    BOOKS = "books"
    FILLS = "fills"
    ORDERS = "orders"


def _no_errors() -> dict[ErrorKind, int]:
    """All kinds at 0, so that a first error is an increase and not a new series."""
    return dict.fromkeys(ErrorKind, 0)


@dataclass(slots=True)
class Operation:
    """The requests of one kind."""

    requests: int = 0
    errors: dict[ErrorKind, int] = field(default_factory=_no_errors)
    duration: Histogram = field(default_factory=lambda: Histogram(LATENCY_BUCKETS))


@dataclass(slots=True)
class StreamState:
    """Which parts of a stream (symbols, accounts) deliver, and how often one failed."""

    parts: dict[str, bool] = field(default_factory=dict)
    failures: dict[ErrorKind, int] = field(default_factory=_no_errors)

    @property
    def up(self) -> bool:
        """Whether all parts deliver."""
        return bool(self.parts) and all(self.parts.values())


class ExchangeState:
    """One exchange, whatever the number of accounts on it."""

    def __init__(self) -> None:
        self.up: bool | None = None
        self.clock_offset: float | None = None
        self.rate_limit_used: float | None = None
        self.operations: defaultdict[str, Operation] = defaultdict(Operation)
        self.throttle_wait = Histogram(LATENCY_BUCKETS)
        self.streams: defaultdict[Stream, StreamState] = defaultdict(StreamState)
        self.backfilled: defaultdict[str, int] = defaultdict(int)

    def request(self, operation: str, duration: float, error: ErrorKind | None) -> None:
        """Count a finished request; ``duration`` in seconds."""
        counted = self.operations[operation]
        counted.requests += 1
        counted.duration.observe(duration)
        if error is not None:
            counted.errors[error] += 1

    def flows(self, stream: Stream, part: str) -> None:
        """Note that a part of a stream delivers."""
        self.streams[stream].parts[part] = True

    def broke(self, stream: Stream, part: str, error: ErrorKind) -> None:
        """Note that a part of a stream does not deliver."""
        state = self.streams[stream]
        state.parts[part] = False
        state.failures[error] += 1
