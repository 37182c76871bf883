"""The top of each market and its spread, integrated over time."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.events import Book


@dataclass(slots=True)
class MarketState:
    """One market on one exchange.

    ``spread_seconds`` is the integral of the spread ratio over the ``observed_seconds`` in which both
    sides were known; times are in seconds.
    """

    mid: float | None = None
    spread_ratio: float | None = None
    updated: float | None = None
    spread_seconds: float = 0.0
    observed_seconds: float = 0.0
    _integrated_to: float | None = None

    def expect(self, now: float) -> None:
        """Watching begins: a market that never sends anything has data as old as this."""
        if self.updated is None:
            self.updated = now

    def update(self, book: Book, now: float, clock_offset: float = 0.0) -> None:
        """Take a new top of the book; ``clock_offset`` is the exchange's clock minus ours."""
        self.integrate(now)
        self.updated = book.ts - clock_offset
        self.mid = book.mid
        if book.mid is None or book.bid is None or book.ask is None:
            self.lose()
            return
        self.spread_ratio = (book.ask - book.bid) / book.mid
        self._integrated_to = now

    def integrate(self, now: float) -> None:
        """Carry the integrals up to ``now`` with the spread that stood until then."""
        if self._integrated_to is None or self.spread_ratio is None:
            return
        passed = max(0.0, now - self._integrated_to)
        self.spread_seconds += self.spread_ratio * passed
        self.observed_seconds += passed
        self._integrated_to = now

    def lose(self) -> None:
        """The market is not observed any more: no time passes for the integrals until the next book."""
        self.mid = self.spread_ratio = self._integrated_to = None
