"""The one door for events: counts them, refuses bad ones, and hands the good ones on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, get_args

import msgspec

from exporter.errors import EventError, OverloadError
from exporter.events import (
    ENDED,
    Balance,
    Book,
    BookKey,
    Event,
    Fill,
    Funding,
    Order,
    PositionReport,
    Quote,
    Signal,
    Transfer,
)
from exporter.journal.records import Reported
from exporter.ledger.book import Book as LedgerBook
from exporter.ledger.instrument import instrument
from exporter.state.quality.fills import FillQuality
from exporter.state.state import State

_FARTHEST_AHEAD = 300.0  # seconds; a clock may be off, but no event is from next year
_ROWS_A_TURN = 2  # of the journal, that are read for repeats; each takes a millisecond or two

log = logging.getLogger(__name__)

_KINDS = {kind: str(kind.__struct_config__.tag) for kind in get_args(Event)}

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event).decode


class _Place(NamedTuple):
    """Where the fills of one book go."""

    book: LedgerBook
    quality: FillQuality


@dataclass(slots=True)
class Taken:
    """What became of several events: how many told something new or nothing new, and which were refused.

    ``stopped`` says that no more could be taken. Then those behind the first ``count`` were not dealt with; nor
    were they when there are any without it, which may be handed in again after a turn of the loop.
    """

    new: int = 0
    repeated: int = 0
    refused: list[tuple[int, EventError]] = field(default_factory=list)
    stopped: bool = False

    @property
    def count(self) -> int:
        """How many events were dealt with."""
        return self.new + self.repeated + len(self.refused)


class Intake:
    """Brings events into the ledger and the state, and those that must not be lost into the journal."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._ledger = state.ledger
        self._quality = state.quality
        self._places: dict[tuple[str, str, str, str], _Place] = {}

    def accept(self, event: Event, source: str, *, redelivery: bool = False) -> bool:
        """Take one event; True when it told something new.

        ``source`` names where it came from, for the metrics. ``redelivery`` marks what we asked for again
        ourselves, so that a repeat is expected. A refused event is counted and logged.
        `OverloadError` when nothing can be taken now; the event has to be delivered again.
        """
        try:
            _check(event)
            return self.take(event, source, redelivery=redelivery)
        except EventError as error:
            self.reject(error, source)
            return False

    def take(self, event: Event, source: str, *, redelivery: bool = False) -> bool:
        """As `accept`, for an event that was decoded; `EventError` is the caller's, who hands it to `reject`."""
        now = self._state.clock() if isinstance(event, Signal) else self._now(event.exchange)
        if event.ts > now + _FARTHEST_AHEAD:
            raise _ahead(event)
        is_new = self._apply(event, redelivery=redelivery)
        if is_new:
            kind = _KINDS[type(event)]
            counts = self._state.intake
            counts.accepted[kind, source] += 1
            if not redelivery:
                counts.lag[kind].observe(max(0.0, now - event.ts))
        return is_new

    def take_all(self, events: Sequence[Event], source: str, check: Callable[[Event], None] | None = None) -> Taken:
        """As `take` for each in turn, in less time; each of those refused is the caller's, who hands it to `reject`.

        ``check`` may refuse an event with `EventError` before it is taken. It ends early, so that all else goes on,
        when repeats made it read too much of the journal.
        """
        known = self._ledger.known
        most = known.read + _ROWS_A_TURN
        taken, lags, exchange, now = Taken(), list[float](), "", 0.0
        for place, event in enumerate(events):
            try:
                if check is not None:
                    check(event)
                if not isinstance(event, Fill):
                    is_new = self.take(event, source)
                else:
                    if event.exchange != exchange:
                        exchange, now = event.exchange, self._now(event.exchange)
                    if event.ts > now + _FARTHEST_AHEAD:
                        raise _ahead(event)
                    is_new = self._fill(event)
                    if is_new:
                        lags.append(now - event.ts)
                if is_new:
                    taken.new += 1
                    continue
                taken.repeated += 1
            except EventError as error:
                taken.refused.append((place, error))
            except OverloadError:
                taken.stopped = True
                break
            if known.read >= most:
                break
        if lags:
            kind = _KINDS[Fill]
            self._state.intake.accepted[kind, source] += len(lags)
            self._state.intake.lag[kind].observe_all([max(0.0, lag) for lag in lags] if min(lags) < 0 else lags)
        return taken

    def reject(self, error: EventError, source: str) -> None:
        """Count an event that cannot be accepted, and log the first of its kind."""
        rejected = self._state.intake.rejected
        rejected[error.reason] += 1
        level = logging.WARNING if rejected[error.reason] == 1 else logging.DEBUG
        log.log(level, "event refused", extra={"source": source, "reason": error.reason, "detail": str(error)})

    async def durable(self) -> None:
        """Wait until all that was accepted so far is on disk; `JournalError` when the disk refuses."""
        await self._state.log.durable()

    def _apply(self, event: Event, *, redelivery: bool) -> bool:
        ledger = self._ledger
        match event:
            case Fill():
                return self._fill(event, redelivery=redelivery)
            case Book():
                return self._book(event)
            case Quote():
                self._quality.quote(event, self._state.clock())
                self._state.changes.markets.add((event.exchange, event.symbol))
            case Order():
                return self._order(event)
            case Funding():
                self._state.changes.books.add(BookKey(event.exchange, event.account, event.symbol, event.strategy))
                return ledger.funding(event) is not None
            case Transfer():
                return ledger.transfer(event) is not None
            case Balance():
                self._state.log.append(Reported(event))
                ledger.balance(event, self._state.clock())
            case PositionReport():
                instrument(event.symbol)  # what is refused is not to be kept
                self._state.log.append(Reported(event))
                ledger.position(event, self._state.clock())
            case Signal():
                self._state.signals.take(event)
        return True

    def _fill(self, fill: Fill, *, redelivery: bool = False) -> bool:
        key = fill.exchange, fill.account, fill.symbol, fill.strategy
        book, quality = self._places.get(key) or self._place(fill)
        valued = self._ledger.take(book, fill, redelivery=redelivery)
        if valued is None:
            return False
        self._quality.judge(quality, valued)
        changes = self._state.changes
        changes.books.add(book.key)
        changes.fills.append(fill)
        return True

    def _place(self, fill: Fill) -> _Place:
        key = BookKey(fill.exchange, fill.account, fill.symbol, fill.strategy)
        book = self._ledger.book(key)
        place = self._places[key] = _Place(book, self._quality.book_of(fill, book.instrument))
        return place

    def _order(self, order: Order) -> bool:
        if order.status in ENDED and not self._state.orders.has_ended(order):
            self._state.log.append(Reported(order))  # first, since an order that was not kept has to be taken again
        return self._quality.order(order, self._state.clock())

    def _book(self, book: Book) -> bool:
        state, now = self._state, self._state.clock()
        instrument(book.symbol)
        if state.ledger.rates.is_outdated(book.exchange, book.symbol, book.ts, now):
            return False
        key = book.exchange, book.symbol
        state.markets[key].update(book, now, self._offset(book.exchange))
        if book.mid is not None:
            state.ledger.observe_mid(book.exchange, book.symbol, book.ts, book.mid, now)
        state.quality.book(book, now)
        state.changes.markets.add(key)
        state.changes.mids.add(key)
        return True

    def _now(self, exchange: str) -> float:
        """The time on the exchange's clock."""
        return self._state.clock() + self._offset(exchange)

    def _offset(self, exchange: str) -> float:
        state = self._state.exchanges.get(exchange)
        return (state.clock_offset or 0.0) if state else 0.0


def _ahead(event: Event) -> EventError:
    return EventError("future", f"ts is {event.ts}, minutes ahead of now; check the clock of its sender")


def _check(event: Event) -> None:
    """`EventError` unless the event can be read again from the journal.

    Texts are held against their bounds where they are decoded, and what a source made was never decoded. One row
    that cannot be read would be the end of the journal.
    """
    try:
        _decode(_encode(event))
    except (msgspec.MsgspecError, UnicodeEncodeError, OverflowError) as error:
        what = "a text is no Unicode" if isinstance(error, UnicodeEncodeError) else str(error)
        raise EventError("invalid", f"a source made a {_KINDS[type(event)]} that cannot be kept: {what}") from None
