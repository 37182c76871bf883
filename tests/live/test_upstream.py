"""How Prometheus and Alertmanager are asked, and what becomes of what they say when they do not."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import parse
from exporter.live import Live
from exporter.state.state import State
from tests.builders import T0
from tests.live.standin import Standin, all_series, standin, told

FAST = {"interval": 0.01, "request_timeout": 5}


class Asking:
    """A `Live` whose links run, at a time that a test moves."""

    def __init__(self, upstream: Any) -> None:
        self.now = T0
        self.state = State(parse(yaml.safe_dump({"upstream": upstream})), clock=lambda: self.now)
        self.live = Live(self.state)

    def health(self) -> str | None:
        return self.live.operations_overview(60).system_status.overall_health

    @property
    def is_up(self) -> bool:
        return self.state.components["upstream/prometheus"].up

    @property
    def reason(self) -> str:
        return self.live.operations_overview(60).missing["system_status.overall_health"]


@asynccontextmanager
async def asking(upstream: Any) -> AsyncIterator[Asking]:
    """Ask until the block ends."""
    found = Asking(upstream)
    makers = [make for name, make in found.live.parts().items() if name.startswith("source/upstream/")]
    tasks = [asyncio.create_task(make().run()) for make in makers]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


@pytest.fixture
async def server() -> AsyncIterator[Standin]:
    async with standin() as running:
        yield running


async def test_what_it_says_is_there_at_once_for_everybody(server: Standin) -> None:
    """Nobody who wants to know waits for it, and none of them makes it be asked once more."""
    server.series = all_series()
    async with asking({"prometheus": {"url": server.url}, "interval": 60}) as found:
        await until(lambda: found.health() == "degraded")
        for _ in range(100):
            assert found.health() == "degraded"
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ((503, "no"), "Prometheus answered with status 503"),
        ((401, "no"), "are its address and the login right?"),
        ((302, ""), "Prometheus answered with status 302"),
        ((200, "<html>"), "Prometheus sent what is no answer of it"),
        ((200, '{"status":"success"}'), "Prometheus refused a query"),
        ((200, '{"status":"error","error":"too busy"}'), "Prometheus refused a query: too busy"),
        ((200, '{"status":"x","data":{"resultType":"matrix","result":[]}}'), "Prometheus sent what is no answer of it"),
        (
            (200, '{"status":"x","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}'),
            "Prometheus sent what is no answer of it",
        ),
        ((200, '"' + "x" * 9_000_000 + '"'), "Prometheus answered with more than"),
    ],
)
async def test_what_is_no_answer_is_said_and_survived(server: Standin, fault: tuple[int, str], words: str) -> None:
    """Whatever is sent: the reason is in the answer and in the component, and the next answer counts again."""
    server.series, server.fault = all_series(), fault
    async with asking({"prometheus": {"url": server.url}} | FAST) as found:
        await until(lambda: not found.is_up)
        assert words in found.reason  # which is there only when there is no value
        server.fault = None
        await until(lambda: found.is_up and found.health() == "degraded")


async def test_what_it_said_stands_for_half_a_minute(server: Standin) -> None:
    """A question that fails takes nothing away at once; after a while nothing is known any more."""
    server.series = all_series()
    async with asking({"prometheus": {"url": server.url}} | FAST) as found:
        await until(lambda: found.health() == "degraded")
        server.fault = (500, "")
        await until(lambda: not found.is_up)
        assert found.health() == "degraded"
        found.now += 31
        assert found.health() is None
        assert found.reason == "Prometheus answered with status 500; are its address and the login right?"


async def test_a_server_that_hangs_keeps_nobody_waiting(server: Standin) -> None:
    """While it lets a question wait, the answer is what it said before; then it counts as away."""
    server.series = all_series()
    async with asking({"prometheus": {"url": server.url}, "interval": 0.01, "request_timeout": 0.05}) as found:
        await until(lambda: found.health() == "degraded")
        server.hangs = True
        await server.hanging.wait()
        assert found.health() == "degraded"
        await until(lambda: not found.is_up)
        assert found.state.components["upstream/prometheus"].detail == "did not answer within 0.05 s"


async def test_nobody_there() -> None:
    """Neither the port nor the name."""
    async with asking({"prometheus": {"url": "http://127.0.0.1:1"}} | FAST) as found:
        await until(lambda: not found.is_up)
        assert found.reason == "Prometheus cannot be reached: Connection refused"
    async with asking({"prometheus": {"url": "http://no-such-host.invalid"}} | FAST) as found:
        await until(lambda: not found.is_up)
        assert found.reason.startswith("Prometheus cannot be reached: ")


async def test_without_them_nothing_is_asked_and_nothing_is_degraded() -> None:
    """What is not configured is no part, and the reason names the key."""
    async with asking({}) as found:
        assert list(found.live.parts()) == ["source/ring"]
        assert found.reason == "Prometheus is not configured: upstream.prometheus"
        assert list(found.state.components) == []


@pytest.mark.parametrize("prefix", ["", "/prometheus"])
@pytest.mark.parametrize("ending", ["", "/"])
async def test_a_path_of_the_address_comes_first(prefix: str, ending: str) -> None:
    """Both are often behind a proxy."""
    async with standin(prefix) as server:
        server.series, server.alerts = all_series(), [told("TradingCpuHigh", "warning")]
        both = {"prometheus": {"url": server.url + ending}, "alertmanager": {"url": server.url + ending}}
        async with asking(both) as found:
            await until(lambda: found.health() == "degraded" and found.live.alerts().active_alerts_count == 1)


async def test_a_login_or_a_token(server: Standin, tmp_path: Path) -> None:
    """They are sent as they are configured, and stand in no message."""
    for name in ("user", "password", "token"):
        (tmp_path / name).write_text(f"{name}-hunter2")
    login = {"username": {"file": str(tmp_path / "user")}, "password": {"file": str(tmp_path / "password")}}
    token = {"bearer_token": {"file": str(tmp_path / "token")}}
    for given, sent, own in (
        (login, "Basic " + base64.b64encode(b"user-hunter2:password-hunter2").decode(), "user-hunter2"),
        (token, "Bearer token-hunter2", "token-hunter2"),
    ):
        server.asked.clear()
        server.fault = (200, '{"status":"error","error":"who is token-hunter2 or user-hunter2?"}')
        async with asking({"prometheus": {"url": server.url, **given}}) as found:
            await until(lambda: not found.is_up)
            assert server.asked[0]["Authorization"] == sent
            assert "who is" in found.reason
            assert own not in found.reason
