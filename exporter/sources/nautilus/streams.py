"""The streams of one node: found, read from the beginning, and followed.

Where reading has come to is kept in memory only: what must not be lost is in the journal, which knows each fill, so
after a restart all that Redis still has is read again and what was known is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from exporter.config import Nautilus
from exporter.sources.nautilus.messages import HEARTBEAT, concerns

_PAGE = 200  # entries of one stream that are read at once
_BLOCK = 1.0  # seconds to wait for new entries
_SCAN_PAGE = 1000

Id = tuple[int, int]
"""Of an entry: milliseconds since 1970 on the clock of Redis, and a number."""

_FIRST: Id = (0, 0)
_Pages = list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the stream ``key``."""

    key: str
    id: Id
    fields: Mapping[bytes, bytes]

    @property
    def ts(self) -> float:
        """When it was written: Unix time in seconds on the clock of Redis."""
        return self.id[0] / 1000


@dataclass(slots=True)
class _Cursor:
    """How far a stream was read: up to the entry ``id``, which is the ``count``-th ever written where that is known."""

    id: Id
    count: int | None = None


class Streams:
    """An asynchronous context manager; its methods raise redis's errors, and `KeyTypeError`.

    ``lost`` counts entries that were removed before they could be read, ``replaced`` the streams that began anew.
    """

    def __init__(self, config: Nautilus, now: float) -> None:
        self.base = _base(config)
        self.lost = 0
        self.replaced = 0
        self._any_instance = config.instance_id == "*"
        self._start = _FIRST if config.backfill_hours is None else (int((now - config.backfill_hours * 3600) * 1000), 0)
        self._cursors: dict[str, _Cursor] = {}
        self._followed: list[str] = []
        self._redis = _client(config)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()

    @property
    def found(self) -> bool:
        """Whether there is anything to follow."""
        return bool(self._followed)

    async def scan(self) -> None:
        """Look for new streams, and at how those that are known go on."""
        await self._check_type()
        found = await self._find()
        for key in found:
            if key not in self._cursors:
                self._cursors[key] = await self._begin(key)
            else:
                await self._inspect(key, self._cursors[key])
        self._followed = found

    async def read(self) -> tuple[list[Entry], bool]:
        """The next entries in the order in which they were written, and whether that was all there is."""
        if not self._followed:
            return [], True
        wanted = {key: _text(self._cursors[key].id) for key in self._followed}
        answer: Any = await self._redis.xread(wanted, count=_PAGE, block=round(_BLOCK * 1000))  # type: ignore[arg-type]
        pages: _Pages = answer or []
        entries = [_entry(key, entry) for key, page in pages for entry in page]
        return sorted(entries, key=lambda entry: entry.id), all(len(page) < _PAGE for _, page in pages)

    def passed(self, entry: Entry) -> None:
        """An entry was dealt with."""
        cursor = self._cursors[entry.key]
        cursor.id = entry.id
        if cursor.count is not None:
            cursor.count += 1

    async def newest(self, key: str) -> Entry | None:
        """The last entry of a stream; None where there is none."""
        try:
            page: Any = await self._redis.xrevrange(key, count=1)
        except ResponseError:  # of another type
            return None
        return _entry(key, page[0]) if page else None

    async def _check_type(self) -> None:
        if self._any_instance:
            return
        found = (await cast("Awaitable[bytes]", self._redis.type(self.base))).decode()
        if found not in ("none", "stream"):
            raise KeyTypeError(f"the key {self.base} is a {found}, not a stream; correct trader_id or streams_prefix")

    async def _find(self) -> list[str]:
        pattern = re.sub(r"([?\[\]\\^])", r"\\\1", self.base) + "*"
        found: set[str] = set()
        cursor = 0
        while True:
            answer: Any = await self._redis.scan(cursor, match=pattern, count=_SCAN_PAGE, _type="stream")
            cursor, keys = answer
            found.update(key for raw in keys if self._follows(key := raw.decode(errors="replace")))
            if not cursor:
                return sorted(found)

    def _follows(self, key: str) -> bool:
        """Whether a key is the one stream of all topics, or that of a topic that concerns us."""
        own = ".*".join(map(re.escape, self.base.split("*"))) if self._any_instance else re.escape(self.base)
        if re.fullmatch(own, key):
            return True
        topic = re.match(f"{own}:(?=events|health)", key)
        return topic is not None and (concerns(key[topic.end() :]) or key.endswith(HEARTBEAT))

    async def _begin(self, key: str) -> _Cursor:
        """Where reading begins; of heartbeats only the last one matters."""
        if key.endswith(f":{HEARTBEAT}"):
            last = await self.newest(key)
            return _Cursor(_before(last.id) if last else _FIRST)
        cursor = _Cursor(self._start)
        if self._start == _FIRST:
            info = await self._info(key)
            cursor.count = _removed(info) if info else 0
        return cursor

    async def _inspect(self, key: str, cursor: _Cursor) -> None:
        """See whether a stream lost entries that were not read, or was replaced by a new one."""
        info = await self._info(key)
        if info is None:
            return
        last, removed = _parse(info["last-generated-id"]), _removed(info)
        if last < cursor.id or (cursor.count is not None and info.get("entries-added", cursor.count) < cursor.count):
            self.replaced += 1
            cursor.id, cursor.count = _FIRST, removed
        elif removed is not None:
            # At the end of the stream everything ever written should have been read, else all that is gone from it.
            due: int = info["entries-added"] if last == cursor.id else removed
            if cursor.count is not None and due > cursor.count:
                self.lost += due - cursor.count
                cursor.count = due
            elif cursor.count is None and last == cursor.id:
                cursor.count = due

    async def _info(self, key: str) -> dict[str, Any] | None:
        try:
            return await self._redis.xinfo_stream(key)
        except ResponseError:  # it is gone, or of another type; the next scan finds out
            return None


class KeyTypeError(Exception):
    """A key is not what nautilus would have made it; the message says which, and what to do."""


def _client(config: Nautilus) -> Redis:
    secrets = {name: secret.read() for name, secret in config.secrets.items()}
    return Redis(
        host=config.host,
        port=config.port,
        username=secrets.get("username"),
        password=secrets.get("password"),
        ssl=config.tls,
        ssl_ca_certs=config.ca_file,
        socket_connect_timeout=config.request_timeout,
        socket_timeout=config.request_timeout + _BLOCK,
        retry=Retry(NoBackoff(), 0),  # whoever calls retries, and says so
        protocol=2,
    )


def _base(config: Nautilus) -> str:
    """What the names of all streams of the node begin with, put together as nautilus does."""
    trader = f"trader-{config.trader_id}" if config.trader_id else None
    return ":".join(filter(None, (trader, config.instance_id, config.streams_prefix)))


def _removed(info: dict[str, Any]) -> int | None:
    """How many of a stream's entries are gone; None where Redis is too old to tell."""
    added = info.get("entries-added")
    return None if added is None else added - info["length"]


def _entry(key: bytes | str, entry: tuple[bytes, Mapping[bytes, bytes] | None]) -> Entry:
    return Entry(key.decode(errors="replace") if isinstance(key, bytes) else key, _parse(entry[0]), entry[1] or {})


def _parse(text: bytes) -> Id:
    milliseconds, _, number = text.decode().partition("-")
    return int(milliseconds), int(number)


def _before(entry_id: Id) -> Id:
    """An id after which this entry is the next."""
    return (entry_id[0], entry_id[1] - 1) if entry_id[1] else (entry_id[0] - 1, 1 << 60)


def _text(entry_id: Id) -> str:
    return f"{entry_id[0]}-{entry_id[1]}"
