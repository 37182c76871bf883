"""Which markets lead from a currency to one whose worth is fixed, worked out as markets come to be known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.ledger.instrument import instrument

LONGEST = 3
"""Markets in a route."""


@dataclass(frozen=True, slots=True)
class Market:
    """A way from a currency to the ``other`` one of a market; ``inverse`` from the quote currency to the base."""

    exchange: str
    symbol: str
    other: str
    inverse: bool
    spot: bool


class Routes:
    """Ways over at most `LONGEST` markets to one of the ``ends``.

    Which of them is gone depends on the prices of the moment. What does not, is known here beforehand, since among
    thousands of markets a search for what is not there would take long, at each fill and for each book.
    """

    def __init__(self, ends: Iterable[str]) -> None:
        self._markets: dict[str, list[Market]] = {}
        self._steps = dict.fromkeys(ends, 0)  # markets on the shortest way from each currency that has one
        self._onward: dict[tuple[str, str, int], list[Market]] = {}

    def add(self, exchange: str, symbol: str) -> None:
        """A market comes to be known."""
        market = instrument(symbol)
        spot = market.kind == "spot"
        ways = ((market.base, market.quote, False), (market.quote, market.base, True))
        for currency, other, inverse in ways:
            self._markets.setdefault(currency, []).append(Market(exchange, symbol, other, inverse, spot))
        self._onward.clear()
        self._carry_on([market.base, market.quote])

    def lead_from(self, currency: str) -> bool:
        """Whether there is a way."""
        return currency in self._steps

    def onward(self, currency: str, exchange: str, left: int) -> list[Market]:
        """The markets to go on with when ``left`` more are allowed, the preferred one first.

        The same exchange's come before another one's, spot before contracts, and the currency's own before inverse
        ones.
        """
        key = currency, exchange, left
        found = self._onward.get(key)
        if found is None:
            ways = [way for way in self._markets.get(currency, ()) if self._steps.get(way.other, LONGEST) < left]
            ways.sort(key=lambda way: (way.exchange != exchange, not way.spot, way.inverse))
            found = self._onward[key] = ways
        return found

    def _carry_on(self, currencies: list[str]) -> None:
        """Those beside these may have a shorter way now, and those beside them."""
        steps = self._steps
        while currencies:
            currency = currencies.pop()
            beyond = steps.get(currency, LONGEST) + 1
            for way in self._markets[currency] if beyond <= LONGEST else ():
                if beyond < steps.get(way.other, LONGEST + 1):
                    steps[way.other] = beyond
                    currencies.append(way.other)
