// The exchanges, the worst first: a row for each that is healthy, a card for each that is not.

import { NONE, number, percent, uptime } from "./format.js";
import { byId, icon, make, say, setAttribute, setHidden, setIcon, setText, setValue } from "./dom.js";
import { draw } from "./spark.js";

const MINUTES = 15;
const RANKS = ["critical", "warning", "degraded", null, "healthy"];
const LEVELS = { critical: "bad", warning: "warn", degraded: "warn", healthy: "good" };
const FIGURES = {
  response_time_ms: ["latency", (value) => `${number(value)} ms`],
  error_rate_percent: ["errors", percent],
  availability_percent: ["available", uptime],
};

const cards = new Map(); // by name

/** Those of the stream, by name. */
export function showExchanges(exchanges, history) {
  const rank = ({ status, exchange }) => `${RANKS.indexOf(status ?? null)} ${exchange}`;
  const ordered = [...exchanges.values()].sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
  showWhy(ordered);
  ordered.forEach((each, place) => {
    if (!cards.has(each.exchange)) cards.set(each.exchange, create(each.exchange));
    const card = cards.get(each.exchange);
    show(card, each);
    line(card, each.exchange, history);
    const list = byId("exchanges");
    if (list.children[place] !== card.node) list.insertBefore(card.node, list.children[place] ?? null);
  });
  for (const [name, card] of cards) if (!exchanges.has(name)) drop(name, card);
}

/** Why there is nothing, or why no status is known where that is the same for all. */
function showWhy(exchanges) {
  const reasons = new Set(exchanges.map(({ status, missing }) => (status === null ? missing.status : "")));
  const [reason] = reasons.size === 1 ? reasons : [""];
  setHidden(byId("no-exchanges"), exchanges.length > 0 && !reason);
  setText(byId("no-exchanges"), exchanges.length ? `Status not known: ${reason}` : "No exchange is asked anything.");
}

function drop(name, card) {
  card.node.remove();
  cards.delete(name);
}

function create(name) {
  const mark = icon("none");
  const word = make("span", { class: "word" });
  const spark = byId("spark").content.firstElementChild.cloneNode(true);
  const figures = Object.entries(FIGURES).map(([place, [label]]) => {
    const value = make("dd", { class: "number" });
    return { place, value, node: make("div", { class: place }, make("dt", {}, label), value) };
  });
  const status = make("span", { class: "status" }, mark, word);
  const head = make("div", { class: "exchange-head" }, make("h3", {}, name), status);
  const list = make("dl", {}, ...figures.map(({ node }) => node));
  return { node: make("li", { class: "exchange" }, head, spark, list), mark, word, spark, figures, status: undefined };
}

function show(card, exchange) {
  const level = LEVELS[exchange.status] ?? "none";
  setAttribute(card.node, "data-level", level);
  card.node.classList.toggle("compact", level === "good");
  setIcon(card.mark, level);
  setValue(card.word, exchange.status ?? "unknown", exchange.status !== null, exchange.missing.status);
  if (card.status !== undefined && card.status !== exchange.status) announce(exchange);
  card.status = exchange.status;
  for (const { place, value } of card.figures) {
    const isKnown = typeof exchange[place] === "number";
    setValue(value, isKnown ? FIGURES[place][1](exchange[place]) : NONE, isKnown, exchange.missing[place]);
  }
}

/** What changes at once is one sentence. */
function announce({ exchange, status }) {
  const isUrgent = status === "critical";
  say(`${exchange} is ${status ?? "unknown"}`, { topic: "exchanges", lead: "Exchanges: ", about: exchange, isUrgent });
}

function line(card, name, history) {
  const [, values] = history.columns(MINUTES, [(sample) => sample.exchange_response_times[name]]);
  draw(card.spark, values);
}

/** How many are healthy, in a few words. */
export function summary(exchanges) {
  const all = [...exchanges.values()];
  const healthy = all.filter(({ status }) => status === "healthy").length;
  return all.some(({ status }) => status !== null) ? `${healthy} of ${all.length} healthy` : "";
}
