"""WebSocket text frames of a server, RFC 6455, compressed as RFC 7692 says, made once for all who get them.

A client that takes over its window from message to message has earlier texts at hand. What is compressed with
that in mind is a third as long, and the same for all who were told the same before: mostly, for all who listen to the
same. So everything that is compressed has to come from here.
"""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import NamedTuple

WINDOW_BITS = 15
"""The window that clients must have agreed on."""

_LEVEL = 6
_FINAL_TEXT, _COMPRESSED = 0x81, 0x40
_SHORT, _MEDIUM = 125, 0xFFFF
_TAIL = b"\x00\x00\xff\xff"  # of every flush, which the standard leaves out
_WORTH_IT = 100  # bytes; what is shorter is sent as it is
_LOOKED_BACK = 4_096  # bytes of earlier texts at hand
_FORMS = 4  # of one message, for clients with different texts at hand; the others get it without


class Deflated(NamedTuple):
    """A frame, and the texts that a client that keeps its window has at hand after it."""

    frame: bytes
    seen: bytes


class Message:
    """One message; ``payload`` is its text as UTF-8."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._forms: dict[bytes, Deflated] = {}

    @cached_property
    def plain(self) -> bytes:
        """The frame as it is."""
        return _frame(_FINAL_TEXT, self.payload)

    @property
    def is_worth_it(self) -> bool:
        """Whether it is long enough to be compressed."""
        return len(self.payload) >= _WORTH_IT

    def deflated(self, seen: bytes = b"") -> Deflated:
        """The frame compressed, for those who have these texts at hand."""
        form = self._forms.get(seen)
        if form is None:
            is_shared = len(self._forms) < _FORMS or not seen
            frame = self._deflate(seen) if is_shared else self.deflated().frame
            form = Deflated(frame, (seen + self.payload)[-_LOOKED_BACK:])
            if is_shared:
                self._forms[seen] = form
        return form

    def _deflate(self, seen: bytes) -> bytes:
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -WINDOW_BITS, zdict=seen)
        body = compressor.compress(self.payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
        return _frame(_FINAL_TEXT | _COMPRESSED, body.removesuffix(_TAIL))


def _frame(first: int, body: bytes) -> bytes:
    size = len(body)
    if size <= _SHORT:
        return bytes((first, size)) + body
    if size <= _MEDIUM:
        return bytes((first, 126)) + size.to_bytes(2, "big") + body
    return bytes((first, 127)) + size.to_bytes(8, "big") + body
