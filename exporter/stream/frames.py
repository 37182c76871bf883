"""WebSocket text frames of a server, RFC 6455, compressed as RFC 7692 says, made once for all who get them.

A message that is compressed on its own may go to any client that agreed on permessage-deflate with the usual window,
as long as no other message to it was compressed with a memory of earlier ones. So everything that is compressed has to
come from here.
"""

from __future__ import annotations

import zlib
from functools import cached_property

WINDOW_BITS = 15
"""The window that clients must have agreed on."""

_LEVEL = 6
_FINAL_TEXT, _COMPRESSED = 0x81, 0x40
_SHORT, _MEDIUM = 125, 0xFFFF
_TAIL = b"\x00\x00\xff\xff"  # of every flush, which the standard leaves out
_WORTH_IT = 100  # bytes; what is shorter is sent as it is


class Message:
    """One message; ``payload`` is its text as UTF-8."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload

    @cached_property
    def plain(self) -> bytes:
        """The frame as it is."""
        return _frame(_FINAL_TEXT, self.payload)

    @cached_property
    def deflated(self) -> bytes:
        """The frame compressed, where that is worth it."""
        if len(self.payload) < _WORTH_IT:
            return self.plain
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -WINDOW_BITS)
        body = compressor.compress(self.payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
        return _frame(_FINAL_TEXT | _COMPRESSED, body.removesuffix(_TAIL))


def _frame(first: int, body: bytes) -> bytes:
    size = len(body)
    if size <= _SHORT:
        return bytes((first, size)) + body
    if size <= _MEDIUM:
        return bytes((first, 126)) + size.to_bytes(2, "big") + body
    return bytes((first, 127)) + size.to_bytes(8, "big") + body
