"""A position at average cost, in `Decimal`; only the division that closes a part of it rounds, at 28 digits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(slots=True)
class Position:
    """``quantity`` in the base currency, negative when short; ``cost`` in the quote currency.

    ``cost`` is signed like ``quantity``: quantity times the average entry price. Keeping the cost rather
    than the average means that a position that is closed in many parts ends at exactly zero.
    """

    quantity: Decimal = ZERO
    cost: Decimal = ZERO

    def trade(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Add a signed quantity at a price; the PnL that this realised, in the quote currency.

        Average cost: what reduces the position realises (price - average) times the closed quantity, with
        the sign of the position; what goes beyond zero opens a new position at ``price``.
        """
        if self.quantity * quantity >= 0:
            self.quantity += quantity
            self.cost += quantity * price
            return ZERO
        if abs(quantity) >= abs(self.quantity):
            realized = self.quantity * price - self.cost
            self.quantity += quantity
            self.cost = self.quantity * price
            return realized
        released = self.cost * -quantity / self.quantity
        self.quantity += quantity
        self.cost -= released
        return -quantity * price - released

    def unrealized(self, mid: Decimal) -> Decimal:
        """What closing at ``mid`` would realise, in the quote currency."""
        return self.quantity * mid - self.cost

    @property
    def average_price(self) -> Decimal | None:
        """The average entry price in the quote currency; None when flat."""
        return self.cost / self.quantity if self.quantity else None

    def copy(self) -> Position:
        """A position of its own with the same values."""
        return Position(self.quantity, self.cost)
