"""/public in a real browser, and what it is for a thousand viewers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser

from exporter.live.public import FIGURES, SINCE, STATUS
from tests.live.standin import Standin, standin
from tests.web.asking import Api, asking
from tests.web.pages.browser import SIZES, chromium, visit

VALUES = {
    "volume_usd": 1_284_300.55,
    "pnl_percent": -0.0123,
    "spread_improvement_percent": 0.214,
    "compared_hours": 20.6 * 3600,
    "quote_uptime_percent": 0.9931,
    "response_time_ms": 0.0342,
    "p95_response_time_ms": 0.0721,
    "uptime_1d_percent": 0.99996,
    "uptime_30d_percent": 0.9992,
}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def server() -> AsyncIterator[Standin]:
    async with standin() as running:
        running.series = {FIGURES[name].series: [({}, value)] for name, value in VALUES.items()}
        running.series[SINCE] = [({}, 1_790_000_000.0)]
        running.series[STATUS] = [({"exchange": "alpha"}, 0), ({"exchange": "beta"}, 3)]
        yield running


@pytest.fixture
async def api(server: Standin, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """An exporter that asks for a token, and for none here."""
    monkeypatch.setenv("PAGE_TOKEN", "let-me-in-let-me-in")
    given = {
        "web": {"listen": "127.0.0.1:0", "bearer_token": {"env": "PAGE_TOKEN"}},
        "upstream": {"prometheus": {"url": server.url}, "interval": 0.05},
        "pages": {"public": True, "name": "Desk"},
    }
    async with asking(**given) as running:
        await running.until("/public.json", lambda found: found["timestamp"] is not None)
        yield running


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_everybody_can_use_it(browser: Browser, api: Api, size: str, theme: Literal["light", "dark"]) -> None:
    """Without a token: the figures, axe finds nothing, nothing is wider than the window, nobody else is asked."""
    async with visit(browser, f"{api.url}/public", SIZES[size], theme) as seen:
        await seen.until("#figure-volume_usd .value", "$1.28M")
        assert await seen.text("#figure-pnl_percent .value") == "\u22121.23 %"
        assert await seen.text("#figure-spread_improvement_percent") == (
            "Spread improvement +21.4 % over 20.6 hours of quotes"
        )
        assert await seen.text("#figure-uptime_1d_percent") == "Uptime 99.99 % 99.92 % of 30 days"
        assert await seen.text("#exchanges") == "alpha healthy beta critical"
        for details in await seen.page.query_selector_all("details > summary"):
            await details.click()
        assert await seen.barriers() == []
        assert await seen.is_within()
        assert seen.complaints == []
        assert seen.hosts == {urlsplit(api.url).netloc}


async def test_what_is_not_known_is_left_out(browser: Browser, server: Standin, api: Api) -> None:
    """With the reason in general words."""
    del server.series[FIGURES["pnl_percent"].series]
    await api.until("/public.json", lambda found: found["pnl_percent"] is None)
    async with visit(browser, f"{api.url}/public") as seen:
        await seen.until("#figure-volume_usd .value", "$1.28M")
        assert await seen.text("#figure-pnl_percent") == "PnL no data nothing is recorded of this, or not of all of it"


async def test_a_thousand_viewers_ask_prometheus_no_more_than_one(server: Standin, api: Api) -> None:
    """Each of them has an answer that was made once."""
    before = len(server.asked)
    etags = set()
    for _ in range(1000):
        async with api.session.get(f"{api.url}/public.json") as answer:
            etags.add(answer.headers["ETag"])
    asked = len(server.asked) - before
    assert len(etags) <= asked + 1
    assert asked < 500
