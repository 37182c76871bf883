"""/live in a real browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
import pytest
from playwright.async_api import Browser
from prometheus_client.parser import text_string_to_metric_families

from exporter.events import Business, Request
from exporter.intake import Intake
from exporter.journal.records import Incident
from simulator.stack.ports import free_port
from tests.builders import T0, book, fill
from tests.live.standin import Standin, told
from tests.web.asking import Api, asking, full_standin, knowing
from tests.web.pages.browser import SIZES, Visit, chromium, visit
from tests.web.pages.line import line
from tests.web.pages.world import world

TOKEN = "let-me-in-let-me-in"
SHOWN = "() => document.querySelector('#kpi-response .value').innerText !== 'no data' && performance.now()"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


def sums(metrics: str) -> dict[str, float]:
    """All samples of each name in a scrape, added up."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def number(text: str) -> float:
    """A figure as it stands on the page."""
    found = re.search(r"[\d,.]+", text)
    assert found, text
    return float(found[0].replace(",", "")) * (-1 if "\u2212" in text else 1)


async def scrape(url: str) -> dict[str, float]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        return sums(await answer.text())


async def test_it_shows_what_the_metrics_say(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    """Response time, PnL, spread and cache hits; how long it took to show them is printed."""
    async with world() as shown:
        shown.trade()
        await shown.wait(90)
        async with visit(browser, f"{shown.url}/live") as seen:
            took = await (await seen.page.wait_for_function(SHOWN)).json_value()
            with capsys.disabled():
                print(f"\n/live shows its figures after {took:.0f} ms (target 1000)")
            said = await scrape(shown.url)
            name = "trading_app_request_duration_seconds"
            for card, value in {
                "response": 1000 * said[f"{name}_sum"] / said[f"{name}_count"],
                "pnl": said["trading_pnl_total_usd"],
                "spread": 10_000 * said["trading_quote_spread_ratio"],
                "caches": 90.0,
            }.items():
                assert number(await seen.text(f"#kpi-{card} .value")) == pytest.approx(value, rel=0.01), card
            assert seen.complaints == []


async def test_it_changes_as_things_change(browser: Browser) -> None:
    """A second later the new value stands there, and a trade at once; nothing is loaded again."""
    async with world() as shown:
        await shown.wait(60)
        async with visit(browser, f"{shown.url}/live") as seen:
            await seen.until("#kpi-response .value", "40.0")
            await seen.until("#connection", "Live")
            await shown.wait(70, lambda: shown.tell(Request(route="/", status=200, duration=0.25, ts=shown.now)))
            await seen.until("#kpi-response .value", "250")
            await seen.until("#kpi-response .level", "not as wanted")
            shown.trade(strategy="new-one")
            await seen.until("#trades", "BTC/USDT buy 63,000.5 0.02 $1,260 alpha main new-one")


async def test_targets_are_those_of_the_configuration(browser: Browser) -> None:
    """None of them stands in the page."""
    targets = {
        "response_seconds": {"average": 0.033, "critical": 0.039},
        "error_ratio": {"promised": 0.004},
        "cache_hit_ratio": {"promised": 0.97, "warning": 0.95},
        "loss_usd": 321,
        "spread_improvement_ratio": 0.75,
    }
    async with world(targets=targets, worth={"full_load_requests_per_second": 77}) as shown:
        await shown.wait(60)
        async with visit(browser, f"{shown.url}/live") as seen:
            await seen.until("#kpi-response", "target < 33 ms")
            texts = {each: await seen.text(f"#kpi-{each}") for each in ("response", "requests", "errors", "caches")}
            assert "critical" in texts["response"]
            assert "full load 77/s" in texts["requests"]
            assert "target < 0.4 %" in texts["errors"]
            assert "target \u2265 97 %" in texts["caches"]
            assert "loss limit $321.00" in await seen.text("#kpi-pnl")
            assert "target \u2265 75 % below market" in await seen.text("#kpi-spread")


async def test_what_is_not_known_says_why(browser: Browser) -> None:
    """In words and as the title of the figure."""
    async with world() as shown:
        await shown.wait(3, lambda: None)
        async with visit(browser, f"{shown.url}/live") as seen:
            await seen.until("#kpi-response .more", "nobody tells requests")
            for place in ("#kpi-response .value", "#kpi-pnl .value", "#fact-users", "#fact-volume"):
                assert await seen.text(place) == "no data"
                assert await seen.page.get_attribute(place, "title"), place
            assert "Prometheus is not configured" in (await seen.page.get_attribute("#overall", "title") or "")
            await seen.until("#no-alerts", "Not known: Alertmanager is not configured")
            assert await seen.text("#no-trades") == "No trade yet."


async def table(seen: Visit, chart: str) -> list[list[str]]:
    """The rows of a chart's table, the newest first."""
    await seen.page.evaluate("(id) => { document.querySelector(`#${id} details`).open = true }", chart)
    await seen.page.wait_for_selector(f"#{chart} tbody tr")
    script = "(rows) => rows.map((row) => [...row.children].map((cell) => cell.innerText))"
    found: list[list[str]] = await seen.page.eval_on_selector_all(f"#{chart} tbody tr", script)
    return found


async def test_it_fills_the_gap_of_a_break(browser: Browser) -> None:
    """What was measured while it was not connected is in its charts afterwards."""
    async with world() as shown:
        await shown.wait(200)
        async with line(shown.url) as wire, visit(browser, f"{wire.url}/live") as seen:
            await seen.until("#kpi-response .value", "40.0")
            assert len(await table(seen, "chart-response")) == 41
            wire.cut()
            shown.rush(300)
            await seen.until("#said", "Connected again.")
            await seen.page.wait_for_function(NO_GAP)
            assert len(await table(seen, "chart-response")) == 34  # a hundred samples, every third


NO_GAP = """() => [...document.querySelectorAll('#chart-response tbody')].every((rows) => rows.children.length === 34
    && !rows.innerText.includes('\u2013'))"""


def happen(api: Api, trade: str = "a", **changes: Any) -> None:
    """A book, a fill and a request come."""
    now, intake = api.state.clock(), Intake(api.state)
    for event in (
        book(99.0, 101.0, now),
        fill(trade, "buy", "99", "2", now, **changes),
        Request(route="/", status=200, duration=0.04, ts=now),
        Business(name="active_users", value=1250, ts=now),
    ):
        assert intake.accept(event, "push")


async def test_it_survives_a_restart(browser: Browser) -> None:
    """It connects again by itself, without being loaded again, and shows what the new run says."""
    listen = {"listen": f"127.0.0.1:{free_port()}"}
    async with AsyncExitStack() as first:
        api = await first.enter_async_context(asking(web=listen))
        happen(api)
        async with visit(browser, f"{api.url}/live") as seen:
            await seen.until("#connection strong", "Live")
            await seen.until("#trades", "99")
            await seen.page.evaluate("window.isTheSame = true")
            await first.aclose()
            await seen.until("#connection strong", "Reconnecting")
            async with asking(web=listen) as again:
                happen(again, price=Decimal(98))
                await seen.until("#connection strong", "Live")
                await seen.until("#trades", "98")
                await seen.until("#fact-users", "1,250")
                assert await seen.page.evaluate("window.isTheSame")
                assert await seen.page.is_hidden("#outdated")


async def test_it_says_when_the_exporter_has_a_newer_page(browser: Browser) -> None:
    """After a restart as another version; nothing is loaded without being asked for."""
    async with world() as shown:
        await shown.wait(10)
        async with line(shown.url) as wire, visit(browser, f"{wire.url}/live") as seen:
            await seen.until("#connection strong", "Live")
            await seen.page.evaluate("document.querySelector('meta[name=version]').content = 'an older one'")
            shown.hub.epoch = "another"
            wire.cut()
            await seen.page.wait_for_selector("#outdated:not([hidden])")
            await seen.page.click("#reload")
            await seen.page.wait_for_selector("#outdated", state="hidden")


async def test_without_the_stream_it_asks_every_five_seconds(browser: Browser) -> None:
    """Where WebSocket is off, or something in between does not let it pass."""
    async with world(stream={"enabled": False}) as shown:
        await shown.wait(60)
        async with visit(browser, f"{shown.url}/live") as seen:
            await seen.until("#connection strong", "Every 5 s")
            await seen.until("#kpi-response .value", "40.0")
            await seen.until("#exchanges", "beta")


@pytest.fixture
async def full(tmp_path: Path) -> AsyncIterator[tuple[Api, Standin]]:
    """An exporter that has something for every part of the page, and what it asks."""
    async with full_standin() as server, knowing(server, tmp_path) as api:
        happen(api)
        incident = Incident(1, 0.0, "f", "warning", "TradingOld", "beta", "It was so.", T0, T0 + 60, True)
        api.state.incidents.take(incident)
        yield api, server


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_everybody_can_use_it(
    browser: Browser, full: tuple[Api, Standin], size: str, theme: Literal["light", "dark"]
) -> None:
    """On a desk and a phone, light and dark: axe finds nothing, nothing is wider than the window, no errors."""
    async with visit(browser, f"{full[0].url}/live", SIZES[size], theme) as seen:
        await seen.until("#alerts", "It was so.")
        await seen.until("#exchanges", "critical")
        await seen.until("#issues", "of requests fail")
        await seen.until("#kpi-pnl .value", "$")
        for details in await seen.page.query_selector_all("details > summary"):
            await details.click()
        assert await seen.barriers() == []
        assert await seen.is_within()
        assert seen.complaints == []
        assert seen.hosts == {urlsplit(full[0].url).netloc}


async def test_the_worst_comes_first(browser: Browser, full: tuple[Api, Standin]) -> None:
    """Exchanges by status, and alerts by severity, those that are over at the end."""
    async with visit(browser, f"{full[0].url}/live") as seen:
        await seen.until("#alerts", "It was so.")
        await seen.until("#exchanges", "healthy")
        names = await seen.page.locator("#exchanges h3").all_inner_texts()
        assert names == ["beta", "alpha"]
        alerts = await seen.page.locator("#alerts .summary").all_inner_texts()
        assert (alerts[0], alerts[-1]) == ("TradingExchangeUnavailable.", "It was so.")
        await seen.page.wait_for_function("() => document.title === '(3) degraded \u00b7 trading-exporter'")
        assert (await seen.text("#overall")).startswith("System: Degraded")


async def test_what_others_say_is_text(browser: Browser, full: tuple[Api, Standin]) -> None:
    """Whatever an alert or a bot says, nothing of it runs."""
    api, server = full
    evil = "<img src=x onerror=alert(1)>"
    alert = told("TradingEvil", "critical")
    alert["annotations"] |= {"summary": evil, "runbook_url": "javascript:alert(1)"}
    server.alerts = [alert]
    happen(api, "b", strategy=evil)
    async with visit(browser, f"{api.url}/live") as seen:
        await seen.until("#alerts", evil)
        await seen.until("#trades", evil)
        assert await seen.page.locator("#alerts a, #alerts img, #trades img").count() == 0
        assert seen.complaints == []


async def test_it_works_with_keys_alone(browser: Browser, full: tuple[Api, Standin]) -> None:
    """The first stop leads past the head; each stop can be seen; arrows choose the time; without motion."""
    async with visit(browser, f"{full[0].url}/live", reduced_motion="reduce") as seen:
        page = seen.page
        await seen.until("#connection strong", "Live")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.innerText") == "Skip to the figures"
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.value") == "60"
        await page.keyboard.press("ArrowLeft")
        assert await page.evaluate("document.querySelector('input[name=span]:checked').value") == "15"
        outline = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
        assert await page.evaluate(outline) == "solid"
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert await page.get_attribute("html", "data-theme") == "light"
        assert await page.evaluate("getComputedStyle(document.querySelector('main')).transitionDuration") == "0s"
        await page.reload()
        assert await page.get_attribute("html", "data-theme") == "light"


async def test_charts_are_told_in_words(browser: Browser) -> None:
    """Each as a sentence, and as a table."""
    async with world() as shown:
        await shown.wait(120)
        async with visit(browser, f"{shown.url}/live") as seen:
            await seen.until("#kpi-response .value", "40.0")
            plot = await seen.page.get_attribute("#chart-response .plot", "aria-label")
            assert plot is not None
            assert plot.startswith("Response time, the last hour. mean: 40.0 ms, between 40.0 ms and 40.0 ms. p95:")
            rows = await table(seen, "chart-spread")
            assert rows[0][1:] == ["1.59 bp", "3.17 bp"]


async def test_the_token_is_asked_for_and_stays_in_the_tab(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens the page, is refused when wrong, is in no address, and a reload needs no other one."""
    monkeypatch.setenv("PAGE_TOKEN", TOKEN)
    async with asking(web={"listen": "127.0.0.1:0", "bearer_token": {"env": "PAGE_TOKEN"}}) as api:
        happen(api)
        async with visit(browser, f"{api.url}/live") as seen:
            page = seen.page
            await page.wait_for_selector("dialog[open]")
            assert await seen.barriers() == []
            await page.fill("#token", "no-such-token")
            await page.keyboard.press("Enter")
            await seen.until("#token-problem", "This is not the token of web.bearer_token.")
            await page.fill("#token", TOKEN)
            await page.keyboard.press("Enter")
            await seen.until("#connection strong", "Live")
            await seen.until("#trades", "BTC/USDT")
            await page.reload()
            await seen.until("#connection strong", "Live")
            assert await page.is_hidden("dialog")
            assert [each for each in [*seen.asked, page.url] if "token" in each] == []
            assert TOKEN not in await page.evaluate("JSON.stringify(localStorage) + document.cookie")
        async with visit(browser, f"{api.url}/live") as other:
            await other.page.wait_for_selector("dialog[open]")
