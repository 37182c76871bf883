"""What a client means for the program that it is in."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.client.program import ROOT, run, start
from tests.client.standin import Request, standin, until
from tests.client.test_delivery import client, fills
from tests.client.test_spool import AWAY, away, segments

LONELY = f"""
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in sys.stdlib_module_names | {{"exporter"}}:
            raise ModuleNotFoundError(f"{{name}} is not of the standard library")
sys.meta_path.insert(0, Refuse())
sys.path.insert(0, {str(ROOT)!r})
"""

FORGETFUL = """
reports = Client(url, exchange="alpha", spool=spool)
for number in range(500): fill(reports, number)
"""


def test_the_client_needs_the_standard_library_only(tmp_path: Path) -> None:
    """It is imported and works where nothing else is installed, and brings no other part of the exporter along."""
    with standin() as server:
        command = "\n".join(
            (
                "import sys",
                LONELY,
                "from exporter.client import Client",
                f"with Client({server.url!r}, exchange='alpha', spool={str(tmp_path)!r}) as reports:",
                "    reports.balance(currency='BTC', total=1)",
                "    assert reports.flush(30)",
                "loaded = [name for name in sys.modules if name.startswith('exporter')]",
                "assert all(name.startswith('exporter.client') for name in loaded if name != 'exporter'), loaded",
            )
        )
        assert run_alone(command) == (0, "")
        assert [event["type"] for event in server.taken] == ["balance"]


def run_alone(code: str) -> tuple[int, str]:
    """Run code without site-packages; its exit status and standard error."""
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def test_a_program_that_ends_sends_what_it_reported(tmp_path: Path) -> None:
    """Without close or flush, when the exporter is there."""
    with standin() as server:
        run(
            "reports = Client(url, exchange='alpha', spool=spool)\nfor n in range(500): fill(reports, n)",
            server.url,
            tmp_path,
        )
        assert server.ids() == [str(number) for number in range(500)]
    assert segments(tmp_path) == []


@pytest.mark.parametrize("has_spool", [True, False])
def test_a_program_that_ends_sends_what_a_client_reported_that_it_let_go_of(tmp_path: Path, has_spool: bool) -> None:
    """A client in a local variable is gone from the bot's view, not from the exporter's."""
    code = """
def trade():
    reports = Client(url, exchange="alpha", spool=spool)
    for number in range(500): fill(reports, number)
trade()
"""
    with standin() as server:
        run(code, server.url, tmp_path if has_spool else "")
        assert server.ids() == [str(number) for number in range(500)]
    assert segments(tmp_path) == []


def test_a_program_that_turns_sigterm_into_its_end_sends_what_it_reported(tmp_path: Path) -> None:
    """As docs/client.md has it: what a service manager sends ends a program before any exit handler otherwise."""
    (handler,) = re.findall(r"^signal\.signal\(.*\)$", (ROOT / "docs" / "client.md").read_text(), re.MULTILINE)
    code = f"""
{handler}
reports = Client(url, exchange="alpha", spool=spool)
for number in range(500): fill(reports, number)
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
"""
    with standin() as server:
        run(code, server.url, tmp_path)
        assert server.ids() == [str(number) for number in range(500)]


def test_a_program_that_ends_without_an_exporter_leaves_its_reports_in_the_spool(tmp_path: Path) -> None:
    """The next one sends them."""
    run(FORGETFUL, AWAY, tmp_path)
    with standin() as server, client(server, tmp_path) as reports:
        assert reports.flush(30)
        assert server.ids() == [str(number) for number in range(500)]


def test_a_program_that_ends_without_exporter_and_spool_says_what_is_lost() -> None:
    """Once, with the number, and it does not hang."""
    _, errors = run(FORGETFUL, AWAY, "")
    assert errors.count("500 events are lost") == 1


def test_reports_at_the_very_end_of_a_program_do_no_harm(tmp_path: Path) -> None:
    """From exit handlers, finalizers, and threads that outlive the main one."""
    code = """
import atexit
class Last:
    def __del__(self): fill(reports, "finalizer")
def forever():
    while True: fill(reports, "thread"); time.sleep(0.001)
atexit.register(lambda: fill(reports, "before"))
reports = Client(url, exchange="alpha", spool=spool)
atexit.register(lambda: fill(reports, "after"))
keep = Last()
threading.Thread(target=forever, daemon=True).start()
fill(reports, "main")
"""
    with standin() as server:
        _, errors = run(code, server.url, tmp_path)
        assert {"main", "before", "after"} <= set(server.ids())
    assert "Traceback" not in errors
    assert "Fatal" not in errors


def test_a_forked_child_reports_as_its_parent_does(tmp_path: Path) -> None:
    """Each process delivers its own reports once, through a lane of its own."""
    code = """
reports = Client(url, exchange="alpha", spool=spool)
for n in range(100): fill(reports, n)
children = []
for child in range(3):
    if not (pid := os.fork()):
        for n in range(100): fill(reports, f"child-{child}-{n}")
        reports.close(30)
        os._exit(0 if reports.statistics.sent == 100 else 1)
    children.append(pid)
for n in range(100, 200): fill(reports, n)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
assert reports.flush(30)
assert reports.statistics.sent == 200, reports.statistics
"""
    with standin() as server:
        run(code, server.url, tmp_path)
        ids = server.ids()
        assert [trade_id for trade_id in ids if trade_id.isdecimal()] == [str(number) for number in range(200)]
        assert len(ids) == len(set(ids)) == 500
    assert segments(tmp_path) == []


def test_what_a_killed_child_left_is_sent_by_the_next_client(tmp_path: Path) -> None:
    """Its lane is free again although its parent lives."""
    code = """
reports = Client(url, exchange="alpha", spool=spool)
fill(reports, "parent")
assert reports.flush(10, to_disk=True)
if not (pid := os.fork()):
    fill(reports, "child")
    assert reports.flush(10, to_disk=True)
    os.kill(os.getpid(), signal.SIGKILL)
os.waitpid(pid, 0)
print("ready", flush=True)
sys.stdin.readline()
"""
    with start(code, AWAY, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with standin() as server, client(server, tmp_path) as reports:
            assert reports.flush(30)
            assert server.ids() == ["child"]
        process.communicate("end\n", timeout=60)
    with standin() as server, client(server, tmp_path) as reports:
        assert reports.flush(30)
        assert server.ids() == ["parent"]


def test_a_lane_is_free_when_its_process_is_gone_but_a_child_lives(tmp_path: Path) -> None:
    """A child holds nothing of its parent's."""
    code = """
reports = Client(url, exchange="alpha", spool=spool)
fill(reports, "parent")
assert reports.flush(10, to_disk=True)
if not (pid := os.fork()):
    print("child", flush=True)
    sys.stdin.readline()
    os._exit(0)
time.sleep(60)
"""
    with start(code, AWAY, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "child\n"
        process.kill()
        process.wait(60)
        with standin() as server, client(server, tmp_path) as reports:
            assert reports.flush(30)
            assert server.ids() == ["parent"]
        assert process.stdin is not None
        process.stdin.close()


def test_reports_of_many_threads_all_arrive_in_each_threads_order(tmp_path: Path) -> None:
    """The queue needs no lock of the bot's."""
    with standin() as server, client(server, tmp_path) as reports:

        def report(thread: int) -> None:
            for number in range(500):
                reports.fill(symbol="BTC/USDT", trade_id=f"{thread}-{number}", side="buy", price=1, quantity=1)

        threads = [threading.Thread(target=report, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert reports.flush(30)
        for number in range(8):
            own = [trade_id for trade_id in server.ids() if trade_id.startswith(f"{number}-")]
            assert own == [f"{number}-{each}" for each in range(500)]


async def test_asyncio_code_reports_as_any_other(tmp_path: Path) -> None:
    """A report returns at once; flush goes to a thread."""
    with standin() as server, client(server, tmp_path) as reports:
        ids = fills(reports, 10)
        assert await asyncio.to_thread(reports.flush, 30)
        assert server.ids() == ids


def test_a_signal_handler_may_report(tmp_path: Path) -> None:
    """Even when it interrupts a report of the same thread, many times over."""
    code = """
reports = Client(url, exchange="alpha", spool=spool)
count = 0
def on_alarm(*_):
    global count
    count += 1
    fill(reports, f"signal-{count}")
signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for n in range(30000): fill(reports, n)
signal.setitimer(signal.ITIMER_REAL, 0)
assert reports.flush(50), reports.statistics
assert reports.statistics.sent == 30000 + count, (reports.statistics, count)
print(count)
"""
    with standin() as server:
        output, _ = run(code, server.url, tmp_path)
        assert int(output) > 0
        assert len(set(server.ids())) == 30000 + int(output)


def test_a_closed_client_counts_what_comes_too_late(tmp_path: Path) -> None:
    """It raises nothing, and says so."""
    with standin() as server:
        with client(server, tmp_path) as reports:
            fills(reports, 3)
        fills(reports, 2, 3)
        reports.close()
        assert server.ids() == ["0", "1", "2"]
        assert reports.statistics.lost == 2


def test_a_full_queue_lets_books_go_first_and_counts_what_is_lost(tmp_path: Path) -> None:
    """When the threads cannot follow, fills have the room that books may not take."""
    code = """
reports = Client(url, exchange="alpha", spool=spool, queue=1000)
sys.setswitchinterval(100)  # the threads get no time
for n in range(600): reports.book(symbol="BTC/USDT", bid=1, ask=2)
for n in range(600): fill(reports, n)
statistics = reports.statistics
sys.setswitchinterval(0.005)
print(statistics.queued, statistics.dropped, statistics.lost)
assert reports.flush(30)
"""
    with standin() as server:
        output, errors = run(code, server.url, tmp_path)
        assert output == "1000 100 100\n"
        assert errors.count("100 reports are lost") == 1
        assert server.ids() == [str(number) for number in range(500)]


def test_flush_says_whether_all_is_delivered() -> None:
    """False in time when it is not, True once it is."""
    with standin(Request.hang) as server, client(server, timeout=0.5) as reports:
        fills(reports, 1)
        assert not reports.flush(0.05)
        server.behave = Request.accept
        assert reports.flush(30)
        assert reports.flush(0.5)


def test_a_client_that_is_never_used_costs_nothing_at_the_end(tmp_path: Path) -> None:
    """It ends at once, and leaves no events."""
    with away(tmp_path) as reports:
        until((tmp_path / "0" / "lock").exists)
        assert reports.flush(5)
    assert segments(tmp_path) == []
