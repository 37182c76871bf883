"""Rows: groups of records as bytes, each sealed with a digest over itself and all rows before it.

A row's payload is one byte that names its group and coding, then that coding's bytes. So far there is one coding:
raw deflate with the preset dictionary `_DICTIONARY` over a msgpack array of records. The digests form a chain: a row
that is changed, left out or moved does not fit to its neighbours.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, get_args

import msgspec

from exporter.errors import EventError
from exporter.journal.records import Incident, Lasting, Moved, Opened, Paid, Passing, Record, Reported, Sampled, Valued

FULL = 500  # records; such a row is read again in less than two milliseconds, and more compress no better

LASTING, PASSING = "lasting", "passing"
GROUPS = (LASTING, PASSING)

KINDS: dict[str, tuple[type[Record], ...]] = {LASTING: get_args(Lasting), PASSING: get_args(Passing)}

_CODINGS = {b"\1": LASTING, b"\2": PASSING}
_WORD = {group: word for word, group in _CODINGS.items()}
_HEAD = struct.Struct(">qddddqq")
_DIGEST_BYTES = 16

# What rows begin to be compressed with: without it a row of one fill takes four times the room. Never edit it,
# since rows cannot be read with another one; a better one is a new coding.
_DICTIONARY = (
    b"\x93\x04\x86\xa4type\xa8transfer\xabtransfer_id\x94\x06\xcbA\xda\x93\x05\x85\xa4type\xa7balance"
    b"\xa5total\x93\x05\x87\xa4type\xa8position\x93\x05\x8f\xa4type\xa5order\xa8exchange\xa2ts\xcbA\xda"
    b"\xa6symbol\xa8order_id\xa6status\xa8canceled\xa6filled\xa8rejected\xa7expired\xa6reason\xa0"
    b"\xa7sent_ts\xc0\xa6ack_ts\xc0\xaedecision_price\xc0"
    b"\x94\x03\x88\xa4type\xa7funding\xaafunding_id\xa8currency\xa4USDT\xa6amount\xa7account\xa7default"
    b"\x96\x01\x8f\xa4type\xa4fill\xa8exchange\xa4okx\xa6kraken\xa5bybit\xa7binance\xa2ts\xcbA\xda"
    b"\xa6symbol\xadBTC/USDT:USDT\xa8ETH/USDT\xa8BTC/USDT\xa8trade_id\xa4side\xa4sell\xa5price"
    b"\xa8quantity\xa7account\xa4main\xa7default\xa8strategy\xa7default\xa8order_id\xa3fee\x82\xa8currency"
    b"\xa3BNB\xa4USDT\xa6amount\xa60.0000\xa9liquidity\xa5taker\xa5maker\xadcontract_size\xa11"
    b"\xaedecision_price\xc0\x91\xa11\xc3\x96\x01\x8f\xa4type\xa4fill\xa8exchange\xa7binance\xa2ts\xcbA\xda"
    b"\xa6symbol\xa8BTC/USDT\xa8trade_id\xa4side\xa3buy\xa5price\xa8quantity\xa7account\xa7default"
    b"\xa8strategy\xa7default\xa8order_id\xa3fee\x82\xa8currency\xa4USDT\xa6amount\xa40.00\xa9liquidity"
    b"\xa5maker\xadcontract_size\xa11\xaedecision_price\xc0\xa11\x91\xa11\xc3"
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Record])

# A `Revalued` has no time of its own; it counts as being as new as anything before it, so that whoever reads on
# from the time of its fill comes upon it.
_TIMES: dict[type[Record], Callable[[Any], float]] = {
    Valued: attrgetter("fill.ts"),
    Paid: attrgetter("funding.ts"),
    Moved: attrgetter("transfer.ts"),
    Opened: attrgetter("ts"),
    Reported: attrgetter("event.ts"),
    Sampled: attrgetter("ts"),
    Incident: attrgetter("ts"),
}


class Row(NamedTuple):
    """A sealed row.

    ``first_ts`` and ``last_ts`` are times of its events, ``newest`` the highest such time up to this row;
    ``written`` is our own time, never before that of an earlier row; ``records`` is how many are in
    it and ``total`` how many up to and with it.
    """

    number: int
    first_ts: float
    last_ts: float
    newest: float
    written: float
    records: int
    total: int
    digest: bytes
    payload: bytes


class End(NamedTuple):
    """Where a group ends: what the next row continues."""

    number: int
    newest: float
    written: float
    total: int
    digest: bytes

    @classmethod
    def start(cls, group: str) -> End:
        """Before the first row."""
        return cls(0, 0.0, 0.0, 0, hashlib.blake2b(group.encode(), digest_size=_DIGEST_BYTES).digest())

    @classmethod
    def of(cls, row: Row) -> End:
        """After ``row``."""
        return cls(row.number, row.newest, row.written, row.total, row.digest)


class Filling:
    """The row that is being filled; each record is encoded as it comes, so that a bad one fails alone."""

    def __init__(self, group: str) -> None:
        self.records: list[Record] = []
        self._group = group
        self._buffer = bytearray()

    def add(self, record: Record) -> int:
        """Take a record; how many there are then.

        `EventError` for one that cannot be written, such as text with half a character.
        """
        records = self.records
        try:
            _encoder.encode_into(record, self._buffer, -1 if records else 0)
        except (UnicodeEncodeError, OverflowError, TypeError, ValueError) as error:
            self._buffer = bytearray(b"".join(map(_encoder.encode, self.records)))
            raise EventError("encoding", f"the event cannot be written to the journal: {error}") from None
        records.append(record)
        return len(records)

    def seal(self, before: End, now: float) -> Row:
        """The row of all records taken; then the next one begins."""
        payload = _payload(self._group, len(self.records), self._buffer)
        row = _sealed(self.records, payload, before, now)
        self.records = []  # the buffer stays, the next row begins to be written at its start
        return row


def _sealed(records: Sequence[Record], payload: bytes, before: End, now: float) -> Row:
    """The row after ``before`` with this payload."""
    if set(map(type, records)) == {Valued}:  # most rows; asking each record for its kind takes three times as long
        times = [record.fill.ts for record in records if isinstance(record, Valued)]
    else:
        times = [time(record) for record in records if (time := _TIMES.get(type(record)))]
    last = max(times) if len(times) == len(records) else max((before.newest, *times))
    first = min(times, default=last)
    newest, written = max(last, before.newest), max(now, before.written)
    row = Row(before.number + 1, first, last, newest, written, len(records), before.total + len(records), b"", payload)
    return row._replace(digest=_digest(row, before.digest))


def problem(row: Row, before: End) -> str:
    """What is wrong with a row that should continue ``before``; empty when nothing is."""
    if row.number != before.number + 1:
        return f"row {before.number + 1} is missing"
    try:
        intact = row.digest == _digest(row, before.digest)
    except (struct.error, TypeError):  # a damaged file gave something else than numbers and bytes
        intact = False
    if not intact:
        return f"row {row.number} was changed: its digest does not match"
    if row.total != before.total + row.records or row.newest < before.newest or row.written < before.written:
        return f"row {row.number} does not continue row {before.number}"
    return ""


def decode(row: Row) -> list[Record]:
    """The records of a row; `ValueError` when it is damaged."""
    if group_of(row.payload) is None:
        raise ValueError(f"row {row.number} has an unknown coding")
    try:
        data = zlib.decompressobj(-15, _DICTIONARY).decompress(memoryview(row.payload)[1:])
        records = _decoder.decode(data)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"row {row.number} cannot be decoded: {error}") from None
    if len(records) != row.records:
        raise ValueError(f"row {row.number} has {len(records)} records instead of {row.records}")
    return records


def group_of(payload: bytes) -> str | None:
    """The group of the row with this payload, of which the first byte is enough; None for no row of ours."""
    return _CODINGS.get(payload[:1]) if isinstance(payload, bytes) else None


def _payload(group: str, count: int, body: bytearray) -> bytes:
    head = bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")  # msgpack's array heads
    compressor = zlib.compressobj(1, zlib.DEFLATED, -14, 7, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)  # measured
    return b"".join((_WORD[group], compressor.compress(head), compressor.compress(body), compressor.flush()))


def _digest(row: Row, before: bytes) -> bytes:
    digest = hashlib.blake2b(before, digest_size=_DIGEST_BYTES)
    digest.update(_HEAD.pack(row.number, row.first_ts, row.last_ts, row.newest, row.written, row.records, row.total))
    digest.update(row.payload)
    return digest.digest()
