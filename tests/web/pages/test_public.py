"""Nothing but the public figures leaves without a token, whatever the exporter and Prometheus know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import ClientSession

from exporter.events import Balance
from exporter.intake import Intake
from exporter.live.public import SERIES
from tests.builders import book, fill, order, quote
from tests.live.standin import Standin, standin
from tests.web.asking import Api, asking

TOKEN = "a-token-that-nobody-knows"
SECRETS = ("hidden-account", "hidden-strategy", "HIDDEN/USDT", "hidden-order", "hidden-host", "271828", "31415", TOKEN)

# All that may be said, key by key; whoever adds one has to add it here.
KEYS = {
    *("volume_usd", "pnl_percent", "spread_improvement_percent", "compared_hours", "quote_uptime_percent"),
    *("response_time_ms", "p95_response_time_ms", "uptime_1d_percent", "uptime_30d_percent", "since", "exchanges"),
    *("missing", "timestamp", "history"),
}
HISTORY_KEYS = {"times", "pnl_percent", "spread_improvement_percent", "quote_uptime_percent", "response_time_ms"}

OPEN = ("/", "/health", "/live", "/public", "/public.json", "/v1/schema", "/api/docs", "/api/openapi.json")


@asynccontextmanager
async def talkative() -> AsyncIterator[Standin]:
    """A Prometheus that says more than it is asked: private series, and labels on public ones."""
    labels = {
        "account": "hidden-account",
        "strategy": "hidden-strategy",
        "symbol": "HIDDEN/USDT",
        "instance": "hidden-host",
    }
    async with standin() as server:
        server.says_all = True
        server.series = {name: [(labels, 0.5)] for name in SERIES}
        server.series["exchange:public_status:level"] = [({**labels, "exchange": "alpha"}, 0)]
        server.series["trading_equity_usd"] = [(labels, 271828.0)]
        server.series["exchange:status:level"] = [({**labels, "exchange": "hidden-account"}, 3)]
        yield server


@asynccontextmanager
async def full(monkeypatch: pytest.MonkeyPatch, server: Standin) -> AsyncIterator[Api]:
    """An exporter that knows everything, with a token."""
    monkeypatch.setenv("HIDDEN_TOKEN", TOKEN)
    upstream = {"prometheus": {"url": server.url}, "interval": 0.02}
    given = {"listen": "127.0.0.1:0", "bearer_token": {"env": "HIDDEN_TOKEN"}}
    async with asking(web=given, upstream=upstream, pages={"public": True}) as api:
        whose = {"account": "hidden-account", "strategy": "hidden-strategy", "symbol": "HIDDEN/USDT"}
        now, intake = api.state.clock(), Intake(api.state)
        balance = Balance(exchange="alpha", account="hidden-account", currency="USDT", total=Decimal(271828), ts=now)
        for event in (
            book(31414.0, 31416.0, now, symbol="HIDDEN/USDT"),
            quote(31414.5, 31415.5, now, **whose),
            order("hidden-order", "open", "buy", now, **whose),
            fill("1", "buy", "31415", "2", now, order_id="hidden-order", **whose),
            balance,
        ):
            assert intake.accept(event, "push")
        yield api


async def until_known(api: Api) -> dict[str, Any]:
    return dict(await api.until("/public.json", lambda found: found["timestamp"] is not None))


async def test_nothing_that_is_not_public_is_in_an_open_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """No account, strategy, symbol, order, balance, price or token, in bodies or headers."""
    async with talkative() as server, full(monkeypatch, server) as api:
        await until_known(api)
        for path in OPEN:
            async with api.session.get(api.url + path) as answer:
                said = await answer.text() + str(answer.headers)
                assert answer.status == 200, path
            assert [secret for secret in SECRETS if secret in said] == [], path


async def test_the_public_figures_have_these_keys_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one number of everything together, or null; only exchanges have names."""
    async with talkative() as server, full(monkeypatch, server) as api:
        found = await until_known(api)
    assert found.keys() == KEYS
    assert found["history"].keys() == HISTORY_KEYS
    assert found["exchanges"] == {"alpha": "healthy"}
    numbers = {name: found[name] for name in KEYS - {"since", "exchanges", "missing", "timestamp", "history"}}
    assert all(isinstance(value, float) for value in numbers.values()), numbers


async def test_figures_that_are_not_public_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is traded, the public answer is the same but for its time."""
    async with talkative() as server, full(monkeypatch, server) as api:
        before = await until_known(api)
        intake = Intake(api.state)
        now = api.state.clock()
        assert intake.accept(fill("2", "sell", "40000", "5", now), "push")
        server.series["trading_equity_usd"] = [({}, 1.0)]
        after = await api.until("/public.json", lambda found: found["timestamp"] > before["timestamp"])
    assert {**after, "timestamp": None, "history": None} == {**before, "timestamp": None, "history": None}


@pytest.mark.parametrize("fault", [(500, "hidden-host: 271828"), (200, '{"status":"error","error":"hidden-account"}')])
async def test_a_fault_of_prometheus_is_told_in_general_words(
    monkeypatch: pytest.MonkeyPatch, fault: tuple[int, str]
) -> None:
    """Neither its address nor what it said."""
    async with talkative() as server:
        server.fault = fault
        async with full(monkeypatch, server) as api:
            await api.until("/health", lambda _: api.state.components["upstream/prometheus/public"].failing)
            async with api.session.get(f"{api.url}/public.json") as answer:
                text = await answer.text()
    assert [secret for secret in (*SECRETS, server.url, "500") if secret in text] == []
    assert set(json.loads(text)["missing"].values()) == {"this cannot be told at the moment"}


async def test_the_public_stream_says_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token there is this one and no other, with the same keys."""
    async with talkative() as server, full(monkeypatch, server) as api:
        known = await until_known(api)
        async with asyncio.timeout(20), ClientSession() as session, session.ws_connect(f"{api.url}/ws") as socket:
            assert (await socket.receive_json())["authorized"] is False
            await socket.send_json({"op": "subscribe", "stream": "public"})
            assert (await socket.receive_json())["type"] == "subscribed"
            said = await socket.receive_str()
            for stream in ("metrics", "alerts", "trades", "pnl", "spreads"):
                await socket.send_json({"op": "subscribe", "stream": stream})
                assert (await socket.receive_json())["code"] == "token"
    figures, history = json.loads(said)["data"]
    assert figures.keys() - {"name"} == KEYS - {"timestamp", "history"}
    assert history.keys() - {"name"} == HISTORY_KEYS
    assert figures["volume_usd"] == known["volume_usd"]
    assert [secret for secret in SECRETS if secret in said] == []


async def test_a_stream_that_is_off_is_refused() -> None:
    """The public one, where nobody switched it on; the connection goes on."""
    async with asking() as api, ClientSession() as session, session.ws_connect(f"{api.url}/ws") as socket:
        await socket.receive_json()
        await socket.send_json({"op": "subscribe", "stream": "public"})
        refusal = await socket.receive_json()
        assert (refusal["type"], refusal["code"]) == ("error", "stream")
        assert "pages.public" in refusal["message"]
        await socket.send_json({"op": "ping"})
        assert (await socket.receive_json())["type"] == "pong"
