"""Rates through pegs and markets, at the time asked for."""

from __future__ import annotations

from decimal import Decimal

from exporter.ledger.currency import KEEP_SECONDS, MidHistory, Rates

D = Decimal


def test_a_peg_wins_over_a_market() -> None:
    """What the configuration fixes is not moved by a market."""
    rates = Rates({"USDT": D(1)})
    rates.observe("alpha", "USDT/USD", 1.0, 0.5)
    assert rates.usd("USDT", "alpha") == 1


def test_the_rate_is_that_of_the_time_asked_for() -> None:
    """A conversion in the past takes the mid that stood then, not the newest."""
    rates = Rates({"USDT": D(1)})
    for ts, mid in ((10.0, 300.0), (20.0, 310.0), (30.0, 320.0)):
        rates.observe("alpha", "BNB/USDT", ts, mid)
    assert rates.usd("BNB", "alpha", 20.0) == 310
    assert rates.usd("BNB", "alpha", 29.999) == 310
    assert rates.usd("BNB", "alpha", 5.0) == 300
    assert rates.usd("BNB", "alpha") == 320


def test_unknown_currency_has_no_rate() -> None:
    """No peg and no market gives None, never zero."""
    assert Rates().usd("BNB", "alpha") is None


def test_own_exchange_comes_first() -> None:
    """The market of the fill's exchange is taken before another's, which is taken before none."""
    rates = Rates({"USDT": D(1)})
    rates.observe("beta", "BNB/USDT", 1.0, 290.0)
    assert rates.usd("BNB", "alpha") == 290
    rates.observe("alpha", "BNB/USDT", 1.0, 300.0)
    assert rates.usd("BNB", "alpha") == 300
    assert rates.usd("BNB", "beta") == 290


def test_routes_over_several_markets_and_inverse_ones() -> None:
    """A currency is reached through other markets, and through one quoted the other way round."""
    rates = Rates({"USDT": D(1)})
    rates.observe("alpha", "XRP/ETH", 1.0, 0.001)
    rates.observe("alpha", "ETH/USDT", 1.0, 2000.0)
    rates.observe("alpha", "USD/JPY", 1.0, 160.0)
    assert rates.usd("XRP", "alpha") == 2
    assert rates.usd("JPY", "alpha") == D(1) / D(160)


def test_a_circle_of_markets_ends() -> None:
    """Currencies that are quoted only in each other have no rate."""
    rates = Rates()
    rates.observe("alpha", "A/B", 1.0, 2.0)
    rates.observe("alpha", "B/C", 1.0, 2.0)
    rates.observe("alpha", "C/A", 1.0, 2.0)
    assert rates.usd("A", "alpha") is None


def test_history_keeps_an_hour_and_the_mid_before_it() -> None:
    """Old mids are forgotten, yet the one that stood an hour ago is still known."""
    history = MidHistory()
    for second in range(3 * 3600):
        history.add(float(second), 100.0 + second)
    assert len(history.times) < KEEP_SECONDS + 1100
    newest = history.times[-1]
    assert history.at(newest - KEEP_SECONDS) == D(repr(100.0 + newest - KEEP_SECONDS))


def test_history_ignores_what_is_older_than_its_newest() -> None:
    """A mid that arrives out of order does not replace the present one."""
    history = MidHistory()
    history.add(10.0, 100.0)
    history.add(9.0, 90.0)
    assert history.latest() == 100
