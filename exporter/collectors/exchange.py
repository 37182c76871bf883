"""Exchanges: requests, errors, latency, streams."""

from __future__ import annotations

from collections.abc import Iterator

from exporter import metrics
from exporter.exposition import Batch
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """One set of families over all configured exchanges."""
    exchanges = state.exchanges
    operations = [
        ((name, operation), counted)
        for name, exchange in exchanges.items()
        for operation, counted in exchange.operations.items()
    ]
    streams = [(name, stream, s) for name, e in exchanges.items() for stream, s in e.streams.items()]
    yield metrics.EXCHANGE_UP, [((name,), e.up) for name, e in exchanges.items() if e.up is not None]
    yield metrics.EXCHANGE_REQUESTS, [(key, counted.requests) for key, counted in operations]
    yield (
        metrics.EXCHANGE_REQUEST_ERRORS,
        [((*key, error), n) for key, counted in operations for error, n in counted.errors.items()],
    )
    yield metrics.EXCHANGE_REQUEST_DURATION, [(key, counted.duration) for key, counted in operations]
    yield metrics.EXCHANGE_THROTTLE_WAIT, [((name,), e.throttle_wait) for name, e in exchanges.items()]
    yield (
        metrics.EXCHANGE_RATE_LIMIT_USED,
        [((name,), e.rate_limit_used) for name, e in exchanges.items() if e.rate_limit_used is not None],
    )
    yield (
        metrics.EXCHANGE_CLOCK_OFFSET,
        [((name,), e.clock_offset) for name, e in exchanges.items() if e.clock_offset is not None],
    )
    yield metrics.EXCHANGE_STREAM_UP, [((name, stream), s.up) for name, stream, s in streams]
    yield (
        metrics.EXCHANGE_STREAM_FAILURES,
        [((name, stream, error), n) for name, stream, s in streams for error, n in s.failures.items()],
    )
    yield (
        metrics.EXCHANGE_BACKFILLED_FILLS,
        [((name, account), n) for name, e in exchanges.items() for account, n in e.backfilled.items()],
    )
