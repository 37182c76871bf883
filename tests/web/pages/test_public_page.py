"""/public in a real browser, and what it is for a thousand viewers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from exporter.live.public import FIGURES, SINCE, STATUS
from tests.live.standin import Standin, standin
from tests.web.asking import Api, asking
from tests.web.pages.browser import DESK, PHONE, SIZES, Visit, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the browser

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


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Standin]:
    async with standin() as running:
        running.series = {FIGURES[name].series: [({}, value)] for name, value in VALUES.items()}
        running.series[SINCE] = [({}, 1_790_000_000.0)]
        running.series[STATUS] = [({"exchange": "alpha"}, 0), ({"exchange": "beta"}, 3)]
        yield running


@pytest_asyncio.fixture(loop_scope="session")
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
        assert await seen.text("#figure-pnl_percent .more") == "total, of the most capital of 30 days"
        assert await seen.text("#figure-quote_uptime_percent .more") == "both sides quoted, 24 h"
        assert await seen.text("#figure-uptime_1d_percent") == "Uptime 99.99 % 24 h, 99.92 % of 30 days"
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


NOW = datetime(2026, 11, 21, 22, 41, tzinfo=UTC)


@asynccontextmanager
async def prepared(browser: Browser, script: str = "", size: tuple[int, int] = DESK) -> AsyncIterator[Visit]:
    """A window in which this runs before the page does."""
    async with visit(browser, "about:blank", size) as seen:
        await seen.page.add_init_script(script)
        yield seen


async def told(seen: Visit, figures: dict[str, Any], since: float, **headers: str) -> None:
    """Figures that are as old as this when they are asked for, whatever the reader's clock says."""
    body = {**figures, "timestamp": (NOW - timedelta(seconds=since)).isoformat()}

    async def answer(route: Route) -> None:
        await route.fulfill(json=body, headers={"Date": format_datetime(NOW, usegmt=True), **headers})

    await seen.page.unroute("**/public.json")
    await seen.page.route("**/public.json", answer)


@pytest.mark.parametrize("wrong", [-300, 0, 300])
async def test_the_age_is_told_whatever_the_clock_of_the_reader_says(browser: Browser, api: Api, wrong: int) -> None:
    """Minutes wrong, it makes nothing look older or newer; what a cache kept for a while is as old as that."""
    figures = await api.ask("/public.json")
    ages: list[tuple[float, dict[str, str], str]] = [
        (3, {}, ""),
        (300, {}, ", 5 min old"),
        (3, {"Age": "600"}, ", 10 min old"),
    ]
    for since, headers, age in ages:
        async with prepared(browser, f"Date.now = () => {NOW.timestamp() + wrong} * 1000") as seen:
            await told(seen, figures, since, **headers)
            await seen.page.goto(f"{api.url}/public")
            await seen.until("#as-of", "as of ")
            assert await seen.page.text_content("#age") == age
            assert await seen.page.evaluate("document.body.classList.contains('stale')") is bool(age)


SEEN = """(isHidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, value: isHidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_who_comes_back_sees_what_is_now(browser: Browser, api: Api) -> None:
    """Figures, their time and their age, at once and not with the next turn, of which there is none here."""
    async with prepared(browser, "window.setInterval = () => 0") as seen:
        figures = await api.ask("/public.json")
        await told(seen, figures, since=300)
        await seen.page.goto(f"{api.url}/public")
        await seen.until("#age", "5 min old")
        before = await seen.text("#as-of")
        await seen.page.evaluate(SEEN, True)
        await told(seen, {**figures, "volume_usd": 7}, since=0)
        await seen.page.evaluate(SEEN, False)
        await seen.until("#figure-volume_usd .value", "$7.00")
        await seen.page.wait_for_selector("#age:empty", state="attached")
        assert await seen.text("#as-of") != before


SINCE_WHEN = r"since \d\d? \w+ \d\d:\d\d"


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0.025, {"volume_usd": "WHEN", "uptime_1d_percent": "WHEN", "quote_uptime_percent": "both sides quoted, WHEN"}),
        (23, {"spread_improvement_percent": "over 20.6 hours of quotes, WHEN", "volume_usd": "WHEN"}),
        (25, {"spread_improvement_percent": "over 20.6 hours of quotes", "quote_uptime_percent": "both .*, 24 h"}),
        (25, {"volume_usd": "24 h", "uptime_1d_percent": "24 h, 99.92 % WHEN"}),
        (25, {"pnl_percent": "total, of the most capital WHEN"}),
        (721, {"uptime_1d_percent": "24 h, 99.92 % of 30 days"}),
    ],
)
async def test_no_figure_is_of_more_time_than_is_recorded(
    browser: Browser, api: Api, hours: float, said: dict[str, str]
) -> None:
    """Until then it says since when."""
    async with prepared(browser) as seen:
        begun = (NOW - timedelta(hours=hours)).isoformat()
        await told(seen, {**await api.ask("/public.json"), "since": begun}, since=0)
        await seen.page.goto(f"{api.url}/public")
        await seen.until("#figure-volume_usd .value", "$1.28M")
        for name, text in said.items():
            found = await seen.text(f"#figure-{name} .more")
            assert re.fullmatch(text.replace("WHEN", SINCE_WHEN), found), found


async def test_zero_has_no_sign(browser: Browser, api: Api) -> None:
    """A loss or gain that is zero as it is written."""
    async with prepared(browser) as seen:
        figures = await api.ask("/public.json")
        await told(seen, {**figures, "pnl_percent": -0.001, "spread_improvement_percent": 0.001}, since=0)
        await seen.page.goto(f"{api.url}/public")
        await seen.until("#figure-pnl_percent .value", "0.00 %")
        for name in ("pnl_percent", "spread_improvement_percent"):
            assert await seen.text(f"#figure-{name} .value") == "0.00 %"


SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => { for (const { value } of list.getEntries()) window.shifted += value; })
    .observe({ type: "layout-shift", buffered: true });"""


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_jumps_when_the_figures_come(browser: Browser, api: Api, size: str) -> None:
    """The space for them is there before, on a phone as well, and on the first day, when there is more to say."""
    figures = await api.ask("/public.json")
    drawn = asyncio.Event()
    async with prepared(browser, SHIFTS, SIZES[size]) as seen:

        async def answer(route: Route) -> None:
            await drawn.wait()
            await route.fulfill(json={**figures, "since": figures["timestamp"]})

        await seen.page.route("**/public.json", answer)
        await seen.page.goto(f"{api.url}/public")
        await seen.page.screenshot()  # so that it is drawn once without any
        drawn.set()
        await seen.until("#figure-volume_usd .value", "$1.28M")
        await seen.page.screenshot()
        assert await seen.page.evaluate("window.shifted") < 0.1


async def test_long_names_stay_within_a_phone(browser: Browser, server: Standin, api: Api) -> None:
    """Of an exchange, and of who shows the page; neither needs a blank."""
    server.series[STATUS] = [({"exchange": "x" * 60}, 0)]
    await api.until("/public.json", lambda found: "x" * 60 in found["exchanges"])
    async with visit(browser, f"{api.url}/public", PHONE) as seen:
        await seen.until("#exchanges", "x" * 60 + " healthy")
        await seen.page.evaluate("document.querySelector('h1').textContent = 'y'.repeat(60)")
        assert await seen.is_within()
        assert await seen.page.evaluate("document.querySelector('#exchanges').scrollWidth <= innerWidth - 24")


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
