"""The charts, in a real browser: what is drawn, what stands on the axes, the legend and the table."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.web.pages.browser import Visit, visit
from tests.web.pages.world import world

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the browser

BLUE = "rgb(36, 89, 214)"  # the first line, in light colours

# A chart of its own below those of the page, and what is written and dashed in it.
BEGIN = """
const section = document.querySelector("#chart-requests").cloneNode(true), written = [], dashes = [];
section.id = "own";
section.querySelectorAll(".legend, .plot").forEach((each) => each.replaceChildren());
document.body.append(section);
const pen = CanvasRenderingContext2D.prototype, { fillText, setLineDash } = pen;
pen.fillText = function (text, x, ...more) {
  const width = this.measureText(text).width, isCentred = this.textAlign === "center";
  written.push({ canvas: this.canvas, text, isCentred, right: isCentred ? x + width / 2 : x });
  fillText.call(this, text, x, ...more);
};
pen.setLineDash = function (dash) { dashes.push(dash.join(" ")); setLineDash.call(this, dash); };
const chart = new m.Chart(section, {
  title: "Own", span: () => "a while", series: [{ label: "own", color: "--line-1" }], text: String, ...OPTIONS });
const draw = async (columns) => { written.length = 0; chart.draw(columns); await new Promise(requestAnimationFrame); };
const here = () => written.filter(({ canvas }) => section.contains(canvas));
"""

INK = """
const picture = () => {
  const canvas = section.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) count += data[at] === 36 && data[at + 1] === 89 && data[at + 2] === 214;
  return count;
};
"""


@pytest_asyncio.fixture(loop_scope="session")
async def seen(browser: Browser) -> AsyncIterator[Visit]:
    async with world() as shown, visit(browser, f"{shown.url}/live") as found:
        yield found


async def drawn(seen: Visit, body: str, options: str = "{}") -> Any:
    """What ``body`` gives, with a chart that has these options."""
    return await seen.evaluate("chart", f"(async () => {{ {BEGIN.replace('OPTIONS', options)} {INK} {body} }})()")


async def test_few_values_are_drawn_as_points(seen: Visit) -> None:
    """One, two, one between gaps, and one apart from a line; a moment alone is in the middle of a minute."""
    body = """
        const found = [], times = [...Array(200).keys()].map((step) => 1.79e9 + 600 * step);
        for (const known of [[], [199], [198, 199], [100]]) {
          await draw([times, times.map((_, step) => (known.includes(step) ? 5 : null))]);
          found.push(picture());
        }
        await draw([times, times.map((_, step) => (step < 10 ? 5 : null))]);
        const line = picture();
        await draw([times, times.map((_, step) => (step < 10 || step === 100 ? 5 : null))]);
        const both = picture();
        await draw([[1.79e9], [5]]);
        return [...found, both - line, picture(), chart.chart.scales.x.max - chart.chart.scales.x.min];"""
    none, *inked, span = await drawn(seen, body)
    assert none == 0
    assert min(inked) > 9, inked
    assert span == 60


async def test_every_time_of_the_axis_is_within_the_picture(seen: Visit) -> None:
    """Also the last one, with seconds."""
    body = """
        const times = [...Array(25).keys()].map((step) => 1.79e9 + 5 * step);
        await draw([times, times.map(() => 5)]);
        const labels = here().filter(({ isCentred }) => isCentred);
        return [labels.map(({ text }) => text), Math.max(...labels.map(({ right }) => right)),
          section.querySelector("canvas").width];"""
    texts, right, width = await drawn(seen, body)
    assert all(len(text) == 8 for text in texts), texts
    assert right <= width


TICKS = """[[1.234e6, 500], [2e6, 1e6], [1.5e6, 1e5], [0.01, 0.005], [0.25, 0.25], [0, 0.25], [1e-5, 1e-5],
    [-1500, 500], [-1e-17, 0.5], [102, 2]].map(([value, step]) => m.tick(value, step))"""


async def test_ticks_differ_as_they_are_written(seen: Visit) -> None:
    """With the decimals of their step."""
    texts = ["1.2340M", "2M", "1.5M", "0.010", "0.25", "0", "0.00001", "\u22121.5K", "0.0", "102"]
    assert await seen.evaluate("format", TICKS) == texts


@pytest.mark.parametrize(
    "values", [[1_233_900, 1_234_500], [0.0101, 0.0114], [0.00001, 0.00003], [-2, 3], [99.9991, 99.9999]]
)
async def test_no_two_ticks_of_an_axis_read_the_same(seen: Visit, values: list[float]) -> None:
    """However close they are."""
    body = f"""await draw([[1.79e9, 1.79e9 + 5], {values}]);
        return here().filter(({{ isCentred }}) => !isCentred).map(({{ text }}) => text);"""
    texts = await drawn(seen, body, "{ hasZero: false }")
    assert len(texts) > 1
    assert len(set(texts)) == len(texts), texts


@pytest.mark.parametrize(("values", "most"), [([99.2, 100], 100), ([100, 100], 100), ([120, 120], 120)])
async def test_no_axis_goes_beyond_what_can_be(seen: Visit, values: list[float], most: float) -> None:
    """A share ends at 100 %, unless something is wrong and it is seen."""
    body = f"await draw([[1.79e9, 1.79e9 + 5], {values}]); return [chart.chart.scales.y.min, chart.chart.scales.y.max];"
    low, high = await drawn(seen, body, "{ hasZero: false, limits: [0, 100] }")
    assert low < high == most


async def test_the_legend_shows_what_is_now(seen: Visit) -> None:
    """A value of before does not stand for one that is missing; in words neither."""
    body = """
        const read = () => section.querySelector(".legend .number").textContent;
        await draw([[1.79e9, 1.79e9 + 5], [7, 8]]);
        const before = read();
        chart.said = 0;
        await draw([[1.79e9, 1.79e9 + 5, 1.79e9 + 10], [7, 8, null]]);
        return [before, read(), chart.plot.getAttribute("aria-label")];"""
    assert await drawn(seen, body) == ["8", "no data", "Own, a while. own: no data, between 7 and 8."]


async def test_lines_differ_without_colour(seen: Visit) -> None:
    """Mean, p95 and p99 by their dashes, in the picture and in the legend."""
    swatches = "(all) => all.map((each) => each.className + ' ' + getComputedStyle(each).backgroundImage)"
    for chart in ("response", "spread"):
        found = await seen.page.eval_on_selector_all(f"#chart-{chart} .swatch", swatches)
        assert len(set(found)) == len(found) > 1, found
    options = """{ series: [undefined, "dashed", "dotted"].map((dash) => ({ label: "x", color: "--line-1", dash })) }"""
    body = "await draw([[1.79e9, 1.79e9 + 5], [1, 2], [2, 3], [3, 4]]); return dashes;"
    assert {"6 4", "2 3", ""} <= set(await drawn(seen, body, options))


async def test_colours_of_the_legend_outlast_forced_colours(seen: Visit) -> None:
    """They are those of the lines."""
    await seen.page.emulate_media(forced_colors="active")
    body = """await draw([[1.79e9, 1.79e9 + 5], [1, 2]]);
        const style = getComputedStyle(section.querySelector(".swatch"));
        return [style.color, style.backgroundColor, picture() > 0];"""
    assert await drawn(seen, body) == [BLUE, BLUE, True]


async def test_lines_are_grey_when_all_is(seen: Visit) -> None:
    """What is old is so in the picture as well, and again in colour afterwards."""
    body = """
        document.querySelector("main").append(section);
        const pictures = [];
        for (const isOld of [false, true, false]) {
          document.body.classList.toggle("stale", isOld);
          dispatchEvent(new Event("themechange"));
          await draw([[1.79e9, 1.79e9 + 5], [1, 2]]);
          pictures.push(picture() > 0);
        }
        return pictures;"""
    assert await drawn(seen, body) == [True, False, True]


TABLE = """
const details = section.querySelector("details"), texts = () => section.querySelector("tbody")?.innerText.split(/\\s+/);
const columns = (end) => [[10, 15, end], [1, 2, end]], later = [];
details.open = true;
await draw(columns(20));
const first = section.querySelector("tbody td"), second = section.querySelectorAll("tbody td")[1];
"""


async def test_a_table_changes_in_place(seen: Visit) -> None:
    """Its rows stay; a value is told once it is settled, and a gap that is filled at once."""
    body = """
        first.id = "first";
        await draw([[10, 15, 20], [1, 2, 21]]); later.push(texts());
        await draw([[10, 15, 20, 25], [1, null, 21, 25]]); later.push(texts());
        await draw([[10, 15, 20, 25], [1, 2, 21, 25]]); later.push(texts());
        await draw([[20, 25], [21, 25]]); later.push(texts());
        return [later, first.isConnected && section.querySelectorAll("table").length];"""
    found, tables = await drawn(seen, TABLE + body, "{ when: (at) => `t${at}` }")
    assert [" ".join(each) for each in found] == [
        "t20 20 t15 2 t10 1",
        "t25 25 t20 21 t15 null t10 1",
        "t25 25 t20 21 t15 2 t10 1",
        "t25 25 t20 21",
    ]
    assert tables == 1


MARK = {
    "marked": ["getSelection().selectAllChildren(second)", "getSelection().removeAllRanges()"],
    "focused": ["section.querySelector('.wide').focus()", "document.activeElement.blur()"],
}


@pytest.mark.parametrize("how", MARK)
async def test_a_table_that_is_read_stays_as_it_is(seen: Visit, how: str) -> None:
    """While some of it is marked, or the focus is in it; afterwards it has what came meanwhile."""
    begin, end = MARK[how]
    body = f"""
        {begin};
        await draw(columns(25)); later.push(texts(), String(getSelection()));
        {end};
        await new Promise((done) => setTimeout(done)); await new Promise(requestAnimationFrame);
        later.push(texts()); return later;"""
    before, marked, after = await drawn(seen, TABLE + body)
    assert (before[1], after[1]) == ("20", "25"), json.dumps([before, after])
    assert marked == ("2" if how == "marked" else "")
