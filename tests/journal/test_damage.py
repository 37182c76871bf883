"""A journal that was cut or changed: what is intact is gone on with, and the rest is kept beside."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.errors import JournalError
from exporter.journal import Figures, Journal, Part, database
from exporter.journal.records import Reported
from tests.builders import T0
from tests.journal.helpers import files, fill_rows, lasting, numbers, passing, reported, valued

PAGE = 512  # small pages, so that a few hundred rows have a tree of three levels and overflow pages
ROWS = 300


async def journal_files(folder: Path, *, page_size: int = PAGE, rows: int = ROWS) -> tuple[dict[str, bytes], bytes]:
    """A journal as a killed process leaves it (database and WAL), and as an orderly end leaves it."""
    path = folder / "whole.db"
    database.create(path, page_size).close()
    journal = Journal.open(path)
    await fill_rows(journal, range(rows))
    killed = files(path)
    journal.close()
    return killed, path.read_bytes()


def opened(folder: Path, contents: dict[str, bytes]) -> tuple[Journal, Figures]:
    """A journal opened on files with these contents."""
    for old in folder.glob("cut.db*"):
        old.unlink()
    path, figures = folder / "cut.db", Figures()
    for suffix, data in contents.items():
        path.with_name(path.name + suffix).write_bytes(data)
    return Journal.open(path, figures=figures), figures


def survivors(journal: Journal) -> tuple[int, int]:
    """How many lasting and passing records are left: exactly the first ones, of the passing all in a row."""
    found, samples = numbers(lasting(journal)), passing(journal)
    assert found == list(range(len(found)))
    first = min((int(sample.event.ts - T0) for sample in samples if isinstance(sample, Reported)), default=0) // 10
    assert samples == [reported(number * 10 + 9) for number in range(first, first + len(samples))]
    return len(found), len(samples)


def is_readable(journal: Journal) -> bool:
    """Whether all of it can be read; an error must say where to go on."""
    try:
        survivors(journal)
    except JournalError as error:
        return "docs/journal.md" not in str(error)
    return True


def kept_beside(folder: Path) -> list[bytes]:
    """The damaged databases that are kept."""
    return [file.read_bytes() for file in folder.glob("cut.db.damaged-*") if not file.name.endswith("-wal")]


def change(path: Path, sql: str) -> None:
    """Change a closed journal by hand."""
    connection = database.connect(path)
    assert connection.execute(sql).rowcount == 1
    connection.close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A thousand salvages would fill the log; the words are tested where a test asks for them."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


async def test_the_file_cut_at_every_byte_of_its_end(quick_path: Path) -> None:
    """Whatever is missing of the last pages, an exact beginning is left, the more the later the cut."""
    rows = 80
    _, data = await journal_files(quick_path, rows=rows)
    last = 0
    for cut in [*range(len(data) - 4 * PAGE, len(data) - PAGE, 13), *range(len(data) - PAGE, len(data))]:
        journal, figures = opened(quick_path, {"": data[:cut]})
        kept, samples = survivors(journal)
        assert journal.salvaged is not None
        assert journal.salvaged.damaged.read_bytes() == data[:cut]
        assert kept + journal.salvaged.lost_rows <= rows
        assert figures.lost_rows == journal.salvaged.lost_rows
        assert kept >= last
        assert samples >= kept // 10 - 1
        last = kept
        journal.close()
    assert last >= rows - 10


async def test_the_file_cut_anywhere(quick_path: Path) -> None:
    """Also where the tree's upper pages are gone, and down to nothing at all."""
    _, data = await journal_files(quick_path)
    kept = []
    for cut in [*range(0, len(data), 3 * PAGE), 1, 15, 16, 17, 50, 99, 100, 101, 511, 513]:
        journal, _ = opened(quick_path, {"": data[:cut]})
        kept.append((cut, survivors(journal)[0]))
        journal.append(valued(kept[-1][1]))
        await journal.durable()
        assert survivors(journal)[0] == kept[-1][1] + 1
        journal.close()
    for cut, count in kept:
        assert count >= ROWS * (cut - 8 * PAGE) / len(data) - 12, cut


async def test_the_wal_cut_at_every_byte_of_its_end(quick_path: Path) -> None:
    """A power cut leaves part of the WAL: the commits that are whole are there, without any salvage."""
    killed, _ = await journal_files(quick_path, rows=40)
    wal, frame = killed["-wal"], PAGE + 24
    last = 0
    end = len(wal)
    coarse = [*range(0, end - 3 * frame, 5 * frame + 11), *range(end - 3 * frame, end - frame, 5)]
    for cut in [*coarse, *range(end - frame, end)]:
        journal, _ = opened(quick_path, killed | {"-wal": wal[:cut]})
        assert journal.salvaged is None
        kept, _ = survivors(journal)
        assert kept >= last
        last = kept
        journal.close()
    assert last == 39


async def test_file_and_wal_damaged_together(quick_path: Path) -> None:
    """The WAL was brought into the file in part or in whole, then either is cut: what both hold together is used."""
    path = quick_path / "whole.db"
    database.create(path, PAGE).close()
    journal = Journal.open(path)
    other = database.connect(path)
    await fill_rows(journal, range(50))
    other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    held = database.connect(path, "ro")
    held.execute("BEGIN")
    held.execute("SELECT count(*) FROM lasting").fetchone()  # keeps what follows in the WAL alone
    await fill_rows(journal, range(50, 100))
    other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    killed = files(path)
    for connection in (held, other):
        connection.close()
    journal.close()
    data, wal = killed[""], killed["-wal"]
    for cut in range(0, len(wal), 3 * (PAGE + 24) + 7):
        journal, _ = opened(quick_path, {"": data, "-wal": wal[:cut]})
        assert survivors(journal)[0] >= 50
        journal.close()
    for cut in range(0, len(data), 2 * PAGE + 7):
        journal, _ = opened(quick_path, {"": data[:cut], "-wal": wal})
        survivors(journal)
        journal.close()
    journal, _ = opened(quick_path, {"-wal": wal})
    assert journal.salvaged is not None
    survivors(journal)
    journal.close()


async def test_a_byte_changed_anywhere_never_makes_a_wrong_record(quick_path: Path) -> None:
    """Reading gives the right records, or an error that names the row; opening never fails."""
    _, data = await journal_files(quick_path, rows=40)
    found = 0
    for at in range(0, len(data), 29):
        changed = bytearray(data)
        changed[at] ^= 0x55
        if at < 18 or 20 <= at < 24 or 68 <= at < 72:  # what says that it is a journal, and of which version
            continue
        journal, _ = opened(quick_path, {"": bytes(changed)})
        found += journal.salvaged is not None or not is_readable(journal)
        journal.close()
    assert found > 60


async def test_a_salvage_says_what_is_left_and_what_is_lost(quick_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log has the rows, records and times, and where the damaged file is."""
    logging.disable(logging.NOTSET)
    now = T0
    path = quick_path / "cut.db"
    journal = Journal.open(path, clock=lambda: now)
    for number in range(200):
        now = T0 + number
        journal.append(valued(number))
        await journal.durable()
    journal.close()
    change(path, "UPDATE lasting SET payload = x'0102' WHERE number = 195")
    journal = Journal.open(path)
    salvaged = journal.salvaged
    assert salvaged is not None
    assert numbers(lasting(journal)) == list(range(194))
    assert (salvaged.lost_rows, salvaged.lost_until) == (6, T0 + 199)
    text = caplog.text
    assert "cut.db is damaged: lasting: row 195 was changed: its digest does not match" in text
    assert "intact: 194 rows with 194 records, the last written 2025-10-09T08:56:33.000Z; " in text
    assert "6 rows are known to be lost, the last of them written 2025-10-09T08:56:39.000Z" in text
    assert f"The damaged file is kept as {salvaged.damaged}" in text
    assert salvaged.damaged.name.startswith("cut.db.damaged-2")
    journal.close()


async def test_saved_state_newer_than_the_rows_is_discarded(quick_path: Path) -> None:
    """State that contains rows which are lost would count them twice when their source sends them again."""
    path = quick_path / "cut.db"
    journal = Journal.open(path)
    await fill_rows(journal, range(30))
    await journal.save([Part("early", 12, b"early"), Part("late", 30, b"late")])
    await fill_rows(journal, range(30, 40))
    journal.close()
    change(path, "UPDATE lasting SET payload = x'0102' WHERE number = 36")
    journal = Journal.open(path)
    assert (survivors(journal)[0], sorted(part.name for part in journal.parts())) == (35, ["early", "late"])
    journal.close()
    change(path, "UPDATE lasting SET payload = x'0102' WHERE number = 20")
    journal = Journal.open(path)
    with pytest.raises(JournalError, match="row 20 was changed: its digest does not match"):
        lasting(journal)
    journal.close()
    change(path, "DELETE FROM lasting WHERE number = 34")
    journal = Journal.open(path)
    assert (survivors(journal)[0], [part.name for part in journal.parts()]) == (19, ["early"])
    journal.close()


async def test_saved_state_is_handed_out_whole_or_not_at_all(quick_path: Path) -> None:
    """When one part was changed on disk, the others alone would be a state that never was."""
    path = quick_path / "cut.db"
    journal = Journal.open(path)
    await journal.save([Part("a", 0, b"one"), Part("b", 0, b"two")])
    journal.close()
    change(path, "UPDATE parts SET payload = x'00' WHERE name = 'a'")
    journal = Journal.open(path)
    assert list(journal.parts()) == []
    journal.close()


async def test_forgotten_rows_are_no_damage(quick_path: Path) -> None:
    """After retention cut the passing rows, a salvage goes on from where it cut, known or not."""
    now, path = T0, quick_path / "cut.db"
    journal = Journal.open(path, clock=lambda: now)
    for number in range(60):
        now = T0 + 86_400 * number
        journal.append(reported(number))
        await journal.durable()
    journal.close()
    connection = database.connect(path)
    assert database.cut(connection, T0 + 86_400 * 20) == 20
    connection.close()
    for sql, first in (
        ("UPDATE passing SET payload = x'02' WHERE number = 58", 20),
        ("UPDATE passing SET payload = x'02' WHERE number = 56", 20),
        ("DELETE FROM meta WHERE name = 'cut'", 21),  # the first row cannot be vouched for then
    ):
        change(path, sql)
        journal = Journal.open(path)
        found = passing(journal)
        assert found == [reported(number) for number in range(first, first + len(found))]
        assert len(found) >= 33
        journal.close()


async def test_a_salvage_that_was_killed_is_ended_at_the_next_start(quick_path: Path) -> None:
    """Wherever it was killed, the damaged file is kept and the salvaged one takes its place."""
    _, data = await journal_files(quick_path, rows=40)
    for damaged in (
        {"": data[:-700], "-wal": b"", ".salvaged": data},
        {".salvaged": data},
        {"-wal": b"x", ".salvaged": data},
    ):
        journal, _ = opened(quick_path, damaged | {".salvaging": b"half"})
        assert (survivors(journal)[0], journal.salvaged) == (40, None)
        assert kept_beside(quick_path) == [damaged[suffix] for suffix in damaged if suffix == ""]
        journal.close()
