"""The launcher's promises, on small programs of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from simulator.stack.components import local_url
from simulator.stack.ports import choose_port, free_port, is_free
from simulator.stack.processes import ROOT, Component, ComponentError, Stack
from tests.stack.harness import gone, until

SERVE = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
SLEEP = "import time; time.sleep(600)"
# Says the process id of a child that, like itself, does not end when asked politely.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def program(text: str, *arguments: object, name: str = "program") -> Component:
    return Component(name=name, command=(sys.executable, "-c", text, *map(str, arguments)))


def server(name: str = "server", ready_seconds: float = 20.0) -> Component:
    port = free_port()
    return Component(
        name=name,
        command=(sys.executable, "-c", SERVE, str(port)),
        url=local_url(port),
        ready_path="/",
        ready_seconds=ready_seconds,
    )


async def logged_line(stack: Stack, name: str) -> str:
    log = stack.log_path(name)
    await asyncio.to_thread(until, lambda: log.read_text().endswith("\n"))
    return log.read_text().splitlines()[0]


async def test_ready_component_answers(stack: Stack) -> None:
    """A component that start() returned for is already listening."""
    part = server()
    await stack.start(part)
    assert not is_free(int(part.url.rsplit(":", 1)[1]))


async def test_death_before_ready_shows_the_log(stack: Stack) -> None:
    """A component that dies while it is waited for is reported with its status and last words."""
    part = Component(
        name="broken",
        command=(sys.executable, "-c", "import sys; sys.exit('no such wallet')"),
        url=local_url(free_port()),
        ready_path="/",
    )
    with pytest.raises(ComponentError, match=r"(?s)broken ended with status 1 .*broken \| no such wallet"):
        await stack.start(part)


async def test_not_ready_in_time_shows_the_log(stack: Stack) -> None:
    """A component that runs but never answers is reported once its time is over."""
    part = Component(
        name="mute",
        command=(sys.executable, "-c", f"print('thinking', flush=True); {SLEEP}"),
        url=local_url(free_port()),
        ready_path="/",
        ready_seconds=1.5,
    )
    with pytest.raises(ComponentError, match=r"(?s)mute is not ready after 1\.5 s.*thinking"):
        await stack.start(part)


async def test_missing_program_is_named(stack: Stack) -> None:
    """A command that does not exist is reported by its path."""
    part = Component(name="absent", command=("/nowhere/prog",), url=local_url(free_port()), ready_path="/")
    with pytest.raises(ComponentError, match="cannot run /nowhere/prog"):
        await stack.start(part)


async def test_end_takes_the_whole_group_and_nothing_else(tmp_path: Path) -> None:
    """At the end a process that ignores SIGTERM and its child are gone, and a stranger lives on."""
    stranger = await asyncio.create_subprocess_exec(sys.executable, "-c", SLEEP)
    try:
        async with Stack(tmp_path, stop_seconds=0.3) as stack:
            await stack.start(program(STUBBORN))
            pids = [stack.pid("program"), int(await logged_line(stack, "program"))]
        for pid in pids:
            await gone(pid)
        assert stranger.returncode is None
    finally:
        stranger.kill()
        await stranger.wait()


async def test_failure_inside_ends_everything_too(tmp_path: Path) -> None:
    """An exception in the block ends what was started just as a normal exit does."""
    pids = []

    async def work() -> None:
        async with Stack(tmp_path) as stack:
            await stack.start(program(SLEEP))
            pids.append(stack.pid("program"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    await gone(pids[0])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_children_die_with_a_killed_launcher(tmp_path: Path) -> None:
    """A launcher that is killed with -9 leaves nothing running."""
    launcher = f"""
import asyncio, pathlib, sys
from simulator.stack.processes import Component, Stack
async def main():
    async with Stack(pathlib.Path({str(tmp_path)!r})) as stack:
        await stack.start(Component(name="child", command=(sys.executable, "-c", {SLEEP!r})))
        print(stack.pid("child"), flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", launcher, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    pid = int(await asyncio.wait_for(process.stdout.readline(), 20))
    assert psutil.pid_exists(pid)
    process.kill()
    await process.wait()
    await gone(pid)


async def test_restart_of_one_leaves_the_others(stack: Stack) -> None:
    """A restarted component is a new process at the same address; its neighbour is untouched."""
    first, second = server("first"), server("second")
    await stack.start(first, second)
    before = stack.pid("first"), stack.pid("second")
    await stack.restart("first", kill=True)
    assert stack.pid("first") != before[0]
    assert stack.pid("second") == before[1]


async def test_unasked_end_is_noticed_and_a_stop_is_not(stack: Stack) -> None:
    """Only a component that nobody stopped counts as dead."""
    await stack.start(program(SLEEP, name="stopped"), program(SLEEP, name="killed"))
    await stack.stop("stopped")
    os.kill(stack.pid("killed"), signal.SIGKILL)
    assert await asyncio.wait_for(stack.wait_for_death(), 20) == "killed"


async def test_children_see_only_what_they_need(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the launcher's environment does not reach a component, its own variables do."""
    monkeypatch.setenv("BINANCE_API_SECRET", "hunter2")
    text = "import os; print(os.environ.get('BINANCE_API_SECRET'), os.environ['OWN'], os.environ['PATH'] != '')"
    part = Component(name="nosy", command=(sys.executable, "-c", text), environment={"OWN": "given"})
    await stack.start(part)
    assert await logged_line(stack, "nosy") == "None given True"


async def test_same_name_twice_is_refused(stack: Stack) -> None:
    """A second component of the same name does not replace the first."""
    await stack.start(program(SLEEP))
    with pytest.raises(ComponentError, match="program runs already"):
        await stack.start(program(SLEEP))


async def test_taken_port_is_not_chosen(stack: Stack) -> None:
    """A port that somebody listens on is replaced by a free one; a free one is kept."""
    part = server()
    await stack.start(part)
    taken = int(part.url.rsplit(":", 1)[1])
    other = choose_port(taken)
    assert other != taken
    assert is_free(other)
    assert choose_port(other) == other
