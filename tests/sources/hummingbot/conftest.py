"""A real MQTT broker: mosquitto, on loopback."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from simulator.stack import debian
from simulator.stack.ports import LOOPBACK, free_port

_PACKAGES = ("mosquitto", "libcjson1", "libmosquitto1", "libdlt2", "libwrap0")
_STARTS_WITHIN = 10.0


class Mosquitto:
    """One broker on a port of its own, which can be ended and started again."""

    def __init__(self, program: str, libraries: str, folder: Path, settings: str) -> None:
        self.port = free_port()
        self._environment = os.environ | ({"LD_LIBRARY_PATH": libraries} if libraries else {})
        self._command = [program, "-c", str(folder / "mosquitto.conf")]
        self._process: subprocess.Popen[bytes] | None = None
        # Started as root it would give up root's rights, and with them the tests' files.
        (folder / "mosquitto.conf").write_text(f"user root\nlistener {self.port} {LOOPBACK}\n{settings}\n")

    async def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: ASYNC220 - starts at once and is not waited for
            self._command, env=self._environment, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(_STARTS_WITHIN):
            while not await self._answers():
                assert self._process.poll() is None, "mosquitto ended at once"
                await asyncio.sleep(0.05)

    def end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    async def _answers(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(LOOPBACK, self.port)
            writer.close()
            return True
        return False


@pytest.fixture(scope="session")
def mosquitto_program() -> tuple[str, str]:
    """The program, and where its libraries are when it had to be unpacked."""
    searched = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    if found := shutil.which("mosquitto", path=searched):
        return found, ""
    if not debian.available():
        pytest.skip("no mosquitto on this machine, and no apt to get it with")
    try:
        debian.unpack(_PACKAGES, print)
    except debian.UnpackError as error:
        pytest.skip(f"mosquitto cannot be unpacked: {error}")
    libraries = [path for name in _PACKAGES for path in debian.folder_of(name).glob("usr/lib/*-linux-*")]
    return str(debian.folder_of("mosquitto") / "usr/sbin/mosquitto"), ":".join(map(str, libraries))


NewBroker = Callable[[str], Awaitable[Mosquitto]]


@pytest.fixture
def new_broker(mosquitto_program: tuple[str, str], tmp_path: Path) -> Iterator[NewBroker]:
    """A factory: ``await new_broker(settings)`` gives a running broker with these settings."""
    started: list[Mosquitto] = []

    async def make(settings: str) -> Mosquitto:
        folder = tmp_path / f"broker{len(started)}"
        folder.mkdir()
        broker = Mosquitto(*mosquitto_program, folder, settings)
        started.append(broker)
        await broker.start()
        return broker

    yield make
    for broker in started:
        broker.end()


@pytest.fixture
async def broker(new_broker: NewBroker) -> Mosquitto:
    """A broker that lets everybody in."""
    return await new_broker("allow_anonymous true")
