// The key figures: value, target, how they compare, and the last quarter of an hour.

import { dollars, number, percent, plain } from "./format.js";
import { byId, setAttribute, setHidden, setIcon, setText, setValue } from "./dom.js";
import { draw } from "./spark.js";

const MINUTES = 15;
const WORDS = { good: "as wanted", warn: "not as wanted", bad: "critical", none: "" };

/** How a value compares with what it must stay below, or above. */
const below = (value, wanted, worst) => (value > worst ? "bad" : value > wanted ? "warn" : "good");
const above = (value, wanted, worst) => (value < worst ? "bad" : value < wanted ? "warn" : "good");

/** By how much our spread is narrower than the market's, percent. */
export function improvement({ quote_spread_bps: own, market_spread_bps: market }) {
  return typeof own === "number" && market > 0 ? (1 - own / market) * 100 : null;
}

const join = (...parts) => parts.filter(Boolean).join(" \u00b7 ");
const named = (name, value, unit) => (typeof value === "number" ? `${name} ${number(value)}${unit}` : "");

const rounded = (name, value) => (typeof value === "number" ? `${name} ${Math.round(value)}` : "");

/** Each: where its value is, how it reads, what it is held against, what else belongs to it. */
const CARDS = {
  response: {
    place: "avg_response_time_ms",
    text: (value) => [number(value), "ms"],
    target: (targets) => `target < ${plain(targets.response_time_ms.average)} ms`,
    judge: (value, { response_time_ms: { average, critical } }) => below(value, average, critical),
    more: (now) => join(named("p95", now.p95_response_time_ms, ""), named("p99", now.p99_response_time_ms, "")),
    hasZero: true,
  },
  requests: {
    place: "requests_per_second",
    text: (value) => [number(value), "/s"],
    target: (targets) => `full load ${plain(targets.requests_per_second.full_load)}/s`,
    judge: (value, { requests_per_second: { scale_at: scaleAt, capacity } }) => below(value, scaleAt, capacity),
    more: (now, { requests_per_second: { full_load: full } }) =>
      typeof now.requests_per_second === "number" ? `${percent((now.requests_per_second / full) * 100)} of it` : "",
    hasZero: true,
  },
  errors: {
    place: "error_rate_percent",
    text: (value) => [number(value), "%"],
    target: (targets) => `target < ${plain(targets.error_rate_percent.promised)} %`,
    judge: (value, { error_rate_percent: { promised, critical } }) => below(value, promised, critical),
    more: ({ error_rate_percent: share, requests_per_second: pace }) =>
      typeof share === "number" && pace ? `${number((share / 100) * pace * 60)} a minute` : "",
    hasZero: true,
  },
  caches: {
    place: "overall_cache_hit_rate",
    text: (value) => [number(value), "%"],
    target: (targets) => `target \u2265 ${plain(targets.cache_hit_rate_percent.promised)} %`,
    judge: (value, { cache_hit_rate_percent: { promised, warning } }) => above(value, promised, warning),
    more: (now) =>
      join(...["l1", "l2", "l3"].map((tier) => rounded(tier.toUpperCase(), now[`${tier}_hit_rate_percent`]))),
  },
  pnl: {
    place: "pnl_usd",
    text: (value) => [dollars(value, true), ""],
    target: ({ loss_usd: loss }) => (loss === null ? "no loss limit" : `loss limit ${dollars(loss)}`),
    judge: (value, { loss_usd: loss }) => (loss === null ? "none" : above(value, -loss, -loss)),
    more: (now, _, values) => change(values),
  },
  spread: {
    place: "quote_spread_bps",
    text: (value) => [number(value), "bp"],
    target: ({ spread_improvement_percent: wanted }) =>
      wanted ? `target \u2265 ${plain(wanted)} % below market` : "target below market",
    judge: (value, { spread_improvement_percent: wanted }, now) =>
      improvement(now) === null ? "none" : above(improvement(now), wanted, -Infinity),
    more: (now) => {
      const narrower = improvement(now);
      if (narrower === null) return named("market", now.market_spread_bps, " bp");
      return `${number(Math.abs(narrower))} % ${narrower < 0 ? "above" : "below"} market`;
    },
  },
};

/** How a figure moved in the time of its line. */
function change(values) {
  const known = values.filter((value) => value !== null);
  return known.length < 2 ? "" : `${dollars(known.at(-1) - known[0], true)} in ${MINUTES} min`;
}

/** Shows the newest figures; what is missing says why. */
export function showCards(now, targets, history) {
  const names = Object.keys(CARDS);
  const [, ...lines] = history.columns(MINUTES, names.map((name) => (sample) => sample[CARDS[name].place]));
  names.forEach((name, place) => showCard(byId(`kpi-${name}`), CARDS[name], { now, targets, values: lines[place] }));
}

function showCard(card, { place, text, target, judge, more, hasZero }, { now, targets, values }) {
  const value = now[place];
  const isKnown = typeof value === "number";
  const [figure, unit] = text(value);
  const level = isKnown ? judge(value, targets, now) : "none";
  setAttribute(card, "data-level", level);
  setValue(card.querySelector(".value"), figure, isKnown, now.missing?.[place]);
  setText(card.querySelector(".unit"), isKnown ? unit : "");
  setText(card.querySelector(".target"), target(targets));
  setText(card.querySelector(".more"), isKnown ? more(now, targets, values) : (now.missing?.[place] ?? ""));
  setAttribute(card.querySelector(".more"), "title", isKnown ? null : now.missing?.[place]);
  setIcon(card.querySelector(".mark"), level);
  setText(card.querySelector(".level"), WORDS[level]);
  setHidden(card.querySelector(".mark"), level === "none");
  draw(card.querySelector(".spark"), values, hasZero);
}

const FACTS = {
  cpu: ["cpu_usage_percent", percent],
  memory: ["memory_usage_percent", percent],
  disk: ["disk_io_ops_per_sec", (value) => `${number(value)}/s`],
  network: ["network_throughput_mbps", (value) => `${number(value)} Mbit/s`],
  volume: ["trading_volume_usd", dollars],
  users: ["active_users", (value) => number(value, 0)],
  calls: ["api_calls_per_minute", (value) => `${number(value, 0)}/min`],
  revenue: ["revenue_per_hour", (value) => `${dollars(value)}/h`],
  warming: ["cache_warming_effectiveness", percent],
};

/** The figures of machine and business; what is missing says why below it. */
export function showFacts(now) {
  for (const [name, [place, text]] of Object.entries(FACTS)) {
    const isKnown = typeof now[place] === "number";
    const why = isKnown ? "" : (now.missing?.[place] ?? "");
    const value = byId(`fact-${name}`);
    setValue(value, isKnown ? text(now[place]) : "no data", isKnown, why);
    setText(value.nextElementSibling, why);
    setHidden(value.nextElementSibling, !why);
  }
}
