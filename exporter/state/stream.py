"""The streams: who listens, what was sent, who had to go; and what changed since they last looked."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from exporter.events import BookKey, Fill

DROPPED = ("slow", "flood", "binary", "idle")
"""Why a connection is ended by us."""

REFUSED = ("origin", "full", "rate", "malformed", "channel", "token", "stream", "selection", "subscriptions")
"""Why a client is not given what it asks for."""

_FILLS = 10_000  # between two looks


@dataclass(slots=True)
class StreamState:
    """Counts since the start; ``bytes_made`` are those of messages before compression.

    ``dropped`` are connections that we ended and ``refused`` what clients were not given, by reason.
    """

    connections: int = 0
    messages: int = 0
    bytes_made: int = 0
    bytes_sent: int = 0
    received: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Changes:
    """What changed since the streams last looked; bounded by the number of books and markets.

    ``mids`` are markets for those who value books at them, ``markets`` the same ones for those who show markets.
    """

    books: set[BookKey] = field(default_factory=set)
    markets: set[tuple[str, str]] = field(default_factory=set)
    mids: set[tuple[str, str]] = field(default_factory=set)
    fills: deque[Fill] = field(default_factory=lambda: deque(maxlen=_FILLS))
