"""Prometheus' remote write, from numbers: protocol buffers without a library, and Snappy without compressing.

Both formats are written down: https://prometheus.io/docs/specs/remote_write_spec/ and
https://github.com/google/snappy/blob/main/format_description.txt.
"""

from __future__ import annotations

import http.client
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.stack.ports import LOOPBACK
from tests.bench.world import Series

_AT_ONCE = 3000  # series of a request
_SAMPLE = 18  # bytes: two of its own, a tag and a float, a tag and a time in milliseconds, which has 41 bits
_TIME = 6
_LITERAL = 63 << 2  # Snappy's tag of a text that stands for itself, its length in four bytes
_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


class Writer:
    """A connection to a Prometheus on this machine; ``samples`` were written so far."""

    def __init__(self, port: int) -> None:
        self.samples = 0
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=120)

    def write(self, series: Sequence[Series], values: Floats, times: Floats) -> None:
        """Write the values of these series, a row each, at these times in Unix seconds."""
        for first in range(0, len(series), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            self._connection.request("POST", "/api/v1/write", request(series[part], values[part], times), _HEADERS)
            answer = self._connection.getresponse()
            text = answer.read().decode()
            if answer.status != http.client.NO_CONTENT:
                raise RuntimeError(f"Prometheus refuses what is written: {answer.status} {text}")
        self.samples += values.size


def request(series: Sequence[Series], values: Floats, times: Floats) -> bytes:
    """Give the body of a request."""
    samples = _samples(values, times)
    parts = (_field(1, labels + block.tobytes()) for labels, block in zip(map(_labels, series), samples, strict=True))
    message = b"".join(parts)
    return _number(len(message)) + bytes([_LITERAL]) + (len(message) - 1).to_bytes(4, "little") + message


def _samples(values: Floats, times: Floats) -> Bytes:
    """Give the messages of all samples: a row of bytes for each series."""
    rows, count = values.shape
    found = np.empty((rows, count, _SAMPLE), np.uint8)
    found[:, :, :3] = (2 << 3 | 2, _SAMPLE - 2, 1 << 3 | 1)
    found[:, :, 3:11] = values.astype("<f8").view(np.uint8).reshape(rows, count, 8)
    found[:, :, 11] = 2 << 3
    stamps = np.round(times * 1000).astype(np.int64)
    for place in range(_TIME):
        more = 0x80 if place < _TIME - 1 else 0
        found[:, :, 12 + place] = (stamps >> (7 * place)) & 0x7F | more
    return found.reshape(rows, -1)


def _labels(series: Series) -> bytes:
    pairs = (("__name__", series.name), *series.labels)
    return b"".join(_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in pairs)


def _field(number: int, content: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(content)) + content


def _number(value: int) -> bytes:
    """Give a number in groups of seven bits, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
