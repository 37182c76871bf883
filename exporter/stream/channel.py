"""One stream, under one selection, for all who asked for the same: each message is made once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

from exporter.stream.client import Client
from exporter.stream.frames import Message
from exporter.stream.protocol import Head, Kind, Resume, Selection, news
from exporter.stream.table import Item, Table

_LARGEST = 32_768  # bytes of things in one message, which take half a millisecond to compress
_A_LOT = 1_000  # things to look at before everybody else has a turn
_JOINING = sys.maxsize  # in place of a number: this client is told by `join`


class _Portion(NamedTuple):
    """What may go in one message: the things that changed after one number, up to another one."""

    kind: Kind
    after: int
    number: int
    items: list[Item]

    @property
    def is_news(self) -> bool:
        """Whether there is anything to tell; that there is nothing at all is news, too."""
        return self.kind == "snapshot" or bool(self.items)


class Channel:
    """``number`` names it to its clients; it speaks every ``every`` turns."""

    def __init__(self, number: int, stream: str, table: Table, selection: Selection, every: int) -> None:
        self.number = number
        self.stream = stream
        self.every = every
        self._table = table
        self._selection = selection
        self._seen = table.number  # up to where all that keep up were told
        self._clients: dict[Client, int] = {}  # up to where each was told

    @property
    def is_empty(self) -> bool:
        """Whether nobody listens."""
        return not self._clients

    def join(self, client: Client, epoch: str, resume: Resume | None, now: float) -> Iterator[None]:
        """Begin to tell a client: all that there is, or what changed since it was here last, a message a step."""
        newest = self._table.number
        known = resume is not None and resume.epoch == epoch and resume.number <= newest
        self._clients[client] = _JOINING
        for portion in self._portions(resume.number if known and resume is not None else None):
            if portion is not None and portion.is_news:
                client.send(self._message(portion, now))
            yield
        self._clients[client] = newest

    def leave(self, client: Client) -> None:
        """Tell a client nothing more."""
        self._clients.pop(client, None)

    def tell(self, now: float) -> Iterator[None]:
        """Tell everybody what changed, a message a step; may be left off for a moment after any of them.

        Who is behind is told the newest state once it has caught up.
        """
        newest = self._table.number
        for portion in self._portions(self._seen):
            if portion is not None:
                self._share(portion, now)
            yield
        self._seen = newest
        for client, seen in list(self._clients.items()):
            if seen < newest:
                yield from self._catch_up(client, seen, now)

    def _share(self, portion: _Portion, now: float) -> None:
        """Tell it those who know all before it."""
        message = self._message(portion, now) if portion.is_news else None
        for client, seen in self._clients.items():
            if seen != portion.after:
                continue
            if message is not None:
                if client.is_behind():
                    continue
                client.send(message)
            self._clients[client] = portion.number

    def _catch_up(self, client: Client, seen: int, now: float) -> Iterator[None]:
        """Tell a client alone what changed since, as long as it reads, and does not leave or join anew."""
        for portion in self._portions(seen):
            if portion is None:
                yield
                continue
            if self._clients.get(client) != portion.after or client.is_behind():
                return
            if portion.is_news:
                client.send(self._message(portion, now))
            self._clients[client] = portion.number
            yield

    def _portions(self, seen: int | None) -> Iterator[_Portion | None]:
        """What changed since, the oldest first; where that is not known any more, all that there is.

        None is a pause, since a selection may be small and all that there is much.
        """
        newest, matches = self._table.number, self._selection.matches
        if seen == newest:
            return
        kind: Kind = "snapshot" if seen is None or seen < self._table.forgotten else "update"
        changed = self._table.since(seen if seen is not None and kind == "update" else 0)
        after, items, size = seen or 0, list[Item](), 0
        for looked, item in enumerate(changed, 1):
            if looked % _A_LOT == 0:
                yield None
            if not matches(item.labels):
                continue
            if items and size + len(item.body) > _LARGEST:
                yield _Portion(kind, after, items[-1].number, items)
                kind, after, items, size = "update", items[-1].number, [], 0
            items.append(item)
            size += len(item.body)
        yield _Portion(kind, after, newest, items)

    def _message(self, portion: _Portion, now: float) -> Message:
        head = Head(portion.kind, self.stream, self.number, portion.number, now)
        return Message(news(head, portion.items))
