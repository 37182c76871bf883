"""Orders by account, symbol, strategy and side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from exporter import metrics
from exporter.events import SIDES
from exporter.exposition import Batch
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """Both sides of every book that has orders, from 0 on."""
    books = {key: orders for key, orders in state.orders.books.items() if orders.placed}
    yield metrics.ORDERS, [((*key, side), o.placed[side]) for key, o in books.items() for side in SIDES]
    yield metrics.ORDERS_FILLED, [((*key, side), o.filled[side]) for key, o in books.items() for side in SIDES]
    yield (
        metrics.ORDER_CANCELS,
        [((*key, side), o.canceled[side]) for key, o in books.items() for side in SIDES],
    )
    yield (
        metrics.ORDER_REJECTIONS,
        [((*key, reason), n) for key, o in books.items() for reason, n in o.rejected.items()],
    )
    resting = {key: Counter(order.side for order in o.open.values()) for key, o in books.items()}
    yield metrics.ORDERS_OPEN, [((*key, side), n[side]) for key, n in resting.items() for side in SIDES]
    yield metrics.ORDER_ACK, [(key, o.acks) for key, o in books.items() if any(o.acks.counts)]
