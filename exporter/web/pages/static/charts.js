// The four charts of /live.

import { Chart } from "./chart.js";
import { dollars, number } from "./format.js";
import { byId } from "./dom.js";

const span = () => Number(document.querySelector("input[name=span]:checked").value);
const words = () => (span() === 60 ? "the last hour" : `the last ${span()} minutes`);
const unit = (name) => (value) => (value === null || value === undefined ? "\u2013" : `${number(value)} ${name}`);

/** Each: what it is called, its lines with the place of their values, how these read, and where its target is. */
const CHARTS = {
  response: {
    title: "Response time",
    lines: [
      { label: "mean", place: "avg_response_time_ms", color: "--line-1", fill: true },
      { label: "p95", place: "p95_response_time_ms", color: "--line-2", dash: "dashed" },
      { label: "p99", place: "p99_response_time_ms", color: "--line-3", dash: "dotted" },
    ],
    text: unit("ms"),
    target: (targets) => targets.response_time_ms.average,
  },
  requests: {
    title: "Throughput",
    lines: [{ label: "requests", place: "requests_per_second", color: "--line-1", fill: true }],
    text: unit("/s"),
  },
  pnl: {
    title: "PnL",
    lines: [{ label: "total", place: "pnl_usd", color: "--line-1" }],
    text: (value) => (value === null || value === undefined ? "\u2013" : dollars(value, true)),
    hasZero: false,
  },
  spread: {
    title: "Spread",
    lines: [
      { label: "own", place: "quote_spread_bps", color: "--line-1", fill: true },
      { label: "market", place: "market_spread_bps", color: "--line-2", dash: "dashed" },
    ],
    text: unit("bp"),
  },
};

const charts = new Map(
  Object.entries(CHARTS).map(([name, { title, lines, text, hasZero = true }]) => [
    name,
    new Chart(byId(`chart-${name}`), { title, span: words, series: lines, text, hasZero }),
  ]),
);

/** Draws what there is of the time that is chosen. */
export function drawCharts(history, targets) {
  for (const [name, chart] of charts) {
    const { lines, target } = CHARTS[name];
    chart.target = target ? target(targets) : null;
    chart.draw(history.columns(span(), lines.map(({ place }) => (sample) => sample[place])));
  }
}
