"""Positions in contracts: average entry, and what closing a part of one realises. Exact, in fractions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from simulator.engine.orders import ZERO

WALLET_STEP = Decimal("0.00000001")


@dataclass(slots=True)
class Position:
    """``quantity`` in contracts, negative when short; ``cost`` is what they were worth when they were opened.

    Worth is in the settlement currency and signed: that of an inverse contract is minus its face by the price.
    """

    quantity: Decimal = ZERO
    cost: Fraction = Fraction(0)
    updated: int = 0

    def trade(self, quantity: Decimal, worth: Fraction) -> Fraction:
        """Add signed contracts of which one is worth ``worth``; returns the PnL that this realises."""
        held = self.quantity
        realized, closed = Fraction(0), ZERO
        if held * quantity < ZERO:
            closed = quantity if abs(quantity) <= abs(held) else -held
            released = self.cost * Fraction(-closed) / Fraction(held)
            realized = Fraction(-closed) * worth - released
            self.cost -= released
        self.quantity = held + quantity
        self.cost += Fraction(quantity - closed) * worth
        return realized


def to_wallet(amount: Fraction) -> Decimal:
    """Return an amount rounded to the step in which wallets are kept."""
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return exact.quantize(WALLET_STEP, ROUND_HALF_EVEN)
