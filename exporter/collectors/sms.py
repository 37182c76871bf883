"""Texts to people: what became of them, and those that wait."""

from __future__ import annotations

from collections.abc import Iterator

from exporter import metrics
from exporter.exposition import Batch
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """Nothing while texts are off."""
    if not state.config.sms.urls:
        return
    texts = state.texts
    yield metrics.SMS_MESSAGES, [((result,), count) for result, count in texts.results.items()]
    yield metrics.SMS_QUEUE, [((), len(texts))]
    yield metrics.SMS_CIRCUIT_OPEN, [((), int(texts.circuit_open))]
