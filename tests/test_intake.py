"""What sources hand on, which was never decoded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from exporter.errors import EventError, OverloadError
from exporter.events import BookKey, Event, Fee, Funding, PositionReport, Transfer
from exporter.intake import Intake
from exporter.journal import Journal
from exporter.state.state import State
from tests.builders import T0, book, config, fee, fill, order, quote
from tests.journal.helpers import passing, written

_ACCOUNT: dict[str, Any] = {"exchange": "alpha", "account": "main", "ts": T0, "currency": "USDT", "amount": Decimal(1)}


def _fill(**rest: Any) -> Event:
    return fill("1", "buy", "1", "1", **rest)


@pytest.fixture
def state() -> Iterator[State]:
    journal = Journal.open(None)
    yield State(config(), log=journal)
    journal.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda: fill("9" * 201, "buy", "1", "1"),
        lambda: fill("\ud800", "buy", "1", "1"),
        lambda: fill("1", "BUY", "1", "1"),
        lambda: _fill(strategy="s" * 101),
        lambda: _fill(order_id="9" * 201),
        lambda: _fill(fee=Fee("B" * 31, Decimal(1))),
        lambda: order("9" * 201, "filled"),
        lambda: order("1", "rejected", reason="too much"),
        lambda: Funding(symbol="BTC/USDT:USDT", funding_id="9" * 201, **_ACCOUNT),
        lambda: Transfer(transfer_id="9" * 201, **_ACCOUNT),
        lambda: book(1.0, 2.0, symbol="B" * 100 + "/USDT"),
    ],
)
def test_what_could_not_be_read_again_is_refused(state: State, make: Callable[[], Event]) -> None:
    """One text beyond its bounds would make the whole row unreadable, and those after it lost at the next start."""
    intake = Intake(state)
    assert not intake.accept(make(), "test")
    assert intake.accept(fill("2", "buy", "1", "1"), "test")
    asyncio.run(intake.durable())
    assert sum(len(records) for _, records in state.log.lasting()) == 1
    assert dict(state.intake.rejected) == {"invalid": 1}


async def test_an_end_that_the_journal_did_not_take_is_news_when_it_comes_again() -> None:
    """Nothing of it was taken: it is neither counted as an order nor as a repeat."""
    async with written(Journal.open(None, max_pending=1)) as journal:
        state = State(config(), log=journal)
        intake = Intake(state)
        assert intake.accept(order("1", "filled"), "test")
        with pytest.raises(OverloadError):
            intake.accept(order("2", "filled"), "test")
        await intake.durable()
        assert intake.accept(order("2", "filled"), "test")
        await intake.durable()
        assert len(passing(journal)) == 2
        assert [dict(counts.placed) for counts in state.orders.books.values()] == [{"buy": 2}]


def test_a_backlog_of_books_changes_nothing_that_is_known_now() -> None:
    """Neither what the market shows, nor what is held is worth, nor what a fill of just now is valued at."""
    state = State(config(), clock=lambda: T0)
    intake = Intake(state)
    for number in range(100):
        assert intake.accept(book(599.9, 600.1, T0 - 10 + number / 10, "BNB/USDT"), "stream")
    assert intake.accept(quote(599.9, 600.1, T0, symbol="BNB/USDT"), "push")
    for number in range(100):
        assert not intake.accept(book(719.9, 720.1, T0 - 300 + number, "BNB/USDT"), "push")
    assert not intake.accept(book(None, 720.1, T0 - 300, "BNB/USDT"), "push")
    intake.accept(fill("1", "buy", "600", "1", T0 - 0.05, symbol="BNB/USDT", fee=fee("1", "BNB")), "stream")
    intake.accept(fill("2", "buy", "60000", "1", T0 - 0.05, fee=fee("1", "BNB")), "stream")
    fees = {key.symbol: kept.sums.fees_usd for key, kept in state.ledger.books.items()}
    assert fees == {"BNB/USDT": 600, "BTC/USDT": 600}
    figures = state.ledger.figures(BookKey("alpha", "main", "BNB/USDT", "maker"), T0)
    assert (figures.spread, figures.unrealized) == (Decimal(0), Decimal(0))
    market = state.markets["alpha", "BNB/USDT"]
    assert market.mid == 600.0
    assert market.updated == pytest.approx(T0 - 0.1)
    (quotes,) = state.quality.quotes.values()
    assert (quotes.market.bid, quotes.market.ask) == (599.9, 600.1)


def test_a_contract_that_has_no_books_is_refused_each_time_and_leaves_nothing() -> None:
    """Its market is not shown, and what is refused is not kept."""
    state = State(config(), clock=lambda: T0)
    intake = Intake(state)
    report = PositionReport(exchange="alpha", symbol="ETH/USD:BTC", quantity=Decimal(1), ts=T0)
    for _ in range(3):
        for event in (book(1.0, 2.0, T0, "ETH/USD:BTC"), report):
            with pytest.raises(EventError, match="ETH/USD:BTC settles in BTC"):
                intake.take(event, "push")
    assert (dict(state.markets), state.log.figures.pending) == ({}, 0)


def test_repeats_in_no_order_are_taken_a_few_in_a_turn() -> None:
    """Each may be in another row of the journal, and to read a row takes long; all are dealt with in the end."""
    state = State(config(), clock=lambda: T0 + 1e6)
    intake = Intake(state)
    fills = [fill(str(number), "buy", "100", "1", T0 + number) for number in range(40_000)]
    for first in range(0, 40_000, 1000):
        assert intake.take_all(fills[first : first + 1000], "push").new == 1000
        asyncio.run(intake.durable())
    rest = fills[::577]
    rest[5] = fill(rest[5].trade_id, "sell", "1", "1", T0)
    repeated, refused, turns = 0, 0, 0
    while rest:
        taken = intake.take_all(rest, "push")
        assert 0 < taken.count <= 4
        assert not taken.stopped
        repeated, refused, turns = repeated + taken.repeated, refused + len(taken.refused), turns + 1
        rest = rest[taken.count :]
    assert (repeated, refused) == (69, 1)
    assert turns > 20
    assert intake.take_all(fills[-900:], "push").repeated == 900
