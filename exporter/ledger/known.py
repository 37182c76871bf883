"""Which events are known, so that each is accounted for once."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from exporter.events import Fill, Funding, Transfer
from exporter.journal.records import Moved, Paid, Record, Valued
from exporter.ledger.identities import LONGEST_NUMBER, Identities, Scope

Event = Fill | Funding | Transfer
Identity = tuple[type[Event], str, str, str, str]

_INDEXED = 16  # rows whose events can be found by their identities
_ASKED_FOR = 10_000


class Rows(Protocol):
    """Where events are kept, in numbered rows."""

    @property
    def row(self) -> int:
        """The number of the row that the next event goes into."""

    def records(self, row: int) -> list[Record]:
        """The records of one row."""


class _Index:
    """Some events of a row by their identities; ``count`` records of the row were looked at."""

    __slots__ = ("count", "events", "is_whole")

    def __init__(self) -> None:
        self.count = 0
        self.events: dict[Identity, Event] = {}
        self.is_whole = False

    def take(self, records: list[Record]) -> None:
        """Look at those that were added since."""
        for record in records[self.count :]:
            event = _event(record)
            if event is not None:
                self.events[_identity(event)] = event
        self.count = len(records)


class Known:
    """All events by their ids, in little memory: what is known of an event is looked up in the row that it is in."""

    def __init__(self, rows: Rows) -> None:
        self.identities = Identities()
        self.read = 0  # rows that were looked into, each of which takes a millisecond or two
        self._rows = rows
        self._appended: Scope | None = None  # where the newest id was put, if that was at the end
        self._indices: OrderedDict[int, _Index] = OrderedDict()
        self._asked_for: OrderedDict[Identity, None] = OrderedDict()

    def find(self, scope: Scope, name: str, event: Event) -> Event | None:
        """What is known under the id ``name``; None when it is new, and from now on it is known."""
        row = self._rows.row
        if len(name) <= LONGEST_NUMBER and name.isdecimal():  # mostly the number after the last one; see `Identities`
            number, numbers = int(name), scope.numbers
            if not numbers or number > numbers[-1]:
                numbers.append(number)
                scope.rows.append(row)
                self._appended = scope
                return None
        self._appended = None
        where = self.identities.put(scope, name, row)
        if where is None:
            return None
        known = self._same(where, event)
        if known is not None:
            return known
        where = self.identities.put_hash(scope, name, row)
        return None if where is None else self._same(where, event)

    def take_back(self) -> None:
        """The event that `find` has just found to be new was not taken, and is unknown again."""
        if self._appended is None:
            self.identities.take_back()
        else:
            self._appended.numbers.pop()
            self._appended.rows.pop()

    def note(self, scope: Scope, name: str, row: int) -> None:
        """Remember the id of what stands in a row."""
        where = self.identities.put(scope, name, row)
        if where is not None and where != row:
            self.identities.put_hash(scope, name, row)

    def asked_for(self, fill: Fill) -> None:
        """Remember that a fill is known only because we asked for it, so that it may come once more unasked."""
        self._asked_for[_identity(fill)] = None
        if len(self._asked_for) > _ASKED_FOR:
            self._asked_for.popitem(last=False)

    def was_asked_for(self, fill: Fill) -> bool:
        """Whether that was so until now."""
        return self._asked_for.pop(_identity(fill), fill) is None

    def _same(self, row: int, event: Event) -> Event | None:
        """The event of the same identity in a row; None when what stands there is another one's."""
        index = self._indices.get(row)
        if index is None:
            index = self._indices[row] = _Index()
            self.read += 1
            if len(self._indices) > _INDEXED:
                self._indices.popitem(last=False)
        self._indices.move_to_end(row)
        if not index.is_whole:
            index.take(self._rows.records(row))
            index.is_whole = row != self._rows.row
        return index.events.get(_identity(event))


def _event(record: Record) -> Event | None:
    match record:
        case Valued(fill):
            return fill
        case Paid(payment):
            return payment
        case Moved(transfer):
            return transfer
    return None


def _identity(event: Event) -> Identity:
    match event:
        case Fill():
            return Fill, event.exchange, event.account, event.symbol, event.trade_id
        case Funding():
            return Funding, event.exchange, event.account, event.symbol, event.funding_id
        case Transfer():
            return Transfer, event.exchange, event.account, "", event.transfer_id
