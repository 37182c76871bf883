// Alerts that fire, the worst first, and those that were over lately.

import { duration, moment } from "./format.js";
import { byId, icon, make, say, setAttribute, setHidden, setIcon, setText } from "./dom.js";

const SHOWN = 12; // before somebody asks for the rest
const KEPT = 200;
const HEARD = 1_000;
const RANKS = ["critical", "warning", "info"];
const LEVELS = { critical: "bad", warning: "warn" };

const told = new Map(); // incidents by id and beginning, as the stream tells them
const heard = new Set(); // keys of alerts that were announced, or were there before the page
let firing = null; // what Alertmanager says, null where it cannot be asked
let why = "";
let isOpen = false; // whether more than the first are shown
const begun = new Set(); // who told of alerts already: what fires then was there before the page

const keyOf = ({ id, starts }) => `${id} ${Math.round(starts)}`;

/** Takes what the stream tells: incidents that began or ended. */
export function takeIncidents(items, isAll) {
  const wasThere = isNew("stream");
  if (isAll) told.clear();
  for (const item of items) {
    if (item.status === "firing") announce(item, wasThere);
    told.delete(keyOf(item));
    told.set(keyOf(item), item);
  }
  for (const key of told.keys()) if (told.size > KEPT) told.delete(key);
}

/** Takes the answer of `/api/alerts`. */
export function takeAlerts(answer) {
  const read = (each) => ({ ...each, starts: Date.parse(each.starts) / 1000, status: "firing" });
  firing = answer.alerts?.map(read) ?? null;
  why = answer.missing.alerts ?? "";
  const wasThere = firing !== null && isNew("answer");
  for (const alert of firing ?? []) announce(alert, wasThere);
}

function isNew(source) {
  const wasBegun = begun.has(source);
  begun.add(source);
  return !wasBegun;
}

/** Says once that an alert fires, whoever tells of it first; of those that were there before, nothing. */
function announce(alert, wasThere) {
  const { severity, summary, name } = alert;
  if (!wasThere && !heard.has(keyOf(alert))) {
    const [topic, isUrgent] = [`${severity} alert`, severity === "critical"];
    say(summary || name, { topic, lead: `${topic}: `, about: keyOf(alert), isUrgent });
  }
  heard.delete(keyOf(alert));
  heard.add(keyOf(alert));
  for (const key of heard) if (heard.size > HEARD) heard.delete(key);
}

/** Those that fire, the worst first, or null where nobody can say. */
export function openAlerts() {
  const worstFirst = (one, other) => rank(one) - rank(other) || one.starts - other.starts;
  return firing ?? (told.size ? fromStream("firing").sort(worstFirst) : null);
}

const rank = ({ severity }) => (RANKS.indexOf(severity) + RANKS.length + 1) % (RANKS.length + 1);
const fromStream = (status) => [...told.values()].filter((each) => each.status === status);

/** Shows them; `now` is the exporter's time. */
export function showAlerts(now) {
  const all = openAlerts() ?? [];
  const over = fromStream("resolved").sort((one, other) => other.ends - one.ends);
  const rest = all.length - SHOWN;
  place(isOpen || rest <= 0 ? [...all, ...over.slice(0, isOpen ? SHOWN : -rest)] : all.slice(0, SHOWN), now);
  setText(byId("alerts-count"), all.length ? `${all.length} firing` : "");
  showMore(rest, now);
  showNone(all.length === 0);
}

/** The button for those that are not among the first. */
function showMore(rest, now) {
  const button = byId("alerts-more");
  setHidden(button, rest <= 0);
  setText(button, isOpen ? "The worst alone" : `${rest} more`);
  setAttribute(button, "aria-expanded", String(isOpen));
  button.onclick = () => {
    isOpen = !isOpen;
    showAlerts(now);
  };
}

function showNone(isNone) {
  const quiet = byId("no-alerts");
  const isUnknown = firing === null && isNone;
  setHidden(quiet, !isNone);
  setText(quiet.querySelector("span"), isUnknown ? `Not known: ${why || "nothing was heard yet"}` : "No alert fires.");
  quiet.classList.toggle("unknown", isUnknown);
}

const rows = new Map(); // by alert

/** Rows that are there already stay, so that nobody loses their place. */
function place(shown, now) {
  const keys = shown.map(keyOf);
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
    : `over at ${moment(alert.ends, false)}, after ${duration(alert.ends - alert.starts)}`;
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
