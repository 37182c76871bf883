"""What events refuse, and what they say about it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from exporter.errors import EventError
from exporter.events import Transfer
from tests.builders import T0, book, fee, fill, order


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"ts": T0 * 1000}, "give Unix time in seconds; that is milliseconds, divide by 1000"),
        ({"ts": 0.0}, "ts is 0.0"),
        ({"ts": float("nan")}, "ts is nan"),
        ({"price": Decimal("NaN")}, "price is NaN; give a finite number above 0"),
        ({"price": Decimal(-1)}, "price is -1"),
        ({"quantity": Decimal("Infinity")}, "quantity is Infinity"),
        ({"quantity": Decimal(0)}, "quantity is 0"),
        ({"trade_id": ""}, "trade_id is empty"),
        ({"symbol": "BTCUSDT"}, "symbol is 'BTCUSDT'; write it as BASE/QUOTE"),
    ],
)
def test_a_broken_fill_is_refused(broken: dict[str, object], message: str) -> None:
    """Each rule names the field, the value and what to give instead."""
    with pytest.raises(EventError) as raised:
        fill("1", "buy", "100", "1", **broken)
    assert message in str(raised.value)


def test_a_fee_must_be_finite_and_have_a_currency() -> None:
    """A fee that cannot be added up is refused."""
    with pytest.raises(EventError, match=r"fee\.amount is NaN"):
        fee("NaN")
    with pytest.raises(EventError, match=r"fee\.currency is empty"):
        fee("1", "")


@pytest.mark.parametrize("amount", ["1e-25", "-1e-25", "1e-5000000000", "0e-5000000000", "1e25", "-1e25", "Infinity"])
def test_an_amount_has_a_size_that_can_be_written_down(amount: str) -> None:
    """With billions of decimals nothing could be told of it in digits; this holds for every kind of amount."""
    moved: dict[str, Any] = {"exchange": "alpha", "transfer_id": "1", "currency": "BTC", "ts": T0}
    with pytest.raises(EventError, match=r"fee\.amount is .*; give a finite number, 0 or between 1e-24 and 1e24"):
        fee(amount)
    with pytest.raises(EventError, match=r"amount is .*; give a finite number, 0 or between 1e-24 and 1e24"):
        Transfer(amount=Decimal(amount), **moved)


@pytest.mark.parametrize("amount", ["0", "-0", "0.000000000000000000", "1e-24", "-1e-24", "1e24", "-1e24", "-0.1"])
def test_an_amount_may_have_either_sign_or_be_nothing(amount: str) -> None:
    """A rebate is a negative fee, and many fees are 0."""
    assert fee(amount).amount == Decimal(amount)


@pytest.mark.parametrize(
    ("bid", "ask"), [(0.0, 1.0), (-1.0, 1.0), (float("inf"), 1.0), (1.0, float("nan")), (1e-300, 1.0), (1.0, 1e300)]
)
def test_a_book_price_is_finite_and_above_zero(bid: float, ask: float) -> None:
    """No infinity, no zero, nothing that is not a number, and nothing whose square is no float becomes a price."""
    with pytest.raises(EventError, match="a price is between 1e-24 and 1e24"):
        book(bid, ask)


def test_a_crossed_book_is_refused() -> None:
    """A bid at or above the ask has no mid that means anything."""
    with pytest.raises(EventError, match=r"bid 100\.0 is not below ask 100\.0"):
        book(100.0, 100.0)


def test_a_one_sided_book_has_no_mid() -> None:
    """A mid needs both sides."""
    assert book(None, 100.0).mid is None
    assert book(99.0, 100.0).mid == 99.5


def test_an_order_needs_an_id() -> None:
    """Without an id an order cannot be followed."""
    with pytest.raises(EventError, match="order_id is empty"):
        order("", "open")
