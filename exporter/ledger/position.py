"""Positions at cost, in `Decimal`; only the division that closes a part of one rounds, at 28 digits.

Quantities are in units of an instrument, prices are the worth of a unit in the settlement currency (see
`exporter.ledger.instrument`), and so is what a trade realises.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Literal, Protocol

from exporter.events import ZERO

CostBasis = Literal["average", "fifo"]


class Position(Protocol):
    """``quantity`` in units, negative when short; ``cost`` is what the units were worth when they came in.

    ``cost`` is signed like ``quantity`` times the entry price. Keeping the cost rather than the average price
    means that a position that is closed in many parts ends at exactly zero.
    """

    quantity: Decimal
    cost: Decimal

    def trade(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Add a signed quantity at a price; the PnL that this realised.

        What reduces the position realises the difference to its entry price; what goes beyond zero opens a
        new position at ``price``.
        """

    def lots(self) -> list[tuple[Decimal, Decimal]]:
        """The position as (quantity, cost), oldest first; trading them into an empty one restores it."""


class AveragePosition:
    """A position at average cost: each part that is closed has the average entry price of all."""

    __slots__ = ("cost", "quantity")

    def __init__(self, quantity: Decimal = ZERO, cost: Decimal = ZERO) -> None:
        self.quantity = quantity
        self.cost = cost

    def trade(self, quantity: Decimal, price: Decimal) -> Decimal:
        """See `Position.trade`."""
        held = self.quantity
        left = held + quantity
        is_short = held.is_signed()
        if not held or quantity.is_signed() is is_short:
            self.quantity = left
            self.cost += quantity * price
            return ZERO
        if left and left.is_signed() is is_short:
            closed = -quantity
            released = self.cost * closed / held
            self.quantity = left
            self.cost -= released
            return closed * price - released
        realized = held * price - self.cost
        self.quantity = left
        self.cost = left * price
        return realized

    def lots(self) -> list[tuple[Decimal, Decimal]]:
        """See `Position.lots`; a single one."""
        return [(self.quantity, self.cost)]


class FifoPosition:
    """A position by lots: what came in first goes out first."""

    __slots__ = ("_lots", "cost", "quantity")

    def __init__(self) -> None:
        self.quantity = ZERO
        self.cost = ZERO
        self._lots: deque[tuple[Decimal, Decimal]] = deque()  # (quantity, cost), all of one sign

    def trade(self, quantity: Decimal, price: Decimal) -> Decimal:
        """See `Position.trade`."""
        realized = ZERO
        while quantity and self._lots and (self.quantity > 0) is not (quantity > 0):
            lot, cost = self._lots.popleft()
            closed = lot if abs(lot) <= abs(quantity) else -quantity
            released = cost if closed == lot else cost * closed / lot
            if closed != lot:
                self._lots.appendleft((lot - closed, cost - released))
            realized += closed * price - released
            self.quantity -= closed
            self.cost -= released
            quantity += closed
        if quantity:
            self._lots.append((quantity, quantity * price))
            self.quantity += quantity
            self.cost += quantity * price
        return realized

    def lots(self) -> list[tuple[Decimal, Decimal]]:
        """See `Position.lots`."""
        return list(self._lots)

    def add(self, quantity: Decimal, cost: Decimal) -> None:
        """Put a lot at the end."""
        self._lots.append((quantity, cost))
        self.quantity += quantity
        self.cost += cost


def position(basis: CostBasis, lots: list[tuple[Decimal, Decimal]] | None = None) -> AveragePosition | FifoPosition:
    """A position with these lots, flat without any."""
    if basis == "average":
        return AveragePosition(*lots[0]) if lots else AveragePosition()
    restored = FifoPosition()
    for lot in lots or ():
        restored.add(*lot)
    return restored
