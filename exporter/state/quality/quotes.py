"""Our own quotes over time: how wide, for how long on both sides, and for how long at the best price.

All are integrals over time, as those of `MarketState` are, so that any window has its exact mean. A quote stands from
its own time until the next one, but what has been counted is not taken back: one that comes late, after a scrape or a
later quote, stands from there on. A quote of the future stands from now on.
"""

from __future__ import annotations

import msgspec

from exporter.events import SIDES, Side
from exporter.state.orders import Top

NOTHING: Top = (None, None)


class SavedQuotes(msgspec.Struct, frozen=True, array_like=True):
    """The integrals of a `QuoteState` to be kept and restored."""

    pushed: bool
    seconds: float
    two_sided_seconds: float
    spread_seconds: float
    compared_seconds: float
    at_best_seconds: dict[Side, float]


class MarketTop:
    """The best bid and ask of a market, known from one report of it until ``max_age`` seconds after the last."""

    __slots__ = ("_heard", "_max_age", "ask", "bid")

    def __init__(self, max_age: float) -> None:
        self._max_age = max_age
        self._heard = 0.0
        self.bid: float | None = None
        self.ask: float | None = None

    @property
    def until(self) -> float:
        """The time up to which it is known."""
        return self._heard + self._max_age

    def hear(self, now: float) -> None:
        """There was a report."""
        self._heard = now

    def lose(self, now: float) -> None:
        """The market is not observed any more."""
        self._heard = now - self._max_age


class QuoteState:
    """Our best bid and ask in one book; times are in seconds.

    ``seconds`` run from the first quote or order on, as long as it is known what we quote, be it nothing;
    ``two_sided_seconds`` while we quote both sides with the bid below the ask; ``spread_seconds`` is the integral of
    the spread ratio (ask less bid, by the middle of the two) over these. ``compared_seconds`` run while the market's
    top is known, too; ``at_best_seconds`` are those of them in which our bid was not below the market's (or the
    market had none), and for ``sell`` our ask not above the market's.

    What we quote is not known after `lose`, and where it is pushed, ``max_age`` seconds after it was last heard of.
    """

    def __init__(self, market: MarketTop, max_age: float) -> None:
        self.market = market
        self.pushed = False
        self.spread_ratio: float | None = None
        self.seconds = 0.0
        self.two_sided_seconds = 0.0
        self.spread_seconds = 0.0
        self.compared_seconds = 0.0
        self.at_best_seconds: dict[Side, float] = dict.fromkeys(SIDES, 0.0)
        self._max_age = max_age
        self._top: Top = NOTHING
        self._known = False
        self.heard = 0.0  # when what we quote was last told
        self._to = 0.0  # what is counted, and below what is compared
        self._compared_to = 0.0
        self._at_best = (False, False)

    @property
    def known(self) -> bool:
        """Whether it is known what we quote."""
        return self._known

    @property
    def top(self) -> Top:
        """Our bid and ask as last told."""
        return self._top

    def update(self, top: Top, at: float) -> None:
        """From ``at`` on we quote these prices."""
        self.integrate(at)
        self._to, self._compared_to = max(self._to, at), max(self._compared_to, at)
        self._known, self.heard, self._top = True, at, top
        bid, ask = top
        self.spread_ratio = None if bid is None or ask is None or bid >= ask else (ask - bid) / ((ask + bid) / 2)
        self._at_best = self._now_at_best()

    def integrate(self, now: float) -> None:
        """Carry the integrals up to ``now`` with the quote that stood until then."""
        if not self._known:
            return
        self.compare(now)
        end = min(now, self.heard + self._max_age) if self.pushed else now
        passed = end - self._to
        if passed > 0:
            self.seconds += passed
            if self.spread_ratio is not None:
                self.two_sided_seconds += passed
                self.spread_seconds += passed * self.spread_ratio
            self._to = end
        if end < now:
            self._forget()

    def compare(self, now: float) -> None:
        """Carry the comparison with the market up to ``now``."""
        if not self._known:
            return
        end = min(now, self.market.until, self.heard + self._max_age) if self.pushed else min(now, self.market.until)
        passed = end - self._compared_to
        if passed > 0:
            self.compared_seconds += passed
            for side, is_best in zip(SIDES, self._at_best, strict=True):
                if is_best:
                    self.at_best_seconds[side] += passed
        self._compared_to = max(self._compared_to, now)

    def differs(self) -> bool:
        """Whether the market has changed so that the comparison has another result."""
        return self._known and self._now_at_best() != self._at_best

    def judge(self) -> None:
        """Compare with the market as it is from now on."""
        self._at_best = self._now_at_best()

    def lose(self, now: float) -> None:
        """It is not known any more what we quote: no time passes until the next quote or order."""
        self.integrate(now)
        self._forget()

    def save(self) -> SavedQuotes:
        """The integrals as a value."""
        return SavedQuotes(
            self.pushed,
            self.seconds,
            self.two_sided_seconds,
            self.spread_seconds,
            self.compared_seconds,
            self.at_best_seconds.copy(),
        )

    def load(self, saved: SavedQuotes, *, clean: bool) -> None:
        """Go on from what was saved (see `Quality.load`)."""
        self.pushed = saved.pushed
        if clean:
            self.seconds, self.two_sided_seconds = saved.seconds, saved.two_sided_seconds
            self.spread_seconds, self.compared_seconds = saved.spread_seconds, saved.compared_seconds
            self.at_best_seconds = dict(saved.at_best_seconds)

    def _forget(self) -> None:
        self._known, self.spread_ratio = False, None

    def _now_at_best(self) -> tuple[bool, bool]:
        (bid, ask), market = self._top, self.market
        return (
            bid is not None and (market.bid is None or bid >= market.bid),
            ask is not None and (market.ask is None or ask <= market.ask),
        )
