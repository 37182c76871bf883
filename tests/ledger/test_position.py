"""Average cost, worked by hand and against a slow ledger in exact fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger.position import Position

D = Decimal


@pytest.mark.parametrize(
    ("trades", "realized", "quantity", "average"),
    [
        pytest.param([("2", "100"), ("2", "110")], "0", "4", "105", id="adds at the average"),
        pytest.param([("2", "100"), ("2", "110"), ("-1", "120")], "15", "3", "105", id="reduces a long"),
        pytest.param([("-2", "100"), ("1", "90")], "10", "-1", "100", id="reduces a short"),
        pytest.param([("2", "100"), ("-2", "90")], "-20", "0", None, id="closes at a loss"),
        pytest.param([("2", "100"), ("-5", "110")], "20", "-3", "110", id="flips to short"),
        pytest.param([("-2", "100"), ("5", "90")], "20", "3", "90", id="flips to long"),
    ],
)
def test_by_hand(trades: list[tuple[str, str]], realized: str, quantity: str, average: str | None) -> None:
    """Each change of a position realises what average cost says."""
    position = Position()
    total = sum((position.trade(D(q), D(p)) for q, p in trades), D(0))
    assert total == D(realized)
    assert position.quantity == D(quantity)
    assert position.average_price == (None if average is None else D(average))


def test_closing_in_thirds_leaves_nothing_behind() -> None:
    """A position closed in parts that do not divide evenly ends at exactly zero cost."""
    position = Position()
    position.trade(D("3"), D("100.01"))
    position.trade(D("7"), D("99.97"))
    for part in ("-3.3333", "-3.3333", "-3.3334"):
        position.trade(D(part), D("101"))
    assert position.quantity == 0
    assert position.cost == 0


class SlowPosition:
    """The same rules unit by unit of thought, in exact fractions: close first, then open the rest."""

    def __init__(self) -> None:
        self.quantity, self.average, self.realized = Fraction(0), Fraction(0), Fraction(0)

    def trade(self, quantity: Fraction, price: Fraction) -> None:
        if self.quantity != 0 and (self.quantity > 0) != (quantity > 0):
            closing = min(abs(quantity), abs(self.quantity)) * (1 if quantity > 0 else -1)
            self.realized += -closing * (price - self.average)
            self.quantity += closing
            quantity -= closing
        if quantity != 0:
            self.average = (self.average * self.quantity + price * quantity) / (self.quantity + quantity)
            self.quantity += quantity


_prices = st.decimals(min_value="0.0001", max_value="100000", places=4)
_quantities = st.decimals(min_value="-100", max_value="100", places=6).filter(bool)


@given(st.lists(st.tuples(_quantities, _prices), max_size=40))
def test_equals_exact_fractions(trades: list[tuple[Decimal, Decimal]]) -> None:
    """Whatever is traded, realised and unrealised PnL equal those in exact fractions to 1e-12."""
    position, slow, realized = Position(), SlowPosition(), D(0)
    for quantity, price in trades:
        realized += position.trade(quantity, price)
        slow.trade(Fraction(quantity), Fraction(price))
    mid = D("123.45")
    assert position.quantity == slow.quantity
    assert abs(Fraction(realized) - slow.realized) < Fraction(1, 10**12)
    unrealized = slow.quantity * (Fraction(mid) - slow.average)
    assert abs(Fraction(position.unrealized(mid)) - unrealized) < Fraction(1, 10**12)
