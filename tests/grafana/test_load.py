"""What the load of dashboards is measured on: the world is whole, and is written as Prometheus reads it."""

from __future__ import annotations

import numpy as np

from exporter.metrics import TABLE
from grafana import foreign
from tests.bench import wire, world
from tests.bench.world import Series
from tests.grafana.test_rows import base_of
from tests.prometheus.rules import recorded


def test_world_has_everything_once() -> None:
    """Ten thousand series of all families, and those of all recording rules."""
    raw, kept = world.raw(), world.kept()
    assert 9_500 < len(raw) < 10_500
    assert {base_of(each.name) for each in raw} == {family.name for family in (*TABLE, *foreign.TABLE)}
    assert {each.name for each in kept} == {rule["record"] for rule in recorded()}
    assert len({(each.name, each.labels) for each in (*raw, *kept)}) == len(raw) + len(kept)


def test_samples_are_written_as_the_formats_say() -> None:
    """Two samples of one series, byte by byte: Snappy's frame, labels, values and times."""
    series = Series("up", (("job", "a"),), "one", "")
    body = wire.request([series], np.array([[1.0, 0.0]]), np.array([1.5, 1_767_268_800.0]))
    name, job = b"\x0a\x0e\x0a\x08__name__\x12\x02up", b"\x0a\x08\x0a\x03job\x12\x01a"
    first = b"\x12\x10\x09" + b"\x00\x00\x00\x00\x00\x00\xf0\x3f" + b"\x10\xdc\x8b\x80\x80\x80\x00"
    second = b"\x12\x10\x09" + b"\x00\x00\x00\x00\x00\x00\x00\x00" + b"\x10\x80\xac\xb7\xcb\xb7\x33"
    message = b"\x0a\x3e" + name + job + first + second
    assert body == bytes([len(message)]) + b"\xfc" + bytes([len(message) - 1, 0, 0, 0]) + message
