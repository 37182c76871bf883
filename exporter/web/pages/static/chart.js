// A chart over time with its legend, and the same as words and as a table.

import uPlot from "./uPlot.esm.js";
import { NONE, time, tick } from "./format.js";
import { make, setAttribute, setHidden, setText } from "./dom.js";

const SAY_EVERY = 30_000;
const known = (values) => values.filter((value) => value !== null);

/** A tick of the axis of time. */
const ofDay = (at, step) => time(at, step < 60);

/** The last value that is known, and not older than a minute. */
const newest = (values) => known(values.slice(-12)).at(-1) ?? null;

/**
 * `section` holds a `.plot`, a `.legend` and a `details`. `series` are `{label, color, dash, fill}`, colours being names
 * of CSS variables; `text` shows a value, `when` and `moments` a time. `hasZero` says that the axis begins at 0. Its
 * `target`, if any, is drawn as a line.
 */
export class Chart {
  constructor(section, { title, span, series, text, hasZero = true, when = time, moments = ofDay }) {
    Object.assign(this, { section, title, span, series, text, hasZero, when, moments });
    this.target = null;
    this.columns = null;
    this.said = 0;
    this.plot = section.querySelector(".plot");
    this.details = section.querySelector("details");
    this.#legend(section.querySelector(".legend"));
    this.details.addEventListener("toggle", () => this.#table());
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
      const swatch = make("span", { class: dash ? "swatch dashed" : "swatch", style: null });
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
      padding: [10, 22, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: "time" }, drag: { x: false, y: false }, y: false, points: { size: 7 } },
      scales: { x: { time: true }, y: { range: (_, low, high) => this.#range(low, high) } },
      axes: [this.#times(), this.#axis({ space: 34, size: 46, values: (_, all) => all.map(tick) })],
      series: [{}, ...this.series.map((each, place) => this.#line(each, place))],
      hooks: { setCursor: [(chart) => this.#values(chart.cursor.idx ?? null)], draw: [() => this.#targetLine()] },
    };
  }

  #times() {
    const values = (_, all, __, ___, step) => all.map((at) => this.moments(at, step));
    return this.#axis({ space: 64, size: 22, values });
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
      dash: dash ? [5, 4] : undefined,
      fill: fill ? () => this.ink.lines[place].replace("rgb(", "rgba(").replace(")", ", 0.09)") : undefined,
      points: { show: false, fill: stroke },
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

  /** The span of the axis; the target belongs to it unless everything is far below. */
  #range(low, high) {
    if (low === null || low === undefined) return [0, this.target ?? 1];
    if (this.hasZero) {
      const top = this.target !== null && high > this.target / 4 ? Math.max(high, this.target) : high;
      return [0, top > 0 ? top * 1.12 : 1];
    }
    const room = (high - low) * 0.12 || Math.abs(high) * 0.05 || 1;
    return [low - room, high + room];
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

  /** The values under the pointer, or the newest. */
  #values(place) {
    if (!this.columns) return;
    this.entries.forEach(({ value }, index) => {
      const values = this.columns[index + 1];
      setText(value, this.text(place === null ? newest(values) : values[place]));
    });
    setText(this.moment, place === null ? "" : this.when(this.columns[0][place]));
  }

  /** In words, for those who do not see it; not so often that nobody could follow. */
  #describe() {
    if (Date.now() - this.said < SAY_EVERY && !this.isEmpty) return;
    this.said = Date.now();
    const parts = this.series.map(({ label }, index) => this.#sentence(label, known(this.columns[index + 1])));
    setAttribute(this.plot, "aria-label", `${this.title}, ${this.span()}. ${parts.join(" ")}`);
  }

  #sentence(label, values) {
    if (!values.length) return `${label}: ${NONE}.`;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return `${label}: ${this.text(values.at(-1))}, between ${this.text(low)} and ${this.text(high)}.`;
  }

  /** The same as a table, with a row for about each thirtieth of the time, the newest first. */
  #table() {
    if (!this.details.open || !this.columns) return;
    const [times, ...columns] = this.columns;
    const every = Math.max(1, Math.round(times.length / 30));
    const rows = [];
    for (let place = times.length - 1; place >= 0; place -= every) {
      const cells = columns.map((values) => make("td", {}, this.text(values[place])));
      rows.push(make("tr", {}, make("th", { scope: "row" }, this.when(times[place])), ...cells));
    }
    const heads = ["time", ...this.series.map(({ label }) => label)].map((each) => make("th", { scope: "col" }, each));
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
    this.details.querySelector(".wide").replaceChildren(table);
  }
}
