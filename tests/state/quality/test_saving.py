"""What a restart keeps."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from exporter.state.quality import Quality, SavedQuality
from tests.builders import T0, order, quote
from tests.state.quality.desk import HORIZONS, KEY, Desk


def worked() -> Desk:
    """A desk with something in every sum, and a fill that waits for its horizons from 1 s on."""
    desk = Desk()
    desk.mid(0, 100.0)
    for number, liquidity in enumerate(("maker", "taker", "unknown")):
        desk.fill("buy", "99", "1", 0.0, liquidity=liquidity, decision_price=Decimal(98), order_id=str(number))
    desk.quality.order(order("0", "open", sent_ts=T0, ack_ts=T0 + 0.01, price=Decimal(99)))
    desk.quality.order(order("8", "canceled"))
    desk.quality.order(order("9", "rejected", reason="margin"))
    desk.quality.quote(quote(99.0, 101.0, T0), T0)
    desk.quality.integrate(T0 + 5)
    desk.mids((0.5, 101.0), (0.9, 101.0))
    desk.advance(0.9)
    return desk


def restarted(desk: Desk, *, clean: bool) -> Desk:
    """A new desk that read what the old one wrote."""
    payload = msgspec.msgpack.encode(desk.quality.save())
    fresh = Desk()
    fresh.quality.load(msgspec.msgpack.decode(payload, type=SavedQuality), clean=clean)
    return fresh


def test_a_clean_restart_keeps_everything_and_counts_what_waited_as_missing() -> None:
    """No sum falls; the mids that the waiting fills needed are gone."""
    before, after = worked(), restarted(worked(), clean=True)
    old, new = before.quality.save(), after.quality.save()
    assert new.quotes == old.quotes
    assert [each.slippage_volume for each in new.fills] == [each.slippage_volume for each in old.fills]
    for saved, kept in zip(old.fills[0].tracks, new.fills[0].tracks, strict=True):
        assert kept.ratios == saved.ratios
        assert (kept.effective, kept.effective_volume) == (saved.effective, saved.effective_volume)
        assert [h.markout for h in kept.horizons] == [h.markout for h in saved.horizons] == [1.0, 0, 0, 0, 0]
        assert [h.volume for h in kept.horizons] == [100.0, 0, 0, 0, 0]
    assert after.quality.fills[KEY].missing() == dict(zip(HORIZONS, [0, 3, 3, 3, 3], strict=True))
    assert after.orders.books[KEY].placed == before.orders.books[KEY].placed
    assert after.orders.books[KEY].acks.counts == before.orders.books[KEY].acks.counts


def test_a_fill_of_the_last_moment_is_saved() -> None:
    """Fills are taken many at once, but none is left behind."""
    desk = worked()
    desk.fill("buy", "99", "1", 0.9, liquidity="maker")
    after = restarted(desk, clean=True)
    assert after.track().effective_volume == pytest.approx(201.0)
    assert after.horizon(0.1).missing == 1


def test_after_a_crash_counters_begin_anew_and_signed_sums_go_on() -> None:
    """A counter that falls a little would be taken for one that began at zero, and all of it counted twice."""
    after = restarted(worked(), clean=False)
    assert (after.horizon(0.1).markout, after.horizon(0.1).realized) == (1.0, 2.0)
    assert after.track("maker").effective == pytest.approx(2.0)
    assert after.quality.fills[KEY].slippage == pytest.approx(3.0)
    assert (after.horizon(0.1).volume, after.track().effective_volume, sum(after.track().ratios.counts)) == (0, 0, 0)
    assert after.quality.fills[KEY].slippage_volume == 0
    assert after.quality.quotes[KEY].seconds == 0
    assert after.quality.quotes[KEY].pushed
    assert not after.orders.books[KEY].placed


@pytest.mark.parametrize("clean", [True, False])
def test_an_order_that_rested_before_a_restart_is_not_placed_again(clean: bool) -> None:
    """Its report after the restart counts neither the order, nor its fill, nor its answer a second time."""
    after = restarted(worked(), clean=clean)
    counts = after.orders.books[KEY]
    placed, filled = sum(counts.placed.values()), sum(counts.filled.values())
    after.quality.order(order("0", "partially_filled", sent_ts=T0, ack_ts=T0 + 0.01, price=Decimal(99)))
    assert (sum(counts.placed.values()), sum(counts.filled.values())) == (placed, filled)
    assert sum(counts.acks.counts) == int(clean)
    after.quality.order(order("10", "open"))
    assert sum(counts.placed.values()) == placed + 1


def test_horizons_that_were_configured_since_begin_at_zero() -> None:
    """The others keep what they have."""
    desk = worked()
    fresh = Quality(desk.rates, desk.orders, (0.1, 2.0), 10.0, 60.0)
    fresh.load(desk.quality.save(), clean=True)
    assert [(h.seconds, h.markout) for h in fresh.fills[KEY].tracks["maker"].horizons] == [(0.1, 1.0), (2.0, 0.0)]
