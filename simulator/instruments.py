"""What can be traded: symbols with their tick, lot and smallest order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """One spot market.

    ``tick`` is the step of prices in quote currency, ``lot`` that of quantities in base currency and
    ``min_notional`` the smallest price x quantity of an order, in quote currency.
    """

    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_notional: Decimal

    @property
    def symbol(self) -> str:
        """The unified symbol, such as ``BTC/USDT``."""
        return f"{self.base}/{self.quote}"

    @property
    def market_id(self) -> str:
        """The exchange's own id, such as ``BTCUSDT``."""
        return self.base + self.quote

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
