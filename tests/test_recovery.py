"""What an exporter knows after a restart, a crash, and a change of its configuration."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporter.config import Config
from exporter.events import Balance, BookKey, Funding, Transfer
from exporter.intake import Intake
from exporter.journal import Journal, Part
from exporter.journal.records import Reported, Sampled
from exporter.ledger.book import Sums
from exporter.ledger.ledger import Ledger
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


async def test_counts_of_an_account_go_on_only_after_an_orderly_end(tmp_path: Path) -> None:
    """After a crash some are not known, and a counter that fell a little would be counted again as a whole."""
    path = tmp_path / "journal"
    async with running(configured(path)) as (_, state):
        await trade(state, 0, 3)
        await trade(state, 0, 3)
        await Keeper(state, 600.0).save()
        await trade(state, 0, 3)
        counts = state.ledger.accounts["alpha", "main"]
        counted = counts.duplicates
        crashed = await asyncio.to_thread(copy_as_is, path, tmp_path / "crashed")
    async with running(configured(crashed)) as (_, state):
        assert state.ledger.accounts["alpha", "main"].duplicates == 0
    async with running(configured(path)) as (_, state):
        assert (state.ledger.accounts["alpha", "main"].duplicates, counted) == (6, 6)


async def test_a_peg_that_is_added_values_what_waited(tmp_path: Path) -> None:
    """As soon as the exporter is there again, without an event."""
    path = tmp_path / "journal"
    without = config(f'web: {{listen: "127.0.0.1:0"}}\njournal: {{path: "{path}"}}')
    async with running(without) as (_, state):
        await trade(state, 0, 50)
        assert state.ledger.missing_rates() == {"USDT": 50}
    for settings in (configured(path), without):  # what was valued once stays so
        async with running(settings) as (_, state):
            assert state.ledger.missing_rates() == {}
            assert state.ledger.figures(KEY, T0).realized is not None


async def test_fills_that_wait_for_a_rate_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """Once for each currency, with what to do, and once when it is over; what has its rate at once is not told."""
    caplog.set_level("INFO", "exporter.recovery")
    now = T0
    state = State(config('web: {listen: "127.0.0.1:0"}'), lambda: now)
    intake, keeper = Intake(state), asyncio.create_task(Keeper(state, 600.0).run())
    for number in "12":
        intake.accept(fill(number, "buy", "100", "1", T0, fee=fee("0.1")), "test")

    async def looked() -> None:
        await eventually(lambda: not state.risk.due(now))  # which a look at the rates comes before

    await looked()
    assert "a rate of" not in caplog.text
    now += 600
    await eventually(lambda: "fills wait for a rate of USDT: add a market of it to rate_symbols" in caplog.text)
    now += 600
    await looked()
    assert caplog.text.count("fills wait") == 1
    intake.accept(book(0.99, 1.01, now, symbol="USDT/USD"), "test")
    await eventually(lambda: "no fill waits for a rate of USDT any more" in caplog.text)
    keeper.cancel()


async def test_a_state_that_was_saved_in_another_layout_is_left_out(tmp_path: Path) -> None:
    """As by another version: everything comes from the journal again, and it starts."""
    path = tmp_path / "journal"
    async with running(configured(path)) as (_, state):
        await trade(state, 0, 300)
        before = come_to(state)
    async with written(Journal.open(path)) as journal:
        await journal.save([Part(part.name, part.row, b"\x93\x03\xa1x\x07") for part in journal.parts()])
    async with running(configured(path)) as (_, state):
        assert come_to(state) == before


def damage(path: Path, row: int) -> None:
    """One row's contents are gone."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE lasting SET payload = zeroblob(length(payload)) WHERE number = ?", (row,))


async def test_a_damaged_row_stops_only_the_book_that_needs_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A fill that comes so late that its row is needed is said to be lacking; all upkeep goes on, over restarts too."""
    path = tmp_path / "journal"
    async with running(configured(path)) as (_, state):
        for first in range(0, 3000, 100):
            await trade(state, first, first + 100)
    damage(path, 15)
    for start in range(2):
        caplog.clear()
        async with running(configured(path)) as (_, state):
            late = fill("late", "buy", "100", "1", T0 + 10.5)
            assert Intake(state).accept(late, "test") is (start == 0)
            await state.log.durable()
            await eventually(lambda: "a fill that came late is in no figure" in caplog.text)
            assert "row 15" in caplog.text
            assert state.ledger.figures(KEY, T0).realized is None
            told = Balance(exchange="beta", account="main", currency="BTC", total=Decimal(1), ts=state.clock())
            assert Intake(state).accept(told, "test")
            await eventually(lambda: state.ledger.accounts["beta", "main"].balances["BTC"].drift == 0)
            assert state.components["source/ledger"].up
            assert caplog.text.count("is in no figure") == 1


class Faulty(Ledger):
    """A ledger with a fault in one kind of work."""

    def reconcile(self, now: float) -> Iterator[None]:
        yield
        raise ZeroDivisionError(now)


async def test_a_fault_in_one_kind_of_work_keeps_none_of_the_others_from_being_done(tmp_path: Path) -> None:
    """Risks are sampled and the state is saved all the same, and the fault is told."""
    async with written(Journal.open(tmp_path / "journal")) as journal:
        state = State(configured(tmp_path / "journal"), log=journal)
        state.ledger = Faulty(state.ledger.rates, journal)
        await trade(state, 0, 50)
        with pytest.raises(ZeroDivisionError):
            await Keeper(state, 0.0).run()
        assert not state.risk.due(state.clock())
        assert {part.name for part in journal.parts()} >= {"ledger", "risk", "quality"}
