"""Average cost and FIFO, worked by hand and against slow ones in exact fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger.position import AveragePosition, FifoPosition

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
    position = AveragePosition()
    total = sum((position.trade(D(q), D(p)) for q, p in trades), D(0))
    assert total == D(realized)
    assert position.quantity == D(quantity)
    assert position.cost == (0 if average is None else D(quantity) * D(average))


def test_closing_in_thirds_leaves_nothing_behind() -> None:
    """A position closed in parts that do not divide evenly ends at exactly zero cost."""
    position = AveragePosition()
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
    position, slow, realized = AveragePosition(), SlowPosition(), D(0)
    for quantity, price in trades:
        realized += position.trade(quantity, price)
        slow.trade(Fraction(quantity), Fraction(price))
    mid = D("123.45")
    assert position.quantity == slow.quantity
    assert abs(Fraction(realized) - slow.realized) < Fraction(1, 10**12)
    unrealized = slow.quantity * (Fraction(mid) - slow.average)
    open_pnl = position.quantity * mid - position.cost
    assert abs(Fraction(open_pnl) - unrealized) < Fraction(1, 10**12)


@pytest.mark.parametrize(
    ("trades", "realized", "lots"),
    [
        pytest.param([("2", "100"), ("2", "110")], "0", [("2", "200"), ("2", "220")], id="keeps lots apart"),
        pytest.param(
            [("2", "100"), ("2", "110"), ("-1", "120")], "20", [("1", "100"), ("2", "220")], id="oldest first"
        ),
        pytest.param([("2", "100"), ("2", "110"), ("-3", "120")], "50", [("1", "110")], id="over two lots"),
        pytest.param([("-2", "100"), ("-2", "90"), ("3", "80")], "50", [("-1", "-90")], id="reduces a short"),
        pytest.param([("2", "100"), ("2", "110"), ("-5", "120")], "60", [("-1", "-120")], id="flips to short"),
    ],
)
def test_fifo_by_hand(trades: list[tuple[str, str]], realized: str, lots: list[tuple[str, str]]) -> None:
    """What came in first goes out first, at its own price."""
    position = FifoPosition()
    total = sum((position.trade(D(q), D(p)) for q, p in trades), D(0))
    assert total == D(realized)
    assert position.lots() == [(D(q), D(c)) for q, c in lots]
    assert position.quantity == sum(D(q) for q, _ in lots)
    assert position.cost == sum(D(c) for _, c in lots)


@given(st.lists(st.tuples(_quantities, _prices), max_size=40))
def test_fifo_equals_single_units(trades: list[tuple[Decimal, Decimal]]) -> None:
    """Matching each sale with the oldest purchases by exact fractions gives the same to 1e-12."""
    position, realized = FifoPosition(), D(0)
    slow: list[tuple[Fraction, Fraction]] = []
    expected = Fraction(0)
    for quantity, price in trades:
        realized += position.trade(quantity, price)
        rest = Fraction(quantity)
        while rest and slow and slow[0][0] * rest < 0:
            lot, entry = slow.pop(0)
            closed = lot if abs(lot) <= abs(rest) else -rest
            expected += closed * (Fraction(price) - entry)
            rest += closed
            if lot != closed:
                slow.insert(0, (lot - closed, entry))
        if rest:
            slow.append((rest, Fraction(price)))
    assert abs(Fraction(realized) - expected) < Fraction(1, 10**12)
    assert position.quantity == sum(quantity for quantity, _ in slow)
    assert abs(Fraction(position.cost) - sum(quantity * entry for quantity, entry in slow)) < Fraction(1, 10**12)
