"""The newest state of each thing in a stream, in the order in which they changed.

Each change has the next number. Whoever has seen everything up to a number is up to date again with what changed since,
each thing once in its newest state, however long that was: that is how new, slow and returning readers are served.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple


class Labels(NamedTuple):
    """What a thing belongs to; None where that means nothing for its stream."""

    exchange: str | None = None
    account: str | None = None
    symbol: str | None = None
    strategy: str | None = None


class Item(NamedTuple):
    """One thing: the number of its last change, what it belongs to, and its state as JSON."""

    number: int
    labels: Labels
    body: bytes


class Table:
    """At most ``most`` things; the one that changed longest ago goes first.

    ``number`` is that of the last change. ``forgotten`` is that of the last change that is not here any more: whoever
    saw less than that cannot be brought up to date with changes alone.
    """

    def __init__(self, most: int) -> None:
        self.number = 0
        self.forgotten = 0
        self._most = most
        self._items: dict[Hashable, Item] = {}  # of which all is listed ten times faster than of an OrderedDict

    def put(self, key: Hashable, labels: Labels, body: bytes) -> bool:
        """Take the state of a thing; whether it differs from before."""
        known = self._items.get(key)
        if known is not None:
            if known.body == body:
                return False
            del self._items[key]
        elif len(self._items) >= self._most:
            self.forgotten = self._items.pop(next(iter(self._items))).number
        self.number += 1
        self._items[key] = Item(self.number, labels, body)
        return True

    def since(self, number: int) -> list[Item]:
        """What changed after that number, the oldest first."""
        if number <= self.forgotten:
            return list(self._items.values())
        found = []
        for item in reversed(self._items.values()):
            if item.number <= number:
                break
            found.append(item)
        found.reverse()
        return found
