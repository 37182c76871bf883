"""Orders by who placed them: how many were placed, rest, were canceled or rejected."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field

from exporter.events import ENDED, BookKey, Order, Side

_REMEMBER_ENDED = 10_000


@dataclass(slots=True)
class OrderCounts:
    """Counts of one book, by side; rejections by reason."""

    placed: defaultdict[Side, int] = field(default_factory=lambda: defaultdict(int))
    canceled: defaultdict[Side, int] = field(default_factory=lambda: defaultdict(int))
    rejected: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    open: dict[str, Side] = field(default_factory=dict)


class OrdersState:
    """Follows each order from its first report to its end, whatever the number of reports between."""

    def __init__(self) -> None:
        self.books: defaultdict[BookKey, OrderCounts] = defaultdict(OrderCounts)
        self._ended: OrderedDict[tuple[BookKey, str], None] = OrderedDict()

    def update(self, order: Order) -> bool:
        """Take a report; True when it told something new. What comes after an order's end is a repeat."""
        key = BookKey(order.exchange, order.account, order.symbol, order.strategy)
        counts = self.books[key]
        if (key, order.order_id) in self._ended:
            return False
        is_new = order.order_id not in counts.open
        counts.placed[order.side] += is_new
        if order.status not in ENDED:
            counts.open[order.order_id] = order.side
            return is_new
        counts.open.pop(order.order_id, None)
        self._end(key, order)
        return True

    def open(self, key: BookKey) -> dict[str, Side]:
        """The ids and sides of the orders that rest as far as we know."""
        return dict(self.books[key].open) if key in self.books else {}

    def _end(self, key: BookKey, order: Order) -> None:
        self._ended[key, order.order_id] = None
        if len(self._ended) > _REMEMBER_ENDED:
            self._ended.popitem(last=False)
        if order.status in ("canceled", "expired"):
            self.books[key].canceled[order.side] += 1
        elif order.status == "rejected":
            self.books[key].rejected[order.reason or "exchange"] += 1
