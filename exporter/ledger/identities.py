"""Which events are known by their ids, in little memory: millions of texts would not fit.

Ids that are numbers stand in sorted arrays, one for each scope, since exchanges mostly count upwards: the usual id
is put at the end. All others, and numbers that come long after their neighbours, are in a table of 64-bit hashes.
What is there says where to look, not that the event is the same: "7" and "007" are one number, and two texts may
share a hash, so the record itself decides.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left

import msgspec

NEAR = 1024  # numbers; `saving` needs a new version when this changes
LONGEST_NUMBER = 18  # digits

_PARTS = 256  # a part is rehashed as it grows, which must be quick
_FIRST_SIZE = 64


class SavedNumbers(msgspec.Struct, frozen=True, array_like=True):
    """The numbers of a scope from some place on, and their rows, as the bytes of arrays of type Q and I."""

    scope: tuple[str, ...]
    numbers: bytes
    rows: bytes


class Scope:
    """Within what an id is unique, such as one account's trades of one symbol.

    ``numbers`` ascend; ``rows`` says which row of the journal each is in.
    """

    __slots__ = ("_captured", "_saved", "names", "numbers", "rows")

    def __init__(self, *names: str) -> None:
        self.names = names
        self.numbers = array("Q")
        self.rows = array("I")
        self._saved = 0  # so many, from the first one on, are sealed and still as they were then
        self._captured = 0  # the same of what `fresh` gave last

    def find(self, number: int) -> int:
        """The place of a number, or where it belongs."""
        numbers = self.numbers
        near = len(numbers) - NEAR
        return bisect_left(numbers, number, near if near > 0 and numbers[near] <= number else 0)

    def hash(self, identity: str) -> int:
        """A hash of 64 bits that is the same in every process; never 0."""
        text = "\0".join((*self.names, identity)).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") or 1

    def insert(self, place: int, number: int, row: int) -> None:
        """Put a number in its place."""
        self.numbers.insert(place, number)
        self.rows.insert(place, row)
        self._saved, self._captured = min(self._saved, place), min(self._captured, place)

    def fresh(self) -> SavedNumbers | None:
        """What changed since the last `seal`: all from the first new number on."""
        start, self._captured = self._saved, len(self.numbers)
        if start == self._captured:
            return None
        return SavedNumbers(self.names, self.numbers[start:].tobytes(), self.rows[start:].tobytes())

    def seal(self) -> None:
        """What `fresh` gave last need not be saved again."""
        self._saved = self._captured

    def load(self, saved: SavedNumbers) -> None:
        """Go on from what `fresh` gave: it replaces all from its first number on."""
        numbers = array("Q", saved.numbers)
        place = bisect_left(self.numbers, numbers[0])
        self.numbers[place:], self.rows[place:] = numbers, array("I", saved.rows)
        self._saved, self._captured = min(self._saved, place), len(self.numbers)


class Identities:
    """All ids with the journal's row that each is in.

    Of the table's hashes, what was put since the last `seal` is also kept in order, so that it can be saved on its own.
    """

    def __init__(self) -> None:
        self.sealed = 0
        self._scopes: dict[tuple[str, ...], Scope] = {}
        self._table = _Table()
        self._fresh = array("Q")
        self._fresh_rows = array("I")
        self._undo: tuple[Scope, int] | int = 0

    def scope(self, *names: str) -> Scope:
        """The scope of these names."""
        scope = self._scopes.get(names)
        if scope is None:
            scope = self._scopes[names] = Scope(*names)
        return scope

    def put(self, scope: Scope, identity: str, row: int) -> int | None:
        """Note an id; the row of the one that is there already, which stays."""
        if len(identity) > LONGEST_NUMBER or not identity.isdecimal():
            return self.put_hash(scope, identity, row)
        number, numbers = int(identity), scope.numbers
        place = scope.find(number)
        if place < len(numbers) and numbers[place] == number:
            return scope.rows[place]
        if place < len(numbers) - NEAR:  # far behind, and stays so, since numbers come and do not go
            return self.put_hash(scope, identity, row)
        scope.insert(place, number, row)
        self._undo = scope, place
        return None

    def put_hash(self, scope: Scope, identity: str, row: int) -> int | None:
        """The same by the hash of the text, for when the number is another id's."""
        hashed = scope.hash(identity)
        where = self._table.put(hashed, row)
        if where is None:
            self._fresh.append(hashed)
            self._fresh_rows.append(row)
            self._undo = hashed
        return where

    def take_back(self) -> None:
        """Undo the last `put` or `put_hash` of something new; nothing else may have been put since."""
        if isinstance(self._undo, int):
            self._table.take_back(self._undo)
            self._fresh.pop()
            self._fresh_rows.pop()
        else:
            scope, place = self._undo
            del scope.numbers[place], scope.rows[place]

    def fresh(self) -> SavedIdentities:
        """What was put since the last `seal`."""
        numbers = [fresh for scope in self._scopes.values() if (fresh := scope.fresh()) is not None]
        return SavedIdentities(self._fresh.tobytes(), self._fresh_rows.tobytes(), numbers)

    def seal(self, saved: SavedIdentities) -> None:
        """Leave out of what `fresh` gives what it gave then."""
        count = len(saved.rows) // self._fresh_rows.itemsize
        self._fresh, self._fresh_rows = self._fresh[count:], self._fresh_rows[count:]
        for numbers in saved.numbers:
            self._scopes[numbers.scope].seal()
        self.sealed += 1

    def load(self, parts: list[SavedIdentities]) -> None:
        """Go on from all parts that were saved, of which the last is not sealed."""
        self._table.reserve(sum(len(part.hashes) // 8 for part in parts))
        for part in parts:
            self._fresh, self._fresh_rows = array("Q", part.hashes), array("I", part.rows)
            for hashed, row in zip(self._fresh, self._fresh_rows, strict=True):
                self._table.put(hashed, row)
            for numbers in part.numbers:
                self.scope(*numbers.scope).load(numbers)
            if part is not parts[-1]:
                self.seal(part)

    def __len__(self) -> int:
        return len(self._table) + sum(len(scope.numbers) for scope in self._scopes.values())


class SavedIdentities(msgspec.Struct, frozen=True, array_like=True):
    """Some `Identities` to be kept and restored: hashes and their rows as the bytes of arrays of type Q and I."""

    hashes: bytes
    rows: bytes
    numbers: list[SavedNumbers]

    def __len__(self) -> int:
        return len(self.hashes) // 8 + sum(len(each.numbers) // 8 for each in self.numbers)


class _Table:
    """Hashes with a row each: open addressing in parts that grow on their own."""

    def __init__(self) -> None:
        self._slots: list[array[int]] = []
        self._rows: list[array[int]] = []
        self.reserve(0)
        self._used = [0] * _PARTS

    def put(self, hashed: int, row: int) -> int | None:
        """Note a hash; the row of the one that is there already, which stays."""
        part = hashed >> 56
        slots = self._slots[part]
        mask = len(slots) - 1
        if self._used[part] * 5 > mask * 3:
            self._grow(part)
            slots = self._slots[part]
            mask = len(slots) - 1
        index = hashed & mask
        while found := slots[index]:
            if found == hashed:
                return self._rows[part][index]
            index = (index + 1) & mask
        slots[index] = hashed
        self._rows[part][index] = row
        self._used[part] += 1
        return None

    def take_back(self, hashed: int) -> None:
        """Undo the last `put`; nothing else may have been put since."""
        part = hashed >> 56
        slots = self._slots[part]
        index = hashed & (len(slots) - 1)
        while slots[index] != hashed:
            index = (index + 1) & (len(slots) - 1)
        slots[index] = 0
        self._used[part] -= 1

    def reserve(self, count: int) -> None:
        """Make room for so many, while it is empty."""
        size = _FIRST_SIZE
        while size * _PARTS < count * 2:
            size *= 2
        self._slots = [array("Q", bytes(8 * size)) for _ in range(_PARTS)]
        self._rows = [array("I", bytes(4 * size)) for _ in range(_PARTS)]

    def __len__(self) -> int:
        return sum(self._used)

    def _grow(self, part: int) -> None:
        slots, rows = self._slots[part], self._rows[part]
        size = len(slots) * 2
        wider, wider_rows = array("Q", bytes(8 * size)), array("I", bytes(4 * size))
        for hashed, row in zip(slots, rows, strict=True):
            if hashed:
                index = hashed & (size - 1)
                while wider[index]:
                    index = (index + 1) & (size - 1)
                wider[index] = hashed
                wider_rows[index] = row
        self._slots[part], self._rows[part] = wider, wider_rows
