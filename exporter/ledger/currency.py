"""What a unit of a currency was worth in US dollars, at any time for which a market or a peg tells."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

REPORTING = "USD"
ONE = Decimal(1)
KEEP_SECONDS = 3600.0
MAX_AGE = 10.0
_CLOCK_STEP = 5.0  # seconds back after which the exchange's clock was set, rather than a message late
_LONGEST_ROUTE = 3  # markets between a currency and the dollar


class Rate(NamedTuple):
    """What a unit is worth; ``exact`` unless the price at the time asked for is not known and a near one stands in."""

    value: Decimal
    exact: bool = True


class MidHistory:
    """The mids of one market over the last hour, by the exchange's own time; only changes are kept.

    ``max_age`` is how many seconds may pass between two observations before what lies between is unknown.
    """

    def __init__(self, max_age: float = MAX_AGE) -> None:
        self._max_age = max_age
        self._times: list[float] = []
        self._mids: list[float] = []
        self._gaps: list[tuple[float, float]] = []
        self._observed = 0.0  # the exchange's time of the newest observation
        self._arrived = 0.0  # ours

    def add(self, ts: float, mid: float, now: float) -> None:
        """Note a mid; ``ts`` on the exchange's clock, ``now`` on ours.

        One that is a little older than the newest came late and is ignored, since books do not go back.
        """
        if self._times and ts < self._observed:
            if ts > self._observed - _CLOCK_STEP:
                return
            self._rewind(ts)
        if self._times and ts - self._observed > self._max_age:
            self._gaps.append((self._observed, ts))
        self._observed, self._arrived = ts, now
        if self._mids and mid == self._mids[-1]:
            return
        self._times.append(ts)
        self._mids.append(mid)
        if len(self._times) % 1024 == 0:
            self._forget(ts - KEEP_SECONDS)

    def at(self, ts: float) -> Rate | None:
        """The mid that stood at ``ts``; before the first one known, that first one; None without any."""
        if not self._times:
            return None
        index = bisect_right(self._times, ts) - 1
        known = index >= 0 and ts <= self._observed + self._max_age
        unknown = any(start < ts < end for start, end in self._gaps)
        return Rate(Decimal(repr(self._mids[max(index, 0)])), known and not unknown)

    def latest(self, now: float) -> Rate | None:
        """The newest mid; None when it is older than ``max_age``."""
        if not self._mids or now - self._arrived > self._max_age:
            return None
        return Rate(Decimal(repr(self._mids[-1])))

    def __len__(self) -> int:
        return len(self._times)

    def _rewind(self, ts: float) -> None:
        """The exchange set its clock back: what it stamped later than ``ts`` never was."""
        index = bisect_left(self._times, ts)
        del self._times[index:], self._mids[index:]
        self._gaps = [gap for gap in self._gaps if gap[1] <= ts]
        self._observed = ts

    def _forget(self, before: float) -> None:
        """Drop what is older, but keep the mid that stood at ``before``."""
        index = bisect_left(self._times, before) - 1
        if index > 0:
            del self._times[:index], self._mids[:index]
        self._gaps = [gap for gap in self._gaps if gap[1] >= before]


@dataclass(frozen=True, slots=True)
class _Market:
    exchange: str
    symbol: str
    other: str
    inverse: bool


class Rates:
    """Conversion into US dollars through pegs and market mids.

    A peg wins over a market; then the market of the same exchange is taken before another one's, the
    currency's own market (``BNB/USDT``) before an inverse one (``USD/JPY``).
    """

    def __init__(self, pegs: Mapping[str, Decimal] | None = None, max_age: float = MAX_AGE) -> None:
        self._pegs = {REPORTING: ONE, **(pegs or {})}
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

    def mid_at(self, exchange: str, symbol: str, ts: float) -> Rate | None:
        """The market's mid at ``ts`` on the exchange's clock, in its quote currency."""
        history = self._histories.get((exchange, symbol))
        return history.at(ts) if history else None

    def mid(self, exchange: str, symbol: str, now: float) -> Decimal | None:
        """The market's newest mid in its quote currency; None when it is stale."""
        history = self._histories.get((exchange, symbol))
        latest = history.latest(now) if history else None
        return latest.value if latest else None

    def usd_at(self, currency: str, exchange: str, ts: float) -> Rate | None:
        """USD for one unit of ``currency`` at ``ts``; None when no peg and no market leads there."""
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
            return Rate(peg)
        if len(seen) >= _LONGEST_ROUTE:
            return None
        for market in self._ordered(currency, exchange):
            mid = None if market.other in seen else look(self._histories[market.exchange, market.symbol])
            rate = mid and self._convert(market.other, market.exchange, look, (*seen, currency))
            if mid and rate:
                value = rate.value / mid.value if market.inverse else rate.value * mid.value
                return Rate(value, rate.exact and mid.exact)
        return None

    def _ordered(self, currency: str, exchange: str) -> Iterator[_Market]:
        markets = self._markets.get(currency, ())
        for own in (True, False):
            for inverse in (False, True):
                yield from (m for m in markets if (m.exchange == exchange) is own and m.inverse is inverse)

    def _index(self, exchange: str, symbol: str) -> None:
        base, quote = pair(symbol)
        self._markets.setdefault(base, []).append(_Market(exchange, symbol, quote, inverse=False))
        self._markets.setdefault(quote, []).append(_Market(exchange, symbol, base, inverse=True))


def pair(symbol: str) -> tuple[str, str]:
    """Base and quote currency of a symbol in ccxt's form; a contract's settlement suffix is left out."""
    base, _, quote = symbol.partition("/")
    return base, quote.partition(":")[0]
