"""Events that come through the one door are judged."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from exporter.collectors import discover, gather
from exporter.errors import OverloadError
from exporter.events import BookKey, Event
from exporter.exposition import Exposition
from exporter.intake import Intake
from exporter.journal import Journal
from exporter.state.state import State
from tests.builders import T0, book, config, fill, order, quote

KEY = BookKey("alpha", "main", "BTC/USDT", "maker")
Tell = Callable[[float, Event], bool]


def world() -> tuple[State, Tell]:
    """A state, and a way to tell it something so many seconds after `T0`."""
    now = [T0]
    state = State(config(), clock=lambda: now[0])
    intake = Intake(state)

    def tell(at: float, event: Event) -> bool:
        now[0] = T0 + at
        return intake.accept(event, "push")

    return state, tell


async def scrape(state: State) -> dict[str, float]:
    exposition = Exposition(1000, 10_000, state.dropped)
    lines = "".join([part async for part in exposition.render(gather(discover(), state))]).splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


async def test_a_fill_is_judged_once_and_at_the_mids_of_its_own_time() -> None:
    """A repeat changes nothing, and one that was told a minute late counts as if it had come at once."""
    state, tell = world()
    for second in range(61):
        tell(second, book(99.0 + second, 101.0 + second, T0 + second))
    assert tell(60, fill("1", "buy", "109", "2", T0 + 10, liquidity="maker", order_id="7"))
    assert not tell(60, fill("1", "buy", "109", "2", T0 + 10, liquidity="maker", order_id="7"))
    samples = await scrape(state)
    labels = 'exchange="alpha",account="main",symbol="BTC/USDT",strategy="maker",liquidity="maker"'
    assert samples[f"trading_fill_effective_volume_usd_total{{{labels}}}"] == 220
    assert samples[f'trading_markout_usd{{{labels},horizon="5"}}'] == pytest.approx(2 * (115 - 109))
    assert samples[f'trading_realized_spread_usd{{{labels},horizon="5"}}'] == pytest.approx(2 * 2 * (115 - 109))
    assert samples[f'trading_markout_volume_usd_total{{{labels},horizon="300"}}'] == 0


async def test_orders_and_quotes_pass_time() -> None:
    """Two bots: what one tells, and what is known from the other's orders."""
    state, tell = world()
    tell(0, book(99.0, 101.0, T0))
    tell(0, quote(99.0, 102.0, T0))
    tell(0, order("1", "open", "buy", T0, price=Decimal(98), strategy="other", sent_ts=T0 - 0.02, ack_ts=T0))
    tell(0, order("2", "open", "sell", T0, price=Decimal(101), strategy="other"))
    tell(4, book(99.0, 101.0, T0 + 4))
    tell(4, fill("1", "buy", "98", "1", T0 + 4, order_id="1", strategy="other"))
    tell(4, order("1", "filled", "buy", T0 + 4, strategy="other"))
    tell(8, quote(None, None, T0 + 8))
    tell(10, book(99.0, 101.0, T0 + 10))
    state.quality.integrate(T0 + 10)
    told, known = state.quality.quotes[KEY], state.quality.quotes[KEY._replace(strategy="other")]
    assert (told.two_sided_seconds, told.seconds) == pytest.approx((8.0, 10.0))
    assert told.at_best_seconds == pytest.approx({"buy": 8.0, "sell": 0.0})
    assert (known.two_sided_seconds, known.seconds) == pytest.approx((4.0, 10.0))
    assert known.at_best_seconds == pytest.approx({"buy": 0.0, "sell": 10.0})
    counts = state.orders.books[KEY._replace(strategy="other")]
    assert (sum(counts.placed.values()), sum(counts.filled.values()), sum(counts.acks.counts)) == (2, 1, 1)


async def test_an_order_whose_end_could_not_be_kept_counts_when_it_comes_again() -> None:
    """What is refused because the journal is behind was not taken at all."""
    state = State(config(), clock=lambda: T0, log=Journal.open(None, max_pending=1))
    intake = Intake(state)
    assert intake.accept(order("1", "canceled"), "push")
    with pytest.raises(OverloadError):
        intake.accept(order("2", "canceled"), "push")
    assert state.orders.books[KEY].canceled == {"buy": 1}
    await intake.durable()
    assert intake.accept(order("2", "canceled"), "push")
    assert state.orders.books[KEY].canceled == {"buy": 2}
    assert sum(len(records) for records in state.log.passing()) == 2
