"""Spread integrals over time."""

from __future__ import annotations

import pytest

from exporter.state.market import MarketState
from tests.builders import T0, book


def test_the_integral_gives_the_time_weighted_mean() -> None:
    """Two seconds at 100 bp and eight at 200 bp are 180 bp on average, whenever it is read."""
    market = MarketState()
    market.update(book(99.5, 100.5), T0)
    market.integrate(T0 + 1)
    market.update(book(99.0, 101.0), T0 + 2)
    market.integrate(T0 + 10)
    assert market.observed_seconds == pytest.approx(10)
    assert market.spread_seconds / market.observed_seconds == pytest.approx(0.018)


def test_no_time_passes_while_a_market_is_lost() -> None:
    """A dead stream's last spread is not carried on, and its mid is not shown."""
    market = MarketState()
    market.update(book(99.0, 101.0), T0)
    market.integrate(T0 + 5)
    market.lose()
    market.integrate(T0 + 100)
    assert market.observed_seconds == pytest.approx(5)
    assert market.mid is None
    market.update(book(99.0, 101.0), T0 + 200)
    market.integrate(T0 + 201)
    assert market.observed_seconds == pytest.approx(6)


def test_a_side_that_is_empty_ends_the_observation() -> None:
    """Without an ask there is no spread, and its time does not count."""
    market = MarketState()
    market.update(book(99.0, 101.0), T0)
    market.update(book(99.0, None), T0 + 3)
    market.integrate(T0 + 60)
    assert market.observed_seconds == pytest.approx(3)
    assert market.spread_ratio is None


def test_a_market_that_never_sends_anything_grows_stale() -> None:
    """Its data is as old as the watching, so that an alert on age can fire."""
    market = MarketState()
    market.expect(T0)
    market.expect(T0 + 60)
    assert market.updated == T0


def test_the_time_of_the_data_is_on_our_clock() -> None:
    """An exchange whose clock is ahead does not make its data look newer."""
    market = MarketState()
    market.update(book(99.0, 101.0, T0 + 30), T0, clock_offset=30.0)
    assert market.updated == T0
