"""A real Redis for tests: that of the system, or its packages unpacked into the user's cache, without root."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

from simulator.stack import debian
from simulator.stack.ports import LOOPBACK, free_port

# The program is in redis-tools under another name; the others have libraries that few systems have without it.
_PACKAGES = ("redis-tools", "libjemalloc2", "liblzf1", "libatomic1")
_PROGRAM = "redis-check-rdb"
_READY_SECONDS = 20


@cache
def program() -> tuple[str, str]:
    """The path of the server and the folders of its libraries; skips the test where there is none."""
    if found := shutil.which("redis-server"):
        return found, ""
    if not debian.available():
        pytest.skip("no redis-server on the PATH, and no apt to fetch it with; install Redis 7 or newer")
    try:
        debian.unpack(_PACKAGES, print)
    except debian.UnpackError as error:
        pytest.skip(f"no redis-server on the PATH, and its package cannot be unpacked: {error}")
    folders = {str(path.parent) for name in _PACKAGES for path in debian.folder_of(name).glob("usr/lib/*/*.so*")}
    server = debian.folder_of("redis-tools") / "usr" / "bin" / "redis-server"
    with suppress(FileExistsError):
        server.symlink_to(_PROGRAM)  # it looks at its own name
    return str(server), ":".join(sorted(folders))


class RedisServer:
    """One server on a port of its own; ``folder`` keeps what it writes from one start to the next."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.port = free_port()
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        server, libraries = program()
        place = ("--port", str(self.port), "--bind", LOOPBACK, "--dir", str(self._folder), "--save", "")
        environment = os.environ | ({"LD_LIBRARY_PATH": libraries} if libraries else {})
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [server, *place, *self._options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"redis-server does not answer: {(self._folder / 'redis.log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=_READY_SECONDS)
            self._process = None

    def _answers(self) -> bool:
        """Whether it answers a ping, be it with a refusal for want of a password."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64)[:1] in (b"+", b"-")
        except OSError:
            return False


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    """A running server until the block ends."""
    server = RedisServer(folder, options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
