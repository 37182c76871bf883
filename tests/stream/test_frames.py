"""Messages as bytes on the wire, held against a client that was written by others."""

from __future__ import annotations

import json
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


class Reader:
    """Inflates what comes, with its window kept or not."""

    def __init__(self, remembers: bool) -> None:
        self.seen = b""
        self._remembers = remembers
        self._inflater = zlib.decompressobj(-frames.WINDOW_BITS)

    def take(self, message: Message) -> bytes:
        """The text of a message that is sent to it as `Client` does."""
        if not message.is_worth_it:
            return read(message.plain)[1]
        frame, seen = message.deflated(self.seen)
        first, body = read(frame)
        assert first == 0xC1
        if self._remembers:
            self.seen = seen
        else:
            self._inflater = zlib.decompressobj(-frames.WINDOW_BITS)
        return self._inflater.decompress(body + b"\x00\x00\xff\xff")


TEXTS = st.text(min_size=1, max_size=40).flatmap(lambda word: st.integers(1, 400).map(lambda times: word * times))


@given(st.lists(TEXTS, min_size=1, max_size=8), st.data())
def test_whoever_gets_only_some_messages_reads_each(texts: list[str], data: st.DataObject) -> None:
    """One message goes to several who had different ones before it, and to some who remember none."""
    readers = [Reader(remembers=number % 3 != 2) for number in range(9)]
    for text in texts:
        message = Message(text.encode())
        for reader in data.draw(st.lists(st.sampled_from(readers), unique=True)):
            assert reader.take(message).decode() == text


def test_what_repeats_earlier_messages_is_short() -> None:
    """The next change of the same things costs a few bytes, though there was another message between."""
    texts = [json.dumps({"symbol": "BTC/USDT", "account": "main", "mid": mid}) * 3 for mid in (1, 2)]
    reader = Reader(remembers=True)
    for text in (texts[0], "".join(map(str, range(400)))):
        reader.take(Message(text.encode()))
    last = Message(texts[1].encode())
    assert len(last.deflated(reader.seen).frame) < 0.4 * len(last.deflated().frame)


def test_those_who_came_at_different_times_get_the_same_bytes_soon() -> None:
    """What was long ago does not tell them apart any more."""
    early, late = Reader(remembers=True), Reader(remembers=True)
    early.take(Message(b"what only one of them was told " * 10))
    for number in range(10):
        message = Message(str(number).encode() * 500)
        early.take(message)
        late.take(message)
    assert early.seen is late.seen


def test_what_is_short_is_not_compressed() -> None:
    """A few bytes would only grow."""
    assert not Message(b'{"type":"pong"}').is_worth_it


def test_a_message_is_made_once() -> None:
    """All who had the same before it get the same bytes; of many different ones before it, no more than four count."""
    message = Message(b"abc" * 100)
    assert message.plain is message.plain
    frames_of = [message.deflated(bytes([number]) * 50).frame for number in range(9)]
    again = [message.deflated(bytes([number]) * 50).frame for number in range(9)]
    assert list(map(id, again)) == list(map(id, frames_of))
    assert len(set(map(id, again))) == 5
