"""The modules of the pages, in a real browser, where they cannot be seen from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.web.pages.browser import Visit, visit
from tests.web.pages.world import world

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the browser

SAMPLE = "(step) => ({ timestamp: new Date(step * 5000).toISOString(), value: step })"


@pytest_asyncio.fixture(loop_scope="session")
async def seen(browser: Browser) -> AsyncIterator[Visit]:
    async with world() as shown, visit(browser, f"{shown.url}/live") as found:
        yield found


async def test_history_keeps_an_hour_however_long_the_page_is_open(seen: Visit) -> None:
    """A week of samples is no more than the last 720 of them."""
    body = f"""{{ const history = new m.History(), sample = {SAMPLE};
        for (let step = 1; step <= 120960; step += 1) history.put(sample(step));
        return [history.samples.size, history.columns(60, [(each) => each.value])[1].length]; }}"""
    assert await seen.evaluate("history", body) == [720, 720]


async def test_history_has_a_gap_where_nothing_was_measured(seen: Visit) -> None:
    """Samples may come in any order, and twice; of one step the newest stands."""
    body = f"""{{ const history = new m.History(), sample = {SAMPLE};
        history.fill([sample(14), sample(10), {{ ...sample(11), value: null }}, sample(11.5), sample(11), sample(13)]);
        return history.columns(1, [(each) => each.value]); }}"""
    assert await seen.evaluate("history", body) == [[50, 55, 60, 65, 70], [10, 11.5, None, 13, 14]]


async def test_history_knows_what_it_lacks(seen: Visit) -> None:
    """An hour at first, nothing while samples come, after a break its minutes and no more than are kept."""
    body = f"""{{ const history = new m.History(), sample = {SAMPLE}, lacks = [history.lacking(5000)];
        history.put(sample(1000)); lacks.push(history.lacking(5001));
        history.fill([sample(999), sample(1000)]); lacks.push(history.lacking(5006));
        history.put(sample(1001)); history.put(sample(1002)); lacks.push(history.lacking(5012));
        lacks.push(history.lacking(5010 + 180)); history.put(sample(1040)); lacks.push(history.lacking(5201));
        lacks.push(history.lacking(99999)); return lacks; }}"""
    assert await seen.evaluate("history", body) == [60, 60, 0, 0, 4, 5, 60]


async def test_pauses_grow_and_differ(seen: Visit) -> None:
    """From half a second to half a minute, and nobody comes at the same time as everybody else."""
    shortest = await seen.evaluate("socket", "[0, 1, 5, 6, 999].map((failures) => m.pause(failures, () => 0))")
    longest = await seen.evaluate("socket", "[0, 1, 5, 6, 999].map((failures) => m.pause(failures, () => 1))")
    assert longest == [500, 1000, 16_000, 30_000, 30_000]
    assert shortest == [each / 2 for each in longest]


WRITTEN = {
    "m.number(null)": "no data",
    "m.number(NaN)": "no data",
    "m.number(-3.204)": "\u22123.20",
    "m.number(42.04)": "42.0",
    "m.number(1234.5)": "1,235",
    "m.number(1234567)": "1.23M",
    "m.dollars(-12.5, true)": "\u2212$12.50",
    "m.dollars(1234.4, true)": "+$1,234",
    "m.dollars(0, true)": "$0.00",
    "m.uptime(99.996)": "99.99 %",
    "m.uptime(100)": "100 %",
    "m.uptime(57.29)": "57.29 %",
    "m.decimal('63964.9000')": "63,964.9",
    "m.decimal('-0.00100')": "\u22120.001",
    "m.decimal('1.2E-10')": "0.00000000012",
    "m.decimal('-1.25e-3')": "\u22120.00125",
    "m.decimal('1.2345E+6')": "1,234,500",
    "m.decimal('12.5E1')": "125",
    "m.decimal('0E-8')": "0",
    "m.decimal('-0.0')": "0",
    "m.decimal('0.5', 3)": "0.500",
    "m.decimal('1E-400')": "1E-400",
    "m.decimal('NaN')": "NaN",
    "m.decimals('1.20E-3')": 4,
    "m.number(-0.001)": "0.00",
    "m.plain(-2.5)": "\u22122.5",
    "m.dollars(-0.001, true)": "$0.00",
    "m.dollars(0.001, true)": "$0.00",
    "m.zone(0)": "UTC",
    "m.zone(120)": "UTC+2",
    "m.zone(-210)": "UTC\u22123:30",
    "m.duration(59.6)": "1 min",
    "m.duration(90061)": "1 d 1 h",
}


async def test_values_are_written_as_people_read_them(seen: Visit) -> None:
    """Three digits or so, real minus signs, and nothing that is up for longer than it was."""
    assert {each: await seen.evaluate("format", each) for each in WRITTEN} == WRITTEN


async def test_a_moment_has_its_day_unless_that_is_today(seen: Visit) -> None:
    """And its year where that is another one."""
    body = """[[2026, 6, 19], [2026, 6, 18], [2025, 11, 31]].map((day) => m.moment(
        new Date(...day, 14, 3, 22) / 1000, true, new Date(2026, 6, 19, 23) / 1000).replaceAll("\\u00a0", " "))"""
    assert await seen.evaluate("format", body) == ["14:03:22", "18 Jul 14:03:22", "31 Dec 2025 14:03:22"]


SAY = """{ const due = [], heard = []; window.setTimeout = (work) => due.push(work);
    const about = (name, word) => m.say(`${name} is ${word}`, { topic: "exchanges", lead: "Exchanges: ", about: name });
    m.say("A trade."); about("alpha", "warning"); about("beta", "warning"); about("alpha", "healthy");
    m.say("Fire!", { isUrgent: true }); for (let more = 0; more < 9; more += 1) m.say(`More ${more}.`);
    while (due.length) { due.shift()(); heard.push(document.getElementById("said").textContent); }
    return heard; }"""


async def test_what_is_said_is_not_lost_in_what_is_said_next(seen: Visit) -> None:
    """What is urgent first, one sentence on all exchanges with the newest word on each, and not without end."""
    heard = await seen.evaluate("dom", SAY)
    assert heard == [
        "Fire!",
        "A trade.",
        "Exchanges: alpha is healthy, beta is warning",
        "More 0.",
        "More 1.",
        "More 2.",
    ]


async def test_a_small_line_has_gaps_and_needs_two_points(seen: Visit) -> None:
    """What is almost even is drawn so; a value alone is no line."""
    body = "[[1], [null, 5, null], [0, 10], [0, null, 10, 10], [100, 101]].map((values) => m.path(values))"
    assert await seen.evaluate("spark", body) == [
        "",
        "",
        "M0.0 26.0L100.0 2.0",
        "M0.0 26.0M66.7 2.0L100.0 2.0",
        "M0.0 14.6L100.0 13.4",
    ]
