from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from simulator.cli import main
from tests.simulator.helpers import soon

ROOT = Path(__file__).parents[2]


async def started(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    out, err = await soon(process.communicate())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_when_it_is_ready_and_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    """One line tells the address; a signal ends it with status 0 and no complaint, open sockets or not."""
    process = await started("exchange", "--listen", "127.0.0.1:0", "--exchanges", "alpha,beta")
    assert process.stdout is not None
    line = (await soon(process.stdout.readline())).decode().strip()
    assert line.startswith("simulator ready on http://127.0.0.1:")
    url = line.removeprefix("simulator ready on ")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/control") as answer:
            assert list((await answer.json())["exchanges"]) == ["alpha", "beta"]
        async with session.ws_connect(f"{url}/alpha/stream/ws/0") as stream:
            await stream.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@depth@100ms"], "id": 1})
            await stream.receive(timeout=5)
            process.send_signal(number)
            assert await ended(process) == (0, "", "")


async def test_a_taken_port_and_a_bad_file_are_one_clear_line(tmp_path: Path) -> None:
    """What keeps it from starting is told in one line, with status 1."""
    bad = tmp_path / "trades.csv"
    bad.write_text("a,b\n1,2\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        port_taken = await started("exchange", "--listen", f"127.0.0.1:{port}")
        bad_file = await started("exchange", "--listen", "127.0.0.1:0", "--replay-trades", str(bad))
        (code, _, error), (code_of_file, _, file_error) = await asyncio.gather(ended(port_taken), ended(bad_file))
    assert (code, code_of_file) == (1, 1)
    assert error.startswith("simulator: ")
    assert f"('127.0.0.1', {port})" in error
    assert error.count("\n") == 1
    assert file_error.startswith(f"simulator: {bad}: missing column(s) price, qty, time, is_buyer_maker")
    assert file_error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["exchange", "--listen", "9860"], "is not HOST:PORT"),
        (["exchange", "--exchanges", ","], "at least one name"),
        (["exchange", "--exchanges", "a/b"], "cannot name an exchange"),
        (["exchange", "--exchanges", "gamma:lynx"], "no dialect 'lynx'; there are binance"),
        (["exchange", "--speed", "0"], "not a number above 0"),
        (["exchange", "--fee-asset", "gold"], "BNB, quote or received"),
        (["exchange", "--maker-fee", "alpha=lots"], "a share such as 0.0002"),
        (["maker", "--size", "nan"], "not a number above 0"),
        ([], "required"),
    ],
)
def test_wrong_usage_says_what_is_expected(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong argument ends with status 2 and a message that says what is expected."""
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--symbols", "DOGE/USDT"], "unknown symbol DOGE/USDT"),
        (["--maker-fee", "delta=0.1"], "a fee is given for delta"),
        (["--replay-trades", "/nowhere.csv"], "/nowhere.csv: cannot be read"),
        (["--replay-trades", "/nowhere.csv", "--replay-symbol", "X"], "write it as BASE/QUOTE"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments that fit no simulator end with status 1 and one line."""
    assert main(["exchange", "--listen", "127.0.0.1:0", *arguments]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_help_teaches_the_control_endpoints(capsys: pytest.CaptureFixture[str]) -> None:
    """--help shows how to break an exchange and how to replay."""
    with pytest.raises(SystemExit):
        main(["exchange", "--help"])
    told = capsys.readouterr().out
    assert all(word in told for word in ("/control/alpha/faults", "late_fills", "--replay-quotes", "SIMULATOR_SECRET"))
