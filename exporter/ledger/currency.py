"""What a unit of a currency was worth in US dollars, at any time for which a market or a peg tells."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from exporter.events import ONE
from exporter.ledger.routes import LONGEST, Market, Routes

REPORTING = "USD"
KEEP_SECONDS = 3600.0
MAX_AGE = 10.0
_CLOCK_STEP = 5.0  # seconds back after which the exchange's clock was set, rather than a message late
_TRUSTED_SECONDS = 60.0  # for which a clock that was right is taken to be so still
_CHUNK = 1024
_EXACT = 32 * _CHUNK  # changes that are kept as they came, of each market; of older ones
_GRAIN = 0.1  # seconds; one within so many


class Rate(NamedTuple):
    """What a unit is worth; ``exact`` unless the price at the time asked for is not known and a near one stands in."""

    value: Decimal
    exact: bool = True

    def times(self, other: Rate) -> Rate:
        """The worth through two conversions."""
        return Rate(self.value * other.value, self.exact and other.exact)


class MidHistory:
    """The mids of one market over the last hour, by the exchange's own time; only changes are kept.

    ``max_age`` is how many seconds may pass between two observations before what lies between is unknown.
    What is kept is bounded: of changes that are older than the newest 32,768, only the last one in each tenth of a
    second is.
    """

    def __init__(self, max_age: float = MAX_AGE) -> None:
        self._max_age = max_age
        self._times = array("d")
        self._mids = array("d")
        self._thinned = 0  # so many from the first one on are as sparse as they will be
        self._gaps: deque[tuple[float, float]] = deque()
        self._set_back = False  # whether the newest mid was stamped long before the one before it
        self._observed = 0.0  # the exchange's time of the newest observation
        self._arrived = 0.0  # ours
        self._right_until = 0.0  # our time until which the exchange's clock is taken to be right
        self._latest = 0.0
        self._asked = 0.0  # the mid last asked for, and what it was told as, the exact one first
        self._told = (Rate(Decimal(0)), Rate(Decimal(0), exact=False))
        self._since, self._until = math.inf, 0.0  # when the mid last told stands, if that is the newest one

    def add(self, ts: float, mid: float, now: float) -> None:
        """Note a mid; ``ts`` on the exchange's clock, ``now`` on ours.

        One that is a little older than the newest came late and is ignored, since books do not go back; one that
        `is_outdated` as well. Any other that is much older is the present price, and a second one in a row means
        that the exchange set its clock back.
        """
        if self._times and ts < self._observed:
            if self.is_outdated(ts, now):
                return
            was_set_back, self._set_back = self._set_back, ts < self._observed - _CLOCK_STEP
            if self._set_back:
                self._latest, self._arrived = mid, now
            if not (was_set_back and self._set_back):
                return
            self._rewind(ts)
        self._set_back = False
        self._since = math.inf
        self._note_gap(ts)
        self._observed, self._latest, self._arrived = ts, mid, now
        self._right_until = now + _TRUSTED_SECONDS if -_CLOCK_STEP <= now - ts <= _CLOCK_STEP else 0.0
        if self._mids and mid == self._mids[-1]:
            return
        self._times.append(ts)
        self._mids.append(mid)
        if len(self._times) % _CHUNK == 0:
            self._forget(ts - KEEP_SECONDS)
            self._thin()

    def is_outdated(self, ts: float, now: float) -> bool:
        """Whether what is stamped ``ts`` tells of a past that is known better, such as a backlog that is sent now.

        It does when it is seconds old while the newest observation had the right time: then the exchange's clock
        was not set back, which after all would be seen as an observation from the future.
        """
        return now <= self._right_until and ts < min(self._observed, now) - _CLOCK_STEP

    def at(self, ts: float) -> Rate | None:
        """The mid that stood at ``ts``; before the first one known, that first one; None without any."""
        if self._since <= ts <= self._until:
            return self._told[0]
        if not self._times:
            return None
        index = bisect_right(self._times, ts) - 1
        known = index >= 0 and ts <= self._observed + self._max_age
        if self._gaps and any(start < ts < end for start, end in self._gaps):
            known = False
        mid = self._mids[index if index > 0 else 0]
        if mid != self._asked:
            value = Decimal(repr(mid))
            self._asked, self._told = mid, (Rate(value), Rate(value, exact=False))
            self._since = math.inf
        if known and index == len(self._times) - 1:
            self._since = max(self._times[-1], self._gaps[-1][1] if self._gaps else 0.0)
            self._until = self._observed + self._max_age
        return self._told[not known]

    def latest(self, now: float) -> Rate | None:
        """The newest mid; None when it is older than ``max_age``."""
        if not self._mids or now - self._arrived > self._max_age:
            return None
        return Rate(Decimal(repr(self._latest)))

    def passed(self, now: float) -> float:
        """The time on the exchange's clock before which nothing more will be observed; ``now`` is on ours."""
        silence = now - self._arrived
        return self._observed + silence if silence > self._max_age else self._observed

    def standing(self, ts: float) -> tuple[float | None, float]:
        """The mid that stood at ``ts``, None where that is not known, and the time until which this holds."""
        if ts > self._observed or not self._times:
            return None, math.inf
        index = bisect_right(self._times, ts)
        if not index:
            return None, self._times[0]
        until = self._times[index] if index < len(self._times) else math.nextafter(self._observed, math.inf)
        for start, end in self._gaps:
            if start < ts < end:
                return None, end
            if ts <= start < until:
                until = math.nextafter(start, math.inf)
        return self._mids[index - 1], until

    def __len__(self) -> int:
        return len(self._times)

    def _rewind(self, ts: float) -> None:
        """The exchange set its clock back: what it stamped later than ``ts`` never was."""
        index = bisect_left(self._times, ts)
        del self._times[index:], self._mids[index:]
        self._thinned = min(self._thinned, index)
        self._gaps = deque((start, min(end, ts)) for start, end in self._gaps if start < ts)
        self._observed = self._times[-1] if self._times else ts

    def _note_gap(self, ts: float) -> None:
        """Remember the time before ``ts`` as unknown when the last observation is long ago."""
        if self._times and ts - self._observed > self._max_age:
            self._gaps.append((self._observed, ts))
        while self._gaps and self._gaps[0][1] < ts - KEEP_SECONDS:
            self._gaps.popleft()

    def _forget(self, before: float) -> None:
        """Drop what is older, but keep the mid that stood at ``before``."""
        index = bisect_left(self._times, before) - 1
        if index > 0:
            del self._times[:index], self._mids[:index]
            self._thinned = max(0, self._thinned - index)

    def _thin(self) -> None:
        """Of the oldest changes that are as they came, keep the last one in each of so many seconds."""
        start, end = self._thinned, self._thinned + _CHUNK
        if len(self._times) - start <= _EXACT:
            return
        times, mids = array("d"), array("d")
        until = 0.0
        for ts, mid in zip(self._times[start:end], self._mids[start:end], strict=True):
            if ts < until:
                times[-1], mids[-1] = ts, mid
            else:
                times.append(ts)
                mids.append(mid)
                until = ts + _GRAIN
        self._times[start:end], self._mids[start:end] = times, mids
        self._thinned += len(times)


class Rates:
    """Conversion into US dollars through pegs and market mids.

    A peg wins over a market; then the market of the same exchange is taken before another one's, a spot market
    before a contract's, the currency's own market (``BNB/USDT``) before an inverse one (``USD/JPY``).
    """

    def __init__(self, pegs: Mapping[str, Decimal] | None = None, max_age: float = MAX_AGE) -> None:
        worths = {REPORTING: ONE, **(pegs or {})}
        self._pegs = {currency: Rate(ONE if worth == ONE else worth) for currency, worth in worths.items()}
        self._max_age = max_age
        self._histories: dict[tuple[str, str], MidHistory] = {}
        self._routes = Routes(self._pegs)
        self._present: _Prices | None = None  # while nothing else is observed
        self._present_at = 0.0

    def observe(self, exchange: str, symbol: str, ts: float, mid: float, now: float) -> bool:
        """Note a market's mid; True when this market was not known before."""
        history = self._histories.get((exchange, symbol))
        is_new = history is None
        if history is None:
            history = self._histories[exchange, symbol] = MidHistory(self._max_age)
            self._routes.add(exchange, symbol)
        history.add(ts, mid, now)
        self._present = None
        return is_new

    def is_outdated(self, exchange: str, symbol: str, ts: float, now: float) -> bool:
        """Whether a book that is stamped ``ts`` tells nothing of the present (see `MidHistory.is_outdated`)."""
        history = self._histories.get((exchange, symbol))
        return history is not None and history.is_outdated(ts, now)

    def history(self, exchange: str, symbol: str) -> MidHistory | None:
        """The mids of a market; None when none was observed."""
        return self._histories.get((exchange, symbol))

    def mid(self, exchange: str, symbol: str, now: float) -> Decimal | None:
        """The market's newest mid in its quote currency; None when it is stale."""
        history = self._histories.get((exchange, symbol))
        latest = history.latest(now) if history is not None else None
        return latest.value if latest else None

    def peg(self, currency: str) -> Rate | None:
        """USD for one unit of ``currency`` at all times; None when that varies."""
        return self._pegs.get(currency)

    def are_known(self, currency: str) -> bool:
        """Whether a peg or markets lead from the currency to the dollar, so that `usd_at` has an answer."""
        return self._routes.lead_from(currency)

    def usd_at(self, currency: str, exchange: str, ts: float) -> Rate | None:
        """USD for one unit of ``currency`` at ``ts``; None when no peg and no market leads there."""
        peg = self._pegs.get(currency)
        if peg is not None:
            return peg
        return _Prices(self._pegs, self._routes, lambda market: self._of(market).at(ts)).usd(currency, exchange)

    def usd(self, currency: str, exchange: str, now: float) -> Decimal | None:
        """USD for one unit of ``currency`` now; None when no peg and no market with a fresh mid leads there."""
        if self._present is None or now != self._present_at:
            self._present_at = now
            self._present = _Prices(self._pegs, self._routes, lambda market: self._of(market).latest(now))
        rate = self._present.usd(currency, exchange)
        return rate.value if rate else None

    def _of(self, market: Market) -> MidHistory:
        return self._histories[market.exchange, market.symbol]


class _Prices:
    """What currencies are worth at the prices of one moment, each worked out once."""

    def __init__(self, pegs: Mapping[str, Rate], routes: Routes, look: Callable[[Market], Rate | None]) -> None:
        self._pegs = pegs
        self._routes = routes
        self._look = look
        self._told: dict[tuple[str, str], Rate | None] = {}
        self._failed: set[tuple[str, int]] = set()  # from where no way has all its prices, with so many markets left
        self._doubtful: list[tuple[str, int]] = []  # those of them that may have one over where the search began

    def usd(self, currency: str, exchange: str) -> Rate | None:
        """USD for one unit; None when no way has all its prices."""
        key = currency, exchange
        if key not in self._told:
            rate = self._search(currency, exchange, ()) if self._routes.lead_from(currency) else None
            self._told[key] = rate
            if rate is not None:  # otherwise that would not have led anywhere either
                self._failed.difference_update(self._doubtful)
            self._doubtful.clear()
        return self._told[key]

    def _search(self, currency: str, exchange: str, seen: tuple[str, ...]) -> Rate | None:
        """Go the first way that has all its prices."""
        peg = self._pegs.get(currency)
        if peg is not None:
            return peg
        left = LONGEST - len(seen)
        if (currency, left) in self._failed:
            return None
        for market in self._routes.onward(currency, exchange, left):
            mid = None if market.other in seen else self._look(market)
            rate = mid and self._search(market.other, market.exchange, (*seen, currency))
            if mid and rate:
                return rate.times(Rate(1 / mid.value, mid.exact) if market.inverse else mid)
        self._failed.add((currency, left))
        if 1 < left < LONGEST:
            self._doubtful.append((currency, left))
        return None
