"""Orders followed from report to report."""

from __future__ import annotations

from decimal import Decimal

import pytest

from exporter.events import BookKey, Order
from exporter.state.orders import OrdersState
from tests.builders import T0, order

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


def fill(orders: OrdersState, order_id: str) -> None:
    orders.books[KEY].fill(order_id, "buy")


def test_an_order_with_any_number_of_fills_is_one_filled_order() -> None:
    """Whether fills or reports tell of it, before, between or after each other."""
    orders = OrdersState()
    orders.update(order("1", "open"))
    fill(orders, "1")
    orders.update(order("1", "partially_filled"))
    orders.update(order("1", "canceled"))
    fill(orders, "1")
    orders.update(order("2", "filled"))
    fill(orders, "2")
    orders.update(order("3", "canceled"))
    fill(orders, "3")
    fill(orders, "3")
    orders.update(order("4", "canceled"))
    counts = orders.books[KEY]
    assert (counts.filled["buy"], counts.placed["buy"]) == (3, 4)


def test_a_fill_counts_its_order_when_the_order_is_reported() -> None:
    """Filled orders are never more than placed ones."""
    orders = OrdersState()
    for _ in range(2):
        fill(orders, "1")
    assert orders.books[KEY].filled["buy"] == 0
    orders.update(order("1", "open"))
    fill(orders, "1")
    assert (orders.books[KEY].filled["buy"], orders.books[KEY].placed["buy"]) == (1, 1)


def test_many_fills_of_orders_that_nobody_reports_are_forgotten_oldest_first() -> None:
    """A source of fills alone does not fill the memory."""
    orders = OrdersState()
    for number in range(10_000):
        fill(orders, str(number))
    assert len(orders.books[KEY].early | orders.books[KEY].earlier) <= 2_000
    orders.update(order("9999", "filled"))
    assert orders.books[KEY].filled["buy"] == 1


def timed(sent: float | None, answered: float | None, order_id: str = "1", status: str = "open") -> Order:
    return order(order_id, status, sent_ts=sent and T0 + sent, ack_ts=answered and T0 + answered)


def test_the_answer_to_an_order_is_timed_once() -> None:
    """Whichever report brings both times, a rejection too."""
    orders = OrdersState()
    orders.update(timed(1.0, None), T0 + 1)
    orders.update(timed(1.0, 1.004), T0 + 2)
    orders.update(timed(1.0, 1.004, status="filled"), T0 + 3)
    orders.update(timed(2.0, 2.020, "2", "rejected"), T0 + 3)
    acks = orders.books[KEY].acks
    assert sum(acks.counts) == 2
    assert acks.total == pytest.approx(0.024, abs=1e-6)


@pytest.mark.parametrize(
    ("sent", "answered", "now"),
    [(2.0, 1.0, 2.0), (1.0, 4000.0, 4000.0), (1.0, 1.01, 400.0), (None, 1.0, 1.0), (1.0, None, 1.0)],
)
def test_an_answer_before_the_question_or_of_long_ago_is_not_timed(
    sent: float | None, answered: float | None, now: float
) -> None:
    """One of the two times is wrong or missing, or the order is told again later."""
    orders = OrdersState()
    orders.update(timed(sent, answered), T0 + now)
    assert sum(orders.books[KEY].acks.counts) == 0


def test_the_best_prices_of_orders_that_rest() -> None:
    """Two orders of one price are two: when one goes, the price stays."""
    orders = OrdersState()
    for name, side, price in (("1", "buy", 99), ("2", "buy", 99), ("3", "sell", 101), ("4", "buy", 98)):
        orders.update(order(name, "open", side, price=Decimal(price)))
    tops = [orders.books[KEY].top]
    for ended, side in (("1", "buy"), ("2", "buy"), ("3", "sell")):
        orders.update(order(ended, "canceled", side))
        tops.append(orders.books[KEY].top)
    orders.update(order("4", "partially_filled"))
    assert tops == [(99.0, 101.0), (99.0, 101.0), (98.0, 101.0), (98.0, None)]
    assert orders.books[KEY].top == (98.0, None)


def test_orders_whose_end_nobody_tells_make_room() -> None:
    """The oldest are not taken to rest any more; told of again they are the orders that they were."""
    orders, names = OrdersState(), [str(number) for number in range(3_000)]
    for price, name in enumerate(names, 1):
        assert orders.update(order(name, "partially_filled", price=Decimal(price)))
    counts = orders.books[KEY]
    assert len(orders.open(KEY)) == len(counts.prices["buy"]) == 2_000
    assert (names[0] in orders.open(KEY), names[-1] in orders.open(KEY)) == (False, True)
    for name in names:
        assert orders.update(order(name, "canceled"))
    assert (counts.placed["buy"], counts.filled["buy"], counts.canceled["buy"]) == (3_000, 3_000, 3_000)
    assert (counts.open, counts.before, counts.top) == ({}, {}, (None, None))


def test_a_report_is_new_when_it_tells_of_a_change() -> None:
    """Of the price, of a first fill, of the exchange's answer or of the end; anything else is a repeat."""
    orders, is_new = OrdersState(), []
    for status, changes in (
        ("open", {"price": Decimal(100)}),
        ("open", {"price": Decimal(100)}),
        ("open", {"price": Decimal(101)}),
        ("open", {}),
        ("partially_filled", {}),
        ("partially_filled", {}),
        ("open", {"sent_ts": T0, "ack_ts": T0 + 0.01}),
        ("open", {"sent_ts": T0, "ack_ts": T0 + 0.01}),
        ("filled", {}),
        ("filled", {}),
    ):
        is_new.append(orders.update(order("1", status, **changes)))
    assert is_new == [True, False, True, False, True, False, True, False, True, False]
