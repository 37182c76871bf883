"""Rates through pegs and markets, at the time asked for."""

from __future__ import annotations

from decimal import Decimal

from exporter.ledger.currency import KEEP_SECONDS, MidHistory, Rate, Rates

D = Decimal
NOW = 1000.0  # our clock, which has nothing to do with the exchange's


def test_a_peg_wins_over_a_market() -> None:
    """What the configuration fixes is not moved by a market."""
    rates = Rates({"USDT": D(1)})
    rates.observe("alpha", "USDT/USD", 1.0, 0.5, NOW)
    assert rates.usd("USDT", "alpha", NOW) == 1


def test_the_rate_is_that_of_the_time_asked_for() -> None:
    """A conversion in the past takes the mid that stood then, not the newest."""
    rates = Rates({"USDT": D(1)})
    for ts, mid in ((10.0, 300.0), (20.0, 310.0), (30.0, 320.0)):
        rates.observe("alpha", "BNB/USDT", ts, mid, NOW)
    assert value(rates.usd_at("BNB", "alpha", 20.0)) == 310
    assert value(rates.usd_at("BNB", "alpha", 29.999)) == 310
    assert value(rates.usd_at("BNB", "alpha", 5.0)) == 300
    assert rates.usd("BNB", "alpha", NOW) == 320


def test_unknown_currency_has_no_rate() -> None:
    """No peg and no market gives None, never zero."""
    assert Rates().usd("BNB", "alpha", NOW) is None


def test_own_exchange_comes_first() -> None:
    """The market of the fill's exchange is taken before another's, which is taken before none."""
    rates = Rates({"USDT": D(1)})
    rates.observe("beta", "BNB/USDT", 1.0, 290.0, NOW)
    assert rates.usd("BNB", "alpha", NOW) == 290
    rates.observe("alpha", "BNB/USDT", 1.0, 300.0, NOW)
    assert rates.usd("BNB", "alpha", NOW) == 300
    assert rates.usd("BNB", "beta", NOW) == 290


def test_routes_over_several_markets_and_inverse_ones() -> None:
    """A currency is reached through other markets, and through one quoted the other way round."""
    rates = Rates({"USDT": D(1)})
    rates.observe("alpha", "XRP/ETH", 1.0, 0.001, NOW)
    rates.observe("alpha", "ETH/USDT", 1.0, 2000.0, NOW)
    rates.observe("alpha", "USD/JPY", 1.0, 160.0, NOW)
    assert rates.usd("XRP", "alpha", NOW) == 2
    assert rates.usd("JPY", "alpha", NOW) == D(1) / D(160)


def test_a_circle_of_markets_ends() -> None:
    """Currencies that are quoted only in each other have no rate."""
    rates = Rates()
    rates.observe("alpha", "A/B", 1.0, 2.0, NOW)
    rates.observe("alpha", "B/C", 1.0, 2.0, NOW)
    rates.observe("alpha", "C/A", 1.0, 2.0, NOW)
    assert rates.usd("A", "alpha", NOW) is None


def test_history_keeps_an_hour_and_the_mid_before_it() -> None:
    """Old mids are forgotten, yet the one that stood an hour ago is still known."""
    history = MidHistory()
    for second in range(3 * 3600):
        history.add(float(second), 100.0 + second, NOW)
    assert len(history) < KEEP_SECONDS + 1100
    newest = 3 * 3600.0 - 1
    assert history.at(newest - KEEP_SECONDS) == Rate(D(repr(100.0 + newest - KEEP_SECONDS)))


def test_a_mid_that_comes_a_little_late_does_not_replace_the_present_one() -> None:
    """A snapshot from before a change leaves the change in place."""
    history = MidHistory()
    history.add(10.0, 100.0, NOW)
    history.add(9.5, 90.0, NOW)
    assert value(history.latest(NOW)) == 100


def test_a_clock_that_is_set_back_does_not_freeze_the_price() -> None:
    """After the exchange mends its clock, its new prices count, and what it stamped in the future never was."""
    history = MidHistory()
    history.add(10.0, 100.0, NOW)
    history.add(45.0, 200.0, NOW)
    history.add(16.0, 110.0, NOW)
    history.add(16.5, 111.0, NOW)
    assert value(history.latest(NOW)) == 111
    assert value(history.at(50.0)) == 111
    assert value(history.at(12.0)) == 100


def test_one_old_answer_erases_nothing() -> None:
    """A single book with an old time, such as a cached answer, leaves what was observed since in place."""
    history = MidHistory()
    for second in range(100, 120):
        history.add(float(second), float(second), NOW)
    history.add(103.0, 50.0, NOW)
    assert value(history.latest(NOW)) == 50
    history.add(120.0, 120.0, NOW)
    history.add(104.0, 50.0, NOW)
    history.add(121.0, 121.0, NOW)
    assert history.at(108.0) == Rate(D("108.0"))
    assert value(history.latest(NOW)) == 121


def test_time_that_was_skipped_stays_unknown_after_the_clock_is_set_back() -> None:
    """What nobody observed is not exact, whatever the exchange does with its clock."""
    history = MidHistory(max_age=10.0)
    for ts in (100.0, 200.0, 150.0, 150.1):
        history.add(ts, ts, NOW)
    rate = history.at(120.0)
    assert rate is not None
    assert not rate.exact


def test_gaps_are_forgotten_like_the_mids() -> None:
    """A market that is seen only now and then, and never moves, does not fill the memory."""
    history = MidHistory(max_age=10.0)
    for step in range(5000):
        history.add(step * 15.0, 1.0, NOW)
    assert len(history._gaps) < KEEP_SECONDS / 15 + 2


def test_a_price_that_was_not_observed_is_not_exact() -> None:
    """Before the first observation, in a gap and long after the last one, a near price stands in and says so."""
    history = MidHistory(max_age=10.0)
    for ts, mid in ((100.0, 1.0), (105.0, 1.0), (200.0, 2.0)):
        history.add(ts, mid, NOW)
    exact = {ts: history.at(ts) for ts in (99.0, 103.0, 150.0, 200.0, 209.0, 211.0)}
    assert {ts: rate.exact for ts, rate in exact.items() if rate} == {
        99.0: False,
        103.0: True,
        150.0: False,
        200.0: True,
        209.0: True,
        211.0: False,
    }


def value(rate: Rate | None) -> Decimal | None:
    return rate.value if rate else None
