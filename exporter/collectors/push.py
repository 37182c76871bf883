"""Events that bots push: requests by answer, the time they took, and their bytes."""

from __future__ import annotations

from collections.abc import Iterator

from exporter import metrics
from exporter.exposition import Batch
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """Nothing while push is off and nobody asked for it."""
    push = state.push
    if not push.requests and not state.config.push.tokens:
        return
    codes = {200: 0} | push.requests
    yield metrics.PUSH_REQUESTS, [((str(code),), n) for code, n in codes.items()]
    yield metrics.PUSH_DURATION, [((), push.durations)]
    yield metrics.PUSH_RECEIVED_BYTES, [((), push.received_bytes)]
