"""What was pushed to us over HTTP."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from exporter.metrics import LATENCY_BUCKETS
from exporter.state.histogram import Histogram


@dataclass(slots=True)
class PushState:
    """Requests by the status of their answer, and the bytes that came in, as sent."""

    requests: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    durations: Histogram = field(default_factory=lambda: Histogram(LATENCY_BUCKETS))
    received_bytes: int = 0
