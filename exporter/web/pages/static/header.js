// How everything is, in the page's head: the overall status, what it suffers from, and whether this is still so.

import { duration } from "./format.js";
import { byId, make, say, setAttribute, setHidden, setIcon, setText } from "./dom.js";

const LEVELS = { excellent: "good", good: "good", degraded: "warn", critical: "bad" };
const STALE = 10; // seconds without news

const place = byId("overall");
let status;

/** The item `system` of the stream, or the like of it. */
export function showOverall({ overall_health: health, health_score: score, exporter_score: own, missing }) {
  const level = LEVELS[health] ?? "none";
  setAttribute(place, "data-level", level);
  setIcon(place.querySelector("svg"), level);
  setText(place.querySelector("strong"), health ?? "status unknown");
  setText(place.querySelector(".score"), typeof score === "number" ? `${Math.round(score)} of 100` : "");
  setAttribute(place, "title", health ? `exporter: ${own} of 100` : missing?.overall_health);
  if (status !== undefined && status !== health && health) say(`The system is ${health}.`);
  status = health;
}

/** What keeps it from being excellent, from the operations overview. */
export function showIssues({ system_status: { critical_issues: critical, warnings, uptime }, missing }) {
  const issues = [...(critical ?? []).map((text) => ["bad", text]), ...(warnings ?? []).map((text) => ["warn", text])];
  const list = byId("issues");
  const wanted = JSON.stringify(issues);
  if (list.dataset.shown !== wanted) {
    list.dataset.shown = wanted;
    list.replaceChildren(...issues.map(([level, text]) => make("li", { "data-level": level }, text)));
  }
  setHidden(list, issues.length === 0);
  const known = typeof uptime === "number";
  setText(byId("uptime"), known ? `machine up ${duration(uptime * 3_600)}` : "");
  setAttribute(byId("uptime"), "title", known ? "since the machine started" : missing["system_status.uptime"]);
}

/** Names in the tab what a glance at it is to tell. */
export function showTitle(name, alerts) {
  const isStale = document.body.classList.contains("stale");
  const words = isStale ? "no connection" : [alerts ? `(${alerts})` : "", status ?? ""].filter(Boolean).join(" ");
  const title = words ? `${words} \u00b7 ${name}` : name;
  if (document.title !== title) document.title = title;
}

const WORDS = {
  connecting: ["Connecting", "wait"],
  live: ["Live", "good"],
  waiting: ["Reconnecting", "wait"],
  locked: ["Token needed", "lock"],
  polling: ["Every 5 s", "good"],
};

/**
 * The state of the connection; `until` is when the next attempt is, `age` how old the newest figures are in seconds.
 * `isPolling` says that they come without a stream.
 */
export function showConnection(state, until, age, isPolling) {
  const [word, mark] = WORDS[isPolling && age <= STALE ? "polling" : state];
  const node = byId("connection");
  const isStale = age > STALE && age < Infinity;
  const wait = Math.ceil((until - Date.now()) / 1_000);
  setAttribute(node, "data-state", state);
  setIcon(node.querySelector("svg"), mark);
  setText(node.querySelector("strong"), word === WORDS.waiting[0] && wait > 1 ? `${word} in ${wait} s` : word);
  setText(node.querySelector(".age"), isStale ? `figures are ${duration(age)} old` : "");
  setHidden(byId("retry"), state !== "waiting" || wait < 3);
  document.body.classList.toggle("stale", isStale);
}
