"""A market and our fills on it, without anything else of the exporter."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from exporter.events import BookKey, Fill, Liquidity
from exporter.journal.records import Valued
from exporter.ledger.currency import Rates
from exporter.ledger.instrument import instrument
from exporter.state.orders import OrdersState
from exporter.state.quality import Quality
from exporter.state.quality.markouts import Horizon, Track
from tests.builders import T0, fill

HORIZONS = (0.1, 1.0, 5.0, 30.0, 300.0)
KEY = BookKey("alpha", "main", "BTC/USDT", "maker")


class Desk:
    """Mids and fills of one symbol. Times are seconds after `T0`; ``rate`` is USD per unit of settlement."""

    def __init__(self, symbol: str = "BTC/USDT", horizons: tuple[float, ...] = HORIZONS, rate: float = 1.0) -> None:
        self.rates = Rates({"USDT": Decimal(1)})
        self.orders = OrdersState()
        self.quality = Quality(self.rates, self.orders, horizons, market_age=10.0, quote_age=60.0)
        self.key = KEY._replace(symbol=symbol)
        self.rate = rate
        self._instrument = instrument(symbol)
        self._fills = 0

    def mid(self, at: float, mid: float) -> None:
        """The market's mid changes, or is seen again."""
        self.rates.observe("alpha", self.key.symbol, T0 + at, mid, T0 + at)

    def mids(self, *seen: tuple[float, float]) -> None:
        for at, mid in seen:
            self.mid(at, mid)

    def fill(self, side: str, price: str, quantity: str, at: float = 0.0, /, **rest: Any) -> Fill:
        """A fill, at the mid that the market had then as far as it is known."""
        self._fills += 1
        made = fill(str(self._fills), side, price, quantity, T0 + at, **({"symbol": self.key.symbol} | rest))
        history = self.rates.history("alpha", self.key.symbol)
        mid, exact = (history and history.at(made.ts)) or (made.price, False)
        rate = None if self.rate is None else Decimal(str(self.rate))
        self.judge(Valued(made, mid, rate, (), exact))
        return made

    def judge(self, valued: Valued) -> None:
        self.quality.judge(self.quality.book_of(valued.fill, self._instrument), valued)

    def advance(self, at: float) -> None:
        for _ in self.quality.advance(T0 + at):
            pass

    def track(self, liquidity: Liquidity = "maker") -> Track:
        return self.quality.fills[self.key].tracks[liquidity]

    def horizon(self, seconds: float, liquidity: Liquidity = "maker") -> Horizon:
        (found,) = [each for each in self.track(liquidity).horizons if each.seconds == seconds]
        return found
