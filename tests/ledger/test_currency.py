"""Rates through pegs and markets, at the time asked for."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger.currency import KEEP_SECONDS, MidHistory, Rate, Rates
from tests.builders import T0
from tests.ledger.calls import calls

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


def test_a_backlog_is_not_the_present() -> None:
    """While the market is observed at the right time, what is minutes old neither is its price nor erases anything."""
    rates = Rates()
    for at in range(100):
        rates.observe("alpha", "BNB/USD", T0 + at, 600.0 + at, T0 + at)
    for at in range(-200, 80):
        rates.observe("alpha", "BNB/USD", T0 + at, 720.0, T0 + 100)
    assert rates.usd("BNB", "alpha", T0 + 100) == 699
    assert rates.usd_at("BNB", "alpha", T0 + 50) == Rate(D("650.0"))


def test_a_clock_that_was_right_and_is_set_back_is_followed_in_the_end() -> None:
    """What looks like a backlog at first is the market once nothing else came for a minute."""
    history = MidHistory(max_age=10.0)
    history.add(T0, 100.0, T0)
    history.add(T0 - 30, 110.0, T0 + 30)
    assert history.latest(T0 + 30) is None
    history.add(T0 - 29, 110.0, T0 + 61)
    assert value(history.latest(T0 + 61)) == 110
    history.add(T0 - 28, 111.0, T0 + 62)
    assert value(history.at(T0)) == 111


def test_a_busy_market_does_not_fill_the_memory() -> None:
    """The newest changes are kept as they came; of older ones what is told stood at most a tenth of a second before."""
    history = MidHistory()
    for ms in range(200_000):
        history.add(T0 + ms / 1000, 1.0 + ms, T0 + ms / 1000)
    assert len(history) < 32_768 + 1024 + 2 * 2000
    for ms in range(777, 200_000, 777):
        told = history.at(T0 + ms / 1000)
        assert told is not None
        late = 1 + ms - told.value
        assert 0 <= late <= (100 if ms < 170_000 else 0)


def test_a_change_takes_little_memory() -> None:
    """Two numbers of eight bytes, and some room to grow."""
    history = MidHistory()
    tracemalloc.start()
    try:
        for ms in range(30_000):
            history.add(T0 + ms / 1000, 1.0 + ms, T0 + ms / 1000)
        assert tracemalloc.get_traced_memory()[0] < 24 * 30_000
    finally:
        tracemalloc.stop()


def test_a_market_that_is_set_back_while_old_changes_are_thinned_goes_on() -> None:
    """What is left is thinned no further, and what comes is kept as it came."""
    history = MidHistory()
    for ms in range(100_000):
        history.add(ms / 1000, 1.0 + ms, NOW)
    for ms in (20_000, 20_001):
        history.add(ms / 1000, 7.0 + ms, NOW)
    for ms in range(20_002, 150_000):
        history.add(ms / 1000, 7.0 + ms, NOW)
    assert len(history) < 32_768 + 1024 + 2 * 1500
    assert value(history.at(150.0)) == 7 + 149_999
    assert value(history.at(149.0)) == 7 + 149_000


def coins(count: int) -> Rates:
    """As many coins, each in three markets, and none of them leads to the dollar."""
    rates = Rates()
    for quoted in ("BTC/USDT", "ETH/USDT", *(f"C{n}/{q}" for n in range(count) for q in ("USDT", "BTC", "ETH"))):
        rates.observe("alpha", quoted, T0, 2.0, T0)
    return rates


def test_a_rate_that_is_not_there_is_not_searched_among_all_markets() -> None:
    """Each fill and each book asks for it, and everything else waits until it is answered."""
    rates = coins(100)
    assert calls(lambda: rates.usd_at("USDT", "alpha", T0)) < 10
    rates.observe("alpha", "USDT/USD", T0, 1.0, T0)
    assert rates.usd("C7", "alpha", T0) == 2
    for n in range(100):
        for quote in ("USDT", "BTC", "ETH"):
            rates.observe("alpha", f"C{n}/{quote}", T0 + 60, 2.0, T0 + 60)
    assert calls(lambda: [rates.usd("USDT", "alpha", T0 + 60) for _ in range(100)]) < 2000
    assert rates.usd("USDT", "alpha", T0 + 60) is None


def test_a_rate_told_at_a_moment_is_not_told_after_a_change() -> None:
    """One that was worked out is told again only while nothing was observed and no time passed."""
    rates = Rates()
    rates.observe("alpha", "BNB/USD", T0, 600.0, T0)
    assert rates.usd("BNB", "alpha", T0) == 600
    rates.observe("alpha", "BNB/USD", T0, 601.0, T0)
    assert rates.usd("BNB", "alpha", T0) == 601
    assert rates.usd("BNB", "alpha", T0 + 60) is None


Seen = list[tuple[str, str, float, bool]]
_names = st.sampled_from(["USD", "USDT", "A", "B", "C", "D"])
_seen = st.lists(
    st.tuples(
        st.sampled_from(["alpha", "beta"]),
        st.tuples(_names, _names, st.sampled_from(["", ":"])).filter(lambda pair: pair[0] != pair[1]),
        st.sampled_from([0.5, 2.0, 4.0, 10.0]),
        st.booleans(),
    ).map(lambda m: (m[0], f"{m[1][0]}/{m[1][1]}" + (m[1][2] and f":{m[1][1]}"), m[2], m[3])),
    max_size=12,
    unique_by=lambda market: market[:2],
)


def slow_usd(currency: str, exchange: str, seen: Seen, through: tuple[str, ...] = ()) -> Decimal | None:
    """The first of all ways over at most three fresh markets, tried one by one."""
    if currency == "USD":
        return D(1)
    ways = []
    for place, symbol, mid, is_fresh in seen:
        base, _, rest = symbol.partition("/")
        quote, contract, _ = rest.partition(":")
        if is_fresh and currency in (base, quote):
            other, inverse = (quote, False) if currency == base else (base, True)
            ways.append((place != exchange, bool(contract), inverse, place, other, 1 / D(mid) if inverse else D(mid)))
    for *_, place, other, worth in sorted(ways, key=lambda way: way[:3]) if len(through) < 3 else ():
        rate = None if other in through else slow_usd(other, place, seen, (*through, currency))
        if rate is not None:
            return worth * rate
    return None


@given(_seen)
def test_the_preferred_way_is_found(seen: Seen) -> None:
    """Whatever the markets, in whatever order they come to be known, and whichever of them are stale."""
    rates = Rates()
    for exchange, symbol, mid, is_fresh in seen:
        rates.observe(exchange, symbol, 1.0, mid, NOW if is_fresh else NOW - 60)
        rates.usd("A", "alpha", NOW)
    for currency in ("USDT", "A", "B", "C", "D"):
        for exchange in ("alpha", "beta"):
            assert rates.usd(currency, exchange, NOW) == slow_usd(currency, exchange, seen)
            is_known = slow_usd(currency, exchange, [(*each[:3], True) for each in seen]) is not None
            assert rates.are_known(currency) is is_known
            assert (rates.usd_at(currency, exchange, 1.0) is not None) is is_known


def value(rate: Rate | None) -> Decimal | None:
    return rate.value if rate else None
