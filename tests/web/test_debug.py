"""What the exporter does just now, asked of a real process."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exporter.config import Web
from exporter.state.state import State
from tests.builders import MINIMAL, config
from tests.stack.ending import TOKEN, Exporter, started
from tests.stack.harness import eventually
from tests.web.serving import serving


@pytest.fixture
async def exporter(tmp_path: Path) -> AsyncIterator[Exporter]:
    async with started(tmp_path) as running:
        yield running


async def asked(exporter: Exporter, path: str, **headers: str) -> tuple[int, str]:
    async with exporter.session.get(f"{exporter.url}{path}", headers=headers) as answer:
        return answer.status, await answer.text()


async def busy(exporter: Exporter) -> None:
    """Keep it at work until cancelled."""
    while True:
        await asked(exporter, "/metrics")


@pytest.fixture
async def work(exporter: Exporter) -> AsyncIterator[None]:
    task = asyncio.create_task(busy(exporter))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.usefixtures("work")
async def test_a_profile_says_where_the_time_goes(exporter: Exporter) -> None:
    """While it does nothing but scrapes, these are what it tells of, in three forms."""
    status, text = await asked(exporter, "/debug/profile?seconds=1")
    assert status == 200
    head = re.match(r"([\d.]+) s, (\d+) samples: busy for (\d+) %, ([\d.]+) s of CPU\n", text)
    assert head
    assert float(head[1]) >= 1
    assert int(head[3]) > 0
    assert re.search(r"^ +[\d.]+ % +[\d.]+ %  \S+ \(exporter/\S+\.py\)$", text, re.MULTILINE)
    status, text = await asked(exporter, "/debug/profile?seconds=0.5&format=collapsed")
    assert status == 200
    assert all(re.fullmatch(r".+ \d+", line) for line in text.splitlines())
    assert re.search(r"^.*Endpoints\.metrics \(\S+\);.+ \(\S+:\d+\) \d+$", text, re.MULTILINE)
    status, text = await asked(exporter, "/debug/profile?seconds=0.5&format=speedscope")
    found = json.loads(text)
    [profile] = found["profiles"]
    assert len(profile["samples"]) == len(profile["weights"])
    assert profile["endValue"] == pytest.approx(sum(profile["weights"]))
    assert max(index for sample in profile["samples"] for index in sample) < len(found["shared"]["frames"])


async def test_an_exporter_that_rests_is_seen_to_rest(exporter: Exporter) -> None:
    """And after a profile it goes on as before."""
    text = (await asked(exporter, "/debug/profile?seconds=0.5&format=collapsed"))[1]
    counts = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in text.splitlines()}
    assert counts["idle"] > sum(counts.values()) / 2
    assert (await asked(exporter, "/health"))[0] == 200


async def test_one_profile_at_a_time(exporter: Exporter) -> None:
    """The second who asks is told to wait; an end does not wait for a profile."""

    async def first() -> bool:
        return (await asked(exporter, "/debug/profile?seconds=60"))[0] == 200

    asking = asyncio.create_task(eventually(first, 60))

    async def refused() -> str:
        status, text = await asked(exporter, "/debug/profile?seconds=0.01")
        return text if status == 409 else ""

    assert "a profile is being taken already" in await eventually(refused)
    exporter.signal()
    assert await exporter.ended() == 0
    asking.cancel()


@pytest.mark.parametrize("query", ["seconds=0", "seconds=61", "seconds=x", "seconds=-1", "seconds=٣", "format=pdf"])
async def test_what_cannot_be_asked_for(query: str) -> None:
    """The answer says what can."""
    async with serving(Web(listen="127.0.0.1:0"), State(config())) as url:
        status, found = await answered(f"{url}/debug/profile?{query}")
    assert status == 400
    assert found["message"].startswith(query.partition("=")[0])


async def answered(url: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_tasks_are_told_with_the_place_where_they_wait(exporter: Exporter) -> None:
    """By name where they have one, and those that wait for the same together."""
    sockets = [await exporter.session.ws_connect(f"{exporter.url}/ws") for _ in range(120)]
    status, text = await asked(exporter, "/debug/tasks")
    assert status == 200
    assert re.search(r"^ +120 \S+ \(\S+:\d+\)$", text, re.MULTILINE)
    assert re.search(r"^ +1 source/ledger: Keeper\.run \(\S+/recovery\.py:\d+\)$", text, re.MULTILINE)
    for each in sockets:
        await each.close()


@pytest.mark.parametrize("path", ["/debug/profile", "/debug/tasks"])
async def test_it_is_not_for_everybody(tmp_path: Path, path: str) -> None:
    """With a token, for those who have it; without, for this machine alone, and for nobody behind a proxy."""
    async with started(tmp_path) as exporter:
        for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
            status, text = await asked(exporter, path, **{name: "for=203.0.113.7"})
            assert (status, json.loads(text)["message"][:28]) == (403, "without web.bearer_token thi")
        status, text = await asked(exporter, path, **{"Sec-Fetch-Site": "cross-site"})
        assert (status, json.loads(text)["message"]) == (403, "pages of others may not ask for this")
    async with started(tmp_path, web={"bearer_token": {"file": str(tmp_path / "token")}}) as exporter:
        assert (await asked(exporter, path))[0] == 401
        given = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "203.0.113.7"}
        assert (await asked(exporter, f"{path}?seconds=0.1", **given))[0] == 200


async def test_it_can_be_switched_off() -> None:
    """Then there is nothing there."""
    state = State(config(MINIMAL + "debug: {enabled: false}"))
    async with serving(Web(listen="127.0.0.1:0"), state) as url:
        assert (await answered(f"{url}/debug/tasks"))[0] == 404
