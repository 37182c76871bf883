"""Drawdown, value at risk and expected shortfall, by hand and against numpy."""

from __future__ import annotations

import csv
import gzip
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from exporter.ledger.risk import Series, enough, historical, parametric

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "BTC-PERP-1m-2022-01.csv.gz"
TEN = [-40.0, 10.0, -30.0, 20.0, -20.0, 30.0, -10.0, 40.0, 0.0, 50.0]  # losses 40, 30, 20, 10, 0, -10 … -50


def test_historical_by_hand() -> None:
    """The quantile lies between order statistics, and the shortfall is the mean of what is at least as bad."""
    at_80 = historical(TEN, 0.8)  # place 7.2 of the losses in order: 20 + 0.2 * 10
    assert at_80.value_at_risk == pytest.approx(22)
    assert at_80.expected_shortfall == pytest.approx(35)


def test_parametric_by_hand() -> None:
    """z times the standard deviation less the mean; the shortfall with the normal density at z."""
    changes = [1.0, 2.0, 3.0, 4.0, 5.0]  # mean 3, standard deviation of a sample sqrt(2.5)
    found = parametric(changes, 0.95)
    deviation, z = math.sqrt(2.5), 1.6448536269514722
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    assert found.value_at_risk == pytest.approx(z * deviation - 3)
    assert found.expected_shortfall == pytest.approx(deviation * density / 0.05 - 3)


def test_a_gain_in_all_cases_is_a_negative_loss() -> None:
    """Who never lost has a value at risk below zero, which says so."""
    assert historical([5.0] * 40, 0.95) == (-5.0, -5.0)


@pytest.mark.parametrize(("count", "confidence", "expected"), [(29, 0.8, False), (99, 0.95, False), (100, 0.95, True)])
def test_too_few_observations_are_no_estimate(count: int, confidence: float, expected: bool) -> None:
    """A tail needs observations in it."""
    assert enough([0.0] * count, confidence) is expected


def test_changes_overlap_and_leave_out_what_is_unknown() -> None:
    """A step without a sample makes unknown the changes that begin or end there, and no others."""
    series = Series(step=60, window=600, capital=None)
    for minute, value in ((0, 1.0), (1, 2.0), (2, 4.0), (4, 16.0), (5, 32.0)):
        assert series.add(60.0 * minute + 7, value)
    assert series.changes(60) == [1.0, 2.0, 16.0]
    assert series.changes(120) == [3.0, 12.0]
    assert not series.add(60.0 * 5 + 30, 99.0)


def test_the_window_forgets() -> None:
    """Only what lies within the window counts."""
    series = Series(step=60, window=180, capital=None)
    for minute in range(10):
        series.add(60.0 * minute, float(minute**2))
    assert series.changes(60) == [13.0, 15.0, 17.0]
    series.add(60.0 * 10**6, 0.0)
    assert series.changes(60) == []


def test_drawdown_by_hand() -> None:
    """The highest level begins at the capital, and what was lost is a share of it."""
    series = Series(step=60, window=600, capital=1000)
    assert series.drawdown(-100) == pytest.approx(-0.1)
    series.add(60, 250)
    assert series.drawdown(0) == pytest.approx(-0.2)
    assert series.drawdown(500) == 0
    assert series.drawdown(200) == pytest.approx(-0.2)
    assert Series(step=60, window=600, capital=None).drawdown(5) is None


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_recorded_prices_against_numpy(confidence: float) -> None:
    """A month of minutes of a perpetual, one coin held: both methods agree with numpy."""
    if not RECORDED.exists():
        pytest.skip(f"the recorded prices are not here: {RECORDED.name}")
    with gzip.open(RECORDED, "rt") as file:
        rows = list(csv.DictReader(file))
    closes = [(_time(row["timestamp"]), float(row["close"])) for row in rows]
    series = Series(step=60, window=40 * 86_400, capital=None)
    for ts, close in closes:
        series.add(ts, close)
    changes = series.changes(3600)
    times, prices = np.array([ts for ts, _ in closes]), np.array([close for _, close in closes])
    expected = _changes(times, prices, 3600)
    assert len(changes) == len(expected) > 40_000
    losses = -expected
    quantile = np.quantile(losses, confidence)
    found = historical(changes, confidence)
    assert found.value_at_risk == pytest.approx(quantile, rel=1e-12)
    assert found.expected_shortfall == pytest.approx(losses[losses >= quantile].mean(), rel=1e-12)
    assert parametric(changes, confidence).value_at_risk == pytest.approx(
        _Z[confidence] * expected.std(ddof=1) - expected.mean(), rel=1e-9
    )


_Z = {0.9: 1.2815515655446004, 0.95: 1.6448536269514722, 0.99: 2.3263478740408408}


def _changes(times: np.ndarray, prices: np.ndarray, horizon: float) -> np.ndarray:
    """Changes over the horizon between minutes that are both there."""
    later = np.searchsorted(times, times + horizon)
    there = (later < len(times)) & (times[np.minimum(later, len(times) - 1)] == times + horizon)
    changes: np.ndarray = prices[later[there]] - prices[there]
    return changes


def _time(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
