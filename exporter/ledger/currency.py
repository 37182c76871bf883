"""What a unit of a currency was worth in US dollars, at any time for which a market or a peg tells."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

REPORTING = "USD"
ONE = Decimal(1)
KEEP_SECONDS = 3600.0
_LONGEST_ROUTE = 3  # markets between a currency and the dollar


@dataclass(slots=True)
class MidHistory:
    """The mids of one market over the last hour, by the exchange's own time; only changes are kept."""

    times: list[float] = field(default_factory=list)
    mids: list[float] = field(default_factory=list)

    def add(self, ts: float, mid: float) -> None:
        """Note a mid; one that is older than the newest is ignored, since books do not go back."""
        if self.times and (ts < self.times[-1] or mid == self.mids[-1]):
            return
        self.times.append(ts)
        self.mids.append(mid)
        if len(self.times) % 1024 == 0:
            self._forget(ts - KEEP_SECONDS)

    def at(self, ts: float) -> Decimal | None:
        """The mid that stood at ``ts``; before the first one known, that first one; None without any."""
        if not self.times:
            return None
        index = bisect_right(self.times, ts) - 1
        return Decimal(repr(self.mids[max(index, 0)]))

    def latest(self) -> Decimal | None:
        """The newest mid."""
        return Decimal(repr(self.mids[-1])) if self.mids else None

    def _forget(self, before: float) -> None:
        """Drop what is older, but keep the mid that stood at ``before``."""
        index = bisect_left(self.times, before) - 1
        if index > 0:
            del self.times[:index], self.mids[:index]


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

    def __init__(self, pegs: Mapping[str, Decimal] | None = None) -> None:
        self._pegs = {REPORTING: ONE, **(pegs or {})}
        self._histories: dict[tuple[str, str], MidHistory] = {}
        self._markets: dict[str, list[_Market]] = {}

    def observe(self, exchange: str, symbol: str, ts: float, mid: float) -> bool:
        """Note a market's mid; True when this market was not known before."""
        history = self._histories.get((exchange, symbol))
        is_new = history is None
        if history is None:
            history = self._histories[exchange, symbol] = MidHistory()
            self._index(exchange, symbol)
        history.add(ts, mid)
        return is_new

    def mid(self, exchange: str, symbol: str, ts: float | None = None) -> Decimal | None:
        """The market's mid at ``ts``, or the newest, in its quote currency."""
        history = self._histories.get((exchange, symbol))
        if history is None:
            return None
        return history.latest() if ts is None else history.at(ts)

    def usd(self, currency: str, exchange: str, ts: float | None = None) -> Decimal | None:
        """USD for one unit of ``currency`` at ``ts``, or now; None when no peg and no market leads there."""
        return self._convert(currency, exchange, ts, ())

    def _convert(self, currency: str, exchange: str, ts: float | None, seen: tuple[str, ...]) -> Decimal | None:
        peg = self._pegs.get(currency)
        if peg is not None:
            return peg
        if len(seen) >= _LONGEST_ROUTE:
            return None
        for market in self._ordered(currency, exchange):
            if market.other in seen:
                continue
            rate = self._convert(market.other, market.exchange, ts, (*seen, currency))
            mid = self.mid(market.exchange, market.symbol, ts)
            if rate is not None and mid is not None:
                return rate / mid if market.inverse else rate * mid
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
