"""The streams of the WebSocket."""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config.base import Count, Section

Interval = Annotated[float, msgspec.Meta(ge=0.01, le=60)]
Patience = Annotated[float, msgspec.Meta(ge=0.5, le=600)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=10_000)]


class Stream(Section, frozen=True):
    """``interval_seconds`` is the time between two messages of a stream.

    A client that has ``waiting_bytes`` not read yet gets nothing until it has caught up, and is dropped after
    ``slow_seconds`` of that. It may send ``messages_per_second``, and ``burst`` at once.
    """

    enabled: bool = True
    interval_seconds: Interval = 0.1
    connections: Count = 2_000
    subscriptions: Count = 32
    waiting_bytes: Count = 65_536
    slow_seconds: Patience = 10.0
    ping_seconds: Patience = 20.0
    messages_per_second: Rate = 10.0
    burst: Count = 20
    origins: list[str] = []
