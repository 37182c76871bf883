"""Silence alerts for a while, with Alertmanager's own tool: ``make silence``.

What is wanted comes from the environment, where make puts what is written behind it, blanks and quotes included:
``MATCH`` the matchers of amtool, ``FOR`` a duration, ``COMMENT`` why; ``END`` the id of a silence to end;
``ALERTMANAGER_URL`` where Alertmanager is. Without ``MATCH`` and ``END`` it lists the silences that there are.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping

from simulator.stack import BinaryNotFoundError, find_binary

URL = "http://127.0.0.1:9093"
_DURATION = re.compile(r"([1-9][0-9]*[smhdw])+")
_MATCHER = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)(=~|!=|!~|=)(.*)", re.DOTALL)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_AWAY = re.compile(r"connection refused|no such host|timeout|deadline exceeded|network is unreachable|no route to host")

_USE = """\
To silence:  make silence MATCH='alertname=TradingCpuHigh exchange=binance' FOR=2h COMMENT='why'
To end one:  make silence END=ID"""


class RequestError(ValueError):
    """What was asked for cannot be done; the message says what to write."""


def command(wanted: Mapping[str, str]) -> list[str]:
    """What amtool is to do, without its own name; `RequestError` says what is wrong with what is wanted."""
    if end := wanted.get("END"):
        if not _ID.fullmatch(end):
            raise RequestError(f"END: {end!r} is no id of a silence; make silence lists them")
        return ["silence", "expire", "--", end]
    given = wanted.get("MATCH", "")
    if not given.strip():
        return ["silence", "query"]
    try:
        matchers = shlex.split(given, posix=True)
    except ValueError as error:
        raise RequestError(f"MATCH: {error}; close each quote") from None
    duration = wanted.get("FOR", "0")
    if duration == "0":  # of the Makefile, where it means that nothing was given
        duration = "1h"
    if not _DURATION.fullmatch(duration):
        raise RequestError(f"FOR: {duration!r} is no duration; write for example 30m or 2h")
    comment = wanted.get("COMMENT", "").strip()
    if not comment:
        raise RequestError("COMMENT is missing; say why, for those who wonder why nothing comes")
    options = [f"--duration={duration}", f"--comment={comment}", f"--author={_author()}"]
    return ["silence", "add", *options, "--", *map(_quoted, matchers)]


def _quoted(matcher: str) -> str:
    """The matcher with quotes around its value, which every version of amtool reads alike."""
    match = _MATCHER.fullmatch(matcher)
    if match is None:
        raise RequestError(f"MATCH: {matcher!r} is no matcher; write for example exchange=binance")
    name, operator, value = match.groups()
    if value.startswith("="):
        raise RequestError(f"MATCH: {matcher!r} has one = too many; write for example exchange=binance")
    return f"{name}{operator}{json.dumps(value, ensure_ascii=False)}"


def main(wanted: Mapping[str, str] | None = None) -> int:
    """Do it; the exit status is 1, after a message, where that fails."""
    wanted = os.environ if wanted is None else wanted
    url = wanted.get("ALERTMANAGER_URL") or URL
    try:
        arguments = command(wanted)
        amtool = find_binary("amtool")
    except (RequestError, BinaryNotFoundError) as error:
        print(f"{error}\n{_USE}", file=sys.stderr)
        return 1
    timed = [str(amtool), f"--alertmanager.url={url}", "--timeout=10s"]
    result = subprocess.run(  # noqa: S603 - a list, and amtool is told where options end
        [*timed, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    if result.returncode:
        print(_failure(url, result.stderr.strip()), file=sys.stderr)
        return 1
    print(_success(arguments, result.stdout.strip()))
    return 0


def _success(arguments: list[str], output: str) -> str:
    what = arguments[1]
    if what == "add":
        return f"silenced; to end it: make silence END={output}"
    if what == "expire":
        return "ended"
    return f"{output or 'Nothing is silenced.'}\n{_USE}"


def _failure(url: str, text: str) -> str:
    if _AWAY.search(text.lower()):
        return f"Alertmanager does not answer at {url}; start it, or name another with ALERTMANAGER_URL=…"
    if "silence not found" in text.lower():
        return f"Alertmanager at {url} has no such silence; make silence lists those that there are"
    return f"Alertmanager at {url} refuses: {text}"


def _author() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "make silence"


if __name__ == "__main__":
    sys.exit(main())
