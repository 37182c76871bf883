"""What a unit of a currency was worth in US dollars, at any time for which a market or a peg tells."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from exporter.events import ONE
from exporter.ledger.instrument import instrument

REPORTING = "USD"
KEEP_SECONDS = 3600.0
MAX_AGE = 10.0
_CLOCK_STEP = 5.0  # seconds back after which the exchange's clock was set, rather than a message late
_LONGEST_ROUTE = 3  # markets between a currency and the dollar


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
    """

    def __init__(self, max_age: float = MAX_AGE) -> None:
        self._max_age = max_age
        self._times: list[float] = []
        self._mids: list[float] = []
        self._gaps: deque[tuple[float, float]] = deque()
        self._set_back = False  # whether the newest mid was stamped long before the one before it
        self._observed = 0.0  # the exchange's time of the newest observation
        self._arrived = 0.0  # ours
        self._latest = 0.0
        self._asked = 0.0  # the mid last asked for, and what it was told as, the exact one first
        self._told = (Rate(Decimal(0)), Rate(Decimal(0), exact=False))
        self._since, self._until = math.inf, 0.0  # when the mid last told stands, if that is the newest one

    def add(self, ts: float, mid: float, now: float) -> None:
        """Note a mid; ``ts`` on the exchange's clock, ``now`` on ours.

        One that is a little older than the newest came late and is ignored, since books do not go back. One that
        is much older is the present price, and a second one in a row means that the exchange set its clock back.
        """
        if self._times and ts < self._observed:
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
        if self._mids and mid == self._mids[-1]:
            return
        self._times.append(ts)
        self._mids.append(mid)
        if len(self._times) % 1024 == 0:
            self._forget(ts - KEEP_SECONDS)

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


@dataclass(frozen=True, slots=True)
class _Market:
    exchange: str
    symbol: str
    other: str
    inverse: bool
    spot: bool


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
        self._markets: dict[str, list[_Market]] = {}

    def observe(self, exchange: str, symbol: str, ts: float, mid: float, now: float) -> bool:
        """Note a market's mid; True when this market was not known before."""
        history = self._histories.get((exchange, symbol))
        is_new = history is None
        if history is None:
            history = self._histories[exchange, symbol] = MidHistory(self._max_age)
            self._index(exchange, symbol)
        history.add(ts, mid, now)
        return is_new

    def history(self, exchange: str, symbol: str) -> MidHistory | None:
        """The mids of a market; None when none was observed."""
        return self._histories.get((exchange, symbol))

    def mid_at(self, exchange: str, symbol: str, ts: float) -> Rate | None:
        """The market's mid at ``ts`` on the exchange's clock, in its quote currency."""
        history = self._histories.get((exchange, symbol))
        return history.at(ts) if history is not None else None

    def mid(self, exchange: str, symbol: str, now: float) -> Decimal | None:
        """The market's newest mid in its quote currency; None when it is stale."""
        history = self._histories.get((exchange, symbol))
        latest = history.latest(now) if history is not None else None
        return latest.value if latest else None

    def peg(self, currency: str) -> Rate | None:
        """USD for one unit of ``currency`` at all times; None when that varies."""
        return self._pegs.get(currency)

    def usd_at(self, currency: str, exchange: str, ts: float) -> Rate | None:
        """USD for one unit of ``currency`` at ``ts``; None when no peg and no market leads there."""
        peg = self._pegs.get(currency)
        if peg is not None:
            return peg
        return self._convert(currency, exchange, lambda history: history.at(ts), ())

    def usd(self, currency: str, exchange: str, now: float) -> Decimal | None:
        """USD for one unit of ``currency`` now; None when no peg and no market with a fresh mid leads there."""
        rate = self._convert(currency, exchange, lambda history: history.latest(now), ())
        return rate.value if rate else None

    def _convert(
        self, currency: str, exchange: str, look: Callable[[MidHistory], Rate | None], seen: tuple[str, ...]
    ) -> Rate | None:
        peg = self._pegs.get(currency)
        if peg is not None:
            return peg
        if len(seen) >= _LONGEST_ROUTE:
            return None
        for market in self._ordered(currency, exchange):
            mid = None if market.other in seen else look(self._histories[market.exchange, market.symbol])
            rate = mid and self._convert(market.other, market.exchange, look, (*seen, currency))
            if mid and rate:
                return rate.times(Rate(1 / mid.value, mid.exact) if market.inverse else mid)
        return None

    def _ordered(self, currency: str, exchange: str) -> list[_Market]:
        markets = self._markets.get(currency, ())
        return sorted(markets, key=lambda market: (market.exchange != exchange, not market.spot, market.inverse))

    def _index(self, exchange: str, symbol: str) -> None:
        market = instrument(symbol)
        spot = market.kind == "spot"
        ways = ((market.base, market.quote, False), (market.quote, market.base, True))
        for currency, other, inverse in ways:
            self._markets.setdefault(currency, []).append(_Market(exchange, symbol, other, inverse, spot))
