"""Back-off."""

from __future__ import annotations

from exporter.sources.base import Backoff


def test_delays_double_up_to_the_longest_and_start_again_after_a_success() -> None:
    """Each delay lies between half and all of 1, 2, 4, 8, 8 …, and a reset begins anew."""
    backoff = Backoff(first=1.0, longest=8.0)
    for nominal in (1, 2, 4, 8, 8, 8):
        assert nominal / 2 <= backoff.next() <= nominal
    backoff.reset()
    assert backoff.next() <= 1


def test_a_very_long_outage_does_not_overflow() -> None:
    """Thousands of attempts still give the longest delay."""
    backoff = Backoff()
    assert all(backoff.next() <= 30 for _ in range(5000))
