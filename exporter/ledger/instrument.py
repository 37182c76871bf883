"""What a symbol stands for, and what a unit of it is worth at a price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from exporter.errors import EventError

Kind = Literal["spot", "linear", "inverse"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """A market in the terms of accounting.

    A unit is one of ``base``, or for an inverse contract one of ``quote``; gains and losses arise in ``settle``.
    """

    base: str
    quote: str
    settle: str
    kind: Kind

    def worth(self, price: Decimal) -> Decimal:
        """What a unit is worth at ``price``, in the settlement currency, up to a constant.

        The price itself for spot and linear contracts. An inverse contract of one dollar is worth minus
        1/price coins: when the price rises, the dollar that was sold for coins costs fewer of them.
        """
        return -1 / price if self.kind == "inverse" else price

    def base_amount(self, units: Decimal, worth: Decimal) -> Decimal:
        """The amount of the base currency in ``units``, of which one is worth ``worth``."""
        return -units * worth if self.kind == "inverse" else units

    def face(self, units: Decimal, price: Decimal) -> Decimal:
        """The value of ``units`` at ``price`` in the quote currency."""
        return units if self.kind == "inverse" else units * price


@lru_cache(maxsize=10_000)
def instrument(symbol: str) -> Instrument:
    """The instrument of a symbol in ccxt's form; `EventError` for a contract settled in a third currency."""
    base, _, rest = symbol.partition("/")
    quote, colon, settle = rest.partition(":")
    settle = settle.partition("-")[0]  # of a future, whose date follows
    if not colon:
        return Instrument(base, quote, quote, "spot")
    if settle == quote:
        return Instrument(base, quote, settle, "linear")
    if settle == base:
        return Instrument(base, quote, settle, "inverse")
    text = f"{symbol} settles in {settle}, neither {base} nor {quote}; such contracts cannot be accounted for"
    raise EventError("symbol", text)
