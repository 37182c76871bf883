"""What can be traded: symbols with their tick, lot and smallest order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Instrument:
    """One market: spot, or perpetual contracts when there is a settlement currency.

    ``tick`` is the step of prices in quote currency, ``lot`` that of quantities in base currency or contracts, and
    ``min_notional`` the smallest notional of an order, in quote currency. Contracts are of ``contract_size`` in base
    currency, or in quote currency when they are settled in the base currency.
    """

    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_notional: Decimal
    settle: str = ""
    contract_size: Decimal = Decimal(1)

    @property
    def symbol(self) -> str:
        """The unified symbol, such as ``BTC/USDT`` or ``BTC/USDT:USDT``."""
        return f"{self.base}/{self.quote}" + (f":{self.settle}" if self.settle else "")

    @property
    def market_id(self) -> str:
        """The exchange's own id, such as ``BTCUSDT``."""
        return self.base + self.quote + ("_PERP" if self.is_inverse else "")

    @property
    def is_contract(self) -> bool:
        """Whether a position is traded here, and not coins."""
        return bool(self.settle)

    @property
    def is_inverse(self) -> bool:
        """Whether the contracts are settled in the base currency."""
        return self.settle == self.base

    def notional(self, price: Decimal, quantity: Decimal) -> Decimal:
        """Return what ``quantity`` is worth at ``price``, in quote currency."""
        return quantity * self.contract_size * (Decimal(1) if self.is_inverse else price)

    def worth(self, price: Decimal) -> Fraction:
        """Return what a contract is worth at ``price`` in the settlement currency, up to a constant."""
        size = Fraction(self.contract_size)
        return -size / Fraction(price) if self.is_inverse else size * Fraction(price)

    def units(self, base: Decimal, price: Decimal) -> Decimal:
        """Return ``base`` of the base currency in what is traded here, rounded to the lot."""
        return self.quantity(base * price / self.contract_size if self.is_inverse else base / self.contract_size)

    def price(self, value: Decimal) -> Decimal:
        """Return ``value`` rounded to the nearest tick, with exactly the tick's digits."""
        return (value / self.tick).quantize(Decimal(1), ROUND_HALF_EVEN) * self.tick

    def quantity(self, value: Decimal) -> Decimal:
        """Return ``value`` rounded to the nearest lot, with exactly the lot's digits."""
        return (value / self.lot).quantize(Decimal(1), ROUND_HALF_EVEN) * self.lot

    def whole_lots(self, value: Decimal) -> Decimal:
        """Return ``value`` rounded down to a whole number of lots."""
        return (value / self.lot).quantize(Decimal(1), ROUND_DOWN) * self.lot


def _usdt(base: str, tick: str, lot: str) -> Instrument:
    return Instrument(base, "USDT", Decimal(tick), Decimal(lot), Decimal(5))


KNOWN: dict[str, Instrument] = {
    instrument.symbol: instrument
    for instrument in (
        _usdt("BTC", "0.01", "0.000001"),
        _usdt("ETH", "0.01", "0.0001"),
        _usdt("BNB", "0.01", "0.001"),
    )
}


def text(value: Decimal) -> str:
    """Return the exact plain digits of ``value``: never an exponent, never float noise."""
    return f"{value:f}"
