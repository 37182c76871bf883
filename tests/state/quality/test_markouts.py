"""When a horizon has passed, what can never be known, and any mix of it against a slow calculation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.events import LIQUIDITIES
from exporter.journal.records import Valued
from exporter.state.quality.rows import Rows
from tests.builders import T0, fill
from tests.state.quality.desk import HORIZONS, Desk

SHORT = (1.0, 5.0)


def test_a_horizon_that_has_not_passed_has_no_markout() -> None:
    """The price at t + h is known only when the market has been seen after it."""
    desk = Desk()
    desk.mid(0, 100.0)
    desk.fill("buy", "99", "1", 0.5, liquidity="maker")
    desk.mids((1.0, 101.0), (1.5, 102.0))
    desk.advance(1.5)
    assert (desk.horizon(0.1).volume, desk.horizon(1.0).volume) == (100.0, 0)
    desk.mid(1.6, 103.0)
    desk.advance(1.6)
    assert desk.horizon(1.0).markout == pytest.approx(3.0)
    assert desk.horizon(5.0).volume == 0


def test_a_mid_that_changes_at_the_very_horizon_counts() -> None:
    """Whatever the last digits of two times say: 0.1 s after 0.2 is 0.3."""
    desk = Desk()
    for at in (0.2, 0.7, 1.1, 4.4):
        desk.mid(at - 0.1, 100.0)
        desk.mid(at, 100.0)
        desk.fill("buy", "100", "1", at, liquidity="maker")
        desk.mid(at + 0.1, 101.0)
        desk.mid(at + 0.2, 50.0)
        desk.advance(at + 0.2)
    # The mids of the fills' own times are 100, and each is 1 ahead a tenth of a second later.
    assert desk.horizon(0.1).markout == pytest.approx(4.0)


def test_a_gap_in_the_market_is_missing_and_what_follows_is_not() -> None:
    """During twelve silent seconds nobody knows the mid; after them it is known again."""
    desk = Desk()
    desk.mids((0, 100.0), (1.0, 101.0))
    desk.fill("buy", "100", "1", 0.5, liquidity="maker")
    desk.mids((13.0, 103.0), (22.0, 104.0), (31.0, 105.0))
    desk.advance(31.0)
    assert [desk.horizon(h).missing for h in HORIZONS] == [0, 1, 1, 0, 0]
    assert desk.horizon(30.0).markout == pytest.approx(4.0)


def test_a_gap_after_which_the_mid_is_the_same_is_a_gap() -> None:
    """Who was away cannot say that nothing moved."""
    desk = Desk(horizons=(5.0,))
    desk.mids((0, 100.0), (6.0, 100.0))
    desk.fill("buy", "99", "1", 0.0, liquidity="maker")
    desk.fill("buy", "99", "1", 5.0, liquidity="maker")
    desk.mids((17.0, 100.0), (18.0, 100.0))
    desk.advance(18.0)
    assert (desk.horizon(5.0).markout, desk.horizon(5.0).missing) == (1.0, 1)


def test_a_market_that_never_comes_back_is_missing_in_the_end() -> None:
    """Fills do not wait for ever for a dead stream."""
    desk = Desk()
    desk.mid(0, 100.0)
    desk.fill("buy", "100", "1", 0.0, liquidity="maker")
    desk.advance(9.0)
    assert desk.horizon(1.0).missing == 0
    desk.advance(11.0)
    assert [desk.horizon(h).missing for h in HORIZONS] == [1, 1, 1, 0, 0]
    desk.advance(400.0)
    assert [desk.horizon(h).missing for h in HORIZONS] == [1, 1, 1, 1, 1]


def test_a_backfilled_fill_takes_the_mids_of_its_time() -> None:
    """A minute late, its markouts are those that it would have had."""
    desk = Desk()
    for second in range(61):
        desk.mid(second, 100.0 + second)
    desk.fill("buy", "150", "1", 50.0, liquidity="maker")
    desk.advance(60.0)
    desk.fill("buy", "110", "1", 10.0, liquidity="maker")
    desk.advance(60.0)
    assert desk.horizon(5.0).markout == pytest.approx(10.0)
    assert desk.horizon(30.0).markout == pytest.approx(30.0)
    assert desk.horizon(30.0).missing == 0


def test_many_fills_in_a_burst_take_little_room_and_lose_little() -> None:
    """More different times than there is room for: some milliseconds are shared, and nothing is missing."""
    desk = Desk(horizons=SHORT)
    desk.mid(-1, 100.0)
    for number in range(80_000):
        at = number / 20_000
        if number % 1000 == 0:
            desk.mid(at, 100.0)
        desk.fill("buy", "99", "1", at, liquidity="maker")
    desk.mids((6.0, 101.0), (10.0, 101.0))
    desk.advance(10.0)
    for horizon in desk.track().horizons:
        assert horizon.volume == pytest.approx(8_000_000.0)
        assert horizon.missing == 0
    assert desk.horizon(5.0).markout == pytest.approx(80_000 + 60_000, rel=1e-3)  # those from 1 s on saw 101
    assert desk.horizon(1.0).markout == pytest.approx(80_000.0)


def test_what_nothing_passes_is_given_up() -> None:
    """Fills from a journal, of days without a market, do not fill the memory: the oldest are missing at once."""
    desk = Desk(horizons=SHORT)
    for number in range(140_000):
        made = fill(str(number), "buy", "99", "1", T0 + number, liquidity="maker")
        desk.judge(Valued(made, Decimal(100), Decimal(1), ()))
    given_up = desk.horizon(5.0).missing
    assert given_up > 70_000
    desk.advance(200_000.0)
    assert desk.horizon(5.0).missing == 140_000


def test_a_late_fill_at_the_time_of_another_has_all_its_markouts() -> None:
    """The other one's first horizons have passed already, and its row cannot be shared."""
    desk = Desk()
    desk.mid(0, 100.0)
    desk.fill("buy", "99", "1", 0.0, liquidity="maker")
    desk.mids((0.05, 101.0), (2.0, 102.0))
    desk.advance(2.0)
    desk.fill("buy", "99", "2", 0.0, liquidity="maker")
    desk.mid(6.0, 103.0)
    desk.advance(6.0)
    assert desk.horizon(0.1).markout == desk.horizon(1.0).markout == pytest.approx(3 * 2.0)
    assert desk.horizon(5.0).markout == pytest.approx(3 * 3.0)


@given(st.lists(st.integers(0, 8), min_size=3), st.integers(0, 8), st.integers(1, 10**6), st.data())
def test_the_end_of_a_stretch_is_where_sums_of_times_say(
    steps: list[int], until: int, halves: int, data: st.DataObject
) -> None:
    """A difference of two times may be rounded to the other side; which fills share a mid may not hang on that."""
    ulp = math.ulp(T0)
    after = halves * ulp / 2
    rows = Rows(inverse=False)
    rows.extend([(T0 + step * ulp, 1, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0) for step in sorted(steps)])
    first = data.draw(st.integers(0, len(rows) - 1))
    end = T0 + after + until * ulp
    if rows.times[first] + after < end:
        expected = next((n for n, ts in enumerate(rows.times) if ts + after >= end), len(rows))
        assert rows.end(first, after, end) == expected


@dataclass(frozen=True)
class Done:
    """A fill of the slow calculation."""

    at: float
    sign: int
    price: float
    quantity: float
    liquidity: str


def slow(done: Done, mids: list[tuple[float, float]], horizon: float) -> tuple[float, float, float] | str:
    """Markout, realised spread and price impact in USD; ``pending`` or ``missing`` where there are none."""
    at_fill = [mid for at, mid in mids if at <= done.at]
    then = done.at + horizon
    before = [(at, mid) for at, mid in mids if at <= then + 1e-6]
    after = [at for at, _ in mids if at > then + 1e-6]
    if done.at < mids[0][0] or any(a < done.at < b and b - a > 10 for (a, _), (b, _) in pairwise(mids)):
        return "missing"
    if not after:
        return "pending"
    if not before or after[0] - before[-1][0] > 10:
        return "missing"
    m, later = at_fill[-1], before[-1][1]
    d = {"maker": -done.sign, "taker": done.sign, "unknown": 0}[done.liquidity]
    volume = done.quantity * m
    return (
        done.sign * (later - done.price) * done.quantity,
        volume * 2 * d * (done.price - later) / m,
        volume * 2 * d * (later - m) / m,
    )


TIMES = st.integers(0, 120).map(lambda halves: halves / 2)
FILLS = st.builds(
    Done,
    at=TIMES,
    sign=st.sampled_from([1, -1]),
    price=st.integers(90, 110).map(float),
    quantity=st.integers(1, 5).map(float),
    liquidity=st.sampled_from(LIQUIDITIES),
)
PASSED = st.integers(1, 130).filter(lambda tenths: tenths != 100)  # ten seconds are a gap or not by their last digit
STEPS = st.lists(st.tuples(PASSED.map(lambda tenths: tenths / 10), st.integers(99, 101)), min_size=1, max_size=30)


@given(st.lists(FILLS, max_size=30), STEPS, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_what_the_slow_calculation_gives(
    fills: list[Done], steps: list[tuple[float, int]], random: object
) -> None:
    """Fills at equal times, late ones, gaps in the market: sums and what is missing are as formulas say."""
    desk = Desk(horizons=(0.1, 1.0, 5.0))
    mids: list[tuple[float, float]] = []
    for passed, at_mid in steps:
        mids.append((round((mids[-1][0] if mids else 0.0) + passed, 1), float(at_mid)))
    waiting = sorted(fills, key=lambda done: done.at)
    random.shuffle(waiting)  # type: ignore[attr-defined]
    given_: list[Done] = []
    for number, (now, mid) in enumerate(mids):
        desk.mid(now, mid)
        for done in [done for done in waiting if done.at < now][: 1 + number]:
            waiting.remove(done)
            given_.append(done)
            side = "buy" if done.sign > 0 else "sell"
            desk.fill(side, str(Decimal(done.price)), str(Decimal(done.quantity)), done.at, liquidity=done.liquidity)
        if number % 3 == 0:
            desk.advance(now)
    desk.advance(mids[-1][0])
    for seconds in (0.1, 1.0, 5.0):
        found = [slow(done, mids, seconds) for done in given_]
        sums = [sum(values) for values in zip(*(each for each in found if isinstance(each, tuple)), strict=True)]
        tracks = desk.quality.fills[desk.key].tracks if given_ else {}
        horizons = [h for track in tracks.values() for h in track.horizons if h.seconds == seconds]
        have = [sum(getattr(h, name) for h in horizons) for name in ("markout", "realized", "impact")]
        assert have == pytest.approx(sums or [0, 0, 0], abs=1e-7)
        missing = desk.quality.fills[desk.key].missing()[seconds] if given_ else 0
        assert missing == found.count("missing")


@given(st.lists(FILLS, min_size=1, max_size=20))
def test_effective_spread_is_realised_spread_and_price_impact(fills: list[Done]) -> None:
    """Over the same fills the identity holds to the last digits, fill by fill and so in sum."""
    desk = Desk(horizons=(1.0,))
    for second in range(-1, 62):
        desk.mid(second, 100.0 + second % 7)
    for done in fills:
        side = "buy" if done.sign > 0 else "sell"
        desk.fill(side, str(Decimal(done.price)), str(Decimal(done.quantity)), done.at, liquidity=done.liquidity)
    desk.mid(62, 100.0)
    desk.advance(62.0)
    for track in desk.quality.fills[desk.key].tracks.values():
        (horizon,) = track.horizons
        assert horizon.realized + horizon.impact == pytest.approx(track.effective, rel=1e-12, abs=1e-9)
        if track.liquidity != "unknown":
            assert horizon.volume == pytest.approx(track.effective_volume)
