"""The fills of one account, symbol and strategy in the order of their times, and what they come to."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from exporter.events import Fill
from exporter.ledger.currency import Rate, Rates, pair
from exporter.ledger.position import ZERO, Position

_CHECKPOINT_EVERY = 256

_Order = tuple[float, int, str]


@dataclass(slots=True)
class Entry:
    """A fill with its conversions at its time, each fixed once it is known and None until then.

    ``quote`` is USD per unit of the quote currency; ``base`` the quote price at which a fee that was taken
    out of the base currency leaves the position; ``fee_usd`` what the fees came to in USD, rebates negative,
    one value for each fee; ``missing`` the currency it waits for; ``exact`` whether all prices used were
    known for the fill's own time.
    """

    fill: Fill
    order: _Order
    quote: Rate | None = None
    base: Rate = field(default_factory=lambda: Rate(ZERO))
    fee_usd: tuple[Decimal, ...] | None = None
    missing: str | None = None
    exact: bool = True

    def value(self, rates: Rates) -> bool:
        """Convert what is not yet converted with the rates at the fill's time; True when nothing is missing."""
        fill = self.fill
        base, quote = pair(fill.symbol)
        if self.quote is None:
            self.quote = rates.usd_at(quote, fill.exchange, fill.ts)
            self.base = rates.mid_at(fill.exchange, fill.symbol, fill.ts) or Rate(fill.price, exact=False)
        if self.quote is None:
            self.missing = quote
            return False
        used = {quote: self.quote}
        known = {quote: self.quote, base: self.base.times(self.quote)}
        for fee in fill.fees:
            rate = known.get(fee.currency) or rates.usd_at(fee.currency, fill.exchange, fill.ts)
            if rate is None:
                self.missing = fee.currency
                return False
            used[fee.currency] = rate
        self.fee_usd = tuple(fee.amount * used[fee.currency].value for fee in fill.fees)
        self.exact, self.missing = all(rate.exact for rate in used.values()), None
        return True


@dataclass(slots=True)
class _Running:
    """What depends on the order of fills: the position and the PnL realised on the way, in USD."""

    position: Position = field(default_factory=Position)
    realized_usd: Decimal = ZERO

    def apply(self, entry: Entry) -> None:
        fill = entry.fill
        signed = fill.quantity if fill.side == "buy" else -fill.quantity
        realized = self.position.trade(signed, fill.price)
        base = pair(fill.symbol)[0]
        for fee in fill.fees:
            if fee.currency == base and fee.amount:
                # The exchange took the fee out of the coins themselves. It is an expense at the mid, so the
                # coins leave the position at that price.
                realized += self.position.trade(-fee.amount, entry.base.value)
        if realized and entry.quote is not None:
            self.realized_usd += realized * entry.quote.value

    def copy(self) -> _Running:
        return _Running(self.position.copy(), self.realized_usd)


class Book:
    """Position and PnL of one (exchange, account, symbol, strategy), independent of the order of arrival.

    Fills are kept sorted by time, then by trade id. One that arrives late is put in its place and what
    follows it is worked out again from the nearest checkpoint.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._orders: list[_Order] = []
        self._now = _Running()
        self._checkpoints: list[_Running] = []  # state before entry 256, 512, …
        self._waiting: list[Entry] = []
        self.approximate = 0  # fills that were valued at a price near their time instead of that of their time
        self.fees_usd = ZERO
        self.rebates_usd = ZERO
        self.counts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.volume_usd: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)

    @property
    def position(self) -> Position:
        """The position after all fills."""
        return self._now.position

    @property
    def realized_usd(self) -> Decimal | None:
        """Realised PnL before fees; None while a fill's quote currency has no rate."""
        return None if self._lacks_quote else self._now.realized_usd

    @property
    def fees_known(self) -> bool:
        """Whether every fee could be converted."""
        return not self._waiting

    def waiting(self) -> Iterator[str]:
        """For each fill that waits for a rate, the currency that it waits for."""
        return (entry.missing for entry in self._waiting if entry.missing is not None)

    def add(self, fill: Fill, rates: Rates) -> bool:
        """Put a fill in its place; True when it came late, after a fill with a later time."""
        entry = Entry(fill, (fill.ts, len(fill.trade_id), fill.trade_id))
        if not self._settle(entry, rates):
            self._waiting.append(entry)
        self.counts[fill.side, fill.liquidity] += 1
        index = bisect_right(self._orders, entry.order)
        self._entries.insert(index, entry)
        self._orders.insert(index, entry.order)
        if index == len(self._entries) - 1:
            self._advance(index)
            return False
        self._replay(index)
        return True

    def retry(self, rates: Rates) -> None:
        """Convert what waited for a rate, if it can be now."""
        if not self._waiting:
            return
        lacked_quote = self._lacks_quote
        self._waiting = [entry for entry in self._waiting if not self._settle(entry, rates)]
        if lacked_quote:
            self._replay(0)

    @property
    def _lacks_quote(self) -> bool:
        return any(entry.quote is None for entry in self._waiting)

    def _settle(self, entry: Entry, rates: Rates) -> bool:
        """Value the entry and add what does not depend on order, once, as soon as it is known."""
        had_quote = entry.quote is not None
        complete = entry.value(rates)
        self.approximate += complete and not entry.exact
        fill = entry.fill
        if entry.quote is not None and not had_quote:
            self.volume_usd[fill.side, fill.liquidity] += fill.price * fill.quantity * entry.quote.value
        for amount in entry.fee_usd or ():
            if amount >= 0:
                self.fees_usd += amount
            else:
                self.rebates_usd -= amount
        return complete

    def _replay(self, index: int) -> None:
        """Work out again everything from ``index`` on."""
        kept = min(index // _CHECKPOINT_EVERY, len(self._checkpoints))
        del self._checkpoints[kept:]
        if kept:
            start, self._now = kept * _CHECKPOINT_EVERY, self._checkpoints[-1].copy()
        else:
            start, self._now = 0, _Running()
        for position in range(start, len(self._entries)):
            self._advance(position)

    def _advance(self, index: int) -> None:
        if index and index % _CHECKPOINT_EVERY == 0 and len(self._checkpoints) < index // _CHECKPOINT_EVERY:
            self._checkpoints.append(self._now.copy())
        self._now.apply(self._entries[index])
