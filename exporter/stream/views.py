"""State → tables: what each stream tells of each thing."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterator
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

import msgspec

from exporter.events import BookKey, Fee, Fill
from exporter.journal.records import Incident
from exporter.state.state import State
from exporter.stream.table import Labels, Table

_ITEMS = 100_000  # of a stream, as many as a metric may have series
_TRADES = 500  # that a new reader is given
_ALERTS = 1_000
_SWEEP = 5.0  # seconds in which each thing is looked at again, whether or not it was said to have changed,
_MOST = 2_000  # unless that would be more a second

_encode = msgspec.json.encode

K = TypeVar("K", bound=Hashable)


class View(Protocol):
    """One stream's table, and what brings it up to date."""

    table: Table

    def refresh(self) -> Iterator[None]:
        """Take in what changed; may be left off after any of its steps, and goes on from there the next time."""

    def look_again(self) -> None:
        """Nobody looked for a while: the next refresh takes in what changed by time alone, too."""


class Sweep(Generic[K]):
    """All things again and again, a few at a time: some change by time alone, such as a price that gets too old."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at = clock()
        self._due = 0.0
        self._left: deque[K] = deque()
        self._is_whole = False

    def whole(self) -> None:
        """The next few are all of them."""
        self._is_whole = True

    def next(self, things: Collection[K]) -> Iterator[K]:
        """The next few of these."""
        now = self._clock()
        self._due += max(0.0, now - self._at) * min(len(things) / _SWEEP, _MOST)
        self._at = now
        if self._is_whole or not self._left:
            self._left = deque(things)
        few = len(self._left) if self._is_whole else min(int(self._due), len(self._left))
        self._is_whole, self._due = False, min(self._due - few, 1.0) if few else self._due
        for _ in range(few):
            yield self._left.popleft()


class PnlView:
    """Position and PnL of each book.

    Those of a market whose mid moved are worked out again at once, and all of them within seconds: their worth in
    dollars hangs on other markets as well.
    """

    def __init__(self, state: State) -> None:
        self.table = Table(_ITEMS)
        self._state = state
        self._due: OrderedDict[BookKey, None] = OrderedDict()
        self._of_market: defaultdict[tuple[str, str], list[BookKey]] = defaultdict(list)
        self._known = 0
        self._sweep: Sweep[BookKey] = Sweep(state.clock)

    def refresh(self) -> Iterator[None]:
        """The books whose fills or mids changed, one a step."""
        yield from self._meet_new_books()
        yield from self._note_changes()
        while self._due:
            self._tell(self._due.popitem(last=False)[0])
            yield
        for key in self._sweep.next(self._state.ledger.books):
            self._tell(key)
            yield

    def look_again(self) -> None:
        """With the next refresh."""
        self._sweep.whole()

    def _meet_new_books(self) -> Iterator[None]:
        books = self._state.ledger.books
        if len(books) == self._known:
            return
        for key in list(books)[self._known :]:  # books only come
            self._of_market[key.exchange, key.symbol].append(key)
            self._due[key] = None
            self._known += 1
            yield

    def _note_changes(self) -> Iterator[None]:
        changes = self._state.changes
        while changes.books:
            self._due[changes.books.pop()] = None
            yield
        while changes.mids:
            for key in self._of_market.get(changes.mids.pop(), ()):
                self._due[key] = None
                yield

    def _tell(self, key: BookKey) -> None:
        book = self._state.ledger.books.get(key)
        if book is None:  # what was told of it was refused
            return
        figures = self._state.ledger.figures(key, self._state.clock())
        told = {
            "exchange": key.exchange,
            "account": key.account,
            "symbol": key.symbol,
            "strategy": key.strategy,
            "position": _number(book.base),
            "notional_usd": _number(figures.notional),
            "realized_usd": _number(figures.realized),
            "unrealized_usd": _number(figures.unrealized),
            "fees_usd": _number(figures.fees),
            "rebates_usd": _number(figures.rebates),
            "funding_usd": _number(figures.funding),
            "total_usd": _number(figures.total),
        }
        self.table.put(key, Labels(*key), _encode(told))


class SpreadsView:
    """The top of each market, and how wide our own quotes on it are; null while it was not heard of lately."""

    def __init__(self, state: State) -> None:
        self.table = Table(_ITEMS)
        self._state = state
        self._due: OrderedDict[tuple[str, str], None] = OrderedDict.fromkeys(state.markets)
        self._sweep: Sweep[tuple[str, str]] = Sweep(state.clock)

    def refresh(self) -> Iterator[None]:
        """The markets that changed, one a step."""
        changed = self._state.changes.markets
        while changed:
            self._due[changed.pop()] = None
            yield
        while self._due:
            self._tell(self._due.popitem(last=False)[0])
            yield
        for key in self._sweep.next(self._state.markets):
            self._tell(key)
            yield

    def look_again(self) -> None:
        """With the next refresh."""
        self._sweep.whole()

    def _tell(self, key: tuple[str, str]) -> None:
        exchange, symbol = key
        is_fresh = self._state.ledger.rates.mid(exchange, symbol, self._state.clock()) is not None
        market = self._state.markets.get(key) if is_fresh else None
        own = [quotes.spread_ratio for quotes in self._state.quality.quoted(exchange, symbol)]
        known = [ratio for ratio in own if ratio is not None]
        told = {
            "exchange": exchange,
            "symbol": symbol,
            "mid": market and market.mid,
            "market_spread_ratio": _rounded(market.spread_ratio if market else None),
            "quote_spread_ratio": _rounded(min(known, default=None)),
        }
        self.table.put(key, Labels(exchange=exchange, symbol=symbol), _encode(told))


class TradesView:
    """The newest fills, in the order in which they came."""

    def __init__(self, state: State) -> None:
        self.table = Table(_TRADES)
        self._state = state

    def refresh(self) -> Iterator[None]:
        """The fills that came, one a step."""
        fills = self._state.changes.fills
        while fills:
            self._tell(fills.popleft())
            yield

    def look_again(self) -> None:
        """Fills change no more."""

    def _tell(self, fill: Fill) -> None:
        told = {
            "exchange": fill.exchange,
            "account": fill.account,
            "symbol": fill.symbol,
            "strategy": fill.strategy,
            "trade_id": fill.trade_id,
            "order_id": fill.order_id,
            "side": fill.side,
            "price": _digits(fill.price),
            "quantity": _digits(fill.quantity),
            "liquidity": fill.liquidity,
            "fee": _fee(fill.fee),
            "ts": fill.ts,
        }
        labels = Labels(fill.exchange, fill.account, fill.symbol, fill.strategy)
        self.table.put((fill.exchange, fill.account, fill.symbol, fill.trade_id), labels, _encode(told))


class AlertsView:
    """Incidents: alerts that fire, those that were over lately, and those of which nobody tells us any more."""

    def __init__(self, state: State) -> None:
        self.table = Table(_ALERTS)
        self._incidents = state.incidents
        self._seen = 0
        self._going_on: dict[tuple[str, float], Incident] = {}
        self._sweep: Sweep[tuple[str, float]] = Sweep(state.clock)

    def refresh(self) -> Iterator[None]:
        """The incidents that began or ended, or are not told of any more, one a step."""
        if self._seen != self._incidents.number:
            yield from self._news()
        for key in self._sweep.next(self._going_on):
            if key in self._going_on:
                self._tell(self._going_on[key])
                yield

    def look_again(self) -> None:
        """With the next refresh."""
        self._sweep.whole()

    def _news(self) -> Iterator[None]:
        news = sorted(self._incidents.told_after(self._seen), key=lambda each: each.number)
        for incident in news[-_ALERTS:]:
            self._tell(incident)
            self._seen = incident.number
            yield
        self._seen = self._incidents.number

    def _tell(self, incident: Incident) -> None:
        key = incident.fingerprint, incident.starts
        if incident.ends is None:
            self._going_on[key] = incident
            if len(self._going_on) > _ALERTS:
                del self._going_on[next(iter(self._going_on))]
        else:
            self._going_on.pop(key, None)
        told = {
            "id": incident.fingerprint,
            "name": incident.name,
            "severity": incident.severity,
            "status": self._status(incident),
            "where": incident.where,
            "summary": incident.summary,
            "starts": incident.starts,
            "ends": incident.ends,
        }
        self.table.put(key, Labels(), _encode(told))

    def _status(self, incident: Incident) -> str:
        if incident.ends is not None:
            return "resolved"
        return "firing" if self._incidents.is_open(incident) else "unknown"


def _rounded(ratio: float | None) -> float | None:
    """To a hundred thousandth of a basis point: digits beyond say nothing, and cost most of a message."""
    return None if ratio is None else round(ratio, 9)


def _fee(fee: Fee | tuple[Fee, ...] | None) -> object:
    """One, or a list of several."""
    if isinstance(fee, tuple):
        return [_fee(each) for each in fee]
    return None if fee is None else {"currency": fee.currency, "amount": _digits(fee.amount)}


def _digits(value: Decimal) -> str:
    """All digits, never with an exponent, which not every reader expects in money."""
    return format(value, "f")


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
