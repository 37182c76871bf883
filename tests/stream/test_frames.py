"""Messages as bytes on the wire, held against a client that was written by others."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.stream import frames
from exporter.stream.frames import Message


def read(frame: bytes) -> tuple[int, bytes]:
    """The first byte and the body of a frame, as RFC 6455 has them."""
    size, start = frame[1], 2
    if size == 126:
        size, start = int.from_bytes(frame[2:4], "big"), 4
    elif size == 127:
        size, start = int.from_bytes(frame[2:10], "big"), 10
    assert len(frame) == start + size
    return frame[0], frame[start:]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_lengths_are_written_in_the_shortest_form(size: int) -> None:
    """A frame says its length in one, two or eight bytes, whichever is enough."""
    frame = Message(b"x" * size).plain
    assert read(frame) == (0x81, b"x" * size)
    assert len(frame) - size == (2 if size <= 125 else 4 if size <= 65_535 else 10)


@given(st.lists(st.text(min_size=1, max_size=400), min_size=1, max_size=8))
def test_a_reader_with_a_memory_reads_messages_without_one(texts: list[str]) -> None:
    """Whoever keeps its window from message to message, as most clients do, reads each one."""
    inflater = zlib.decompressobj(-frames.WINDOW_BITS)
    for text in texts:
        first, body = read(Message(text.encode()).deflated)
        found = inflater.decompress(body + b"\x00\x00\xff\xff") if first & 0x40 else body
        assert found.decode() == text


def test_what_is_short_is_not_compressed() -> None:
    """A few bytes would only grow."""
    message = Message(b'{"type":"pong"}')
    assert message.deflated == message.plain


def test_a_message_is_made_once() -> None:
    """All who get it get the same bytes."""
    message = Message(b"abc" * 100)
    assert message.deflated is message.deflated
    assert message.plain is message.plain
