// The page /live: brings the streams and the answers of the API to its parts.

import { openAlerts, showAlerts, takeAlerts, takeIncidents } from "./alerts.js";
import { ask, every, LockedError, RefusedError, streams, token } from "./api.js";
import { drawCharts } from "./charts.js";
import { byId, say, setText, soon } from "./dom.js";
import { showExchanges, summary } from "./exchanges.js";
import { zone } from "./format.js";
import { showConnection, showFiring, showIssues, showOverall, showRefusal, showTitle } from "./header.js";
import { History, STEP } from "./history.js";
import { showCards, showFacts } from "./kpis.js";
import { unlock } from "./lock.js";
import { Socket } from "./socket.js";
import { showTrades, showTradesState, takeTrades } from "./trades.js";

const NAME = document.title;
const MINUTE = 60_000; // ms

const history = new History();
const exchanges = new Map();
let targets = null;
let targetsOf = 0; // the run that they are of
let run = 1; // counts those of the exporter, as far as they can be told apart
let performance = null;
let connection = ["connecting", 0];
let ahead = 0; // seconds by which the exporter's clock is ahead of ours

let isLocked = false;
let isPolling = false;
let isBroken = false; // there is no stream, and not just because the page is new
const refusals = { stream: "", answers: "" };

const now = () => Date.now() / 1_000 + ahead;
const age = () => (performance ? now() - Date.parse(performance.timestamp) / 1_000 : Infinity);

/** What was measured, as the stream or the API tells it. */
function takePerformance(sample) {
  performance = sample;
  history.put(sample);
  soon("figures", showFigures);
  if (document.hidden) showState(); // timers are slow then
}

function showFigures() {
  if (!performance || !targets) return;
  showCards(performance, targets, history);
  showFacts(performance);
  drawCharts(history, targets);
}

function takeMetrics(items, isAll) {
  if (isAll) exchanges.clear();
  for (const item of items) {
    if (item.name === "performance") takePerformance(item);
    else if (item.name === "exchange") exchanges.set(item.exchange, item);
    else if (item.name === "system") showOverall(item);
  }
  soon("exchanges", showAllExchanges);
}

function showAllExchanges() {
  showExchanges(exchanges, history);
  setText(byId("exchanges-count"), summary(exchanges));
}

const TAKES = {
  metrics: takeMetrics,
  alerts(items, isAll) {
    takeIncidents(items, isAll);
    alertsChanged();
    askAlerts();
  },
  trades(items, isAll) {
    takeTrades(items, isAll);
    areTradesKnown = true;
    soon("trades", showTrades);
  },
};

let areTradesKnown = false;

function alertsChanged() {
  soon("alerts", () => showAlerts(now()));
  showState();
}

const socket = new Socket(
  streams(),
  [{ stream: "metrics" }, { stream: "alerts", interval_ms: 1_000 }, { stream: "trades", interval_ms: 500 }],
  token,
  {
    state: connected,
    news(stream, items, isAll, ts) {
      ahead = ts - Date.now() / 1_000;
      TAKES[stream](items, isAll);
    },
    begun,
  },
);

function connected(state, until) {
  const before = connection[0];
  connection = [state, until];
  if (state === "live" || state === "locked") isPolling = false;
  if (state !== "connecting") isBroken = state !== "live";
  if (state === "live") refused("stream", "");
  showState();
  if (state === "locked") lock();
  else if (state === "waiting" && before === "live") {
    say("The connection was lost. Connecting again.", { topic: "connection", isUrgent: true });
  }
}

/** What the tab tells as well, and therefore not only when something is drawn. */
function showState() {
  const alerts = openAlerts();
  showConnection(isLocked ? "locked" : connection[0], connection[1], age(), isPolling);
  showFiring(alerts);
  showTitle(NAME, alerts?.length);
  showTradesState(!isBroken);
}

function refused(what, reason) {
  refusals[what] = reason;
  showRefusal(refusals.answers || refusals.stream);
}

let isFirst = true;

/** All is subscribed to: what was missed is asked for, and whether the exporter has another page by now. */
function begun(isSameRun) {
  if (!isFirst) say("Connected again.", { topic: "connection" });
  if (!isFirst && !isSameRun) run += 1;
  refresh();
  if (!isFirst && !isSameRun) askVersion().catch((error) => console.debug(error.message));
  isFirst = false;
}

/** What the charts lack: all at first, and after a break what was measured meanwhile. */
const askHistory = every(STEP, async () => {
  await askTargets();
  const minutes = history.lacking(now());
  if (!minutes) return;
  history.fill(await asking(`api/performance-history?duration_minutes=${minutes}`));
  soon("figures", showFigures);
});

/** Once for each run: another one may have another configuration. */
async function askTargets() {
  const asked = run;
  if (targetsOf === asked) return;
  targets = await asking("api/targets");
  targetsOf = asked;
  soon("figures", showFigures);
}

/** Only what is this page can be a newer one: a proxy may answer with its own. */
async function askVersion() {
  const answer = await fetch("live", { cache: "no-cache" });
  if (!answer.ok) return;
  const [, found] = /<meta name="version" content="([^"]+)">/.exec(await answer.text()) ?? [];
  const ours = document.querySelector("meta[name=version]").content;
  byId("outdated").hidden = !found || found === ours;
}

const askOperations = every(
  10,
  async () => {
    const overview = await asking("api/operations-overview");
    soon("issues", () => showIssues(overview));
    if (connection[0] !== "live") showOverall(overall(overview));
  },
  true,
);

/** The item `system` of the stream, as far as the overview has it. */
function overall({ system_status: { overall_health, health_score }, missing }) {
  return { overall_health, health_score, missing: reasons(missing, "system_status.") };
}

const askAlerts = every(
  5,
  async () => {
    takeAlerts(await asking("api/alerts"));
    alertsChanged();
  },
  true,
);

/** What the stream would tell, while there is none. */
const poll = every(
  STEP,
  async () => {
    if (connection[0] === "live") return;
    const wasAnswered = isPolling;
    try {
      takeAnswers(...(await Promise.all([asking("api/performance-metrics"), asking("api/exchanges")])));
    } catch (error) {
      isPolling = false;
      throw error;
    }
    if (!wasAnswered) begunPolling();
  },
  true,
);

function takeAnswers(sample, found) {
  ahead = Date.parse(sample.timestamp) / 1_000 - Date.now() / 1_000;
  isPolling = connection[0] !== "live";
  takePerformance(sample);
  exchanges.clear();
  for (const [exchange, each] of Object.entries(found.exchange_details)) {
    exchanges.set(exchange, { exchange, ...each, missing: reasons(found.missing, `exchange_details.${exchange}.`) });
  }
  soon("exchanges", showAllExchanges);
}

/** There are answers and yet no stream: why, and whether they are of another run, can only be found out by asking. */
function begunPolling() {
  run += 1;
  askOperations();
  askStream();
}

/** A browser does not tell why there is no WebSocket; asked like a page, the exporter does. */
async function askStream() {
  try {
    await ask("ws");
  } catch (error) {
    if (error instanceof RefusedError && connection[0] !== "live") refused("stream", error.message);
  }
}

/** Those reasons whose place begins so, by the rest of it. */
function reasons(missing, place) {
  const found = Object.entries(missing).filter(([at]) => at.startsWith(place));
  return Object.fromEntries(found.map(([at, why]) => [at.slice(place.length), why]));
}

async function asking(path) {
  if (isLocked) throw new LockedError("waiting for the token");
  try {
    const answer = await ask(path);
    refused("answers", "");
    return answer;
  } catch (error) {
    if (error instanceof LockedError) lock();
    if (error instanceof RefusedError) refused("answers", error.message);
    throw error;
  }
}

/** Asks for the token, and begins again with it. */
async function lock() {
  if (isLocked) return;
  isLocked = true;
  showState();
  await unlock();
  isLocked = false;
  socket.connect();
  poll();
}

/** What changes with time alone. */
function showTimes() {
  setText(byId("zone"), `Times are local (${zone()}).`);
  soon("alerts", () => showAlerts(now()));
  if (areTradesKnown) soon("trades", showTrades);
}

function refresh() {
  askHistory();
  askOperations();
  askAlerts();
}

document.querySelectorAll("input[name=span]").forEach((input) => input.addEventListener("change", showFigures));
byId("retry").addEventListener("click", () => socket.hurry());
byId("reload").addEventListener("click", () => location.reload());
setInterval(showState, 1_000);
setInterval(showTimes, MINUTE / 4);
showTimes();
askHistory();
socket.connect();
