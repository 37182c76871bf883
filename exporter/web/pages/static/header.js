// How everything is, in the page's head: the overall status, what it suffers from, and whether this is still so.

import { duration } from "./format.js";
import { byId, icon, make, say, setAttribute, setHidden, setIcon, setText } from "./dom.js";

const LEVELS = { excellent: "good", good: "good", degraded: "warn", critical: "bad" };
const STALE = 10; // seconds without news
const STALE_HIDDEN = 90; // browsers let a page that nobody sees ask once a minute

const place = byId("overall");
let status;
let wasStale = false;

/** The item `system` of the stream, or the like of it. */
export function showOverall({ overall_health: health, health_score: score, exporter_score: own, missing }) {
  const level = LEVELS[health] ?? "none";
  setAttribute(place, "data-level", level);
  setIcon(place.querySelector("svg"), level);
  setText(place.querySelector("strong"), health ?? "status unknown");
  setText(place.querySelector(".score"), typeof score === "number" ? `${Math.round(score)} of 100` : "");
  setAttribute(place, "title", health ? judged(own) : missing?.overall_health);
  if (status !== undefined && status !== health && health) {
    say(`The system is ${health}.`, { topic: "system", isUrgent: health === "critical" });
  }
  status = health;
}

/** What the score is about: it can be excellent while an exchange is down. */
function judged(own) {
  const exporter = typeof own === "number" ? `; the exporter itself: ${own} of 100` : "";
  return `judges own API and machine alone, neither exchanges nor alerts${exporter}`;
}

const counted = (number, one, more) => (number ? `${number} ${number === 1 ? one : more}` : "");

/** How many alerts fire, in the colour of the worst; null where that is not known. */
export function showFiring(alerts) {
  const chip = byId("firing");
  const of = (severity) => (alerts ?? []).filter((each) => each.severity === severity).length;
  const [critical, warnings] = [of("critical"), of("warning")];
  const level = critical ? "bad" : warnings ? "warn" : "info";
  const words = [counted(critical, "critical", "critical"), counted(warnings, "warning", "warnings")];
  const rest = counted(alerts?.length ?? 0, "notice", "notices"); // where nothing worse fires
  setHidden(chip, !alerts?.length);
  setAttribute(chip, "data-level", level);
  setIcon(chip.querySelector("svg"), level);
  setText(chip.querySelector(".words"), words.filter(Boolean).join(" \u00b7 ") || rest);
}

const SEVERITIES = { bad: "critical", warn: "warning" };

/** What keeps it from being excellent, from the operations overview. */
export function showIssues({ system_status: { critical_issues: critical, warnings, uptime }, missing }) {
  const issues = [...(critical ?? []).map((text) => ["bad", text]), ...(warnings ?? []).map((text) => ["warn", text])];
  const list = byId("issues");
  const wanted = JSON.stringify(issues);
  if (list.dataset.shown !== wanted) {
    list.dataset.shown = wanted;
    list.replaceChildren(...issues.map(issue));
  }
  setHidden(list, issues.length === 0);
  setHidden(byId("no-issues"), issues.length > 0);
  const why = missing["system_status.critical_issues"];
  setText(byId("no-issues"), critical ? "Own API and machine have no issue." : `Issues not known: ${why}`);
  const known = typeof uptime === "number";
  setText(byId("uptime"), known ? `machine up ${duration(uptime * 3_600)}` : "");
  setAttribute(byId("uptime"), "title", known ? "since the machine started" : missing["system_status.uptime"]);
}

function issue([level, text]) {
  const word = make("span", { class: "unseen" }, `${SEVERITIES[level]}: `);
  return make("li", { "data-level": level }, icon(level), make("span", {}, word, text));
}

/** What the exporter says to a page that it does not answer. */
export function showRefusal(reason) {
  setHidden(byId("refused"), !reason);
  setText(byId("refused"), reason ? `The exporter refuses this page: ${reason}` : "");
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
  const isStale = age > (isPolling && document.hidden ? STALE_HIDDEN : STALE) && age < Infinity;
  const shown = isPolling && !isStale ? "polling" : state;
  const [word, mark] = WORDS[shown];
  const node = byId("connection");
  const wait = Math.ceil((until - Date.now()) / 1_000);
  setAttribute(node, "data-state", shown);
  setIcon(node.querySelector("svg"), mark);
  setText(node.querySelector("strong"), shown === "waiting" && wait > 1 ? `${word} in ${wait} s` : word);
  showRetry(state, wait);
  showStale(isStale, state === "live" ? "No news" : "No connection", age);
}

/** The button keeps its place when it is not there, and stays while somebody is on it. */
function showRetry(state, wait) {
  const button = byId("retry");
  const hasFocus = button === document.activeElement;
  const isAway = state === "live" || state === "locked" || (!hasFocus && (state !== "waiting" || wait < 3));
  if (isAway && hasFocus) byId("connection").focus();
  button.classList.toggle("away", isAway);
}

function showStale(isStale, what, age) {
  setHidden(byId("stale"), !isStale);
  setText(byId("stale"), isStale ? `${what}, figures ${duration(age)} old` : "");
  if (isStale === wasStale) return;
  wasStale = isStale;
  document.body.classList.toggle("stale", isStale);
  dispatchEvent(new Event("themechange")); // lines are grey then
}
