"""What waits on disk: across restarts, crashes, full and broken disks, and several clients."""

from __future__ import annotations

import json
import logging
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from exporter.client import Client
from tests.client.program import run, start
from tests.client.standin import StandIn, standin, until
from tests.client.test_delivery import client, fills

AWAY = "http://127.0.0.1:9"  # discard: nobody listens there


def away(spool: Path | None, **rest: Any) -> Client:
    return Client(AWAY, exchange="alpha", spool=spool, **rest)


def left_behind(spool: Path, count: int, first: int = 0) -> list[str]:
    """What a bot leaves that reports while the exporter is away, and ends."""
    with away(spool) as reports:
        ids = fills(reports, count, first)
        assert reports.flush(10, to_disk=True)
        assert reports.statistics.spooled == reports.statistics.waiting
    return ids


def segments(spool: Path) -> list[Path]:
    return sorted(spool.glob("*/*.ndjson"))


def delivered(spool: Path, expected: list[str], server: StandIn) -> None:
    """Check that a client on the folder sends these and leaves nothing."""
    with client(server, spool) as reports:
        assert reports.flush(30)
        assert reports.statistics.spooled == 0
    assert server.ids() == expected
    assert segments(spool) == []


def test_a_restarted_bot_sends_what_the_last_one_could_not(tmp_path: Path) -> None:
    """In its order, before its own reports, and nothing is left on the disk."""
    ids = left_behind(tmp_path, 20)
    ids += left_behind(tmp_path, 20, 20)
    with standin() as server, client(server, tmp_path) as reports:
        ids += fills(reports, 5, 40)
        assert reports.flush(30)
        assert server.ids() == ids
    assert segments(tmp_path) == []


def test_what_was_acknowledged_is_not_sent_again(tmp_path: Path) -> None:
    """A client that ends in the middle of its spool leaves the rest only."""
    with standin() as server:
        with client(server, tmp_path) as reports:
            ids = fills(reports, 10)
            assert reports.flush(30)
            server.stop()
            ids += fills(reports, 10, 10)
            assert reports.flush(10, to_disk=True)
        server.start()
        delivered(tmp_path, ids, server)


def test_the_spool_is_for_the_bots_user_alone(tmp_path: Path) -> None:
    """Positions and fills are nobody else's business."""
    left_behind(tmp_path / "spool", 1)
    for path in (tmp_path / "spool").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700


def test_a_spool_cut_anywhere_gives_its_whole_lines(tmp_path: Path) -> None:
    """Whatever a crash tore off the end, all before it is sent."""
    ids = left_behind(tmp_path / "whole", 3)
    (segment,) = segments(tmp_path / "whole")
    data = segment.read_bytes()
    with standin() as server:
        for size in range(0, len(data) + 1, 7):
            server.taken.clear()
            spool = tmp_path / str(size)
            (spool / "0").mkdir(parents=True)
            (spool / "0" / segment.name).write_bytes(data[:size])
            delivered(spool, ids[: data[:size].count(b"\n")], server)


@pytest.mark.parametrize(
    "damage", [b"\x00" * 5000 + b"\n", b"{\n", b"\xff\r\r\xff\n", b"[1]\n", b"x" * 1_000_000 + b"\n", b"\n"]
)
def test_damaged_lines_are_left_out_counted_and_said(
    damage: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What a power failure made of a file does not hold up what is whole in it."""
    ids = left_behind(tmp_path, 3)
    (segment,) = segments(tmp_path)
    first, rest = segment.read_bytes().split(b"\n", 1)
    segment.write_bytes(first + b"\n" + damage + rest)
    with standin() as server, client(server, tmp_path) as reports:
        assert reports.flush(30)
        assert server.ids() == ids
        assert reports.statistics.lost == 1
    assert "damaged line" in caplog.text
    assert segments(tmp_path) == []


def test_a_torn_record_of_what_was_acknowledged_only_repeats(tmp_path: Path) -> None:
    """Sent twice rather than not at all."""
    ids = left_behind(tmp_path, 3)
    (tmp_path / "0" / "acknowledged").write_bytes(b"\x00\x00\x00")
    with standin() as server:
        delivered(tmp_path, ids, server)


def test_two_clients_on_one_folder_do_not_mix(tmp_path: Path) -> None:
    """Each writes a lane of its own, and the next client sends what both left."""
    with away(tmp_path) as one, away(tmp_path) as other:
        ids = fills(one, 10)
        assert one.flush(10, to_disk=True)
        ids += fills(other, 10, 10)
        assert other.flush(10, to_disk=True)
        assert len(segments(tmp_path)) == 2
        assert one.statistics.spooled == other.statistics.spooled == 10
    with standin() as server:
        delivered(tmp_path, ids, server)


def test_a_file_that_is_deleted_under_the_client_is_counted_as_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so, and goes on with what comes after."""
    left_behind(tmp_path, 3)
    with standin(lambda request: request.answer(500, "")) as server, client(server, tmp_path) as reports:
        server.until(lambda: server.requests > 0)
    with standin() as server:
        server.stop()
        (path,) = segments(tmp_path)
        with client(server, tmp_path) as reports:
            until(lambda: reports.statistics.spooled == 3)
            path.unlink()
            server.start()
            ids = fills(reports, 3, 3)
            assert reports.flush(30)
            lost = reports.statistics.lost
            assert (server.ids(), lost) in ((ids, 3), (["0", "1", "2", *ids], 0))  # it may have been read before
    assert lost == 0 or "was deleted" in caplog.text


def test_a_full_spool_lets_orders_go_before_it_loses_fills(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The oldest orders give way first; only when none are left new events are lost, loudly and counted."""
    with away(tmp_path, spool_bytes=1024 * 1024) as reports:
        for number in range(0, 20_000, 100):
            for each in range(number, number + 50):
                reports.order(symbol="BTC/USDT", order_id=each, status="canceled", side="buy")
            fills(reports, 50, number)
            assert reports.flush(10, to_disk=True)
        statistics = reports.statistics
        assert statistics.dropped > 0
        assert statistics.lost > 0
        assert sum(path.stat().st_size for path in segments(tmp_path)) <= 1024 * 1024
    lines = [json.loads(line) for path in segments(tmp_path) for line in path.read_bytes().splitlines()]
    assert len(lines) + statistics.dropped + statistics.lost == 20_000
    kept = [int(line["trade_id"]) for line in lines if line["type"] == "fill"]
    first = [number for number in range(20_000) if number % 100 < 50][: len(kept)]
    assert len(set(first) - set(kept)) < 5  # the first; a shorter line may have fitted where a longer one did not
    assert [record.levelname for record in caplog.records if "events are lost" in record.getMessage()] == ["ERROR"]
    assert [record.levelname for record in caplog.records if "give way" in record.getMessage()] == ["WARNING"]


def test_without_a_spool_memory_is_bounded_and_losses_are_counted() -> None:
    """The first events are kept, and the rest are counted as lost."""
    with away(None, spool_bytes=1024 * 1024) as reports:
        fills(reports, 10_000)
        reports.flush(0.01)
        until(lambda: reports.statistics.queued == 0)
        statistics = reports.statistics
        assert 0 < statistics.lost < 10_000
        assert statistics.waiting == 10_000 - statistics.lost
        reports.close(0.0)


def test_a_spool_that_cannot_be_made_leaves_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said, events are delivered all the same, and the spool is used as soon as it can be."""
    (tmp_path / "spool").write_text("a file in its place")
    with standin() as server, client(server, tmp_path / "spool") as reports:
        ids = fills(reports, 3)
        assert reports.flush(30)
        assert server.ids() == ids
        assert not reports.flush(0.2, to_disk=True) or server.ids() == ids
        server.stop()
        ids += fills(reports, 3, 3)
        assert not reports.flush(0.1, to_disk=True)
        assert reports.statistics.spooled == 0
        (tmp_path / "spool").unlink()
        assert reports.flush(10, to_disk=True)
        assert reports.statistics.spooled == 3
        server.start()
        assert reports.flush(30)
        assert server.ids() == ids
    told = [record for record in caplog.records if "cannot use the spool" in record.getMessage()]
    assert [record.levelno for record in told] == [logging.ERROR]


FULL_DISK = """
import resource
reports = Client(url, exchange="alpha", spool=spool)
for number in range(10):
    fill(reports, number)
assert reports.flush(10, to_disk=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
for number in range(10, 2000):
    fill(reports, number)
print(reports.flush(0.5, to_disk=True), reports.statistics.waiting, reports.statistics.lost, flush=True)
if sys.argv[3] == "recovers":
    resource.setrlimit(resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE)[1:] * 2)
    print(reports.flush(20, to_disk=True), reports.statistics.spooled)
    reports.close(0)
else:
    sys.stdin.readline()
    print(reports.flush(20), reports.statistics.sent)
"""


def test_a_disk_that_fills_up_and_recovers_loses_nothing(tmp_path: Path) -> None:
    """Events wait in memory meanwhile, and go to the disk when it takes them again, each once and in order."""
    output, errors = run(FULL_DISK, AWAY, tmp_path, "recovers")
    assert output.splitlines() == ["False 2000 0", "True 2000"]
    assert errors.count("cannot use the spool") == 1
    assert errors.count("the spool can be written again") == 1
    with standin() as server:
        delivered(tmp_path, [str(number) for number in range(2000)], server)


def test_a_full_disk_does_not_hold_up_what_can_be_sent(tmp_path: Path) -> None:
    """With the exporter back, all is delivered from memory."""
    with standin() as server:
        server.stop()
        with start(FULL_DISK, server.url, tmp_path, "stays") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "False 2000 0\n"
            server.start()
            output, errors = process.communicate("go on\n", timeout=60)
        assert (process.returncode, output) == (0, "True 2000\n"), errors
        assert server.ids() == [str(number) for number in range(2000)]


SYNCING = """
reports = Client(url, exchange="alpha", spool=spool)
for number in range(20):
    fill(reports, number)
    assert reports.flush(20, to_disk=True)
    os.write(1, b"safe\\n")
os._exit(0)
"""


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace, to see what reaches the disk")
def test_flush_to_disk_returns_after_the_disk_has_synced(tmp_path: Path) -> None:
    """Between a report and the word that it is safe there is an fdatasync, each time."""
    trace = tmp_path / "trace"
    wrapper = ("strace", "-f", "-qq", "-e", "trace=fdatasync,write", "-o", str(trace))
    output, _ = run(SYNCING, AWAY, tmp_path / "spool", wrapper=wrapper)
    assert output.count("safe") == 20
    steps = re.findall(r'(fdatasync)\(\d+\) += 0|fdatasync resumed>\) += (0)|write\(1, "(safe)', trace.read_text())
    words = ["safe" if safe else "sync" for *_, safe in steps]
    assert words.count("safe") == 20
    previous = ["", *words]
    assert all(previous[number] == "sync" for number, word in enumerate(words) if word == "safe")
