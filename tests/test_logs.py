"""The log of a real process: one line each, as configured, and without secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exporter.config import parse
from exporter.errors import ConfigError
from tests.stack.ending import TOKEN, started

SAYS = """
import logging, sys, threading, warnings
from exporter import logs
from exporter.config import parse
logs.set_up(parse(sys.argv[1]))
log = logging.getLogger("exporter.sources.ccxt.link")
other = logging.getLogger("exporter.intake")
"""


def said(text: str, config: str = "", **environment: str) -> list[str]:
    """What a program that says this has on its standard error."""
    done = subprocess.run(
        [sys.executable, "-c", SAYS + text, config],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    return done.stderr.splitlines()


def fields(text: str, config: str = "", **environment: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(text, config, **environment)]


def test_each_message_is_one_line_of_json() -> None:
    """Time, level, logger and message first, then its own fields; whatever is in them."""
    odd = r"log.warning('a\nb %s', 'c\u2028\ud800', extra={'level': 'x', 'n': 2**70, 'd': {1: (None, 0.5)}, 'o': {7}})"
    [line] = fields(odd)
    assert list(line)[:4] == ["ts", "level", "logger", "message"]
    assert line["ts"].endswith("+00:00")
    assert line["level"] == "warning"
    assert line["logger"] == "exporter.sources.ccxt.link"
    assert line["message"] == "a\nb c\u2028\\ud800"
    assert (line["n"], line["d"], line["o"]) == (str(2**70), {"1": [None, 0.5]}, "{7}")


def test_a_traceback_is_a_field() -> None:
    """With all of its lines, in one."""
    [line] = fields("try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('failed')")
    assert line["message"] == "failed"
    assert line["traceback"].startswith("Traceback")
    assert line["traceback"].endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    "text",
    [
        "warnings.warn('old')",
        "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()",
        "class A:\n    def __del__(self):\n        1 / 0\nA()",
        "1 / 0",
    ],
)
def test_what_python_itself_prints_is_a_line_too(text: str) -> None:
    """Warnings, and faults that nobody took: in a thread, at the end of an object, of the program."""
    [line] = fields(text)
    assert line["level"] in {"warning", "error"}
    assert "old" in line["message"] or "ZeroDivisionError" in line["traceback"]


def test_levels_are_as_configured() -> None:
    """Of all, and of single folders and modules."""
    text = "for each in (log, other):\n    for level in (10, 20, 30):\n        each.log(level, str(level))"
    assert [line["message"] for line in fields(text)] == ["20", "30", "20", "30"]
    assert [line["message"] for line in fields(text, "log: {level: error}")] == []
    levels = "log: {level: warning, levels: {sources.ccxt: debug}}"
    assert [line["message"] for line in fields(text, levels)] == ["10", "20", "30", "30"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("log: {levels: {sources.cxt: debug}}", "f.yml:1: log.levels.sources.cxt: there is no module 'sources.cxt'; "),
        ("log: {levels: {aiohttp: debug}}", "there is no module 'aiohttp'; write "),
        ("log: {levels: {intake: loud}}", "f.yml:1: log.levels.intake: unknown value; write debug or "),
        ("collectors: {qotes: {enabled: false}}", "collectors.qotes: there is no collector 'qotes'; write quotes"),
        (
            "collectors: {quotes: false}",
            "f.yml:1: collectors.quotes: this is switched by a key of its own; write {enabled: true}",
        ),
    ],
)
def test_a_name_that_is_none(text: str, problem: str) -> None:
    """What is misspelt is said, with what may have been meant."""
    with pytest.raises(ConfigError) as raised:
        parse(text, "f.yml")
    assert problem in str(raised.value)


def test_secrets_of_the_configuration_never_stand_in_it() -> None:
    """Not in a message, a field or a traceback, not as a part of an address, not over several lines."""
    config = "web: {bearer_token: {env: S1}}\nexchanges:\n- {name: a, id: b, symbols: [A/B], api_key: {env: S2}, "
    config += "secret: {env: S3}}"
    secrets = {"S1": "hunter2&hunter2", "S2": "-----KEY\nhunter2\n-----", "S3": 'hunter2"\\'}
    text = """
import os
from urllib.parse import quote
s1, s2, s3 = (os.environ[name] for name in ("S1", "S2", "S3"))
log.info("with %s", s1, extra={"url": f"https://h/?a={quote(s1)}&b=1", "parts": [s2, {"x": s3}]})
try:
    raise RuntimeError(f"{s2} and {s3}")
except RuntimeError:
    log.exception("failed")
"""
    for form in ("json", "text"):
        lines = said(text, f"{config}\nlog: {{format: {form}}}", **secrets)
        assert "hunter2" not in "\n".join(lines)
        assert lines[0].count("***") == 4


def test_a_line_for_people_is_one_line_as_well() -> None:
    """Nobody who is named in a message can make up another one."""
    lines = said("log.warning('a\\n00:00:00 error b', extra={'c': 'd\\re'})", "log: {format: text}")
    assert len(lines) == 1
    assert lines[0].endswith(r"a\n00:00:00 error b c=d\ne")


async def test_all_that_the_exporter_says_is_json(tmp_path: Path) -> None:
    """From its start to its end, with a part that fails and tells a secret."""
    quick = {"retry_after": 0.01, "open_after": 3, "open_for": 0.05}
    async with started(tmp_path, "-m", "tests.stack.stubborn", "Fails", supervision=quick) as exporter:
        await exporter.until_said("its circuit is open")
        exporter.signal()
        assert await exporter.ended() == 0
    lines = exporter.lines()
    assert all({"ts", "level", "logger", "message"} <= line.keys() for line in lines)
    failures = [line for line in lines if line["level"] == "error"]
    assert failures[0]["component"] == "source/stubborn"
    assert failures[0]["fault"] == "RuntimeError"
    assert "https://host/?token=***" in failures[0]["traceback"]
    assert TOKEN not in exporter.said
