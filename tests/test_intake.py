"""What sources hand on, which was never decoded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from exporter.errors import OverloadError
from exporter.events import Event, Fee, Funding, Transfer
from exporter.intake import Intake
from exporter.journal import Journal
from exporter.state.state import State
from tests.builders import T0, book, config, fill, order
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
