"""What the fills of a simulated exchange come to, from its own log alone, in exact fractions.

Slow and obvious on purpose, and without a line of the exporter: average cost by closing first and opening
with the rest, fees at the mid that the log gives for each fill, and so are the spread that a fill captured and
what the inventory gained from one fill to the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Truth:
    """Position in the base currency, money in USDT; ``spread``, ``inventory`` and fees are parts of the total."""

    fills: int
    position: Fraction
    realized: Fraction
    unrealized: Fraction
    fees: Fraction
    spread: Fraction
    inventory: Fraction

    @property
    def total(self) -> Fraction:
        return self.realized + self.unrealized - self.fees


def read(log: Path) -> list[dict[str, Any]]:
    """The fills in the order of their times."""
    fills = [json.loads(line) for line in log.read_text().splitlines()]
    return sorted(fills, key=lambda fill: (fill["time"], int(fill["trade_id"])))


def truth(fills: Iterable[dict[str, Any]], final_mid: str) -> Truth:
    """Account for fills of one symbol whose fees are not in its base currency."""
    count = 0
    quantity = cost = realized = fees = spread = inventory = before = Fraction(0)
    for fill in fills:
        count += 1
        price, mid = Fraction(fill["price"]), Fraction(fill["mid"])
        remaining = Fraction(fill["quantity"])
        sign = 1 if fill["side"] == "buy" else -1
        inventory += quantity * (mid - before)
        spread += sign * remaining * (mid - price)
        before = mid
        fees += Fraction(fill["commission"]) * Fraction(fill["commission_mid"])
        if quantity * sign < 0:
            average = cost / quantity
            closed = min(remaining, abs(quantity))
            realized += closed * (average - price) * sign
            quantity += sign * closed
            cost = quantity * average
            remaining -= closed
        quantity += sign * remaining
        cost += sign * remaining * price
    last = Fraction(final_mid)
    inventory += quantity * (last - before)
    return Truth(count, quantity, realized, quantity * last - cost, fees, spread, inventory)
