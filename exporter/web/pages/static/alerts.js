// Alerts that fire, the worst first, and those that were over lately.

import { duration, time } from "./format.js";
import { byId, icon, make, say, setAttribute, setHidden, setIcon, setText } from "./dom.js";

const SHOWN = 12;
const KEPT = 200;
const RANKS = ["critical", "warning", "info"];
const LEVELS = { critical: "bad", warning: "warn" };

const told = new Map(); // incidents by id and beginning, as the stream tells them
let firing = null; // what Alertmanager says, null where it cannot be asked
let why = "";

/** Takes what the stream tells: incidents that began or ended. */
export function takeIncidents(items, isAll) {
  const known = new Set(told.keys());
  if (isAll) told.clear();
  for (const item of items) {
    const key = `${item.id} ${item.starts}`;
    if (!isAll && !known.has(key) && item.status === "firing") say(`${item.severity} alert: ${item.summary}`);
    told.delete(key);
    told.set(key, item);
  }
  for (const key of told.keys()) if (told.size > KEPT) told.delete(key);
}

/** Takes the answer of `/api/alerts`. */
export function takeAlerts(answer) {
  const read = (each) => ({ ...each, starts: Date.parse(each.starts) / 1000, status: "firing" });
  firing = answer.alerts?.map(read) ?? null;
  why = answer.missing.alerts ?? "";
}

/** How many fire, or null where nobody can say. */
export function count() {
  return firing?.length ?? (told.size ? fromStream("firing").length : null);
}

const rank = ({ severity }) => (RANKS.indexOf(severity) + RANKS.length + 1) % (RANKS.length + 1);
const fromStream = (status) => [...told.values()].filter((each) => each.status === status);

/** Shows them; `now` is the exporter's time. */
export function showAlerts(now) {
  const worstFirst = (one, other) => rank(one) - rank(other) || one.starts - other.starts;
  const open = firing ?? fromStream("firing").sort(worstFirst);
  const over = fromStream("resolved").sort((one, other) => other.ends - one.ends);
  const shown = [...open, ...over].slice(0, SHOWN);
  place(shown, now);
  setText(byId("alerts-count"), open.length ? `${open.length} firing` : "");
  const quiet = byId("no-alerts");
  setHidden(quiet, open.length > 0);
  const isUnknown = firing === null && open.length === 0;
  setText(quiet.querySelector("span"), isUnknown ? `Not known: ${why || "nothing was heard yet"}` : "No alert fires.");
  quiet.classList.toggle("unknown", isUnknown);
}

const rows = new Map(); // by alert

/** Rows that are there already stay, so that nobody loses their place. */
function place(shown, now) {
  const keys = shown.map(({ id, starts }) => `${id} ${Math.round(starts)}`);
  for (const key of rows.keys()) if (!keys.includes(key)) rows.delete(key);
  const wanted = shown.map((alert, index) => {
    const row = rows.get(keys[index]) ?? create();
    rows.set(keys[index], row);
    show(row, alert, now);
    return row.node;
  });
  const list = byId("alerts");
  const isSame = wanted.length === list.children.length && wanted.every((node, index) => node === list.children[index]);
  if (!isSame) list.replaceChildren(...wanted);
}

function create() {
  const mark = icon("info");
  const [summary, more] = [make("p", { class: "summary" }), make("p", { class: "about" })];
  const [about, link] = [make("span"), make("span")];
  const node = make("li", {}, mark, make("div", {}, summary, make("p", { class: "about" }, about, link), more));
  return { node, mark, summary, about, link, more };
}

function show({ node, mark, summary, about, link, more }, alert, now) {
  const isFiring = alert.status === "firing";
  const level = isFiring ? (LEVELS[alert.severity] ?? "info") : "over";
  const span = isFiring
    ? `for ${duration(now - alert.starts)}`
    : `over at ${time(alert.ends, false)}, after ${duration(alert.ends - alert.starts)}`;
  setAttribute(node, "data-level", level);
  setIcon(mark, level);
  setText(summary, alert.summary || alert.name);
  setText(more, isFiring ? (alert.description ?? "") : "");
  if (!link.children.length && alert.runbook_url?.startsWith("http")) link.append(" \u00b7 ", runbook(alert));
  setText(about, [isFiring ? alert.severity : "resolved", span, alert.where].filter(Boolean).join(", "));
}

function runbook({ runbook_url: href, name }) {
  const link = make("a", { href, rel: "noopener noreferrer", target: "_blank" }, "runbook");
  link.append(make("span", { class: "unseen" }, ` of ${name}, in a new tab`));
  return link;
}
