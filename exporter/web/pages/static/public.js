// The page /public: the public figures, asked for again and again.

import { Chart } from "./chart.js";
import { ask } from "./api.js";
import { byId, icon, make, say, setAttribute, setHidden, setText, setValue, soon } from "./dom.js";
import { day, dollars, duration, NONE, number, percent, time, uptime } from "./format.js";

const EVERY = 10_000; // ms, a little more or less for each reader
const STALE = 120; // seconds
const LEVELS = { critical: "bad", warning: "warn", degraded: "warn", healthy: "good" };
const signed = (value) => (value > 0 ? `+${percent(value)}` : percent(value));
const unit = (name) => (value) => `${number(value)} ${name}`;

/** Each: how its value reads, and what else belongs to it. */
const FIGURES = {
  spread_improvement_percent: [signed, ({ compared_hours: hours }) => hours && `over ${number(hours)} hours of quotes`],
  quote_uptime_percent: [uptime, () => "both sides quoted, 24 h"],
  volume_usd: [dollars, () => "24 h"],
  pnl_percent: [signed, () => "of capital, total"],
  response_time_ms: [unit("ms"), ({ p95_response_time_ms: most }) => most !== null && `95 % within ${number(most)} ms`],
  uptime_1d_percent: [uptime, ({ uptime_30d_percent: longer }) => longer !== null && `${uptime(longer)} of 30 days`],
};

const CHARTS = {
  spread_improvement_percent: ["Spread improvement", signed, false],
  quote_uptime_percent: ["Quote uptime", uptime, false],
  pnl_percent: ["PnL, share of capital", signed, false],
  response_time_ms: ["Response time", unit("ms"), true],
};

const DAY = 86_400;
let span = DAY;
const words = () => (span > 7 * DAY ? "the last 30 days" : span > DAY ? "the last week" : "the last 24 hours");
const short = (at) => new Date(at * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
const moments = (at, step) => (step < DAY ? time(at, false) : short(at));
const when = (at) => (span > DAY ? `${short(at)} ${time(at, false)}` : time(at, false));

const charts = new Map(
  Object.entries(CHARTS).map(([name, [title, text, hasZero]]) => {
    const series = [{ label: title.toLowerCase().replace("pnl", "PnL"), color: "--line-1", fill: hasZero }];
    const read = (value) => (value === null || value === undefined ? NONE : text(value));
    return [name, new Chart(byId(`chart-${name}`), { title, span: words, series, text: read, hasZero, when, moments })];
  }),
);

let drawn = "";
let newest = null;

function show(figures) {
  for (const [name, [text, more]] of Object.entries(FIGURES)) showFigure(name, text, more, figures);
  showExchanges(figures.exchanges);
  setText(byId("since"), figures.since ? `recorded since ${day(Date.parse(figures.since) / 1000)}` : "");
  const { times } = figures.history;
  const wanted = `${times[0]} ${times.at(-1)} ${times.length}`;
  if (wanted === drawn) return;
  drawn = wanted;
  span = times.length ? times.at(-1) - times[0] : DAY;
  for (const [name, chart] of charts) chart.draw([times, figures.history[name]]);
}

function showFigure(name, text, more, figures) {
  const card = byId(`figure-${name}`);
  const isKnown = figures[name] !== null;
  setValue(card.querySelector(".value"), isKnown ? text(figures[name]) : NONE, isKnown, figures.missing[name]);
  setText(card.querySelector(".more"), isKnown ? more(figures) || "" : figures.missing[name]);
}

function showExchanges(exchanges) {
  const items = Object.entries(exchanges).map(([name, status]) => {
    const level = LEVELS[status];
    const words = [make("span", {}, name), make("span", { class: "quiet" }, status)];
    return make("li", { "data-level": level }, icon(level), ...words);
  });
  const list = byId("exchanges");
  const wanted = JSON.stringify(exchanges);
  if (list.dataset.shown !== wanted) list.replaceChildren(...items);
  list.dataset.shown = wanted;
  setHidden(byId("no-exchanges"), items.length > 0);
}

function showAge() {
  const at = newest?.timestamp ? Date.parse(newest.timestamp) / 1000 : null;
  const age = at === null ? Infinity : Date.now() / 1000 - at;
  const isStale = age > STALE;
  setText(byId("as-of"), at === null ? "not known at the moment" : `as of ${time(at)}`);
  setText(byId("age"), isStale && at !== null ? `These figures are ${duration(age)} old.` : "");
  setAttribute(byId("age"), "hidden", isStale && at !== null ? null : "hidden");
  document.body.classList.toggle("stale", isStale);
}

async function turn() {
  setTimeout(turn, EVERY * (0.8 + Math.random() * 0.4));
  if (document.hidden) return;
  const before = newest;
  try {
    newest = await ask("public.json", null);
    soon("figures", () => show(newest));
  } catch (error) {
    console.debug(error.message);
    if (!before) say("The figures cannot be had at the moment.");
  }
  soon("age", showAge);
}

document.addEventListener("visibilitychange", () => document.hidden || ask("public.json", null).then(show, () => {}));
turn();
