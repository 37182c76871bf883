"""What a sequence of fills comes to, step by step: the part of the books that depends on their order.

With v the worth of a unit at a fill's price, m at the market's mid, r USD per unit of the settlement currency,
and q the signed quantity in units, PnL = realised + unrealised changes by exactly

- q·(m - v)·r at a fill: the spread captured, or paid;
- position·Δm·r between two marks, r taken at the later one: inventory;
- unrealised·Δr: what an open result gained in dollars because its currency did.

Fills are the marks, and the present is the last one. All of it is independent of how often anybody looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from exporter.events import ONE, ZERO
from exporter.ledger.position import AveragePosition, CostBasis, position


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A fill in the terms of accounting.

    ``quantity`` in units, signed; ``price`` and ``mid`` the worth of a unit at the fill's price and at the mid
    of its time; ``rate`` USD per unit of the settlement currency, None while it is not known; ``taken`` units
    that a fee took out of the position.
    """

    ts: float
    identity: str
    quantity: Decimal
    price: Decimal
    mid: Decimal
    rate: Decimal | None
    taken: Decimal = ZERO


Order = tuple[float, int, str]


def order(step: Step) -> Order:
    """The place of a fill among others: by time, then by trade id, numbers in their order."""
    return step.ts, len(step.identity), step.identity


class SavedRunning(msgspec.Struct, frozen=True, array_like=True):
    """A `Running` to be kept and restored."""

    lots: list[tuple[Decimal, Decimal]]
    gained: Decimal
    realized: Decimal
    inventory: Decimal
    currency: Decimal
    mid: Decimal
    rate: Decimal
    certain: bool
    booked: tuple[Decimal, Decimal, Decimal] | None = None


class Running:
    """Position and results after some steps.

    ``gained`` is what was realised in the settlement currency, ``booked`` the same at average cost, which is how
    exchanges book what contracts realise; ``realized``, ``inventory`` and ``currency`` are in
    USD, the latter two up to the last step, whose mid and rate are ``mid`` and ``rate``. ``certain`` is false once
    a step had no rate.
    """

    __slots__ = (
        *("_average", "_booked", "basis", "certain", "currency"),
        *("gained", "inventory", "mid", "position", "rate", "realized"),
    )

    def __init__(self, basis: CostBasis) -> None:
        self.basis = basis
        self.position = position(basis)
        self.gained = ZERO
        self.realized = ZERO
        self.inventory = ZERO
        self.currency = ZERO
        self.mid = ZERO
        self.rate = ONE
        self.certain = True
        self._average = AveragePosition() if basis == "fifo" else None
        self._booked = ZERO

    @property
    def booked(self) -> Decimal:
        """See `Running`."""
        return self.gained if self._average is None else self._booked

    def take(self, steps: Iterable[Step]) -> None:
        """Take more steps; they must come in their order."""
        held, mid, rate = self.position, self.mid, self.rate
        gained = realized = ZERO
        for step in steps:
            mid_before, mid = mid, step.mid
            rate_before = rate
            if step.rate is None:
                self.certain = False
            else:
                rate = step.rate
            if held.quantity:
                if mid is not mid_before:
                    self.inventory += held.quantity * (mid - mid_before) * rate
                if rate is not rate_before:
                    self.currency += (held.quantity * mid_before - held.cost) * (rate - rate_before)
            gain = held.trade(step.quantity, step.price)
            if self._average is not None:
                self._booked += self._average.trade(step.quantity, step.price)
            if step.taken:
                # The exchange took the fee out of the coins themselves. It is an expense at the mid, so the
                # coins leave the position at that price.
                gain += held.trade(-step.taken, mid)
            if gain:
                gained += gain
                realized += gain if rate is ONE else gain * rate
        self.mid, self.rate = mid, rate
        self.gained += gained
        self.realized += realized

    def inventory_at(self, mid: Decimal, rate: Decimal) -> Decimal:
        """`inventory` up to a moment with this mid and rate."""
        return self.inventory + self.position.quantity * (mid - self.mid) * rate

    def currency_at(self, rate: Decimal) -> Decimal:
        """`currency` up to a moment with this rate."""
        return self.currency + self.unrealized(self.mid) * (rate - self.rate)

    def unrealized(self, mid: Decimal) -> Decimal:
        """What closing at ``mid`` would realise, in the settlement currency."""
        return self.position.quantity * mid - self.position.cost

    def save(self) -> SavedRunning:
        """All of it as a value."""
        return SavedRunning(
            self.position.lots(),
            self.gained,
            self.realized,
            self.inventory,
            self.currency,
            self.mid,
            self.rate,
            self.certain,
            None if self._average is None else (self._average.quantity, self._average.cost, self._booked),
        )

    @classmethod
    def restore(cls, saved: SavedRunning, basis: CostBasis) -> Running:
        """The one that was saved."""
        self = cls(basis)
        self.position = position(basis, saved.lots)
        self.gained, self.realized = saved.gained, saved.realized
        self.inventory, self.currency = saved.inventory, saved.currency
        self.mid, self.rate, self.certain = saved.mid, saved.rate, saved.certain
        if saved.booked is not None:
            *average, self._booked = saved.booked
            self._average = AveragePosition(*average)
        return self
