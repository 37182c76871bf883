"""Real servers for tests: those of the system, or their packages unpacked into the user's cache, without root."""

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

_READY_SECONDS = 20

# What few systems have without the server, too. Redis's program is in redis-tools under another name.
_PACKAGES = {
    "redis-server": ("redis-tools", "libjemalloc2", "liblzf1", "libatomic1"),
    "memcached": ("memcached", "libevent-2.1-7", "libsasl2-2"),
}


@cache
def program(name: str) -> tuple[str, str]:
    """The path of a server and the folders of its libraries; skips the test where there is none."""
    if found := shutil.which(name):
        return found, ""
    if not debian.available():
        pytest.skip(f"no {name} on the PATH, and no apt to fetch it with; install it")
    packages = _PACKAGES[name]
    try:
        debian.unpack(packages, print)
    except debian.UnpackError as error:
        pytest.skip(f"no {name} on the PATH, and its package cannot be unpacked: {error}")
    folders = {str(path.parent) for each in packages for path in debian.folder_of(each).glob("usr/lib/*/*.so*")}
    server = debian.folder_of(packages[0]) / "usr" / "bin" / name
    if name == "redis-server":
        with suppress(FileExistsError):
            server.symlink_to("redis-check-rdb")  # it looks at its own name
    return str(server), ":".join(sorted(folders))


class Server:
    """One server on a port of its own; ``folder`` keeps what it writes from one start to the next."""

    name: str
    ping: bytes

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.port = free_port()
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        server, libraries = program(self.name)
        environment = os.environ | ({"LD_LIBRARY_PATH": libraries} if libraries else {})
        written = self._folder / f"{self.name}.log"
        with written.open("ab") as log:
            command = [server, *self.arguments(), *self._options]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not answer: {written.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=_READY_SECONDS)
            self._process = None

    def arguments(self) -> tuple[str, ...]:
        """What makes it listen on its port alone."""
        raise NotImplementedError

    def _answers(self) -> bool:
        """Whether it answers at all, be it with a refusal for want of a password."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(self.ping)
                return bool(connection.recv(64))
        except OSError:
            return False


class RedisServer(Server):
    """A Redis that keeps nothing on disk."""

    name, ping = "redis-server", b"PING\r\n"

    def arguments(self) -> tuple[str, ...]:
        return ("--port", str(self.port), "--bind", LOOPBACK, "--dir", str(self._folder), "--save", "")


class MemcachedServer(Server):
    """A memcached."""

    name, ping = "memcached", b"version\r\n"

    def arguments(self) -> tuple[str, ...]:
        user = ("-u", "nobody") if os.geteuid() == 0 else ()
        return ("-p", str(self.port), "-U", "0", "-l", LOOPBACK, *user)


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    """A running Redis until the block ends."""
    server = RedisServer(folder, options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def memcached_server(folder: Path, *options: str) -> Iterator[MemcachedServer]:
    """A running memcached until the block ends."""
    server = MemcachedServer(folder, options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
