"""A ledger that is slow and obvious: all events sorted, one pass, exact fractions, none of the ledger's code."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from exporter.events import Fill, Funding

Mids = list[tuple[float, float]]


@dataclass
class Market:
    """All mids of all markets of one exchange, by time; USD is reached over USDT/USD."""

    mids: dict[str, Mids]

    def mid(self, symbol: str, ts: float) -> Fraction:
        """The last mid at or before a time, looked for one by one; the first one before all."""
        standing = self.mids[symbol][0][1]
        for since, mid in self.mids[symbol]:
            if since <= ts:
                standing = mid
        return Fraction(str(standing))

    def usd(self, currency: str, ts: float) -> Fraction:
        """Dollars in one unit."""
        if currency == "USD":
            return Fraction(1)
        if currency == "USDT":
            return self.mid("USDT/USD", ts)
        return self.mid(f"{currency}/USDT", ts) * self.usd("USDT", ts)


@dataclass
class Book:
    """What the events of one symbol come to."""

    units: Fraction = Fraction(0)
    lots: list[tuple[Fraction, Fraction]] = field(default_factory=list)  # (units, worth at entry)
    realized: Fraction = Fraction(0)
    spread: Fraction = Fraction(0)
    inventory: Fraction = Fraction(0)
    currency: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)  # less rebates
    funding: Fraction = Fraction(0)
    unrealized: Fraction = Fraction(0)

    @property
    def total(self) -> Fraction:
        """What was realised and what would be, with all costs."""
        return self.realized + self.unrealized - self.fees + self.funding


def settlement(symbol: str) -> str:
    """The currency in which gains and losses arise."""
    return symbol.split(":")[1] if ":" in symbol else symbol.split("/")[1]


def is_inverse(symbol: str) -> bool:
    """Whether a unit is a dollar rather than a coin."""
    return ":" in symbol and settlement(symbol) == symbol.partition("/")[0]


def worth(symbol: str, price: Fraction) -> Fraction:
    """A unit at a price, in the settlement currency."""
    return -1 / price if is_inverse(symbol) else price


def book(  # noqa: PLR0917 - all that a book depends on
    symbol: str, fills: list[Fill], payments: list[Funding], market: Market, basis: str, now: float
) -> Book:
    """The books of one symbol from all that happened, at the mids of ``now``."""
    settle, result = settlement(symbol), Book()
    marks: list[tuple[Fraction, Fraction]] = []  # (mid, rate) at each fill
    for each in sorted(fills, key=lambda fill: (fill.ts, int(fill.trade_id))):
        mid, rate = worth(symbol, market.mid(symbol, each.ts)), market.usd(settle, each.ts)
        _hold(result, marks, mid, rate)
        marks.append((mid, rate))
        units = Fraction(each.quantity) * Fraction(each.contract_size) * (1 if each.side == "buy" else -1)
        price = worth(symbol, Fraction(each.price))
        result.spread += units * (mid - price) * rate
        _trade(result, units, price, rate, basis)
        for fee in each.fees:
            in_base = ":" not in symbol and fee.currency == symbol.partition("/")[0]
            usd = mid * rate if in_base else market.usd(fee.currency, each.ts)
            result.fees += Fraction(fee.amount) * usd
            if in_base:
                _trade(result, -Fraction(fee.amount), mid, rate, basis)
    mid, rate = worth(symbol, market.mid(symbol, now)), market.usd(settle, now)
    _hold(result, marks, mid, rate)
    result.unrealized = sum((units * (mid - entry) for units, entry in result.lots), Fraction(0)) * rate
    result.funding = sum((Fraction(p.amount) * market.usd(p.currency, p.ts) for p in payments), Fraction(0))
    return result


def _hold(result: Book, marks: list[tuple[Fraction, Fraction]], mid: Fraction, rate: Fraction) -> None:
    """What holding the position from the last mark to this one brought."""
    if not marks:
        return
    before, rate_before = marks[-1]
    result.inventory += result.units * (mid - before) * rate
    gained = sum((units * (before - entry) for units, entry in result.lots), Fraction(0))
    result.currency += gained * (rate - rate_before)


def _trade(result: Book, units: Fraction, price: Fraction, rate: Fraction, basis: str) -> None:
    """Close lots, the oldest first; then open one. Average cost is FIFO with a single lot at the average."""
    result.units += units
    while units and result.lots and result.lots[0][0] * units < 0:
        lot, entry = result.lots.pop(0)
        closed = lot if abs(lot) <= abs(units) else -units
        result.realized += closed * (price - entry) * rate
        units += closed
        if lot != closed:
            result.lots.insert(0, (lot - closed, entry))
    if not units:
        return
    if basis == "average" and result.lots:
        lot, entry = result.lots.pop()
        result.lots.append((lot + units, (lot * entry + units * price) / (lot + units)))
    else:
        result.lots.append((units, price))
