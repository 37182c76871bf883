"""Orders by who placed them: how many were placed, rest, filled, ended, and how fast the exchange answered.

An order that rests has a price, so that the best of them are our own quote.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict, deque
from dataclasses import dataclass, field

import msgspec

from exporter.events import ENDED, SIDES, BookKey, Order, Side
from exporter.metrics import ACK_BUCKETS
from exporter.state.histogram import Histogram

_MOST_OPEN = 2_000  # in each book, far more than exchanges allow: beyond, the end of the oldest was never told
_REMEMBER_BEFORE = 2 * _MOST_OPEN
_REMEMBER_ENDED = 10_000
_REMEMBER_EARLY = 1_000  # in each book, and as many again
_LONGEST_ACK = 3600.0  # seconds; beyond, one of the two times is wrong
_OLDEST_ACK = 300.0  # seconds; an older answer says nothing about now

Top = tuple[float | None, float | None]


class SavedOrders(msgspec.Struct, frozen=True, array_like=True):
    """The counts of one book to be kept and restored; ``open`` says of each order without end whether it had a fill."""

    key: BookKey
    placed: dict[Side, int]
    canceled: dict[Side, int]
    filled: dict[Side, int]
    rejected: dict[str, int]
    acks: list[int]
    ack_total: float
    open: dict[str, bool]


@dataclass(slots=True)
class Resting:
    """An order that has not ended; ``filled`` once any of it was, ``acknowledged`` once its answer was timed."""

    side: Side
    price: float | None = None
    filled: bool = False
    acknowledged: bool = False


@dataclass(slots=True)
class OrderCounts:
    """Counts of one book, by side; rejections by reason. Nothing is ``placed`` where only fills were told.

    ``filled`` counts orders with at least one fill, of those that are in ``placed``. ``acks`` are the seconds between
    sending an order and the exchange's answer, as the bot timed them.
    """

    placed: defaultdict[Side, int] = field(default_factory=lambda: defaultdict(int))
    canceled: defaultdict[Side, int] = field(default_factory=lambda: defaultdict(int))
    filled: defaultdict[Side, int] = field(default_factory=lambda: defaultdict(int))
    rejected: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    acks: Histogram = field(default_factory=lambda: Histogram(ACK_BUCKETS))
    open: dict[str, Resting] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=dict)  # the last orders that ended, and whether they filled
    early: set[str] = field(default_factory=set)  # orders whose fill came before any report of them,
    earlier: set[str] = field(default_factory=set)  # and those of them that will be forgotten next
    before: dict[str, bool] = field(default_factory=dict)  # others that were counted, and whether they filled
    prices: dict[Side, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})  # ascending

    @property
    def top(self) -> Top:
        """The prices of our highest buy order and lowest sell order that rest; None where there is none."""
        bids, asks = self.prices["buy"], self.prices["sell"]
        return bids[-1] if bids else None, asks[0] if asks else None

    def fill(self, order_id: str, side: Side) -> None:
        """An order had a fill; it counts once, and as soon as the order itself was reported."""
        resting = self.open.get(order_id)
        if resting is not None:
            _fill(self, resting)
        elif order_id not in self.ended:
            self.early.add(order_id)
            if len(self.early) >= _REMEMBER_EARLY:
                self.early, self.earlier = set(), self.early
        elif not self.ended[order_id]:
            self.ended[order_id] = True
            self.filled[side] += 1

    def rest(self, order_id: str, resting: Resting) -> None:
        """An order rests, at this price from now on."""
        self.leave(order_id)
        self.open[order_id] = resting
        if resting.price is not None:
            insort(self.prices[resting.side], resting.price)
        if len(self.open) > _MOST_OPEN:
            self._give_up(next(iter(self.open)))

    def leave(self, order_id: str) -> Resting | None:
        """An order rests no longer."""
        resting = self.open.pop(order_id, None)
        if resting is not None and resting.price is not None:
            prices = self.prices[resting.side]
            del prices[bisect_left(prices, resting.price)]
        return resting

    def counted(self, order_id: str, *, filled: bool) -> None:
        """An order that is not known to rest was counted already, and may be told of again."""
        if order_id not in self.ended:
            self.before[order_id] = filled
        if len(self.before) > _REMEMBER_BEFORE:
            del self.before[next(iter(self.before))]

    def _give_up(self, order_id: str) -> None:
        """Take an order for one that rests no longer, until it is told of again."""
        resting = self.leave(order_id)
        if resting is not None:
            self.counted(order_id, filled=resting.filled)


class OrdersState:
    """Follows each order from its first report to its end, whatever the number of reports between."""

    def __init__(self) -> None:
        self.books: defaultdict[BookKey, OrderCounts] = defaultdict(OrderCounts)
        self._ended: deque[tuple[OrderCounts, str]] = deque()

    def update(self, order: Order, now: float | None = None) -> bool:
        """Take a report; True when it told something new. What comes after an order's end is a repeat.

        New are an order, its end, another price, its first fill and the time of its answer. ``now`` is the present
        time, by which an answer of long ago is told from a fresh one.
        """
        key = BookKey(order.exchange, order.account, order.symbol, order.strategy)
        counts, order_id = self.books[key], order.order_id
        if order_id in counts.ended:
            return False
        known = counts.open.get(order_id)
        order_state = known or _place(counts, order)
        was = (order_state.price, order_state.filled, order_state.acknowledged)
        if order.status in ("filled", "partially_filled"):
            _fill(counts, order_state)
        _acknowledge(counts, order_state, order, now)
        if order.status in ENDED:
            counts.leave(order_id)
            self._end(counts, order, filled=order_state.filled)
            return True
        price = order_state.price if order.price is None else float(order.price)
        if known is None or price != known.price:
            counts.leave(order_id)
            order_state.price = price
            counts.rest(order_id, order_state)
        return known is None or was != (price, order_state.filled, order_state.acknowledged)

    def open(self, key: BookKey) -> dict[str, Side]:
        """The ids and sides of the orders that rest as far as we know."""
        if key not in self.books:
            return {}
        return {order_id: resting.side for order_id, resting in self.books[key].open.items()}

    def save(self) -> list[SavedOrders]:
        """All counts as values."""
        return [
            SavedOrders(
                key,
                dict(o.placed),
                dict(o.canceled),
                dict(o.filled),
                dict(o.rejected),
                o.acks.counts.copy(),
                o.acks.total,
                o.before | {order_id: resting.filled for order_id, resting in o.open.items()},
            )
            for key, o in self.books.items()
        ]

    def load(self, saved: list[SavedOrders], *, clean: bool) -> None:
        """Go on from what was saved (see `Quality.load`); which orders rest has to be reported again."""
        for each in saved:
            counts = self.books[each.key]
            for order_id, filled in each.open.items():
                counts.counted(order_id, filled=filled)
            if clean:
                counts.placed.update(each.placed)
                counts.canceled.update(each.canceled)
                counts.filled.update(each.filled)
                counts.rejected.update(each.rejected)
                counts.acks.load(each.acks, each.ack_total)

    def has_ended(self, order: Order) -> bool:
        """Whether the end of this order is known, as far as ends are remembered."""
        counts = self.books.get(BookKey(order.exchange, order.account, order.symbol, order.strategy))
        return counts is not None and order.order_id in counts.ended

    def ended_before(self, order: Order) -> None:
        """An order that ended before a restart: it was counted then, and what is told of it again is a repeat."""
        counts = self.books[BookKey(order.exchange, order.account, order.symbol, order.strategy)]
        counts.before.pop(order.order_id, None)
        if order.order_id not in counts.ended:
            self._remember(counts, order.order_id, filled=True)

    def _remember(self, counts: OrderCounts, order_id: str, *, filled: bool) -> None:
        counts.ended[order_id] = filled
        self._ended.append((counts, order_id))
        if len(self._ended) > _REMEMBER_ENDED:
            oldest, order_id = self._ended.popleft()
            del oldest.ended[order_id]

    def _end(self, counts: OrderCounts, order: Order, *, filled: bool) -> None:
        self._remember(counts, order.order_id, filled=filled)
        if order.status in ("canceled", "expired"):
            counts.canceled[order.side] += 1
        elif order.status == "rejected":
            counts.rejected[order.reason or "exchange"] += 1


def _place(counts: OrderCounts, order: Order) -> Resting:
    """Count an order that was not known; the caller says whether it rests."""
    resting = Resting(order.side)
    if order.order_id in counts.before:  # its answer was timed then, too
        resting.filled = counts.before.pop(order.order_id)
        resting.acknowledged = True
    else:
        counts.placed[order.side] += 1
    for early in (counts.early, counts.earlier):
        if order.order_id in early:
            early.discard(order.order_id)
            _fill(counts, resting)
    return resting


def _fill(counts: OrderCounts, resting: Resting) -> None:
    """The order had a fill, perhaps not its first."""
    if not resting.filled:
        resting.filled = True
        counts.filled[resting.side] += 1


def _acknowledge(counts: OrderCounts, resting: Resting, order: Order, now: float | None) -> None:
    """Time the exchange's answer, once for each order, unless it is old or the times make no sense."""
    sent, acknowledged = order.sent_ts, order.ack_ts
    if resting.acknowledged or sent is None or acknowledged is None:
        return
    resting.acknowledged = True
    is_fresh = (order.ts if now is None else now) - acknowledged <= _OLDEST_ACK
    if is_fresh and 0 <= acknowledged - sent <= _LONGEST_ACK:
        counts.acks.observe(acknowledged - sent)
