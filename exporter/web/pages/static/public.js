// The page /public: the public figures, asked for again and again.

import { Chart } from "./chart.js";
import { every } from "./api.js";
import { byId, icon, make, say, setHidden, setText, setValue, soon } from "./dom.js";
import { day, dollars, duration, NONE, number, percent, time, uptime } from "./format.js";

const EVERY = 10; // seconds, a little more or less for each reader
const LONGEST = 8_000; // ms
const STALE = 120; // seconds
const DAY = 86_400;
const LEVELS = { critical: "bad", warning: "warn", degraded: "warn", healthy: "good" };
const unit = (name) => (value) => `${number(value)} ${name}`;
const short = (at) => new Date(at * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
const dated = (at) => `${short(at)} ${time(at, false)}`.replaceAll(" ", "\u00a0");
const seconds = (text) => Date.parse(text) / 1000;

/** A share with its sign, unless it is zero as it is written. */
function signed(value) {
  const text = percent(value);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** The time that a figure is of: its window, or from when on it is recorded where that is less. */
function over(window, words, { since, timestamp }) {
  const begun = seconds(since);
  return seconds(timestamp) - begun < window ? `since ${dated(begun)}` : words;
}

const join = (...parts) => parts.filter(Boolean).join(", ");

/** Each: how its value reads, and what else belongs to it. */
const FIGURES = {
  spread_improvement_percent: [signed, (all) => join(compared(all), over(DAY, "", all))],
  quote_uptime_percent: [uptime, (all) => `both sides quoted, ${over(DAY, "24 h", all)}`],
  volume_usd: [dollars, (all) => over(DAY, "24 h", all)],
  pnl_percent: [signed, (all) => `total, of the most capital ${over(30 * DAY, "of 30 days", all)}`],
  response_time_ms: [unit("ms"), ({ p95_response_time_ms: most }) => most !== null && `95 % within ${number(most)} ms`],
  uptime_1d_percent: [uptime, (all) => over(DAY, "", all) || join("24 h", longer(all))],
};

const compared = ({ compared_hours: hours }) => hours && `over ${number(hours)} hours of quotes`;

function longer(figures) {
  const { uptime_30d_percent: share } = figures;
  return share !== null && `${uptime(share)} ${over(30 * DAY, "of 30 days", figures)}`;
}

/** Each: its title, how its values read, and what else is to be known of its axis. */
const CHARTS = {
  spread_improvement_percent: ["Spread improvement", signed, { hasZero: false, limits: [-Infinity, 100] }],
  quote_uptime_percent: ["Quote uptime", uptime, { hasZero: false, limits: [0, 100] }],
  pnl_percent: ["PnL, share of capital", signed, { hasZero: false }],
  response_time_ms: ["Response time", unit("ms"), { hasZero: true }],
};

let span = DAY;
const words = () => (span > 7 * DAY ? "the last 30 days" : span > DAY ? "the last week" : "the last 24 hours");
const moments = (at, step) => (step < DAY ? time(at, false) : short(at));
const when = (at) => (span > DAY ? dated(at) : time(at, false));

const charts = new Map(
  Object.entries(CHARTS).map(([name, [title, text, axis]]) => {
    const series = [{ label: title.toLowerCase().replace("pnl", "PnL"), color: "--line-1", fill: axis.hasZero }];
    const read = (value) => (value === null || value === undefined ? NONE : text(value));
    return [name, new Chart(byId(`chart-${name}`), { title, span: words, series, text: read, when, moments, ...axis })];
  }),
);

let drawn = "";
let newest = null;
let ahead = 0; // seconds by which the clock of whoever answers is ahead of the reader's

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
  const at = newest?.timestamp ? seconds(newest.timestamp) : null;
  const age = at === null ? Infinity : Date.now() / 1000 + ahead - at;
  const isStale = age > STALE;
  setText(byId("as-of"), at === null ? "not known at the moment" : `as of ${time(at)}`);
  setText(byId("age"), isStale && at !== null ? `, ${duration(age)} old` : "");
  const wasStale = document.body.classList.contains("stale");
  if (document.body.classList.toggle("stale", isStale) !== wasStale) dispatchEvent(new Event("themechange"));
}

/** Takes the newest figures, and the time from their answer: the reader's clock may be wrong. */
async function take() {
  const response = await fetch("public.json", { signal: AbortSignal.timeout(LONGEST) });
  if (!response.ok) throw new Error(`public.json: ${response.status}`);
  newest = await response.json();
  const sent = seconds(response.headers.get("Date")) + Number(response.headers.get("Age"));
  ahead = Number.isFinite(sent) ? sent - Date.now() / 1000 : 0;
}

const look = every(EVERY * (0.8 + Math.random() * 0.4), async () => {
  try {
    await take();
    soon("figures", () => show(newest));
  } catch (error) {
    console.debug(error.message);
    if (!newest) say("The figures cannot be had at the moment.");
  }
  soon("age", showAge);
});

document.addEventListener("visibilitychange", () => newest && showAge()); // until newer ones come, these are old
look();
