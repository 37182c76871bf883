// A chart over time with its legend, and the same as words and as a table.

import uPlot from "./uPlot.esm.js";
import { NONE, time, tick } from "./format.js";
import { make, setAttribute, setHidden, setText } from "./dom.js";

const SAY_EVERY = 30_000;
const FEW = 8; // values that are drawn as points, since they hardly make a line
const DASHES = { dashed: [6, 4], dotted: [2, 3] };
const known = (values) => values.filter((value) => value !== null);

/** A tick of the axis of time. */
const ofDay = (at, step) => time(at, step < 60);

/** The value of now; one of before does not stand for it. */
const newest = (values) => values.at(-1) ?? null;

/** The places of what no line shows: all while they are few, and what has no neighbour. */
function dots(values) {
  const places = [...values.keys()].filter((place) => typeof values[place] === "number");
  const isAlone = (place) => typeof values[place - 1] !== "number" && typeof values[place + 1] !== "number";
  return places.length > FEW ? places.filter(isAlone) : places;
}

const USUAL = { hasZero: true, limits: [-Infinity, Infinity], when: time, moments: ofDay };

/**
 * `section` holds a `.plot`, a `.legend` and a `details`. `series` are `{label, color, dash, fill}`, colours being
 * names of CSS variables and `dash` one of `DASHES`; `text` shows a value, `when` and `moments` a time. `hasZero` says
 * that the axis begins at 0; beyond its `limits` nothing can be. Its `target`, if any, is drawn as a line.
 */
export class Chart {
  /** `title`, `span`, `series` and `text` are needed; for the rest there is what is usual. */
  constructor(section, options) {
    Object.assign(this, USUAL, options, { section });
    this.target = null;
    this.columns = null;
    this.said = 0;
    this.plot = section.querySelector(".plot");
    this.details = section.querySelector("details");
    this.box = this.details.querySelector(".wide");
    this.#legend(section.querySelector(".legend"));
    for (const left of ["toggle", "focusout"]) this.details.addEventListener(left, () => this.#table());
    document.addEventListener("selectionchange", () => this.#table());
    new ResizeObserver(() => this.#fit()).observe(this.plot);
    addEventListener("themechange", () => this.#restyle());
  }

  /** Shows these columns: times, then one for each series. */
  draw(columns) {
    this.columns = columns;
    this.isEmpty = columns.slice(1).every((values) => known(values).length === 0);
    setHidden(this.section.querySelector(".empty"), !this.isEmpty);
    this.plot.classList.toggle("faint", this.isEmpty);
    if (this.chart) this.chart.setData(columns);
    else if (this.plot.clientWidth) this.#create();
    this.#values(null);
    this.#describe();
    this.#table();
  }

  #legend(list) {
    this.entries = this.series.map(({ label, color, dash }) => {
      const swatch = make("span", { class: dash ? `swatch ${dash}` : "swatch" });
      swatch.style.color = `var(${color})`;
      const value = make("span", { class: "number" });
      list.append(make("li", {}, swatch, `${label} `, value));
      return { swatch, value };
    });
    this.moment = make("li", { class: "moment" });
    list.append(this.moment);
  }

  #create() {
    this.#colors();
    this.chart = new uPlot(this.#options(), this.columns, this.plot);
  }

  #colors() {
    const style = getComputedStyle(this.plot);
    const { color: axis, borderTopColor: grid, backgroundColor: surface, fontFamily } = style;
    this.ink = { axis, grid, surface, font: `11px ${fontFamily}` };
    this.ink.lines = this.entries.map(({ swatch }) => getComputedStyle(swatch).color);
  }

  #options() {
    return {
      ...this.#size(),
      padding: [10, 26, 0, 0], // half of a time with seconds is beside the last tick
      legend: { show: false },
      cursor: { sync: { key: "time" }, drag: { x: false, y: false }, y: false, points: { size: 7 } },
      scales: this.#scales(),
      axes: [this.#times(), this.#sizes()],
      series: [{}, ...this.series.map((each, place) => this.#line(each, place))],
      hooks: { setCursor: [(chart) => this.#values(chart.cursor.idx ?? null)], draw: [() => this.#targetLine()] },
    };
  }

  #scales() {
    const [x, y] = [(_, low, high) => this.#time(low, high), (_, low, high) => this.#range(low, high)];
    return { x: { time: true, range: x }, y: { range: y } };
  }

  #times() {
    const values = (_, all, __, ___, step) => all.map((at) => this.moments(at, step));
    return this.#axis({ space: 64, size: 22, values });
  }

  #sizes() {
    const values = (_, all, __, ___, step) => all.map((value) => tick(value, step));
    const size = (_, texts) => Math.max(46, 14 + 6.5 * Math.max(...(texts ?? []).map((text) => text.length)));
    return this.#axis({ space: 34, size, values });
  }

  #axis(more) {
    const line = { stroke: () => this.ink.grid, width: 1 };
    return { stroke: () => this.ink.axis, grid: line, ticks: { show: false }, font: this.ink.font, gap: 4, ...more };
  }

  #line({ dash, fill, width = 1.75 }, place) {
    const stroke = () => this.ink.lines[place];
    return {
      stroke,
      width,
      dash: DASHES[dash],
      fill: fill ? () => this.ink.lines[place].replace("rgb(", "rgba(").replace(")", ", 0.09)") : undefined,
      points: { show: false, filter: (chart, series) => dots(chart.data[series]), size: 5, width: 0, fill: stroke },
      spanGaps: false,
    };
  }

  #size() {
    return { width: this.plot.clientWidth, height: this.plot.clientHeight };
  }

  #fit() {
    if (!this.columns || !this.plot.clientWidth) return;
    if (this.chart) this.chart.setSize(this.#size());
    else this.#create();
  }

  #restyle() {
    if (!this.chart) return;
    this.#colors();
    this.chart.redraw(false, true);
  }

  /** The span of the axis of time; a moment alone is in the middle of a minute. */
  #time(low, high) {
    return this.columns[0].length === 1 ? [low - 30, low + 30] : [low, high];
  }

  /** The span of the axis; the target belongs to it unless everything is far below. */
  #range(low, high) {
    if (low === null || low === undefined) return [0, this.target ?? 1];
    if (this.hasZero) {
      const top = this.target !== null && high > this.target / 4 ? Math.max(high, this.target) : high;
      return [0, top > 0 ? top * 1.12 : 1];
    }
    const room = (high - low) * 0.12 || Math.abs(high) * 0.05 || 1;
    const [least, most] = this.limits;
    return [Math.max(low - room, Math.min(least, low)), Math.min(high + room, Math.max(most, high))];
  }

  #targetLine() {
    const { ctx, bbox } = this.chart;
    const { min, max } = this.chart.scales.y;
    if (this.target === null || this.target < min || this.target > max) return;
    const y = Math.round(this.chart.valToPos(this.target, "y", true)) + 0.5;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = this.ink.axis;
    ctx.setLineDash([2, 4].map((length) => length * devicePixelRatio));
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = this.ink.font.replace("11px", `${11 * devicePixelRatio}px`);
    ctx.textAlign = "right";
    const place = ["target", bbox.left + bbox.width, y - 4 * devicePixelRatio];
    ctx.setLineDash([]);
    ctx.strokeStyle = this.ink.surface; // so that it can be read above lines
    ctx.lineWidth = 4 * devicePixelRatio;
    ctx.strokeText(...place);
    ctx.fillText(...place);
    ctx.restore();
  }

  /** The values under the pointer, or those of now. */
  #values(place) {
    if (!this.columns) return;
    this.entries.forEach(({ value }, index) => {
      const values = this.columns[index + 1];
      setText(value, this.#word(place === null ? newest(values) : values[place]));
    });
    setText(this.moment, place === null ? "" : this.when(this.columns[0][place]));
  }

  #word(value) {
    return typeof value === "number" ? this.text(value) : NONE;
  }

  /** In words, for those who do not see it; not so often that nobody could follow. */
  #describe() {
    if (Date.now() - this.said < SAY_EVERY && !this.isEmpty) return;
    this.said = Date.now();
    const parts = this.series.map(({ label }, index) => this.#sentence(label, this.columns[index + 1]));
    setAttribute(this.plot, "aria-label", `${this.title}, ${this.span()}. ${parts.join(" ")}`);
  }

  #sentence(label, values) {
    const all = known(values);
    if (!all.length) return `${label}: ${NONE}.`;
    const [low, high] = [Math.min(...all), Math.max(...all)];
    return `${label}: ${this.#word(newest(values))}, between ${this.text(low)} and ${this.text(high)}.`;
  }

  /** The same as a table, with a row for about each thirtieth of the time, the newest first. */
  #table() {
    if (!this.details.open || !this.columns || this.#isRead()) return;
    const [times, ...columns] = this.columns;
    const wanted = [times[0], times.at(-1), ...columns.map((values) => known(values).length)].join(" ");
    if (wanted === this.shown) return; // a step is told once, however often it is measured
    this.shown = wanted;
    const every = Math.max(1, Math.round(times.length / 30));
    const rows = [];
    for (let place = times.length - 1; place >= 0; place -= every) {
      rows.push([this.when(times[place]), ...columns.map((values) => this.text(values[place]))]);
    }
    this.#fill(rows);
  }

  /** Whether somebody has marked some of the table, or is in it; then it stays as it is. */
  #isRead() {
    const selection = getSelection();
    const isMarked = !selection.isCollapsed && selection.getRangeAt(0).intersectsNode(this.box);
    return this.body && (isMarked || this.box.contains(document.activeElement));
  }

  /** Puts texts into the rows, of which those that are there stay, so that nobody loses their place. */
  #fill(rows) {
    this.body ??= this.#empty();
    while (this.body.rows.length > rows.length) this.body.deleteRow(-1);
    while (this.body.rows.length < rows.length) this.body.append(this.#row());
    rows.forEach((texts, place) => texts.forEach((text, index) => setText(this.body.rows[place].cells[index], text)));
  }

  #empty() {
    const heads = ["time", ...this.series.map(({ label }) => label)].map((each) => make("th", { scope: "col" }, each));
    const body = make("tbody");
    this.box.append(make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body));
    return body;
  }

  #row() {
    return make("tr", {}, make("th", { scope: "row" }), ...this.series.map(() => make("td")));
  }
}
