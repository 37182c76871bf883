"""The journal as its users see it: append, durable, read again."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from exporter.collectors import discover, gather
from exporter.errors import EventError, JournalError, OverloadError, ServiceError
from exporter.exposition import Exposition
from exporter.journal import Figures, Journal, Part
from exporter.journal.database import MIGRATIONS, connect, migrate
from exporter.journal.rows import FULL
from exporter.state.state import State
from tests.builders import T0, config
from tests.journal.helpers import (
    ONE_OF_EACH,
    ONE_OF_EACH_PASSING,
    lasting,
    numbers,
    passing,
    reported,
    valued,
    written,
)


class Seen:
    """Counts observed durations."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def observe(self, value: float) -> None:
        self.values.append(value)


@pytest.mark.parametrize("in_memory", [False, True])
async def test_every_record_comes_back_as_it_was(tmp_path: Path, in_memory: bool) -> None:
    """All kinds, before they are on disk, after, and after opening again; each group in its order."""
    path = None if in_memory else tmp_path / "journal.db"
    async with written(Journal.open(path)) as journal:
        for record in [*ONE_OF_EACH, *ONE_OF_EACH_PASSING]:
            journal.append(record)
        assert (lasting(journal), passing(journal)) == (ONE_OF_EACH, ONE_OF_EACH_PASSING)
        await journal.durable()
        assert (lasting(journal), passing(journal)) == (ONE_OF_EACH, ONE_OF_EACH_PASSING)
        assert journal.records(1) == ONE_OF_EACH
    if path:
        async with written(Journal.open(path)) as journal:
            assert (lasting(journal), passing(journal)) == (ONE_OF_EACH, ONE_OF_EACH_PASSING)
            assert (journal.row, journal.records(1)) == (2, ONE_OF_EACH)


async def test_a_record_is_in_the_row_that_was_being_filled(tmp_path: Path) -> None:
    """``row`` before an append says where to read the record later, also before it is on disk and when rows fill."""
    places: dict[int, int] = {}
    journal = Journal.open(tmp_path / "journal.db")
    for number in range(3 * FULL + 7):
        places[number] = journal.row
        journal.append(valued(number))
        if number == FULL + 3:
            await journal.durable()
    for wait_for_disk in (False, True):
        if wait_for_disk:
            await journal.durable()
        assert all(number in numbers(journal.records(row)) for number, row in places.items())
    assert max(places.values()) == journal.row - 1 == 5
    journal.close()


async def test_what_is_appended_together_is_one_commit(tmp_path: Path) -> None:
    """A hundred records of one turn of the loop share a sync; one alone does not wait for company."""
    figures = Figures(commits=(commits := Seen()))
    async with written(Journal.open(tmp_path / "journal.db", figures=figures)) as journal:
        for number in range(100):
            journal.append(valued(number))
        await asyncio.gather(*(journal.durable() for _ in range(10)))
        assert (len(commits.values), figures.rows["lasting"], figures.records["lasting"]) == (1, 1, 100)
        journal.append(valued(100))
        await journal.durable()
        assert (len(commits.values), figures.rows["lasting"], figures.records["lasting"]) == (2, 2, 101)


async def test_appending_goes_on_while_a_commit_is_under_way(tmp_path: Path) -> None:
    """What comes meanwhile is in the next commit, and `durable` waits for that one."""
    async with written(Journal.open(tmp_path / "journal.db")) as journal:
        waits = []
        for number in range(200):
            journal.append(valued(number))
            journal.append(reported(number))
            waits.append(asyncio.ensure_future(journal.durable()))
            await asyncio.sleep(0)
        await asyncio.gather(*waits)
        assert numbers(lasting(journal)) == list(range(200))
    async with written(Journal.open(tmp_path / "journal.db")) as journal:
        assert numbers(lasting(journal)) == list(range(200))
        assert passing(journal) == [reported(number) for number in range(200)]


async def test_ending_writes_what_is_pending(tmp_path: Path) -> None:
    """What was appended and not waited for is there after an orderly end, and its waiters are told."""
    journal = Journal.open(tmp_path / "journal.db")
    task = asyncio.create_task(journal.run())
    await asyncio.sleep(0)
    for number in range(FULL + 5):
        journal.append(valued(number))
    waiter = asyncio.ensure_future(journal.durable())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(JournalError, match="stopping"):
        await waiter
    journal.close()
    assert not (tmp_path / "journal.db-wal").exists()
    again = Journal.open(tmp_path / "journal.db")
    assert numbers(lasting(again)) == list(range(FULL + 5))
    again.close()


async def test_reading_on_from_a_time(tmp_path: Path) -> None:
    """`since` gives the rows that have an event from then on, late ones, prices told later and pending ones, too."""
    journal = Journal.open(tmp_path / "journal.db")
    for number in [*range(20), 3, *range(20, 30)]:  # row 21 is late
        journal.append(valued(number))
        await journal.durable()
    journal.append(ONE_OF_EACH[2])  # a `Revalued`, which may be of any of them
    await journal.durable()
    journal.append(valued(25))
    assert [row for row, _ in journal.since(T0 + 24)] == [26, 27, 28, 29, 30, 31, 32, 33]
    assert [row for row, _ in journal.since(T0 + 19.5)] == list(range(22, 34))
    assert [row for row, _ in journal.since(T0 + 2.5)] == list(range(4, 34))
    assert [row for row, _ in journal.since(0.0)] == list(range(1, 34))
    assert [row for row, _ in journal.since(T0 + 1000)] == [33]  # the row that is being filled is always given
    assert [row for row, _ in journal.lasting(31)] == [32, 33]
    journal.close()


async def test_a_record_that_cannot_be_written_is_refused_alone(tmp_path: Path) -> None:
    """Half a character cannot be written; what came before and after it in the same row is."""
    journal = Journal.open(tmp_path / "journal.db")
    journal.append(valued(1))
    for _ in range(2):
        with pytest.raises(EventError, match="cannot be written to the journal"):
            journal.append(valued(2, note="\ud800"))
    journal.append(valued(3))
    await journal.durable()
    with pytest.raises(EventError):
        journal.append(valued(4, note="\ud800"))
    journal.append(valued(5))
    await journal.durable()
    journal.close()
    again = Journal.open(tmp_path / "journal.db")
    assert numbers(lasting(again)) == [1, 3, 5]
    again.close()


async def test_no_more_is_taken_than_may_wait(tmp_path: Path) -> None:
    """Beyond max_pending an append is refused with a word on what to do, and taken again after a commit."""
    figures = Figures()
    journal = Journal.open(tmp_path / "journal.db", max_pending=3, figures=figures)
    for number in range(3):
        journal.append(valued(number))
    with pytest.raises(OverloadError, match="3 records wait to be written, no more are taken now; deliver again later"):
        journal.append(valued(3))
    assert figures.pending == 3
    await journal.durable()
    assert figures.pending == 0
    journal.append(valued(3))
    journal.close()


@pytest.mark.parametrize("with_task", [True, False])
async def test_saved_parts_replace_each_other_by_name(tmp_path: Path, with_task: bool) -> None:
    """A part is kept with the row it goes up to; the next of its name takes its place, others stay."""
    path = tmp_path / "journal.db"
    journal = Journal.open(path)
    task = asyncio.create_task(journal.run()) if with_task else None
    await asyncio.sleep(0)
    journal.append(valued(1))
    await journal.save([Part("a", 1, b"first"), Part("b", 1, b"x" * 100_000)])
    journal.append(valued(2))
    await journal.save([Part("a", 2, b"second")])
    assert sorted(journal.parts()) == [Part("a", 2, b"second"), Part("b", 1, b"x" * 100_000)]
    if task:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    journal.close()
    again = Journal.open(path)
    assert sorted(again.parts()) == [Part("a", 2, b"second"), Part("b", 1, b"x" * 100_000)]
    again.close()


async def test_what_may_be_forgotten_is_forgotten_after_a_while(tmp_path: Path) -> None:
    """Passing rows older than retention_days go at the next start; lasting ones and numbering stay."""
    now, figures = T0, Figures()
    path = tmp_path / "journal.db"
    journal = Journal.open(path, clock=lambda: now)
    for number in range(20):
        now = T0 + number * 86_400
        journal.append(reported(number))
        journal.append(valued(number))
        await journal.durable()
    journal.close()
    for _ in range(2):
        async with written(Journal.open(path, retention_days=7, clock=lambda: now, figures=figures)) as journal:
            journal.append(valued(99))
            await journal.durable()  # the oldest rows go before a commit
            assert passing(journal) == [reported(number) for number in range(12, 20)]
    assert (figures.rows, figures.records) == ({"lasting": 22, "passing": 20}, {"lasting": 22, "passing": 20})
    async with written(Journal.open(path, retention_days=0.001, clock=lambda: now + 1e6)) as journal:
        journal.append(reported(20))
        await journal.durable()
        assert passing(journal) == [reported(20)]
    async with written(Journal.open(path)) as journal:
        assert (passing(journal), journal.salvaged) == ([reported(20)], None)


async def test_only_one_may_write(tmp_path: Path) -> None:
    """A second opening is refused with a word on what to do, until the first is closed."""
    path = tmp_path / "journal.db"
    journal = Journal.open(path)
    with pytest.raises(ServiceError, match=r"journal\.db is written by another trading-exporter; end that one"):
        Journal.open(path)
    journal.close()
    Journal.open(path).close()


def test_a_place_that_cannot_hold_a_journal(tmp_path: Path) -> None:
    """A folder that is not there, a file that is something else and a newer schema are each refused with advice."""
    with pytest.raises(ServiceError, match=r"the folder of .*journal\.db does not exist; create it"):
        Journal.open(tmp_path / "no" / "journal.db")
    text = tmp_path / "notes.txt"
    text.write_text("not a journal " * 20)
    other = tmp_path / "other.db"
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE notes (text)")
    database.close()
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(ServiceError, match=r"is not a journal; move it away, or correct journal\.path"):
            Journal.open(path)
        assert path.read_bytes() == before
    (tmp_path / "folder").mkdir()
    with pytest.raises(ServiceError, match="folder is a folder; name a file in it"):
        Journal.open(tmp_path / "folder")
    newer = tmp_path / "newer.db"
    Journal.open(newer).close()
    database = sqlite3.connect(newer)
    database.execute("UPDATE meta SET value = 99 WHERE name = 'schema'")
    database.commit()
    database.close()
    with pytest.raises(ServiceError, match=r"newer trading-exporter \(schema 99, this one knows up to 1\)"):
        Journal.open(newer)


def test_an_older_schema_is_brought_up_to_date() -> None:
    """Each migration that is missing runs once, in order, and all of them in one transaction."""
    connection = connect(None)
    migrate(connection, "here", MIGRATIONS)
    steps = (
        *MIGRATIONS,
        lambda connection: connection.execute("CREATE TABLE extra (name)") and None,
        lambda connection: connection.execute("INSERT INTO extra VALUES ('once')") and None,
    )
    for _ in range(2):
        migrate(connection, "here", steps)
    assert connection.execute("SELECT name FROM extra").fetchall() == [("once",)]
    assert connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() == (3,)


async def test_a_removed_file_is_noticed(tmp_path: Path) -> None:
    """What would be written into a file without a name is refused, not lost."""
    path = tmp_path / "journal.db"
    journal = Journal.open(path)
    path.rename(tmp_path / "moved.db")
    journal.append(valued(1))
    with pytest.raises(JournalError, match="the file was removed or replaced while in use; put it back"):
        await journal.durable()
    (tmp_path / "moved.db").rename(path)
    await journal.durable()
    assert numbers(lasting(journal)) == [1]
    journal.close()


async def test_saving_does_not_wait_for_a_disk_that_is_known_to_refuse(tmp_path: Path) -> None:
    """An exporter that ends while its disk is full would otherwise wait for the next try, and for the one after."""
    path = tmp_path / "journal.db"
    async with written(Journal.open(path)) as journal:
        path.rename(tmp_path / "moved.db")
        journal.append(valued(1))
        with pytest.raises(JournalError):
            await journal.durable()
        tries = journal.figures.failures
        with pytest.raises(JournalError, match="put it back"):
            await journal.save([Part("state", 1, b"")])
        assert journal.figures.failures == tries
        (tmp_path / "moved.db").rename(path)


async def test_a_journal_of_many_rows_is_read_in_order(tmp_path: Path) -> None:
    """Reading goes on correctly over the edges of what is read at once, and while more is written."""
    async with written(Journal.open(tmp_path / "journal.db")) as journal:
        for number in range(150):
            journal.append(valued(number))
            await journal.durable()
        found = []
        for row, records in journal.lasting():
            found += numbers(records)
            if row == 100:
                journal.append(valued(150))
                await journal.durable()
            if row == 151:
                journal.append(valued(151))
        assert found == list(range(152))


async def test_a_cut_begins_a_new_row(tmp_path: Path) -> None:
    """State saved with the number that a cut gives contains that row and nothing after it."""
    async with written(Journal.open(tmp_path / "journal.db")) as journal:
        assert journal.cut() == 0
        journal.append(valued(1))
        row = journal.cut()
        journal.append(valued(2))
        await journal.save([Part("state", row, b"1")])
        assert [numbers(records) for _, records in journal.lasting(row)] == [[2]]
        assert (row, list(journal.parts())) == (1, [Part("state", 1, b"1")])


async def test_a_scrape_says_how_the_journal_does(tmp_path: Path) -> None:
    """Up, rows, records, pending and commits; not up while it cannot be written, and how often that failed."""
    path = tmp_path / "journal.db"
    journal = Journal.open(path)
    state = State(config(), log=journal)
    journal.append(valued(1))
    journal.append(reported(1))
    samples = await scraped(state)
    assert (samples["trading_journal_up"], samples["trading_journal_pending_records"]) == ("1", "2")
    assert "trading_journal_last_commit_timestamp_seconds" not in samples
    await journal.durable()
    path.rename(tmp_path / "moved.db")
    journal.append(valued(2))
    with pytest.raises(JournalError):
        await journal.durable()
    samples = await scraped(state)
    assert samples["trading_journal_up"] == "0"
    assert samples["trading_journal_commit_failures_total"] == "1"
    assert samples["trading_journal_pending_records"] == "1"
    assert samples['trading_journal_records_total{group="passing"}'] == "1"
    (tmp_path / "moved.db").rename(path)
    await journal.durable()
    samples = await scraped(state)
    assert samples["trading_journal_up"] == "1"
    assert samples['trading_journal_rows_total{group="lasting"}'] == "2"
    assert int(samples["trading_journal_size_bytes"]) >= path.stat().st_size
    assert float(samples["trading_journal_last_commit_timestamp_seconds"]) > T0
    journal.close()


async def scraped(state: State) -> dict[str, str]:
    """What the collector of the journal says, by series."""
    exposition = Exposition(1000, 1000, state.dropped)
    batches = gather({"journal": discover()["journal"]}, state)
    text = "".join([part async for part in exposition.render(batches)])
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {series: value for series, _, value in lines}
