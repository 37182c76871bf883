"""make silence: ad-hoc maintenance with a real Alertmanager."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from alertmanager.silence import RequestError, command, main
from simulator.stack import components
from simulator.stack.ports import free_port
from simulator.stack.processes import Stack


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
    assert made["id"] in capsys.readouterr().out

    assert await asyncio.to_thread(main, {**there, "END": made["id"]}) == 0
    assert await silences(component.url) == []

    assert await asyncio.to_thread(main, {**there, "END": "00000000-0000-4000-8000-000000000000"}) == 1
    assert f"{component.url} has no such silence; make silence lists" in capsys.readouterr().err


def test_an_alertmanager_that_is_away_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the address and what to do."""
    url = f"http://127.0.0.1:{free_port()}"
    assert main({"ALERTMANAGER_URL": url, "MATCH": "exchange=alpha", "COMMENT": "why"}) == 1
    assert f"Alertmanager does not answer at {url}; start it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"MATCH": "exchange=alpha"}, "COMMENT is missing"),
        ({"MATCH": "alpha", "COMMENT": "x"}, "MATCH: 'alpha' is no matcher"),
        ({"MATCH": "exchange==alpha", "COMMENT": "x"}, "MATCH: 'exchange==alpha' has one = too many"),
        ({"END": "binance"}, "END: 'binance' is no id of a silence"),
        ({"MATCH": "exchange='alpha", "COMMENT": "x"}, "MATCH: No closing quotation"),
        ({"MATCH": "exchange=alpha", "COMMENT": "x", "FOR": "soon"}, "FOR: 'soon' is no duration"),
    ],
)
def test_what_is_wrong_is_said(wanted: dict[str, str], problem: str) -> None:
    """A silence without a reason, or one that cannot be understood, is refused before anything is asked."""
    with pytest.raises(RequestError, match=problem):
        command(wanted)


def test_a_silence_lasts_an_hour_unless_told() -> None:
    """Without FOR, which the Makefile gives as 0, it is an hour."""
    assert "--duration=1h" in command({"MATCH": "exchange=alpha", "COMMENT": "x", "FOR": "0"})
