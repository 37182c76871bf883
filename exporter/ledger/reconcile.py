"""The books beside what the exchange itself says that an account holds.

A report says what was there at about its time; fills of the same moments may be in it or not. So a report is
held against every state that the books had around its time, and drift is the smallest difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from exporter.events import ONE, ZERO, Fill, Funding, Transfer
from exporter.ledger.instrument import instrument

TOLERANCE = 2.0
"""Seconds by which a report may be older or newer than it says, and that an event may take to get here."""

_DUST = Decimal("1e-6")  # of a coin: exchanges round what they credit, so that books and balance are never quite equal

Flow = Fill | Funding | Transfer
Changes = list[tuple[float, Decimal]]
"""Times and amounts."""


@dataclass(slots=True)
class Check:
    """What was reported of one thing that an account holds, and what came of comparing it with the books.

    ``reported`` and ``at`` (on the exchange's clock) are of the newest report, which arrived at ``arrived`` on ours;
    ``drift`` is reported less expected, None before the first comparison; ``since`` the time of the report with
    which an unbroken drift began; ``compared`` that of the newest one that was compared. ``opening`` is what was
    there before the books begin, where that is not taken to be nothing, as the report of ``opened`` told;
    ``openings`` what it may be while that is open; ``newer`` the newest report that came while one waited.
    """

    opening: Decimal | None = None
    opened: float = 0.0
    openings: set[Decimal] = field(default_factory=set)
    reported: Decimal = ZERO
    at: float = 0.0
    arrived: float = 0.0
    waits: bool = False
    newer: tuple[Decimal, float, float] | None = None
    drift: Decimal | None = None
    since: float | None = None
    compared: float | None = None

    def report(self, amount: Decimal, at: float, now: float) -> None:
        """Take a report; it is compared once what belongs to it has had time to arrive."""
        if at < self.at:
            return
        if self.waits:
            self.newer = amount, at, now
        else:
            self.reported, self.at, self.arrived, self.waits = amount, at, now, True

    def due(self, now: float) -> bool:
        """Whether a report waits that can be compared now."""
        return self.waits and now - self.arrived >= TOLERANCE

    def compare(self, held: Decimal, changes: Changes | None) -> bool:
        """Compare the report with what the books hold now, given their newest changes; True when that opened it.

        Nothing is compared when the changes are None, that is, not all known. Around the time of a report there may
        be several states, each with an opening of its own; it is the one that several reports have in common.
        """
        is_opened = changes is not None and self._compare(held, changes)
        self.waits = self.newer is not None
        if self.newer is not None:
            (self.reported, self.at, self.arrived), self.newer = self.newer, None
        return is_opened

    def _compare(self, held: Decimal, changes: Changes) -> bool:
        states = self._states(held, changes)
        if self.opening is not None:
            self._judge(min((self.reported - self.opening - state for state in states), key=abs))
            return False
        openings = {self.reported - state for state in states}
        self.openings = openings & self.openings or openings
        if len(self.openings) > 1:
            return False
        self.opening, self.opened, self.openings = self.openings.pop(), self.at, set()
        self._judge(ZERO)
        return True

    def reopen(self) -> None:
        """Forget the opening; the next reports tell it again."""
        self.opening, self.openings = None, set()
        self.drift = self.since = self.compared = None

    def correct(self, ts: float, change: Decimal | None) -> None:
        """Take an event that came only now, and may have been in the balance that opened the account.

        ``change`` is what it changed, None when that cannot be told apart from what came later.
        """
        if change is not None and not change:
            return
        if self.opening is None:
            self.openings = set()
        elif ts <= self.opened - TOLERANCE and change is not None:
            self.opening -= change
        elif ts <= self.opened + TOLERANCE:
            self.reopen()

    def _states(self, held: Decimal, changes: Changes) -> Iterator[Decimal]:
        """What the books held around the time of the report, the newest first."""
        newest_first = sorted(changes, key=lambda change: -change[0])
        later = [amount for ts, amount in newest_first if ts > self.at + TOLERANCE]
        held -= sum(later, ZERO)
        yield held
        for ts, amount in newest_first[len(later) :]:
            if ts > self.at - TOLERANCE:
                held -= amount
                yield held

    def _judge(self, drift: Decimal) -> None:
        self.drift, self.compared = drift, self.at
        if abs(drift) <= _DUST:
            self.since = None
        elif self.since is None:
            self.since = self.at


def currency_change(event: Flow, currency: str) -> Decimal:
    """By how much an event changed what the account holds of a currency, but for what a contract realised."""
    if not isinstance(event, Fill):
        return event.amount if event.currency == currency else ZERO
    market = instrument(event.symbol)
    change = -sum((fee.amount for fee in event.fees if fee.currency == currency), ZERO)
    if market.kind != "spot":
        return change
    bought = event.quantity if event.side == "buy" else -event.quantity
    if market.base == currency:
        change += bought
    if market.settle == currency:
        change -= bought * event.price
    return change


def realizes(event: Flow, currency: str) -> bool:
    """Whether an event may have realised something in a currency that it alone does not tell."""
    if not isinstance(event, Fill):
        return False
    market = instrument(event.symbol)
    return market.kind != "spot" and market.settle == currency


def position_change(event: Flow, symbol: str) -> Decimal:
    """By how many units an event changed the position in a contract."""
    if not isinstance(event, Fill) or event.symbol != symbol:
        return ZERO
    units = event.quantity if event.contract_size is ONE else event.quantity * event.contract_size
    return units if event.side == "buy" else -units
