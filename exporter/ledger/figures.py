"""What a book comes to, in USD."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from exporter.events import ZERO


@dataclass(frozen=True, slots=True)
class Figures:
    """A book's money in USD; None where a rate or a mid is not known.

    ``spread``, ``inventory``, ``currency``, ``fees``, ``rebates`` and ``funding`` attribute the total; each comes
    from its own formula (see `exporter.ledger.running`).
    """

    realized: Decimal | None
    unrealized: Decimal | None
    notional: Decimal | None
    spread: Decimal | None
    inventory: Decimal | None
    currency: Decimal | None
    fees: Decimal | None
    rebates: Decimal | None
    funding: Decimal | None

    @property
    def total(self) -> Decimal | None:
        """Realised + unrealised - fees + rebates + funding."""
        return _sum(self.realized, self.unrealized, _negative(self.fees), self.rebates, self.funding)

    def parts(self) -> dict[str, Decimal | None]:
        """What the total is attributed to, signed so that the parts add up to it."""
        return {
            "spread": self.spread,
            "inventory": self.inventory,
            "currency": self.currency,
            "fees": _negative(self.fees),
            "rebates": self.rebates,
            "funding": self.funding,
        }

    @property
    def error(self) -> Decimal | None:
        """The sum of the parts less the total: zero, but for what arithmetic with 28 digits rounds."""
        return _sum(*self.parts().values(), _negative(self.total))


def _negative(value: Decimal | None) -> Decimal | None:
    return None if value is None else -value


def _sum(*parts: Decimal | None) -> Decimal | None:
    known = [part for part in parts if part is not None]
    return sum(known, ZERO) if len(known) == len(parts) else None
