"""What an exporter knows after a restart, a crash, and a change of its configuration."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporter.config import Config
from exporter.events import BookKey, Funding, Transfer
from exporter.intake import Intake
from exporter.journal import Journal
from exporter.journal.records import Reported, Sampled
from exporter.ledger.book import Sums
from exporter.ledger.risk import Series
from exporter.ledger.running import SavedRunning
from exporter.recovery import Keeper
from exporter.service import running
from exporter.state.state import State
from tests.builders import T0, book, config, fee, fill, order
from tests.journal.helpers import written

KEY = BookKey("alpha", "main", "BTC/USDT", "maker")


def configured(journal: Path, basis: str = "average") -> Config:
    return config(
        f"""
web: {{listen: "127.0.0.1:0"}}
currency: {{pegs: {{USDT: 1}}}}
journal: {{path: "{journal}"}}
accounting: {{cost_basis: {basis}}}
"""
    )


async def trade(state: State, first: int, last: int) -> None:
    """Fills from one number to another, all on disk at the end."""
    intake = Intake(state)
    intake.accept(book(99.0, 101.0, T0), "test")
    for number in range(first, last):
        side = "sell" if number % 3 == 1 else "buy"
        price, quantity = str(90 + number % 17), str(1 + number % 5)
        intake.accept(fill(str(number), side, price, quantity, T0 + number, fee=fee("0.01")), "test")
    await intake.durable()


def come_to(state: State) -> tuple[SavedRunning, Sums]:
    """All that the events of the book come to, whatever the present price."""
    return state.ledger.books[KEY].running.save(), state.ledger.books[KEY].sums


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.05)


def copy_as_is(path: Path, target: Path) -> Path:
    """The journal's files as they are now, elsewhere."""
    target.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        if file.suffix != ".lock":
            shutil.copy(file, target / file.name)
    return target / path.name


async def test_a_restart_knows_all(tmp_path: Path) -> None:
    """After an orderly end nothing is read one by one, and everything is as it was, repeats included."""
    path = tmp_path / "journal"
    async with running(configured(path)) as (_, state):
        await trade(state, 0, 2000)
        intake = Intake(state)
        paid: dict[str, Any] = {"symbol": "BTC/USDT", "funding_id": "1", "currency": "USDT", "amount": Decimal(-3)}
        intake.accept(Funding(exchange="alpha", account="main", strategy="maker", ts=T0, **paid), "test")
        moved: dict[str, Any] = {"transfer_id": "1", "currency": "USDT", "amount": Decimal(500)}
        intake.accept(Transfer(exchange="alpha", account="main", ts=T0, **moved), "test")
        await intake.durable()
        before = come_to(state)
    async with running(configured(path)) as (_, state):
        assert come_to(state) == before
        assert state.ledger.accounts["alpha", "main"].transfers == {"USDT": Decimal(500)}
        await trade(state, 0, 2000)
        assert come_to(state) == before
        assert state.ledger.accounts["alpha", "main"].duplicates == 2000


async def test_a_crash_loses_nothing_that_was_on_disk(tmp_path: Path) -> None:
    """The journal as it is on disk in the middle of work is enough to come to the same books."""
    async with running(configured(tmp_path / "journal")) as (_, state):
        await trade(state, 0, 1500)
        before = come_to(state)
        crashed = await asyncio.to_thread(copy_as_is, tmp_path / "journal", tmp_path / "crashed")
    async with running(configured(crashed)) as (_, state):
        assert come_to(state) == before


async def test_an_order_that_ended_before_a_restart_is_not_counted_again(tmp_path: Path) -> None:
    """A source that reads its record from the beginning tells it once more, and so does a sender without an answer."""
    for _ in range(2):
        async with running(configured(tmp_path / "journal")) as (_, state):
            intake = Intake(state)
            intake.accept(order("1", "canceled"), "test")
            intake.accept(order("2", "filled"), "test")
            await intake.durable()
            counts = state.orders.books[KEY]
            assert (dict(counts.placed), dict(counts.canceled)) == ({"buy": 2}, {"buy": 1})
            kept = [record for records in state.log.passing() for record in records]
            assert sum(isinstance(record, Reported) for record in kept) == 2


async def test_a_saving_that_is_cut_short_leaves_nothing_out(tmp_path: Path) -> None:
    """What an interrupted saving did not keep is in the next one, so that the restart knows it."""
    settings = configured(tmp_path / "journal")
    async with written(Journal.open(tmp_path / "journal")) as journal:
        state = State(settings, log=journal)
        keeper = Keeper(state, 60.0)
        await keeper.begin()
        await trade(state, 0, 50)
        await keeper.save()
        await trade(state, 50, 80)
        interrupted = asyncio.create_task(keeper.save())
        await asyncio.sleep(0)
        interrupted.cancel()
        await asyncio.gather(interrupted, return_exceptions=True)
        await keeper.end()
        before = come_to(state)
    async with running(settings) as (_, state):
        assert come_to(state) == before


async def test_a_fill_that_comes_very_late_after_a_restart_finds_its_place(tmp_path: Path) -> None:
    """What memory does not reach back to is read from the journal, and the books are as if it had come in time."""
    path = tmp_path / "journal"
    async with running(configured(path)) as (_, state):
        await trade(state, 0, 3)
        await trade(state, 4, 3000)
    async with running(configured(path)) as (_, state):
        await trade(state, 3, 4)
        await eventually(lambda: state.ledger.books[KEY].timeline.behind is None)
        late = come_to(state)
    async with running(configured(tmp_path / "other")) as (_, state):
        await trade(state, 0, 3000)
        in_time = come_to(state)
    assert late == in_time


async def test_a_fill_that_comes_very_late_right_before_the_end_is_not_forgotten(tmp_path: Path) -> None:
    """The state may be saved before its place was read again; the next start does that."""
    path = tmp_path / "journal"
    async with running(configured(path)) as (_, state):
        await trade(state, 0, 3)
        await trade(state, 4, 3000)
        await trade(state, 3, 4)
    async with running(configured(path)) as (_, state):
        late = come_to(state)
    async with running(configured(tmp_path / "other")) as (_, state):
        await trade(state, 0, 3000)
        in_time = come_to(state)
    assert late == in_time


@pytest.mark.parametrize("again", ["average", "fifo"])
async def test_another_cost_basis_holds_for_all_of_the_past(tmp_path: Path, again: str) -> None:
    """Changing the cost basis reads the journal again, whatever was saved."""
    async with running(configured(tmp_path / "journal")) as (_, state):
        await trade(state, 0, 700)
    async with running(configured(tmp_path / "journal", again)) as (_, state):
        changed = come_to(state)
    async with running(configured(tmp_path / "other", again)) as (_, state):
        await trade(state, 0, 700)
        fresh = come_to(state)
    assert changed == fresh


async def test_what_was_sampled_and_saved_need_not_be_read_again(tmp_path: Path) -> None:
    """The series of results and their peak go on, of what was sampled after the last saving as well."""
    path = tmp_path / "journal"
    async with running(configured(path)) as (_, state):
        await trade(state, 0, 3)
        keeper, main = Keeper(state, 600.0), ("alpha", "main")
        for number in range(40):
            state.risk.restore([Sampled(T0 + 300 * number, *main, float(number), 50.0)])
        await keeper.save()
        for number in range(40, 45):
            state.log.append(Sampled(T0 + 300 * number, *main, float(number), 60.0))
        await state.log.durable()
        crashed = await asyncio.to_thread(copy_as_is, path, tmp_path / "crashed")
    async with running(configured(crashed)) as (_, state):
        series = state.risk.accounts[main].series
        assert series.changes(300)[:44] == [1.0] * 44
        assert series.peak == 60


def test_samples_of_another_step_are_read_one_by_one() -> None:
    """A series that was saved under other settings is not gone on with."""
    saved = Series(60, 3600, None)
    saved.add(T0, 1.0)
    for step, window in ((30, 3600), (60, 7200)):
        assert Series(step, window, None).load(saved.save()) == 0
    assert Series(60, 1800, None).load(saved.save()) == T0 // 60 * 60 + 60
