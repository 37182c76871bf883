"""Silence alerts for a while: ``make silence``.

What is wanted comes from the environment, where make puts what is written behind it, blanks and quotes included:
``MATCH`` matchers as in ``exchange=binance`` (``!=``, ``=~``, ``!~`` as well), all of which an alert has to meet,
``FOR`` a duration, ``COMMENT`` why; ``END`` the id of a silence to end; ``ALERTMANAGER_URL`` where Alertmanager is.
Without any of them it lists the silences that there are.
"""

from __future__ import annotations

import getpass
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

URL = "http://127.0.0.1:9093"
_TIMEOUT_SECONDS = 10
_DURATION = re.compile(r"(?:[1-9][0-9]*[smhdw])+")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MATCHER = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)(=~|!=|!~|=)(.*)", re.DOTALL)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_USE = """\
To silence:  make silence MATCH='alertname=TradingCpuHigh exchange=binance' FOR=2h COMMENT='why'
To end one:  make silence END=ID"""

Json = dict[str, Any]


class RequestError(ValueError):
    """What was asked for cannot be done; the message says what to write."""


def silence(wanted: Mapping[str, str], now: datetime) -> Json:
    """The silence that is wanted, as Alertmanager takes it; `RequestError` says what is wrong with what is wanted."""
    try:
        given = shlex.split(wanted.get("MATCH", ""), posix=True)
    except ValueError as error:
        raise RequestError(f"MATCH: {error}; close each quote") from None
    if not given:
        raise RequestError("MATCH is missing; say what to silence, for example MATCH='exchange=binance'")
    matchers = [_matcher(each) for each in given]
    comment = wanted.get("COMMENT", "").strip()
    if not comment:
        raise RequestError("COMMENT is missing; say why, for those who wonder why nothing comes")
    return {
        "matchers": matchers,
        "startsAt": now.isoformat(),
        "endsAt": (now + _duration(wanted.get("FOR", "0"))).isoformat(),
        "createdBy": _author(),
        "comment": comment,
    }


def _matcher(given: str) -> Json:
    match = _MATCHER.fullmatch(given)
    if match is None:
        raise RequestError(f"MATCH: {given!r} is no matcher; write for example exchange=binance")
    name, operator, value = match.groups()
    if value.startswith("="):
        raise RequestError(f"MATCH: {given!r} has one = too many; write for example exchange=binance")
    return {"name": name, "value": value, "isRegex": operator.endswith("~"), "isEqual": operator.startswith("=")}


def _duration(given: str) -> timedelta:
    """An hour unless told; the Makefile gives 0 where nothing was."""
    if given == "0":
        return timedelta(hours=1)
    if not _DURATION.fullmatch(given):
        raise RequestError(f"FOR: {given!r} is no duration; write for example 30m or 2h")
    try:
        return sum(
            (timedelta(**{_UNITS[each[-1]]: int(each[:-1])}) for each in re.findall(r"\d+\w", given)), timedelta()
        )
    except OverflowError:
        raise RequestError(f"FOR: {given!r} is too long; write for example 2w") from None


class Alertmanager:
    """The Alertmanager at an address; what it refuses, and that it does not answer, is a `RequestError`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._name = "Alertmanager at " + re.sub(r"//[^/]*@", "//", self._url)

    def add(self, wanted: Json) -> str:
        """Silence something; gives the id of the silence."""
        return str(self._asked("POST", "silences", wanted).json()["silenceID"])

    def end(self, name: str) -> None:
        """End a silence."""
        if not _ID.fullmatch(name):
            raise RequestError(f"END: {name!r} is no id of a silence; make silence lists them")
        self._asked("DELETE", f"silence/{name}")

    def silences(self) -> list[Json]:
        """Those that are on, or will be, the one that ends first at first."""
        found: list[Json] = self._asked("GET", "silences").json()
        return sorted((each for each in found if each["status"]["state"] != "expired"), key=lambda each: each["endsAt"])

    def _asked(self, method: str, path: str, body: Json | None = None) -> requests.Response:
        try:
            answer = requests.request(method, f"{self._url}/api/v2/{path}", json=body, timeout=_TIMEOUT_SECONDS)
        except requests.RequestException:
            text = f"{self._name} does not answer; start it, or name another with ALERTMANAGER_URL=…"
            raise RequestError(text) from None
        if answer.ok:
            return answer
        if "silence not found" in answer.text or (
            method == "DELETE" and answer.status_code == requests.codes.not_found
        ):
            raise RequestError(f"{self._name} has no such silence; make silence lists those that there are")
        raise RequestError(f"{self._name} refuses: {answer.text.strip()[:500] or answer.status_code}")


def _listed(silences: list[Json]) -> Iterator[str]:
    for each in silences:
        matchers = " ".join(f"{one['name']}{_operator(one)}{one['value']}" for one in each["matchers"])
        ends = datetime.fromisoformat(each["endsAt"]).astimezone(UTC)
        yield f"{each['id']}  until {ends:%Y-%m-%d %H:%M} UTC  {matchers}  {each['comment']} ({each['createdBy']})"
    if not silences:
        yield "Nothing is silenced."
    yield _USE


def _operator(matcher: Json) -> str:
    if matcher["isRegex"]:
        return "=~" if matcher.get("isEqual", True) else "!~"
    return "=" if matcher.get("isEqual", True) else "!="


def _done(wanted: Mapping[str, str]) -> Iterator[str]:
    """Do what is wanted; what to say of it."""
    alertmanager = Alertmanager(wanted.get("ALERTMANAGER_URL") or URL)
    if end := wanted.get("END"):
        alertmanager.end(end)
        yield "ended"
    elif "MATCH" in wanted or wanted.get("COMMENT"):
        yield f"silenced; to end it: make silence END={alertmanager.add(silence(wanted, datetime.now(UTC)))}"
    else:
        yield from _listed(alertmanager.silences())


def main(wanted: Mapping[str, str] | None = None) -> int:
    """Do it; the exit status is 1, after a message, where that fails."""
    try:
        for line in _done(os.environ if wanted is None else wanted):
            print(line)
    except RequestError as error:
        print(f"{error}\n{_USE}", file=sys.stderr)
        return 1
    return 0


def _author() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "make silence"


if __name__ == "__main__":
    sys.exit(main())
