"""Orders followed from report to report."""

from __future__ import annotations

from exporter.events import BookKey
from exporter.state.orders import OrdersState
from tests.builders import order

KEY = BookKey("alpha", "main", "BTC/USDT", "maker")


def test_an_order_counts_once_from_placing_to_cancel() -> None:
    """Any number of reports is one order placed, and at most one end."""
    orders = OrdersState()
    for status in ("new", "open", "partially_filled", "canceled", "canceled"):
        orders.update(order("1", status))
    counts = orders.books[KEY]
    assert (counts.placed["buy"], counts.canceled["buy"], counts.open) == (1, 1, {})


def test_a_report_after_the_end_does_not_open_the_order_again() -> None:
    """Late and repeated reports leave no ghost among the open orders."""
    orders = OrdersState()
    for status in ("open", "filled", "open"):
        orders.update(order("1", status))
    assert orders.open(KEY) == {}
    assert orders.books[KEY].placed["buy"] == 1


def test_an_order_known_only_by_its_end_was_placed() -> None:
    """A rejection, or a fill between two reports, is still an order."""
    orders = OrdersState()
    orders.update(order("1", "rejected", "sell", reason="margin"))
    orders.update(order("2", "expired", "sell"))
    counts = orders.books[KEY]
    assert counts.placed["sell"] == 2
    assert counts.rejected == {"margin": 1}
    assert counts.canceled["sell"] == 1
