"""Cutting bodies into slices loses nothing and changes nothing, whatever is in them."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.web.push.body import Gunzip
from exporter.web.push.document import document

_TEXT = st.sampled_from(["", "a", "},{", "}", "[", '"', "\\", '\\"},{"', "é", "\U0001f600", "\n", "], [", "{" * 9])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_EVENTS = st.lists(st.dictionaries(_TEXT, _VALUES, max_size=4) | _VALUES, min_size=1, max_size=8)
_BLANKS = st.sampled_from(["", " ", "\n", "\r\n\t "])


def read(body: bytes) -> list[Any]:
    """All events of a body, out of its slices."""
    found = document(bytearray(body))
    asyncio.run(found.check(10**6))
    slices = list(found.slices())
    assert all(len(each.text) < 100_000 for each in slices)
    return [json.loads(each.text) for part in slices for each in part.events()]


@settings(max_examples=200)
@given(events=_EVENTS, times=st.integers(1, 3000), ascii_only=st.booleans(), before=_BLANKS, after=_BLANKS)
def test_an_array_is_cut_between_its_events(
    events: list[Any], times: int, ascii_only: bool, before: str, after: str
) -> None:
    """Text that looks like the end of an event, within one, is not taken for it."""
    many = events * min(times, 1 + 60_000 // len(json.dumps(events)))
    texts = [json.dumps(each, ensure_ascii=ascii_only) for each in many]
    body = before + "[" + after + f"{before},{after}".join(texts) + before + "]" + after
    assert read(body.encode()) == many


@settings(max_examples=100)
@given(events=_EVENTS, times=st.integers(1, 3000), end=st.sampled_from(["\n", "\r\n", "\n\n", "\n \t\n"]))
def test_lines_are_cut_between_lines(events: list[Any], times: int, end: str) -> None:
    """Whatever the lines end with, each event comes out once and in order."""
    many = [{"first": "line"}, *events * min(times, 1 + 60_000 // len(json.dumps(events)))]
    assert read("".join(json.dumps(each) + end for each in many).encode()) == many


def test_a_line_that_is_too_long_is_passed_over() -> None:
    """It is neither copied nor searched again, which would hold up everybody else: the next line is the next event."""
    body = bytearray(b'{"a": "' + b"x" * 16_000_000 + b'"}\n{"b": 1}\n')
    tracemalloc.start()
    try:
        found = document(body)
        asyncio.run(found.check(2))
        slices = list(found.slices())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000
    long, short = (each for part in slices for each in part.events())
    assert (long.line, short.line, json.loads(short.text)) == (1, 2, {"b": 1})


@settings(max_examples=40)
@given(
    parts=st.lists(st.binary(max_size=300) | st.integers(0, 400_000).map(bytes), min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=5),
    level=st.integers(0, 9),
)
def test_gzip_in_pieces_of_any_size(parts: list[bytes], sizes: list[int], level: int) -> None:
    """All that was compressed comes out, in parts of bounded size."""
    packed = b"".join(gzip.compress(part, level) for part in parts)
    unzip = Gunzip()
    found: list[bytes] = []
    while packed:
        for size in sizes:
            found += unzip.feed(packed[:size])
            packed = packed[size:]
    unzip.finish()
    assert b"".join(found) == b"".join(parts)
    assert max(map(len, found)) <= 128 * 1024
