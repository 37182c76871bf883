from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.clock import EventClock

EVENTS = st.lists(st.tuples(st.sampled_from(["fill", "BTC/USDT", "BNB/USDT"]), st.integers(-2, 3)), max_size=60)


@given(EVENTS)
def test_the_last_publication_by_time_is_the_last_one_that_happened(events: list[tuple[str, int]]) -> None:
    """However the wall clock stands still or jumps back, times alone say what was published at each fill."""
    clock, now = EventClock(), 1000
    published: dict[str, list[int]] = {"BTC/USDT": [], "BNB/USDT": []}
    fills: list[tuple[int, dict[str, int]]] = []
    for what, pause in events:
        now += pause
        if what == "fill":
            fills.append((clock.fill(now), {symbol: len(times) for symbol, times in published.items()}))
        else:
            published[what].append(clock.publication(what, now))
    assert all(times == sorted(set(times)) for times in published.values())
    for time, before in fills:
        assert {symbol: sum(t <= time for t in times) for symbol, times in published.items()} == before
    assert [time for time, _ in fills] == sorted(time for time, _ in fills)


def test_the_clock_follows_the_wall_clock() -> None:
    """Without a conflict each event has just the wall time at which it happened."""
    clock = EventClock()
    assert [clock.publication("BTC/USDT", 5), clock.fill(7), clock.other(8), clock.publication("BTC/USDT", 9)] == [
        5,
        7,
        8,
        9,
    ]
    assert [clock.fill(9), clock.publication("BNB/USDT", 9), clock.fill(9)] == [9, 10, 10]
