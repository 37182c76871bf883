"""The command as a user runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from exporter.journal import Journal, Part
from exporter.journal.records import Valued
from tests.builders import fill

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
GOOD = "web: {listen: '127.0.0.1:0'}\nlog: {format: text}\n"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "exporter", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def write(folder: Path, text: str) -> str:
    path = folder / "exporter.yml"
    path.write_text(text)
    return str(path)


def test_check_says_that_a_file_is_good(tmp_path: Path) -> None:
    """Exit status 0 and one line on standard output."""
    exchanges = "exchanges: [{name: a, id: binance, symbols: [BTC/USDT, ETH/USDT]}]\n"
    checked = command("check", "--config", write(tmp_path, GOOD + exchanges))
    assert (checked.returncode, checked.stderr) == (0, "")
    what = "accounts (and symbols): a/default (2, no keys: market data only)"
    assert checked.stdout.endswith(f"exporter.yml: good: {what}\n")


def test_the_readmes_recipe_passes_its_own_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example as it stands, with the two keys that the page exports, is good."""
    recipe = re.search(r"^make setup\ncp (\S+) .*\nexport (\w+)=… (\w+)=… ", README, re.MULTILINE)
    assert recipe, "the page has no recipe"
    for name in recipe.groups()[1:]:
        monkeypatch.setenv(name, "x")
    checked = command("check", "--config", write(tmp_path, (ROOT / recipe[1]).read_text()))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.endswith("exporter.yml: good: accounts (and symbols): binance/main (2)\n")


WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(("ccxt", "redis", "aiomqtt")))  # as if they were not installed
from exporter.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_check_says_what_has_to_be_installed(tmp_path: Path) -> None:
    """Exit status 1 and a line for each kind whose package is missing; a database of hummingbot needs none."""
    sources = """
exchanges: [{name: a, id: binance, symbols: [BTC/USDT]}]
hummingbot: [{name: h, database: x}]
nautilus: [{name: n}]
"""
    lacking = []
    for text in (sources, sources.replace("database: x", "database: x, mqtt: {host: h, bot_id: b}")):
        arguments = [sys.executable, "-c", WITHOUT, "check", "--config", write(tmp_path, GOOD + text)]
        checked = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
        assert (checked.returncode, checked.stdout) == (1, "")
        assert "in an environment of your own: pip install '.[nautilus]' in the clone" in checked.stderr
        lacking.append(re.findall(r"exporter\.yml: (\w+): the package (\w+) is not installed", checked.stderr))
    assert lacking[0] == [("exchanges", "ccxt"), ("nautilus", "redis")]
    assert lacking[1] == [("exchanges", "ccxt"), ("hummingbot", "aiomqtt"), ("nautilus", "redis")]


def test_an_exchange_that_asks_for_a_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the exchange needs is known from ccxt, without a connection."""
    monkeypatch.setenv("KEY", "x")
    text = "exchanges: [{name: a, id: okx, symbols: [A/B], api_key: {env: KEY}, secret: {env: KEY}}]"
    checked = command("check", "--config", write(tmp_path, GOOD + text))
    assert checked.returncode == 2
    assert "exporter.yml:3: exchanges[0]: okx asks for a passphrase beside api_key and secret" in checked.stderr


def test_check_notes_that_nothing_is_watched(tmp_path: Path) -> None:
    """A file that names nothing is good, but its reader may have expected otherwise."""
    checked = command("check", "--config", write(tmp_path, GOOD))
    assert (checked.returncode, checked.stderr) == (0, "")
    what = "it names no exchange, no bot and no token to push with: nothing will be watched"
    assert checked.stdout.endswith(f"exporter.yml: good, but {what}\n")


def test_check_names_all_that_events_come_from(tmp_path: Path) -> None:
    """Bots that are watched and bots that push count as much as exchanges."""
    (tmp_path / "token").write_text("a1" * 16)
    more = f"""
journal: {{path: j}}
push: {{tokens: [{{name: mine, token: {{file: {tmp_path}/token}}}}]}}
hummingbot: [{{name: h, database: x}}]
"""
    checked = command("check", "--config", write(tmp_path, GOOD + more))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.endswith("exporter.yml: good: bots: h; may push: mine\n")


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_bad_file_is_refused_before_anything_runs(tmp_path: Path, verb: str) -> None:
    """Exit status 2, the problem with its line on standard error, and no traceback."""
    refused = command(verb, "--config", write(tmp_path, GOOD + "targetz: {}\n"))
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert re.fullmatch(r".*exporter\.yml:3: targetz: unknown key; did you mean 'targets'\?\n", refused.stderr)


@pytest.mark.parametrize("line", ["log: {}", "a: !hunter2", "? [a]\n: b", "a: *hunter2", "a: 2024-13-45", "a: \x00"])
def test_what_yaml_cannot_read_is_one_line(tmp_path: Path, line: str) -> None:
    """Whatever YAML makes of a file, its user sees a place and never a traceback or a value."""
    refused = command("check", "--config", write(tmp_path, GOOD + line))
    assert refused.returncode == 2
    assert re.fullmatch(r".*exporter\.yml:3: .+\n", refused.stderr)
    assert "hunter2" not in refused.stderr


def test_help_teaches() -> None:
    """The first steps and the exit statuses stand in --help."""
    text = command("--help").stdout
    assert "trading-exporter check --config exporter.yml" in text
    assert "exit status" in text


def test_a_taken_port_ends_it_with_one_line(tmp_path: Path) -> None:
    """Exit status 1; the line names the port and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command("run", "--config", write(tmp_path, GOOD.replace(":0", f":{port}")))
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_the_runbooks_way_to_have_all_worked_out_anew(tmp_path: Path) -> None:
    """Its commands, as they stand there, show what the events come to and leave out nothing but the saved state."""
    names = {name: str(tmp_path / name) for name in ("JOURNAL", "ANEW")}
    journal = Journal.open(Path(names["JOURNAL"]))
    journal.append(Valued(fill("1", "buy", "100", "2"), Decimal(100), Decimal(1), ()))
    await journal.save([Part("books", journal.cut(), b"wrong")])
    journal.close()
    text = RUNBOOK.partition("## TradingAttributionError")[2].partition("\n## ")[0]
    lines = re.findall(r"`trading-exporter (journal (?:replay|restore) [^`]*)`", text)
    done = [command(*(names.get(word, word) for word in line.split())) for line in lines]
    assert [(each.returncode, each.stderr) for each in done] == [(0, ""), (0, "")]
    assert "BTC/USDT" in done[0].stdout
    verified = [command("journal", "verify", names[name]).stdout for name in names]
    assert ["1 rows, 1 records" in each for each in verified] == [True, True]
    assert ["saved state: 1 parts" in verified[0], "saved state: 0 parts" in verified[1]] == [True, True]


@contextmanager
def running(config: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The exporter as a process of its own, and its address."""
    arguments = [sys.executable, "-m", "exporter", "run", "--config", config]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        try:
            assert process.stderr is not None
            said = [process.stderr.readline() for _ in range(2)]  # the first line warns that nothing is kept on disk
            found = re.search(r"ready on (http://\S+)", said[-1])
            assert found, said
            yield process, found.group(1)
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    """Either signal ends it with status 0, after it has answered scrapes."""
    with running(write(tmp_path, GOOD)) as (process, url):
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            assert b"trading_build_info" in answer.read()
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
