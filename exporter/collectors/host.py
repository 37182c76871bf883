"""The machine that the exporter runs on."""

from __future__ import annotations

from collections.abc import Iterator

from exporter import metrics
from exporter.exposition import Batch, Sample
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """What the system does not tell has no sample."""
    host = state.host
    yield metrics.HOST_CPU_SECONDS, _by_name(host.cpu)
    yield metrics.HOST_MEMORY, _one(host.memory_bytes)
    yield metrics.HOST_MEMORY_AVAILABLE, _one(host.memory_available_bytes)
    yield metrics.HOST_DISK_OPERATIONS, _by_name(host.disk)
    yield metrics.HOST_DISK_BYTES, _by_name(host.disk_bytes)
    yield metrics.HOST_NETWORK_BYTES, _by_name(host.network_bytes)
    yield metrics.HOST_BOOT, _one(host.boot)
    yield metrics.JOURNAL_DISK_FREE, _one(host.journal_free_bytes)


def _one(value: float | None) -> list[Sample]:
    return [] if value is None else [((), value)]


def _by_name(values: dict[str, float]) -> list[Sample]:
    return [((name,), value) for name, value in values.items()]
