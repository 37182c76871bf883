"""What is measured, over WebSockets: the path that was there before, and the stream `metrics`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.live.standin import Standin
from tests.web.asking import Api, asking

OLD = "/ws/real-time-metrics"


async def things(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[dict[str, Any]]:
    """Each thing that the stream tells."""
    async for message in socket:
        for each in message.json().get("data", ()):
            yield each


async def test_the_old_path_tells_at_once_and_every_five_seconds(api: Api) -> None:
    """Messages of the type metrics_update with all figures of the moment; what is said to it means nothing."""
    async with api.session.ws_connect(api.url + OLD) as socket:
        await socket.send_str("hello?")
        first, second = [(await socket.receive_json(timeout=20)) for _ in range(2)]
    assert first["type"] == second["type"] == "metrics_update"
    assert first["data"].keys() == (await api.ask("/api/performance-metrics")).keys()
    assert first["data"]["timestamp"] < second["data"]["timestamp"]


async def test_one_message_serves_all_and_is_compressed(api: Api) -> None:
    """A client that takes compressed messages gets them, one that does not gets them plain, with the same content."""
    async with (
        api.session.ws_connect(api.url + OLD, compress=15) as packed,
        api.session.ws_connect(api.url + OLD) as plain,
    ):
        assert (packed.compress, plain.compress) == (15, 0)
        found = [await socket.receive_json(timeout=20) for socket in (packed, plain)]
        assert found[0].keys() == found[1].keys()
        assert api.state.stream.bytes_sent < api.state.stream.bytes_made


async def test_who_talks_too_much_is_dropped(api: Api) -> None:
    """As on the new path, with a code that says so; others go on."""
    async with api.session.ws_connect(api.url + OLD) as other, api.session.ws_connect(api.url + OLD) as socket:
        for _ in range(200):
            await socket.send_str("x" * 100)
        async with asyncio.timeout(20):
            async for _ in socket:
                pass
        assert socket.close_code == 4029
        assert (await other.receive_json(timeout=20))["type"] == "metrics_update"


async def test_the_old_path_needs_the_token_and_a_known_origin(tmp_path: Path) -> None:
    """What it tells is private."""
    (tmp_path / "token").write_text("let-me-in")
    web = {"listen": "127.0.0.1:0", "bearer_token": {"file": str(tmp_path / "token")}}
    known = {"Authorization": "Bearer let-me-in"}
    async with asking(web=web) as api:
        for headers, status in (({}, 401), (known | {"Origin": "https://evil.example"}, 403)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await api.session.ws_connect(api.url + OLD, headers=headers)
            assert refused.value.status == status
        async with api.session.ws_connect(api.url + OLD, headers=known) as socket:
            assert (await socket.receive_json(timeout=20))["type"] == "metrics_update"


async def test_the_end_of_the_exporter_ends_it_with_a_code() -> None:
    """So that a page knows to come again."""
    async with aiohttp.ClientSession() as session:
        async with asking() as api:
            socket = await session.ws_connect(api.url + OLD, autoclose=False)
            await socket.receive_json(timeout=20)
            ending = asyncio.create_task(socket.receive(timeout=20))
            await asyncio.sleep(0)
        last = await ending
        assert (last.type, last.data, last.extra) == (
            aiohttp.WSMsgType.CLOSE,
            1001,
            "the exporter stops; come again",
        )
        await socket.close()


async def test_the_stream_of_metrics(api: Api) -> None:
    """Performance every second, how the system is, and each exchange by itself with what Prometheus makes of it."""
    async with api.session.ws_connect(api.url + "/ws") as socket:
        await socket.send_json({"op": "subscribe", "stream": "metrics"})
        found: dict[str, Any] = {}
        times = set()
        async with asyncio.timeout(20):
            async for each in things(socket):
                found[each.get("exchange", each["name"])] = each
                times.add(found.get("performance", {}).get("timestamp"))
                if len(times) > 3 and len(found) == 4 and found["system"]["overall_health"]:
                    break
    assert found["performance"].keys() - {"name"} == (await api.ask("/api/performance-metrics")).keys()
    assert (found["system"]["overall_health"], found["system"]["missing"]) == ("degraded", {})
    assert found["beta"]["status"] == "critical"  # another exporter asks it
    assert found["alpha"] == {
        "name": "exchange",
        "exchange": "alpha",
        "status": "healthy",
        "response_time_ms": 12,
        "error_rate_percent": 0,
        "availability_percent": 100,
        "missing": {},
    }


async def test_one_exchange_of_the_stream(api: Api) -> None:
    """A selection keeps the other exchanges out, and nothing else."""
    api.state.exchanges["beta"].request("fetch_time", 0.5, None)
    async with api.session.ws_connect(api.url + "/ws") as socket:
        await socket.send_json({"op": "subscribe", "stream": "metrics", "exchange": ["beta"]})
        seen = set()
        async with asyncio.timeout(20):
            async for each in things(socket):
                seen.add((each["name"], each.get("exchange")))
                if len(seen) == 3:
                    break
    assert seen == {("performance", None), ("system", None), ("exchange", "beta")}


async def test_an_exchange_that_nobody_tells_of_any_more_has_no_status(server: Standin, api: Api) -> None:
    """The last word of an exchange that another exporter asked does not stand for ever."""
    async with api.session.ws_connect(api.url + "/ws") as socket:
        await socket.send_json({"op": "subscribe", "stream": "metrics", "exchange": ["beta"]})
        async with asyncio.timeout(20):
            async for each in things(socket):
                if each.get("status") == "critical":
                    server.series = {}
                elif not server.series and each["name"] == "exchange":
                    break
    assert [each[name] for name in ("status", "response_time_ms", "availability_percent")] == [None] * 3
    assert each["missing"].keys() >= {"status", "response_time_ms", "error_rate_percent", "availability_percent"}
