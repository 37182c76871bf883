"""Rolling statistics of each symbol since the start, for the tickers that exchanges give."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from simulator.engine.exchange import Exchange
from simulator.engine.orders import ZERO, Event, TradePrinted


@dataclass(slots=True)
class Totals:
    """What was traded: prices in quote, ``volume`` in base currency."""

    open: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    quantity: Decimal
    first_id: int
    last_id: int
    trades: int = 0
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO

    def add(self, trade: TradePrinted) -> None:
        """Count one trade."""
        self.high, self.low = max(self.high, trade.price), min(self.low, trade.price)
        self.last, self.quantity, self.last_id = trade.price, trade.quantity, trade.trade_id
        self.trades += 1
        self.volume += trade.quantity
        self.quote_volume += trade.price * trade.quantity

    @property
    def change(self) -> Decimal:
        """The last price less the first one."""
        return self.last - self.open

    @property
    def percent(self) -> Decimal:
        """The change in percent of the first price."""
        return ((self.last / self.open - 1) * 100).quantize(Decimal("0.001"))

    @property
    def average(self) -> Decimal:
        """The mean price by volume."""
        if not self.volume:
            return self.last
        return (self.quote_volume / self.volume).quantize(Decimal("0.00000001"))


class Statistics:
    """Hears the trades of one exchange. Before a symbol's first trade, its mid stands for the prices."""

    def __init__(self, exchange: Exchange, started: int) -> None:
        self._exchange = exchange
        self.started = started
        self._totals: dict[str, Totals] = {}

    def hear(self, event: Event) -> None:
        """Count ``event`` if it is a trade."""
        if not isinstance(event, TradePrinted):
            return
        if event.symbol not in self._totals:
            price = event.price
            self._totals[event.symbol] = Totals(
                price, price, price, price, event.quantity, event.trade_id, event.trade_id
            )
        self._totals[event.symbol].add(event)

    def of(self, symbol: str) -> Totals:
        """Return what was traded of ``symbol``."""
        if symbol in self._totals:
            return self._totals[symbol]
        mid = self._exchange.publications[symbol].mid
        return Totals(mid, mid, mid, mid, ZERO, -1, -1)
