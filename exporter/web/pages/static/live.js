// The page /live: brings the streams and the answers of the API to its parts.

import { takeAlerts, takeIncidents, count, showAlerts } from "./alerts.js";
import { ask, every, LockedError, streams, token } from "./api.js";
import { drawCharts } from "./charts.js";
import { byId, say, setText, soon } from "./dom.js";
import { showExchanges, summary } from "./exchanges.js";
import { showConnection, showIssues, showOverall, showTitle } from "./header.js";
import { History, STEP } from "./history.js";
import { showCards, showFacts } from "./kpis.js";
import { unlock } from "./lock.js";
import { Socket } from "./socket.js";
import { showTrades, takeTrades } from "./trades.js";

const NAME = document.title;

const history = new History();
const exchanges = new Map();
let targets = null;
let performance = null;
let connection = ["connecting", 0];
let ahead = 0; // seconds by which the exporter's clock is ahead of ours

let isLocked = false;
let isPolling = false;

const now = () => Date.now() / 1_000 + ahead;
const age = () => (performance ? now() - Date.parse(performance.timestamp) / 1_000 : Infinity);

/** What was measured, as the stream or the API tells it. */
function takePerformance(sample) {
  performance = sample;
  history.put(sample);
  soon("figures", showFigures);
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
    else if (item.name === "system") takeSystem(item);
  }
  soon("exchanges", () => showExchanges(exchanges, history));
  soon("exchange count", () => setText(byId("exchanges-count"), summary(exchanges)));
}

function takeSystem(item) {
  soon("overall", () => showOverall(item));
}

const TAKES = {
  metrics: takeMetrics,
  alerts(items, isAll) {
    takeIncidents(items, isAll);
    soon("alerts", () => showAlerts(now()));
    askAlerts();
  },
  trades(items, isAll) {
    takeTrades(items, isAll);
    soon("trades", showTrades);
  },
};

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
  soon("connection", showState);
  if (state === "locked") lock();
  else if (state === "waiting" && before === "live") say("The connection was lost. Connecting again.");
}

function showState() {
  showConnection(...connection, age(), isPolling);
  showTitle(NAME, count());
}

let isFirst = true;

/** All is subscribed to: what was missed is asked for, and whether the exporter has another page by now. */
function begun(isSameRun) {
  if (!isFirst) say("Connected again.");
  refresh();
  if (!isFirst && !isSameRun) askVersion();
  isFirst = false;
}

/** What the charts lack: all at first, and after a break what was measured meanwhile. */
const askHistory = every(STEP, async () => {
  targets ??= await asking("api/targets");
  const minutes = history.lacking(now());
  if (!minutes) return;
  history.fill(await asking(`api/performance-history?duration_minutes=${minutes}`));
  soon("figures", showFigures);
});

async function askVersion() {
  const page = await (await fetch("live", { cache: "no-cache" })).text();
  byId("outdated").hidden = page.includes(document.querySelector("meta[name=version]").content);
}

const askOperations = every(10, async () => {
  const overview = await asking("api/operations-overview");
  soon("issues", () => showIssues(overview));
});

const askAlerts = every(5, async () => {
  takeAlerts(await asking("api/alerts"));
  soon("alerts", () => showAlerts(now()));
});

/** What the stream would tell, while there is none. */
every(STEP, async () => {
  if (connection[0] === "live") return;
  const [sample, found] = await Promise.all([asking("api/performance-metrics"), asking("api/exchanges")]);
  ahead = Date.parse(sample.timestamp) / 1_000 - Date.now() / 1_000;
  isPolling = connection[0] !== "live";
  takePerformance(sample);
  exchanges.clear();
  for (const [exchange, each] of Object.entries(found.exchange_details)) {
    exchanges.set(exchange, { exchange, ...each, missing: reasons(found.missing, `exchange_details.${exchange}.`) });
  }
  soon("exchanges", () => showExchanges(exchanges, history));
});

/** Those reasons whose place begins so, by the rest of it. */
function reasons(missing, place) {
  const found = Object.entries(missing).filter(([at]) => at.startsWith(place));
  return Object.fromEntries(found.map(([at, why]) => [at.slice(place.length), why]));
}

async function asking(path) {
  if (isLocked) throw new LockedError("waiting for the token");
  try {
    return await ask(path);
  } catch (error) {
    if (error instanceof LockedError) lock();
    throw error;
  }
}

/** Asks for the token, and begins again with it. */
async function lock() {
  if (isLocked) return;
  isLocked = true;
  await unlock();
  isLocked = false;
  socket.connect();
}

function refresh() {
  askHistory();
  askOperations();
  askAlerts();
}

document.querySelectorAll("input[name=span]").forEach((input) => input.addEventListener("change", showFigures));
byId("retry").addEventListener("click", () => socket.hurry());
byId("reload").addEventListener("click", () => location.reload());
setInterval(() => soon("connection", showState), 1_000);
setInterval(() => soon("alerts", () => showAlerts(now())), 15_000);
askHistory();
socket.connect();
