"""Processes that belong together: started, watched, restarted, and ended with whoever started them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
TRAMPOLINE = Path(__file__).with_name("trampoline.py")
POLL_SECONDS = 0.05
TAIL_LINES = 12

# What a child may know of the environment; everything else it needs is given to it by name.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


class ComponentError(RuntimeError):
    """A component did not start, or ended by itself; the message holds the last lines of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """How to run one part of the stack and how to see that it works.

    ``url`` is its address for people and for other components; ``ready_path`` is answered with 200 once it
    works (None: it is ready as soon as it runs); ``ready_seconds`` is how long that may take.
    """

    name: str
    command: tuple[str, ...]
    url: str = ""
    ready_path: str | None = None
    ready_seconds: float = 30.0
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT  # where it is started


@dataclass(slots=True)
class _Running:
    component: Component
    process: asyncio.subprocess.Process
    ended: asyncio.Task[None]
    wanted: bool = True  # False once somebody asked it to end


class Stack:
    """Components that run in sessions of their own, each with a log ``logs/NAME.log`` in ``run_dir``.

    ``stop_seconds`` is how long one may take to end before it is killed.
    An asynchronous context manager: at its end everything that it started is gone, and nothing else.
    """

    def __init__(
        self,
        run_dir: Path,
        progress: Callable[[str], None] = lambda _line: None,
        *,
        stop_seconds: float = 10.0,
    ) -> None:
        self.run_dir = run_dir
        self._stop_seconds = stop_seconds
        self._progress = progress
        self._running: dict[str, _Running] = {}

    async def __aenter__(self) -> Self:
        (self.run_dir / "logs").mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything, last started first, so that nobody loses what it depends on while it works."""
        try:
            for name in reversed(list(self._running)):
                await self.stop(name)
        finally:  # a second Ctrl-C must not leave anything behind
            for running in self._running.values():
                if not running.ended.done():
                    _signal_group(running.process.pid, signal.SIGKILL)

    async def start(self, *components: Component) -> None:
        """Start the components together and wait until all are ready; raises `ComponentError`."""
        for component in components:
            await self._spawn(component)
        waiting = [asyncio.create_task(self._ready(component.name)) for component in components]
        try:
            await asyncio.gather(*waiting)
        finally:  # the first that fails ends the waiting for the others
            for task in waiting:
                task.cancel()

    async def stop(self, name: str, *, kill: bool = False) -> None:
        """End one component and whatever it started: politely and then not, or with `kill` at once."""
        running = self._running[name]
        running.wanted = False
        if not running.ended.done():
            _signal_group(running.process.pid, signal.SIGKILL if kill else signal.SIGTERM)
            done, _ = await asyncio.wait([running.ended], timeout=self._stop_seconds)
            if not done:
                self._progress(f"{name} does not end within {self._stop_seconds:g} s; killing it")
                _signal_group(running.process.pid, signal.SIGKILL)
                await running.ended
        del self._running[name]

    async def restart(self, name: str, *, kill: bool = False) -> None:
        """End one component, running or not, and start it again the same way; raises `ComponentError`."""
        component = self._running[name].component
        await self.stop(name, kill=kill)
        await self.start(component)

    async def wait_for_death(self) -> str:
        """Wait until a component ends that nobody asked to end; give its name."""
        while True:
            for name, running in self._running.items():
                if running.wanted and running.ended.done():
                    return name
            await asyncio.sleep(POLL_SECONDS)

    def pid(self, name: str) -> int:
        """Give the process id of a component that was started."""
        return self._running[name].process.pid

    def log_path(self, name: str) -> Path:
        """Give the file with everything that the component wrote to its standard streams."""
        return self.run_dir / "logs" / f"{name}.log"

    def log_tail(self, name: str) -> str:
        """Give the last lines of a component's log, indented."""
        lines = self.log_path(name).read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join(f"  {name} | {line}" for line in lines) or f"  {name} | (its log is empty)"

    async def _spawn(self, component: Component) -> None:
        if component.name in self._running:
            msg = f"{component.name} runs already"
            raise ComponentError(msg)
        self._progress(f"starting {component.name}")
        command = (sys.executable, "-I", "-S", str(TRAMPOLINE), str(os.getpid()), *component.command)
        with self.log_path(component.name).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=component.folder,
                env=_child_environment(component.environment),
                start_new_session=True,
            )
        self._running[component.name] = _Running(component, process, asyncio.create_task(_end(process)))

    async def _ready(self, name: str) -> None:
        running = self._running[name]
        component = running.component
        deadline = asyncio.get_running_loop().time() + component.ready_seconds
        while component.ready_path is not None:
            if running.ended.done():
                raise self._failure(name, f"ended with status {running.process.returncode} before it was ready")
            if await asyncio.to_thread(answers, component.url, component.ready_path):
                return
            if asyncio.get_running_loop().time() > deadline:
                raise self._failure(name, f"is not ready after {component.ready_seconds:g} s")
            await asyncio.sleep(POLL_SECONDS)

    def _failure(self, name: str, what: str) -> ComponentError:
        return ComponentError(f"{name} {what}; the end of {self.log_path(name)}:\n{self.log_tail(name)}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for the process, and take with it what it started and left behind in its group.

    This follows the end at once: later, the number of the group might belong to somebody else.
    """
    await process.wait()
    _signal_group(process.pid, signal.SIGKILL)


def _child_environment(own: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONUNBUFFERED": "1", **own}


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the process group that the process `pid` leads; it may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def answers(url: str, path: str) -> bool:
    """Whether `path` at `url` is answered with 200 now."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
