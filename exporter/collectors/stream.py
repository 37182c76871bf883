"""The streams of the WebSocket: who listens, what is sent, who had to go."""

from __future__ import annotations

from collections.abc import Iterator

from exporter import metrics
from exporter.exposition import Batch
from exporter.state.state import State
from exporter.state.stream import DROPPED, REFUSED


def collect(state: State) -> Iterator[Batch]:
    """Nothing while the streams are switched off."""
    if not state.config.stream.enabled:
        return
    stream = state.stream
    yield metrics.STREAM_CONNECTIONS, [((), stream.connections)]
    yield metrics.STREAM_MESSAGES, [((), stream.messages)]
    yield metrics.STREAM_MADE_BYTES, [((), stream.bytes_made)]
    yield metrics.STREAM_SENT_BYTES, [((), stream.bytes_sent)]
    yield metrics.STREAM_RECEIVED, [((), stream.received)]
    yield metrics.STREAM_DROPPED, [((reason,), stream.dropped[reason]) for reason in DROPPED]
    yield metrics.STREAM_REFUSED, [((reason,), stream.refused[reason]) for reason in REFUSED]
