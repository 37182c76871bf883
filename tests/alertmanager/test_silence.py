"""make silence: ad-hoc maintenance with a real Alertmanager."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from alertmanager.silence import RequestError, main, silence
from simulator.stack import components
from simulator.stack.ports import free_port
from simulator.stack.processes import Stack

NOW = datetime(2026, 11, 21, tzinfo=UTC)


async def silences(url: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v2/silences") as response:
        found: list[dict[str, Any]] = await response.json()
    return [each for each in found if each["status"]["state"] == "active"]


@pytest.mark.stack
async def test_a_silence_is_made_listed_and_ended(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """What is asked for is silenced for as long, with the comment; listing shows it, and END ends it."""
    component = components.alertmanager(stack.run_dir, port=free_port())
    await stack.start(component)
    there = {"ALERTMANAGER_URL": component.url}
    wanted = {
        "MATCH": """alertname=TradingCpuHigh exchange=~'alpha|"be" ta\\d'""",
        "FOR": "2h",
        "COMMENT": "upgrade; $(x)",
    }
    assert await asyncio.to_thread(main, there | wanted) == 0
    (made,) = await silences(component.url)
    assert made["comment"] == "upgrade; $(x)"
    assert {(each["name"], each["value"], each["isRegex"]) for each in made["matchers"]} == {
        ("alertname", "TradingCpuHigh", False),
        ("exchange", 'alpha|"be" ta\\d', True),
    }
    assert f"make silence END={made['id']}" in capsys.readouterr().out

    assert await asyncio.to_thread(main, there) == 0
    listed = capsys.readouterr().out
    assert made["id"] in listed
    assert """alertname=TradingCpuHigh exchange=~alpha|"be" ta\\d  upgrade; $(x)""" in listed

    assert await asyncio.to_thread(main, {**there, "END": made["id"]}) == 0
    assert await silences(component.url) == []

    assert await asyncio.to_thread(main, {**there, "END": "00000000-0000-4000-8000-000000000000"}) == 1
    assert f"{component.url} has no such silence; make silence lists" in capsys.readouterr().err

    refused = {**there, "MATCH": "exchange=~(", "COMMENT": "x"}
    assert await asyncio.to_thread(main, refused) == 1
    assert "refuses: " in capsys.readouterr().err


def test_an_alertmanager_that_is_away_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the address, without a login in it, and what to do."""
    port = free_port()
    url = f"http://desk:hunter2@127.0.0.1:{port}"
    assert main({"ALERTMANAGER_URL": url, "MATCH": "exchange=alpha", "COMMENT": "why"}) == 1
    assert f"Alertmanager at http://127.0.0.1:{port} does not answer; start it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"MATCH": "exchange=alpha"}, "COMMENT is missing"),
        ({"MATCH": "", "COMMENT": "x"}, "MATCH is missing"),
        ({"MATCH": "alpha", "COMMENT": "x"}, "MATCH: 'alpha' is no matcher"),
        ({"MATCH": "exchange==alpha", "COMMENT": "x"}, "MATCH: 'exchange==alpha' has one = too many"),
        ({"MATCH": "exchange='alpha", "COMMENT": "x"}, "MATCH: No closing quotation"),
        ({"MATCH": "exchange=alpha", "COMMENT": "x", "FOR": "soon"}, "FOR: 'soon' is no duration"),
        ({"MATCH": "exchange=alpha", "COMMENT": "x", "FOR": "99999999999w"}, "FOR: '99999999999w' is too long"),
    ],
)
def test_what_is_wrong_is_said(wanted: dict[str, str], problem: str) -> None:
    """A silence without a reason, or one that cannot be understood, is refused before anything is asked."""
    with pytest.raises(RequestError, match=problem):
        silence(wanted, NOW)


def test_what_is_no_id_cannot_be_ended(capsys: pytest.CaptureFixture[str]) -> None:
    """It is said before anything is asked."""
    assert main({"END": "binance"}) == 1
    assert "END: 'binance' is no id of a silence" in capsys.readouterr().err


@pytest.mark.parametrize(("given", "minutes"), [("0", 60), ("30m", 30), ("1h30m", 90), ("1w", 7 * 24 * 60)])
def test_a_silence_lasts_as_long_as_told(given: str, minutes: int) -> None:
    """Without FOR, which the Makefile gives as 0, it is an hour."""
    made = silence({"MATCH": "exchange=alpha", "COMMENT": "x", "FOR": given}, NOW)
    assert datetime.fromisoformat(made["endsAt"]) - NOW == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("given", "is_regex", "is_equal"),
    [("a=b", False, True), ("a!=b", False, False), ("a=~b", True, True), ("a!~b", True, False)],
)
def test_each_kind_of_matcher_is_told_as_it_is(given: str, is_regex: bool, is_equal: bool) -> None:
    """With the words of Alertmanager's API."""
    (matcher,) = silence({"MATCH": given, "COMMENT": "x"}, NOW)["matchers"]
    assert matcher == {"name": "a", "value": "b", "isRegex": is_regex, "isEqual": is_equal}
