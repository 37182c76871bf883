"""``trading-exporter journal …`` as a user runs it."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import math
import os
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from exporter import cli
from exporter.events import Balance, Event, Fill, Funding, Order, PositionReport, Transfer
from exporter.journal import Journal, Part, database
from exporter.journal.records import Moved, Paid, Revalued, Valued
from tests.builders import T0, fee, fill
from tests.journal.helpers import (
    ONE_OF_EACH,
    ONE_OF_EACH_PASSING,
    files,
    fill_rows,
    lasting,
    numbers,
    passing,
    reported,
    valued,
    written,
)

Output = pytest.CaptureFixture[str]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A journal with a row of every kind of record and some of fills, written at T0, T0 + 1, …"""
    path, now = tmp_path / "journal.db", T0
    journal = Journal.open(path, clock=lambda: now)
    for record in [*ONE_OF_EACH, *ONE_OF_EACH_PASSING]:
        journal.append(record)
    await journal.durable()
    for number in range(10, 40):
        now += 1
        await fill_rows(journal, range(number, number + 1))
    await journal.save([Part("early", 12, b"1"), Part("late", 31, b"2")])
    journal.close()
    return path


def run(*arguments: object) -> int:
    return cli.main(["journal", *map(str, arguments)])


def change(path: Path, sql: str) -> None:
    connection = database.connect(path)
    connection.execute(sql)
    connection.close()


def test_verify_tells_what_there_is(path: Path, capsys: Output) -> None:
    """An intact journal gives exit status 0, counts and times; nothing is changed or left beside it."""
    before = hashlib.sha256(path.read_bytes()).digest()
    assert run("verify", path) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: intact",
        "  lasting: 31 rows, 37 records, events from 2025-10-09T08:53:20.000Z to 2025-10-09T08:53:59.000Z",
        "  passing: 4 rows, 8 records, events from 2025-10-09T08:53:20.000Z to 2025-10-09T08:53:59.000Z",
        "  saved state: 2 parts",
    ]
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert {file.name for file in path.parent.iterdir()} == {"journal.db", "journal.db.lock"}


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("UPDATE lasting SET payload = x'0100' WHERE number = 20", "row 20 was changed"),
        ("UPDATE lasting SET written = written + 1 WHERE number = 20", "row 20 was changed"),
        ("UPDATE lasting SET last_ts = last_ts + 1 WHERE number = 20", "row 20 was changed"),
        ("UPDATE lasting SET records = 2 WHERE number = 20", "row 20 was changed"),
        ("UPDATE lasting SET total = total + 1 WHERE number = 20", "row 20 was changed"),
        ("UPDATE lasting SET payload = payload || x'ff' WHERE number = 20", "decode to UTF-8"),
        ("DELETE FROM lasting WHERE number = 20", "row 20 is missing"),
        ("UPDATE passing SET digest = x'00' WHERE number = 2", "passing: row 2 was changed"),
        ("UPDATE parts SET payload = x'00' WHERE name = 'late'", "the saved state was changed"),
    ],
)
def test_verify_finds_what_was_changed(path: Path, capsys: Output, sql: str, fault: str) -> None:
    """Each value of a row is covered by its digest, a row by its number; exit status 1, and what is intact."""
    change(path, sql)
    assert run("verify", path) == 1
    out = capsys.readouterr().out
    assert f"{path}: damaged: " in out
    assert fault in out
    kept = 19 if "number = 20" in sql else 31
    assert f"a start would go on with: {kept} rows with {kept + 6} records, the last written 2025-10-09T08:53:" in out
    if kept == 19:
        assert f"{31 - 20 + ('UPDATE' in sql)} rows are known to be lost, the last of them written" in out


def test_verify_finds_any_byte_of_a_row_that_was_changed(path: Path, capsys: Output) -> None:
    """One byte of the file after the other, where a row's values are."""
    data = path.read_bytes()
    connection = database.connect(path)
    digests = [digest for (digest,) in connection.execute("SELECT digest FROM lasting WHERE number IN (1, 17, 31)")]
    connection.close()
    for digest in digests:
        place = data.rindex(digest)  # an earlier one is what a page held before it was divided
        for at in range(place - 24, place + 60, 5):
            path.write_bytes(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])
            assert run("verify", path) == 1, at
    path.write_bytes(data)
    assert run("verify", path) == 0
    capsys.readouterr()


def test_verify_of_a_file_that_was_cut(path: Path, capsys: Output) -> None:
    """It says how much is there, leaves the file as it is, and names the pages that are missing."""
    data = path.read_bytes()
    for pages in (1, 3, len(data) // 4096 - 1):
        path.write_bytes(data[: pages * 4096])
        assert run("verify", path) == 1
        out = capsys.readouterr().out
        assert "damaged: " in out
        assert "a start would go on with: " in out
        assert path.read_bytes() == data[: pages * 4096]


async def test_verify_while_the_exporter_writes(path: Path) -> None:
    """Another process reads all of it meanwhile and finds no fault."""
    async with written(Journal.open(path)) as journal:
        command = [sys.executable, "-m", "exporter", "journal", "verify", str(path)]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        ended = asyncio.ensure_future(process.communicate())
        number = 100
        while not ended.done():
            journal.append(valued(number))
            number += 1
            await journal.durable()
        out, _ = await ended
        assert process.returncode == 0, out
        assert b"intact" in out


async def test_a_backup_while_the_exporter_writes(path: Path, tmp_path: Path) -> None:
    """The copy is a whole journal of one moment; it can be opened and has what was there when it began."""
    target = tmp_path / "backup.db"
    async with written(Journal.open(path)) as journal:
        for number in range(100, 3000):
            journal.append(valued(number))
        await journal.durable()
        command = [sys.executable, "-m", "exporter", "journal", "backup", str(path), str(target)]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        ended = asyncio.ensure_future(process.communicate())
        number = 3000
        while not ended.done():
            journal.append(valued(number))
            number += 1
            await journal.durable()
        out, _ = await ended
        assert process.returncode == 0
        assert b"verified" in out
        whole = numbers(lasting(journal))
    copy = Journal.open(target)
    found = numbers(lasting(copy))
    assert found == whole[: len(found)]
    assert len(found) >= 3000 - 100 + 30
    assert copy.salvaged is None
    copy.close()


def test_a_backup_never_writes_over_anything_unasked(path: Path, tmp_path: Path, capsys: Output) -> None:
    """An existing file is kept unless --force is given, the journal itself always."""
    target = tmp_path / "backup.db"
    assert run("backup", path, target) == 0
    first = target.read_bytes()
    change(path, "DELETE FROM parts")
    assert run("backup", path, target) == 1
    assert f"{target} is there already; give another name, or --force" in capsys.readouterr().err
    assert target.read_bytes() == first
    assert run("backup", path, target, "--force") == 0
    assert target.read_bytes() != first
    assert run("backup", path, path, "--force") == 1
    assert run("backup", path, tmp_path / "no" / "backup.db") == 1
    assert f"the folder of {tmp_path}/no/backup.db does not exist; create it" in capsys.readouterr().err
    assert {file.name for file in tmp_path.iterdir()} == {"journal.db", "journal.db.lock", "backup.db"}


async def test_a_backup_over_a_journal_takes_nothing_of_it(path: Path, tmp_path: Path, capsys: Output) -> None:
    """The WAL of a journal whose exporter was killed is not read into the copy that takes its place."""
    target = tmp_path / "old.db"
    async with written(Journal.open(tmp_path / "other.db")) as other:
        await fill_rows(other, range(1000))
        for suffix, data in files(tmp_path / "other.db").items():
            (tmp_path / f"old.db{suffix}").write_bytes(data)
        assert run("backup", path, tmp_path / "other.db", "--force") == 1
        assert "other.db is written by a trading-exporter; give another name" in capsys.readouterr().err
    assert (tmp_path / "old.db-wal").stat().st_size
    assert run("backup", path, target, "--force") == 0
    assert not (tmp_path / "old.db-wal").exists()
    capsys.readouterr()
    assert run("export", target) == run("export", path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("verb", ["verify", "export", "replay"])
def test_output_that_cannot_be_written_is_one_line(path: Path, verb: str) -> None:
    """Whoever redirects an export to a full disk must not take what is there for all of it."""
    command = [sys.executable, "-m", "exporter", "journal", verb, str(path)]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "the output cannot be read or written: No space left on device; see to its disk\n"


def test_a_backup_of_a_damaged_journal_is_refused(path: Path, tmp_path: Path, capsys: Output) -> None:
    """A backup that is damaged would be found out when it is needed."""
    change(path, "UPDATE lasting SET payload = x'00' WHERE number = 20")
    assert run("backup", path, tmp_path / "backup.db") == 1
    assert "row 20 was changed" in capsys.readouterr().err
    assert not (tmp_path / "backup.db").exists()


def rows_of(path: Path, group: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(f"SELECT * FROM {group} ORDER BY number").fetchall()
    connection.close()
    return rows


@pytest.mark.parametrize(
    ("until", "kept", "parts"), [(None, 31, ["early", "late"]), (T0 + 14, 15, []), (T0 + 99, 31, []), (T0 - 1, 0, [])]
)
def test_restore(path: Path, tmp_path: Path, until: float | None, kept: int, parts: list[str]) -> None:
    """Whole or up to a moment: rows written by then are identical, digests and all; what is later is not there.

    Nor is saved state, which may know of what came after the moment.
    """
    target = tmp_path / "restored.db"
    assert run("restore", path, target, *(() if until is None else ("--until", until))) == 0
    for group in ("lasting", "passing"):
        assert rows_of(target, group) == [
            row for row in rows_of(path, group) if until is None or float(str(row[4])) <= until
        ]
    journal = Journal.open(target)
    assert (journal.row, [part.name for part in journal.parts()]) == (kept + 1, parts)
    journal.close()


def test_restore_keeps_what_was_there(path: Path, tmp_path: Path, capsys: Output) -> None:
    """The target is only replaced when asked for, kept beside, and not while an exporter writes it."""
    target = tmp_path / "restored.db"
    old = Journal.open(target)
    assert run("restore", path, target) == 1
    assert run("restore", path, target, "--force") == 1
    assert "restored.db is written by another trading-exporter; end that one" in capsys.readouterr().err
    old.close()
    before = target.read_bytes()
    assert run("restore", path, target, "--force") == 0
    (kept,) = tmp_path.glob("restored.db.replaced-*")
    assert kept.read_bytes() == before
    assert f"the file that was there is kept as {kept}" in capsys.readouterr().out


def test_restore_of_a_damaged_backup(path: Path, tmp_path: Path, capsys: Output) -> None:
    """It is refused, unless the intact beginning is asked for; then that is restored, and what is lost is said."""
    change(path, "UPDATE lasting SET payload = x'00' WHERE number = 20")
    target = tmp_path / "restored.db"
    assert run("restore", path, target) == 1
    assert not target.exists()
    assert run("restore", path, target, "--intact") == 0
    assert (
        "row 20 was changed: its digest does not match; only its beginning is restored, as asked for"
        in capsys.readouterr().err
    )
    assert run("verify", target) == 0
    assert rows_of(target, "lasting") == rows_of(path, "lasting")[:19]
    assert run("restore", path, target, "--intact", "--force", "--until", T0 + 25) == 0
    journal = Journal.open(target)
    assert (journal.row, list(journal.parts())) == (20, [])
    journal.close()
    path.write_bytes(path.read_bytes()[: 3 * 4096])
    assert run("restore", path, target, "--intact", "--force") == 0
    assert run("verify", target) == 0


def test_an_export_can_be_pushed_again(path: Path, capsys: Output) -> None:
    """Each line is an event on the wire, and decodes to the very event that was journaled."""
    assert run("export", path) == 0
    lines = capsys.readouterr().out.splitlines()
    events = [msgspec.json.decode(line, type=Event) for line in lines]
    expected = [ONE_OF_EACH[0], ONE_OF_EACH[1]]
    assert events[:2] == [record.fill for record in expected if isinstance(record, Valued)]
    assert [type(event) for event in events[2:4]] == [Funding, Transfer]
    assert {type(event) for event in events} == {Fill, Funding, Transfer, Balance, PositionReport, Order}
    assert len(events) == 2 + 1 + 1 + 30 + 3 + 3
    assert json.loads(lines[0])["type"] == "fill"


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--kind", "fill"], 32),
        (["--kind", "funding", "--kind", "balance"], 5),
        (["--from", str(T0 + 30)], 11),
        (["--from", "2025-10-09T08:53:50Z", "--to", "2025-10-09T10:53:55+02:00"], 5),
        (["--to", "2025-10-09"], 0),
        (["--account", "main", "--kind", "fill"], 32),
        (["--account", "default"], 3),
        (["--exchange", "beta"], 0),
        (["--symbol", "BTC/USDT:USDT"], 2),
    ],
)
def test_an_export_has_what_was_asked_for(path: Path, capsys: Output, options: list[str], count: int) -> None:
    """Kinds, times and names each leave out the others."""
    assert run("export", path, *options) == 0
    assert len(capsys.readouterr().out.splitlines()) == count


async def test_a_table_for_an_accountant(tmp_path: Path, capsys: Output) -> None:
    """Values, fees and payments are in USD at their own time, prices that became known later included."""
    path = tmp_path / "journal.db"
    journal = Journal.open(path)
    for record in ONE_OF_EACH:
        journal.append(record)
    inverse = fill("9", "buy", "50000", "3", T0 + 5, symbol="BTC/USD:BTC", contract_size=Decimal(100), strategy="=1+1")
    journal.append(Valued(inverse, Decimal(50_000), Decimal(50_000), ()))
    bnb = fill("10", "sell", "10", "2", T0 + 6, fee=fee("0.01", "BNB"))
    journal.append(Valued(bnb, Decimal(10), Decimal(1), None, exact=False))
    journal.append(
        Revalued("alpha", "main", "BTC/USDT", "10", Decimal("10.5"), Decimal(1), (Decimal(600),), exact=True)
    )
    journal.close()
    assert run("export", path, "--format", "csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [line["kind"] for line in lines] == ["fill", "fill", "funding", "transfer", "fill", "fill"]
    first, second, funding, transfer, contract, later = lines
    wanted = ("value_usd", "fees", "fees_usd", "mid", "rate_usd", "exact")
    assert [first[name] for name in wanted] == ["199.0", "0.01 USDT + -0.0001 BNB", "-0.05123", "99.75", "1", "yes"]
    assert (second["id"], second["price"], second["value_usd"]) == ('é\n"2', "0.000000001", "")
    assert [funding[name] for name in ("currency", "amount", "amount_usd")] == ["USDT", "-0.5", "-0.5"]
    assert [transfer[name] for name in ("currency", "amount", "amount_usd", "exact")] == ["BTC", "-3", "", "no"]
    assert (contract["strategy"], contract["value_usd"]) == ("'=1+1", "300.000")
    assert [later[name] for name in wanted] == ["20", "0.01 BNB", "6.00", "10.5", "1", "yes"]


async def test_a_table_has_each_price_that_became_known_later(tmp_path: Path, capsys: Output) -> None:
    """Of fills, payments and transfers, whatever their ids have in common; what was known at first stays."""
    path, of = tmp_path / "journal.db", ("alpha", "main", "BTC/USDT:USDT")
    journal = Journal.open(path)
    common: dict[str, Any] = {"exchange": "alpha", "account": "main", "currency": "BNB", "ts": T0}
    paid = Funding(symbol=of[2], funding_id="7", amount=Decimal(-2), **common)
    moved = Transfer(transfer_id="7", amount=Decimal(5), **common)
    trade = fill("7", "buy", "100", "1", symbol=of[2], fee=fee("0.01", "BNB"))
    for record in (
        Paid(paid, None),
        Moved(moved, None),
        Valued(trade, Decimal(99), None, (Decimal(610),)),
        Revalued(*of, "7", Decimal(101), Decimal(2), None, exact=True),
        Revalued(*of, "funding\0" + "7", Decimal(1), Decimal(620), (), exact=False),
        Revalued("alpha", "main", "", "7", Decimal(1), Decimal(630), (), exact=True),
        Paid(replace(paid, funding_id="8"), None),
    ):
        journal.append(record)
    journal.close()
    assert run("export", path, "--format", "csv") == 0
    funding, transfer, later, unknown = csv.DictReader(io.StringIO(capsys.readouterr().out))
    wanted = ("amount_usd", "rate_usd", "exact")
    assert [funding[name] for name in wanted] == ["-1240", "620", "no"]
    assert [transfer[name] for name in wanted] == ["3150", "630", "yes"]
    assert [unknown[name] for name in wanted] == ["", "", "no"]
    assert [later[name] for name in ("value_usd", "fees_usd", "mid", *wanted)] == ["200", "6.10", "101", "", "2", "yes"]


async def test_a_table_knows_futures_by_what_they_settle_in(tmp_path: Path, capsys: Output) -> None:
    """With a date or without: an inverse contract's value is its dollars, whatever the price."""
    path = tmp_path / "journal.db"
    journal = Journal.open(path)
    for symbol in ("BTC/USD:BTC", "BTC/USD:BTC-261225", "BTC/USDT:USDT-261225"):
        trade = fill(symbol, "buy", "50000", "3", symbol=symbol, contract_size=Decimal(100))
        rate = Decimal(1 if symbol.startswith("BTC/USDT") else 50_000)
        journal.append(Valued(trade, trade.price, rate, ()))
    journal.close()
    assert run("export", path, "--format", "csv") == 0
    lines = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert [Decimal(line["value_usd"]) for line in lines] == [300, 300, 15_000_000]


async def test_an_export_goes_on_while_the_exporter_forgets(quick_path: Path) -> None:
    """What retention takes away before it was read is left out, and the journal is not said to be damaged."""
    path = quick_path / "journal.db"
    journal = Journal.open(path)
    for number in range(4000):  # more than fits between two processes
        journal.append(reported(number))
        if number % 20 == 19:
            await journal.durable()
    command = [sys.executable, "-m", "exporter", "journal", "export", str(path)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    first = await process.stdout.readline()
    connection = database.connect(path)
    while database.cut(connection, math.inf, at_most=10) and database.read_start(connection, "passing").number < 190:
        pass
    connection.close()
    out, errors = await process.communicate()
    journal.close()
    assert (process.returncode, errors) == (0, b"")
    totals = [int(json.loads(line)["total"]) for line in (first + out).splitlines()]
    assert totals == sorted(totals)
    assert totals[-1] == 3999
    assert len(totals) < 4000


def modes(folder: Path) -> dict[str, int]:
    """The permissions of each file in a folder."""
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


async def test_none_but_its_owner_may_read_a_journal(path: Path, capsys: Output) -> None:
    """Neither the file, nor what SQLite puts beside it, nor a copy of it, even where new files are open to all."""
    folder, old = path.parent, os.umask(0)
    try:
        journal = Journal.open(folder / "new")
        await fill_rows(journal, range(20))
        assert {"new", "new-wal", "new-shm", "new.lock"} <= modes(folder).keys()
        assert run("backup", folder / "new", folder / "backup") == 0
        assert run("restore", folder / "backup", folder / "restored") == 0
        change(path, "DELETE FROM lasting WHERE number = 2")
        Journal.open(path).close()
        assert any(".damaged-" in name for name in modes(folder))
        assert set(modes(folder).values()) == {0o600}
        journal.close()
    finally:
        os.umask(old)
    capsys.readouterr()


def test_what_cannot_be_read(tmp_path: Path, capsys: Output) -> None:
    """A file that is not there or no journal gives exit status 1 and one line; a wrong word gives 2."""
    text = tmp_path / "notes.txt"
    text.write_text("not a journal " * 20)
    for verb in (["verify"], ["export"], ["replay"], ["backup", "--force"], ["restore", "--force"]):
        rest = [tmp_path / "target"] if verb[0] in ("backup", "restore") else []
        assert run(*verb, tmp_path / "none", *rest) == 1
        assert f"{tmp_path}/none: there is no such file; name the journal" in capsys.readouterr().err
        assert run(*verb, text, *rest) == 1
        assert "is not a journal" in capsys.readouterr().err
    for wrong in (["export", text, "--from", "yesterday"], ["verify"], ["paint"]):
        with pytest.raises(SystemExit) as ended:
            run(*wrong)
        assert ended.value.code == 2
        if "yesterday" in wrong:
            assert "'yesterday' is no time; write 2026-03-01" in capsys.readouterr().err
    assert run("export", text, "--format", "csv", "--kind", "order") == 2


async def test_replay_prints_what_the_journal_comes_to(tmp_path: Path, capsys: Output) -> None:
    """Position, realised PnL and fees of each book, from the journal alone."""
    path = tmp_path / "journal.db"
    journal = Journal.open(path)
    for trade in (fill("1", "buy", "100", "2", fee=fee("0.5")), fill("2", "sell", "103", "1", T0 + 1)):
        journal.append(Valued(trade, trade.price, Decimal(1), (Decimal(1),) * len(trade.fees)))
    journal.close()
    assert run("replay", path) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split()[:5] == ["exchange", "account", "symbol", "strategy", "fills"]
    assert line.split() == ["alpha", "main", "BTC/USDT", "maker", "2", "1", "100", "3", "0.5", "0", "0"]


async def test_replay_prints_the_largest_amounts(tmp_path: Path, capsys: Output) -> None:
    """Whatever an event may hold can be printed."""
    path, largest = tmp_path / "journal.db", Decimal("1e24")
    journal = Journal.open(path)
    journal.append(Valued(fill("1", "buy", "1e24", "1e24", contract_size=largest), largest, Decimal(1), ()))
    journal.close()
    assert run("replay", path) == 0
    assert f" 1{'0' * 48} " in capsys.readouterr().out


def test_help_teaches(capsys: Output) -> None:
    """The examples and the exit statuses stand in --help."""
    with pytest.raises(SystemExit):
        run("--help")
    text = capsys.readouterr().out
    assert "trading-exporter journal backup" in text
    assert "exit status: 0 done, 1 the journal is damaged" in text


def test_passing_rows_are_restored_too(path: Path, tmp_path: Path) -> None:
    """What may be forgotten is in a backup as long as it is in the journal."""
    assert run("backup", path, tmp_path / "backup.db") == 0
    journal = Journal.open(tmp_path / "backup.db")
    assert passing(journal)[: len(ONE_OF_EACH_PASSING)] == ONE_OF_EACH_PASSING
    journal.close()
