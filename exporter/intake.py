"""The one door for events: counts them, refuses bad ones, and hands the good ones on."""

from __future__ import annotations

import logging

from exporter.errors import EventError
from exporter.events import Book, Event, Fill, Order
from exporter.state.state import State

_FARTHEST_AHEAD = 300.0  # seconds; a clock may be off, but no event is from next year

log = logging.getLogger(__name__)


class Intake:
    """Brings events into the ledger and the state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def accept(self, event: Event, source: str, *, redelivery: bool = False) -> bool:
        """Take one event; True when it told something new.

        ``source`` names where it came from, for the metrics. ``redelivery`` marks what we asked for again
        ourselves, so that a repeat is expected. A refused event is counted and logged.
        """
        try:
            is_new = self._apply(event, redelivery=redelivery)
        except EventError as error:
            self.reject(error, source)
            return False
        if is_new:
            kind = type(event).__name__.lower()
            self._state.intake.accepted[kind, source] += 1
            if not redelivery:
                self._state.intake.lag[kind].observe(max(0.0, self._now(event.exchange) - event.ts))
        return is_new

    def reject(self, error: EventError, source: str) -> None:
        """Count an event that cannot be accepted, and log the first of its kind."""
        rejected = self._state.intake.rejected
        rejected[error.reason] += 1
        level = logging.WARNING if rejected[error.reason] == 1 else logging.DEBUG
        log.log(level, "event refused", extra={"source": source, "reason": error.reason, "detail": str(error)})

    def _now(self, exchange: str) -> float:
        """The time on the exchange's clock, by which its events are stamped."""
        return self._state.clock() + (self._state.exchanges[exchange].clock_offset or 0.0)

    def _apply(self, event: Event, *, redelivery: bool) -> bool:
        if event.ts > self._now(event.exchange) + _FARTHEST_AHEAD:
            raise EventError("future", f"ts is {event.ts}, minutes ahead of now; check the clock of its sender")
        match event:
            case Fill():
                return self._state.ledger.apply(event, redelivery=redelivery)
            case Order():
                return self._state.orders.update(event)
            case Book():
                self._book(event)
        return True

    def _book(self, book: Book) -> None:
        state, now = self._state, self._state.clock()
        offset = state.exchanges[book.exchange].clock_offset or 0.0
        state.markets[book.exchange, book.symbol].update(book, now, offset)
        if book.mid is not None:
            state.ledger.observe_mid(book.exchange, book.symbol, book.ts, book.mid, now)
