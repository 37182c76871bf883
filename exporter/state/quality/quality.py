"""The door to the quality of market making; the intake calls it after the ledger and the market have the event.

    quality.book_of(fill, instrument)                  the figures of the fill's book, which need not be asked twice
    quality.judge(book, valued)                        each new fill once, backfilled and late ones too
    quality.order(order, now) -> bool                  each report of an order; in place of `OrdersState.update`
    quality.quote(quote, now)                          each quote of our own that a bot tells
    quality.book(book, now)                            each top of a market
    quality.lose(now, exchange, account, symbol)       the source of our orders or quotes is away
    quality.lose_market(now, exchange, symbol)         the source of a market's data is away
    quality.advance(now)                               at least once a second: horizons that have passed, in slices
    quality.integrate(now)                             before the quotes are read
    quality.save() / quality.load(saved, clean=…)      for a restart

``now`` is our own clock, as for `MarketState`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from exporter.events import Book, BookKey, Fill, Order, Quote
from exporter.journal.records import Valued
from exporter.ledger.currency import MidHistory, Rates
from exporter.ledger.instrument import Instrument
from exporter.ledger.instrument import instrument as instrument_of
from exporter.state.orders import OrdersState, SavedOrders
from exporter.state.quality.fills import FillQuality, SavedFills
from exporter.state.quality.markouts import BATCH
from exporter.state.quality.quotes import MarketTop, QuoteState, SavedQuotes

_REMEMBER_DECISIONS = 10_000  # in each book
_CLOCK_STEP = 5.0  # seconds back after which the bot's clock was set, rather than a quote late
_TRACKS = 64  # in a slice of `Quality.advance`
_NO_MIDS = MidHistory()


class SavedQuality(msgspec.Struct, frozen=True, array_like=True):
    """A `Quality` to be kept and restored."""

    fills: list[SavedFills]
    quotes: list[tuple[BookKey, SavedQuotes]]
    orders: list[SavedOrders]


class Quality:
    """Figures by book: ``fills`` from the first fill on, ``quotes`` from the first quote or order on.

    ``horizons`` are the seconds after a fill at which it is judged, at most an hour; ``market_age`` the seconds
    after which market data is not known any more, and ``quote_age`` the same of a quote that a bot told.
    """

    def __init__(
        self, rates: Rates, orders: OrdersState, horizons: tuple[float, ...], market_age: float, quote_age: float
    ) -> None:
        self.horizons = tuple(sorted(horizons))
        self.fills: dict[BookKey, FillQuality] = {}
        self.quotes: dict[BookKey, QuoteState] = {}
        self._rates = rates
        self._orders = orders
        self._market_age = market_age
        self._quote_age = quote_age
        self._decisions: dict[BookKey, dict[str, float]] = {}
        self._markets: dict[tuple[str, str], MarketTop] = {}
        self._quoted: dict[tuple[str, str], list[QuoteState]] = {}

    def book_of(self, fill: Fill, instrument: Instrument) -> FillQuality:
        """The figures of the fill's book."""
        key = BookKey(fill.exchange, fill.account, fill.symbol, fill.strategy)
        return self.fills.get(key) or self._add_fills(key, inverse=instrument.kind == "inverse")

    def judge(self, book: FillQuality, valued: Valued) -> None:
        """Judge a new fill.

        A fill that is not exact, without a mid or a rate known for its very time, counts as missing at all horizons:
        nothing is guessed.
        """
        fill = valued.fill
        order_id = fill.order_id
        if order_id and order_id != book.last_order:
            book.last_order = order_id
            book.orders.fill(order_id, fill.side)
        if valued.rate is None:
            book.unpriced += 1
            return
        if fill.decision_price is not None:
            book.slip(valued, float(fill.decision_price))
        elif book.decisions and order_id in book.decisions:
            book.slip(valued, book.decisions[order_id])
        if not valued.exact:
            book.unpriced += 1
            return
        track = book.tracks.get(fill.liquidity) or book.track(fill.liquidity)
        track.fresh.append(valued)
        if len(track.fresh) >= BATCH and track.settle():
            track.relieve(self._history(book.key))

    def order(self, order: Order, now: float | None = None) -> bool:
        """Take a report of an order; True when it told something new.

        Where no quotes are pushed, the best of the orders that rest are our quote: from the order's own time on, or
        from now on when it was not known what we quote.
        """
        now = order.ts if now is None else now
        is_new = self._orders.update(order, now)
        key = BookKey(order.exchange, order.account, order.symbol, order.strategy)
        if order.decision_price is not None:
            self._decide(key, order.order_id, float(order.decision_price))
        quotes = self.quotes.get(key)
        if quotes is None:
            quotes = self._add_quotes(key)
        elif quotes.pushed:
            return is_new
        top = self._orders.books[key].top
        if top != quotes.top or not quotes.known:
            quotes.update(top, min(order.ts, now) if quotes.known else now)
        return is_new

    def quote(self, quote: Quote, now: float) -> None:
        """From its time on we quote this; from the first one on, the book's orders do not count as quotes any more.

        One that is a little older than the newest came late and is ignored.
        """
        key = BookKey(quote.exchange, quote.account, quote.symbol, quote.strategy)
        quotes = self.quotes.get(key) or self._add_quotes(key)
        at = min(quote.ts, now)
        if quotes.pushed and 0 < quotes.heard - at < _CLOCK_STEP:
            return
        if not quotes.pushed:
            quotes.lose(at)
            quotes.pushed = True
        quotes.update((quote.bid, quote.ask), at)

    def book(self, book: Book, now: float) -> None:
        """Compare our quotes with the market's top from ``now`` on."""
        market = self._market(book.exchange, book.symbol)
        quoted = self.quoted(book.exchange, book.symbol)
        if now > market.until:
            for quotes in quoted:
                quotes.compare(now)
        if (book.bid, book.ask) != (market.bid, market.ask):
            market.bid, market.ask = book.bid, book.ask
            for quotes in quoted:
                if quotes.differs():
                    quotes.compare(now)
                    quotes.judge()
        market.hear(now)

    def lose(self, now: float, exchange: str, account: str, symbol: str | None = None) -> None:
        """It is not known any more what the account quotes, on one symbol or on all: no time passes for it.

        It goes on with the next quote or report of an order.
        """
        for key, quotes in self.quotes.items():
            if key.exchange == exchange and key.account == account and symbol in (None, key.symbol):
                quotes.lose(now)

    def lose_market(self, now: float, exchange: str, symbol: str) -> None:
        """The market is not observed any more: no time passes for what is compared with it until its next book."""
        for quotes in self.quoted(exchange, symbol):
            quotes.compare(now)
        self._market(exchange, symbol).lose(now)

    def quoted(self, exchange: str, symbol: str) -> Sequence[QuoteState]:
        """Our quotes on a market."""
        return self._quoted.get((exchange, symbol), ())

    def integrate(self, now: float) -> None:
        """Carry the integrals of all quotes up to ``now``."""
        for quotes in self.quotes.values():
            quotes.integrate(now)

    def advance(self, now: float) -> Iterator[None]:
        """Account for all horizons that have passed; yields between slices of less than a millisecond."""
        tracks = [(book.key, track) for book in self.fills.values() for track in book.tracks.values()]
        for number, (key, track) in enumerate(tracks, start=1):
            while track.step(self._history(key), now):
                yield
            if number % _TRACKS == 0:
                yield

    def save(self) -> SavedQuality:
        """All sums as an immutable value. What waits for its horizon is not in it: it is missing after a restart."""
        fills = [book.save() for book in self.fills.values()]
        quotes = [(key, quotes.save()) for key, quotes in self.quotes.items()]
        return SavedQuality(fills, quotes, self._orders.save())

    def load(self, saved: SavedQuality, *, clean: bool = False) -> None:
        """Go on from what was saved.

        ``clean`` says that nothing happened after it was saved. Otherwise only the signed sums, which are gauges, go
        on, less what was lost, and the counters start at zero: Prometheus takes a counter that fell a little for
        one that began anew, and would count all of it again.
        """
        for fills in saved.fills:
            key = fills.key
            inverse = instrument_of(key.symbol).kind == "inverse"
            self._add_fills(key, inverse=inverse).load(fills, clean=clean)
        for key, quotes in saved.quotes:
            self._add_quotes(key).load(quotes, clean=clean)
        self._orders.load(saved.orders, clean=clean)

    def _add_fills(self, key: BookKey, *, inverse: bool) -> FillQuality:
        orders, decisions = self._orders.books[key], self._decided(key)
        self.fills[key] = FillQuality(key, self.horizons, orders, decisions, inverse=inverse)
        return self.fills[key]

    def _add_quotes(self, key: BookKey) -> QuoteState:
        quotes = self.quotes[key] = QuoteState(self._market(key.exchange, key.symbol), self._quote_age)
        self._quoted.setdefault((key.exchange, key.symbol), []).append(quotes)
        return quotes

    def _market(self, exchange: str, symbol: str) -> MarketTop:
        market = self._markets.get((exchange, symbol))
        if market is None:
            market = self._markets[exchange, symbol] = MarketTop(self._market_age)
        return market

    def _history(self, key: BookKey) -> MidHistory:
        return self._rates.history(key.exchange, key.symbol) or _NO_MIDS

    def _decided(self, key: BookKey) -> dict[str, float]:
        return self._decisions.setdefault(key, {})

    def _decide(self, key: BookKey, order_id: str, price: float) -> None:
        decisions = self._decided(key)
        decisions[order_id] = price
        if len(decisions) > _REMEMBER_DECISIONS:
            for oldest in list(islice(decisions, _REMEMBER_DECISIONS // 2)):
                del decisions[oldest]
