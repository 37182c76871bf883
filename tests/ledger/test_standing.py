"""The mids of a market as stretches of time, each with the mid that stood in it."""

from __future__ import annotations

import math

import pytest

from exporter.ledger.currency import MidHistory
from tests.builders import T0


def history(*seen: tuple[float, float]) -> MidHistory:
    """Mids by seconds after `T0`; ten seconds without one are a gap."""
    made = MidHistory(10.0)
    for at, mid in seen:
        made.add(T0 + at, mid, T0 + at + 1)
    return made


SEEN = ((0.0, 100.0), (2.0, 101.0), (5.0, 101.0), (20.0, 101.0), (22.0, 102.0))


@pytest.mark.parametrize(
    ("at", "mid", "until"),
    [
        (-1.0, None, 0.0),
        (0.0, 100.0, 2.0),
        (1.9, 100.0, 2.0),
        (2.0, 101.0, 5.0),  # and at 5.0 itself
        (5.0, 101.0, 5.0),
        (5.1, None, 20.0),
        (20.0, 101.0, 22.0),
        (22.0, 102.0, 22.0),
        (22.1, None, math.inf),
    ],
)
def test_each_moment_has_its_stretch(at: float, mid: float | None, until: float) -> None:
    """Before the first mid, in a gap and after the last one nothing is known; what holds ends where it says."""
    found, end = history(*SEEN).standing(T0 + at)
    assert found == mid
    assert end == pytest.approx(T0 + until, abs=1e-6)
    assert end > T0 + at


def test_a_market_without_mids_has_no_stretch() -> None:
    """Nothing is known, and nothing will tell until when."""
    assert MidHistory().standing(T0) == (None, math.inf)


def test_time_passes_with_the_market_and_after_a_silence_with_our_clock() -> None:
    """Up to ten seconds something stamped earlier may still come; then it may not."""
    made = history(*SEEN)
    assert made.passed(T0 + 33) == T0 + 22
    assert made.passed(T0 + 34) == T0 + 22 + 11
