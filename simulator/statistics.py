"""Rolling statistics of each symbol since the start, as the ticker endpoints and streams give them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from simulator.dialect import Json
from simulator.exchange import Exchange
from simulator.instruments import text
from simulator.orders import ZERO, Event, TradePrinted


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


class Statistics:
    """Hears the trades of one exchange. Before a symbol's first trade, its mid stands for the prices."""

    def __init__(self, exchange: Exchange, started: int) -> None:
        self._exchange = exchange
        self._started = started
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

    def last(self, symbol: str) -> Decimal:
        """Return the price of the last trade, or the mid."""
        return self._of(symbol).last

    def _of(self, symbol: str) -> Totals:
        if symbol in self._totals:
            return self._totals[symbol]
        mid = self._exchange.publications[symbol].mid
        return Totals(mid, mid, mid, mid, ZERO, -1, -1)

    def mini(self, symbol: str, now: int) -> Json:
        """Return the message of the ``miniTicker`` stream."""
        totals = self._of(symbol)
        return {
            "e": "24hrMiniTicker",
            "E": now,
            "s": self._exchange.instruments[symbol].market_id,
            "c": text(totals.last),
            "o": text(totals.open),
            "h": text(totals.high),
            "l": text(totals.low),
            "v": text(totals.volume),
            "q": text(totals.quote_volume),
        }

    def ticker(self, symbol: str, now: int) -> Json:
        """Return the message of the ``ticker`` stream."""
        totals, best = self._of(symbol), self._exchange.publications[symbol]
        return {
            **self.mini(symbol, now),
            "e": "24hrTicker",
            "p": text(totals.last - totals.open),
            "P": text(_percent(totals)),
            "w": text(_average(totals)),
            "x": text(totals.open),
            "Q": text(totals.quantity),
            "b": text(best.best_bid[0]),
            "B": text(best.best_bid[1]),
            "a": text(best.best_ask[0]),
            "A": text(best.best_ask[1]),
            "O": self._started,
            "C": now,
            "F": totals.first_id,
            "L": totals.last_id,
            "n": totals.trades,
        }

    def day(self, symbol: str, now: int) -> Json:
        """Return ``ticker/24hr`` of one symbol."""
        totals, best = self._of(symbol), self._exchange.publications[symbol]
        return {
            "symbol": self._exchange.instruments[symbol].market_id,
            "priceChange": text(totals.last - totals.open),
            "priceChangePercent": text(_percent(totals)),
            "weightedAvgPrice": text(_average(totals)),
            "prevClosePrice": text(totals.open),
            "lastPrice": text(totals.last),
            "lastQty": text(totals.quantity),
            "bidPrice": text(best.best_bid[0]),
            "bidQty": text(best.best_bid[1]),
            "askPrice": text(best.best_ask[0]),
            "askQty": text(best.best_ask[1]),
            "openPrice": text(totals.open),
            "highPrice": text(totals.high),
            "lowPrice": text(totals.low),
            "volume": text(totals.volume),
            "quoteVolume": text(totals.quote_volume),
            "openTime": self._started,
            "closeTime": now,
            "firstId": totals.first_id,
            "lastId": totals.last_id,
            "count": totals.trades,
        }


def _percent(totals: Totals) -> Decimal:
    return ((totals.last / totals.open - 1) * 100).quantize(Decimal("0.001"))


def _average(totals: Totals) -> Decimal:
    if not totals.volume:
        return totals.last
    return (totals.quote_volume / totals.volume).quantize(Decimal("0.00000001"))
