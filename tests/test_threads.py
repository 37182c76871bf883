"""Threads that keep nobody from ending."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from exporter.threads import LooseThreads

_BLOCKED = """
import asyncio, time
from exporter.threads import LooseThreads

async def main():
    asyncio.get_running_loop().set_default_executor(LooseThreads())
    blocked = asyncio.create_task(asyncio.to_thread(time.sleep, 600))
    print(await asyncio.to_thread(lambda: "others go on"))
    blocked.cancel()

asyncio.run(main())
"""


def test_a_program_ends_although_a_thread_is_blocked() -> None:
    """A name server that is silent, or a disk that hangs, does not hold up the end."""
    ended = subprocess.run([sys.executable, "-c", _BLOCKED], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "others go on\n", "")


async def test_an_error_is_the_callers() -> None:
    """What the call raises comes out where it is waited for."""
    with pytest.raises(ValueError, match="invalid literal"):
        await asyncio.get_running_loop().run_in_executor(LooseThreads(), int, "x")
