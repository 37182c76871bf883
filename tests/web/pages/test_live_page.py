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
import pytest_asyncio
from playwright.async_api import Browser
from prometheus_client.parser import text_string_to_metric_families

from exporter.events import Business, Request
from exporter.intake import Intake
from exporter.journal.records import Incident
from simulator.stack.ports import free_port
from tests.builders import T0, book, fill
from tests.live.standin import Standin, told
from tests.web.asking import Api, asking, full_standin, knowing
from tests.web.pages.browser import SIZES, Visit, visit
from tests.web.pages.line import line
from tests.web.pages.world import world

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the browser

TOKEN = "let-me-in-let-me-in"
SHOWN = "() => document.querySelector('#kpi-response .value').innerText !== 'no data' && performance.now()"


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
    """In words, also without a mouse, and as the title of the figure."""
    async with world() as shown:
        await shown.wait(3, lambda: None)
        async with visit(browser, f"{shown.url}/live") as seen:
            await seen.until("#kpi-response .more", "nobody reports requests")
            for place in ("#kpi-response .value", "#kpi-pnl .value", "#fact-users", "#fact-volume"):
                assert await seen.text(place) == "no data"
                assert await seen.page.get_attribute(place, "title"), place
            assert "Prometheus is not configured" in (await seen.page.get_attribute("#overall", "title") or "")
            await seen.until("#fact-users + .why", "nobody reports active_users")
            await seen.until("#no-issues", "Issues not known: Prometheus is not configured")
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
            assert await seen.page.get_attribute("#connection", "data-state") == "polling"


LOOK = "document.dispatchEvent(new Event('visibilitychange'))"  # asks at once, instead of seconds later


async def test_without_the_stream_nothing_stands_still(browser: Browser, tmp_path: Path) -> None:
    """Status, tab and exchanges go on; that trades do not is said."""
    async with (
        full_standin() as server,
        knowing(server, tmp_path, stream={"enabled": False}) as api,
        visit(browser, f"{api.url}/live") as seen,
    ):
        await seen.until("#exchanges-count", "1 of 2 healthy")
        await seen.until("#overall", "Degraded")
        await seen.until("#trades-state", "not live: trades come over the WebSocket alone")
        await seen.page.wait_for_function("() => document.title.includes('degraded')")
        server.series["exchange:status:level"] = [({"exchange": each}, 0) for each in ("alpha", "beta")]
        server.series["system:health:state"] = [({}, 3)]
        await api.until("/api/exchanges", lambda found: found["exchange_details"]["beta"]["status"] == "healthy")
        await seen.page.evaluate(LOOK)
        await seen.until("#exchanges-count", "2 of 2 healthy")
        await seen.until("#overall", "Excellent")
        await seen.page.wait_for_function("() => document.title.includes('excellent')")


async def test_a_refusal_is_told(browser: Browser, tmp_path: Path) -> None:
    """In the exporter's words, whether it is of the API or of the WebSocket."""
    says = {"message": "'desk.example' may be anybody's name"}
    async with asking() as api, visit(browser, f"{api.url}/live") as seen:
        await seen.until("#connection strong", "Live")
        await seen.page.route("**/api/**", lambda route: route.fulfill(status=403, json=says))
        await seen.page.evaluate(LOOK)
        await seen.until("#refused", "refuses this page: 'desk.example' may be anybody's name")
        await seen.page.unroute("**/api/**")
        await seen.page.evaluate(LOOK)
        await seen.page.wait_for_selector("#refused", state="hidden")
    async with asking(stream={"enabled": False}) as api, visit(browser, f"{api.url}/live") as seen:
        await seen.page.route("**/ws", lambda route: route.fulfill(status=403, json=says))
        await seen.until("#refused", "refuses this page: 'desk.example' may be anybody's name")


async def test_another_run_may_have_other_targets(browser: Browser) -> None:
    """They are asked for again."""
    listen = {"listen": f"127.0.0.1:{free_port()}"}
    async with AsyncExitStack() as first:
        given = {"response_seconds": {"average": 0.05}}
        api = await first.enter_async_context(asking(web=listen, targets=given))
        async with visit(browser, f"{api.url}/live") as seen:
            await seen.until("#kpi-response", "target < 50 ms")
            await first.aclose()
            async with asking(web=listen, targets={"response_seconds": {"average": 0.06}}):
                await seen.until("#kpi-response", "target < 60 ms")


LATER = "{ const now = Date.now; Date.now = () => now() + 26_000 }"


@pytest.mark.parametrize("size", SIZES)
async def test_old_figures_are_grey_and_can_be_read(browser: Browser, size: str) -> None:
    """A line says how old they are, wherever one has scrolled to; the button to connect keeps place and focus."""
    async with world() as shown, AsyncExitStack() as wired:
        await shown.wait(30)
        wire = await wired.enter_async_context(line(shown.url))
        async with visit(browser, f"{wire.url}/live", SIZES[size]) as seen:
            page = seen.page
            await seen.until("#kpi-response .value", "40.0")
            await seen.until("#connection strong", "Live")
            color = "getComputedStyle(document.querySelector('#chart-response .swatch')).color"
            height = "document.querySelector('.top').offsetHeight"
            fresh, before = await page.evaluate(color), await page.evaluate(height)
            await wired.aclose()
            await page.evaluate(LATER)
            await seen.until("#stale", "No connection, figures")
            await page.wait_for_function("(fresh) => " + color + " !== fresh", arg=fresh)
            await page.wait_for_selector("#retry:not(.away)")
            await page.focus("#retry")
            await page.keyboard.press("Enter")
            assert await page.evaluate("document.activeElement.id") in ("retry", "connection")
            assert await page.evaluate(height) == before
            await page.evaluate("scrollTo(0, document.body.scrollHeight)")
            box = await page.locator("#stale").bounding_box()
            assert box
            assert (box["y"] + box["height"], box["height"] < 40) == (SIZES[size][1], True)
            assert await seen.barriers() == []
            assert (await page.title()).startswith("no connection")


async def test_the_page_of_somebody_else_is_no_newer_one(browser: Browser) -> None:
    """A proxy may answer with its own page, or with a fault."""
    async with world() as shown, line(shown.url) as wire, visit(browser, f"{wire.url}/live") as seen:
        await seen.until("#connection strong", "Live")
        await seen.page.route("**/live", lambda route: route.fulfill(body="<title>Sign in</title>"))
        shown.hub.epoch = "another"
        async with seen.page.expect_response("**/live"):
            wire.cut()
        await seen.until("#said", "Connected again.")
        assert await seen.page.is_hidden("#outdated")


@pytest_asyncio.fixture(loop_scope="session")
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


async def test_the_head_tells_what_fires(browser: Browser, full: tuple[Api, Standin]) -> None:
    """How many alerts, by the worst, and where they are: before the exchanges. Its score says what it judges."""
    api, server = full
    async with visit(browser, f"{api.url}/live", SIZES["phone"]) as seen:
        await seen.until("#firing", "1 critical \u00b7 1 warning")
        await seen.until("#overall", "Degraded")
        assert await seen.page.get_attribute("#firing", "data-level") == "bad"
        assert "own API and machine" in (await seen.page.get_attribute("#overall", "title") or "")
        tops = [
            f"document.querySelector('{each}').offsetTop" for each in (".alerts-card", ".exchanges-card", ".charts")
        ]
        alerts, exchanges, charts = await seen.page.evaluate(f"[{', '.join(tops)}]")
        assert alerts < exchanges < charts
        assert (await seen.text("#issues li:first-child")).startswith("critical: ")
        server.alerts = []
        await seen.page.wait_for_selector("#firing", state="hidden")


async def test_alerts_are_announced_whoever_tells_of_them(browser: Browser, full: tuple[Api, Standin]) -> None:
    """Those that Alertmanager alone knows too; not those that were there before."""
    api, server = full
    async with visit(browser, f"{api.url}/live") as seen:
        await seen.until("#alerts", "TradingExchangeUnavailable.")
        server.alerts.append(told("TradingNew", "critical"))
        await seen.until("#said", "critical alert: TradingNew.")


async def test_all_that_fires_can_be_seen(browser: Browser, full: tuple[Api, Standin]) -> None:
    """The first dozen at once and the others by a button, those that are over after them, with their days."""
    api, server = full
    server.alerts = [told(f"Trading{number}", "warning") for number in range(19)]
    async with visit(browser, f"{api.url}/live", timezone_id="Asia/Kolkata") as seen:
        await seen.until("#alerts-more", "7 more")
        await seen.until("#zone", "Times are local (UTC+5:30).")
        assert await seen.page.locator("#alerts > li").count() == 12
        await seen.page.click("#alerts-more")
        await seen.until("#alerts", "It was so.")
        summaries = await seen.page.locator("#alerts .summary").all_inner_texts()
        assert (len(summaries), summaries[-1]) == (20, "It was so.")
        assert re.search(r"over at 9 Oct( 2025)? 14:24", await seen.text("#alerts"))
        assert await seen.page.get_attribute("#alerts-more", "aria-expanded") == "true"


async def test_a_dozen_exchanges_fit(browser: Browser, full: tuple[Api, Standin]) -> None:
    """A line for each that is healthy, a card for each that is not."""
    api, server = full
    names = [f"exchange-{number:02}" for number in range(11)]
    server.series["exchange:status:level"] = [({"exchange": each}, 0.0) for each in names]
    server.series["exchange:status:level"].append(({"exchange": "beta"}, 3.0))
    async with visit(browser, f"{api.url}/live", SIZES["phone"]) as seen:
        await seen.until("#exchanges-count", "11 of ")
        rows = seen.page.locator("#exchanges > [data-level=good]")
        heights = await rows.evaluate_all("(rows) => rows.map((row) => row.offsetHeight)")
        assert len(heights) == 11
        assert max(heights) < 36
        assert "available" in await seen.text("#exchanges > [data-level=bad]")
        assert await seen.is_within()


HIDE = """() => { Object.defineProperty(document, "hidden", { get: () => true });
    window.requestAnimationFrame = () => 1; }"""


async def test_the_tab_goes_on_while_nobody_sees_the_page(browser: Browser, full: tuple[Api, Standin]) -> None:
    """It is not drawn, and yet its title tells how many alerts fire."""
    api, server = full
    async with visit(browser, f"{api.url}/live") as seen:
        await seen.until("#alerts", "TradingCpuHigh.")
        await seen.page.wait_for_function("() => document.title.startsWith('(3) ')")
        await seen.page.evaluate(HIDE)
        server.alerts = [told("TradingNew", "critical")]
        await seen.page.wait_for_function("() => document.title.startsWith('(1) ')")
        assert "TradingCpuHigh." in await seen.text("#alerts")


MOVED = """() => new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => { sum += value; }))
        .observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 500); })"""


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_jumps_while_it_loads(browser: Browser, full: tuple[Api, Standin], size: str) -> None:
    """What comes has its place already. Browsers call 0.1 good and 0.25 poor; answers come in any order."""
    async with visit(browser, f"{full[0].url}/live", SIZES[size]) as seen:
        await seen.until("#alerts", "It was so.")
        await seen.until("#exchanges", "critical")
        await seen.until("#issues", "of requests fail")
        await seen.until("#kpi-pnl .value", "$")
        assert await seen.page.evaluate(MOVED) < 0.15


SMALL = """() => [...document.querySelectorAll("a:not(.skip), button, summary")]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }) && each.offsetHeight < 24)
    .map((each) => each.outerHTML)"""


async def test_a_phone_has_room_for_everything(browser: Browser, tmp_path: Path) -> None:
    """Long names break, what is touched is high enough, and a row of trades is seen whole, digits below digits."""
    name = "x" * 49
    async with full_standin() as server, knowing(server, tmp_path, pages={"name": name}) as api:
        happen(api, "b", price=Decimal("98.25"), strategy=name)
        async with visit(browser, f"{api.url}/live", SIZES["phone"]) as seen:
            await seen.until("#alerts", "TradingCpuHigh.")
            await seen.until("#issues", "of requests fail")
            await seen.until("#trades", "BTC/USDT alpha")
            assert await seen.is_within()
            assert await seen.page.evaluate(SMALL) == []
            wide = "document.querySelector('.trades-card .wide')"
            assert await seen.page.evaluate(f"{wide}.scrollWidth <= {wide}.clientWidth")
            prices = await seen.page.locator("#trades td:nth-child(4)").all_inner_texts()
            assert sorted(prices) == ["98.25", "99.00"]


async def test_forced_colours_leave_what_colours_tell(browser: Browser, full: tuple[Api, Standin]) -> None:
    """Which time is chosen, and which line is which."""
    async with visit(browser, f"{full[0].url}/live", forced_colors="active") as seen:
        await seen.until("#connection strong", "Live")
        chosen = "(spans) => spans.map((each) => getComputedStyle(each).backgroundColor)"
        grounds = await seen.page.locator(".choice span").evaluate_all(chosen)
        assert len(set(grounds)) == 2
        ink = "(each) => each.map((one) => getComputedStyle(one).color)"
        assert len(set(await seen.page.locator("#chart-response .swatch").evaluate_all(ink))) == 3


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
        await seen.until("#firing", "critical")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.innerText") == "Skip to the figures"
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.hash") == "#alerts"
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
            await page.keyboard.press("Escape")
            await page.keyboard.press("Escape")
            await page.wait_for_selector("dialog[open]", state="hidden")
            await page.wait_for_function("() => document.activeElement.id === 'unlock'")
            await seen.until("#connection strong", "Token needed")
            await page.keyboard.press("Enter")
            await page.wait_for_selector("dialog[open]")
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
