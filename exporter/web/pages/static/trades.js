// The newest trades.

import { decimal, decimals, dollars, moment } from "./format.js";
import { byId, icon, make, setHidden, setText } from "./dom.js";

const SHOWN = 15;

let trades = []; // the newest first
const rows = new Map(); // by trade

const keyOf = ({ exchange, account, symbol, trade_id: id }) => `${exchange} ${account} ${symbol} ${id}`;

/** Takes what the stream tells, in the order in which it came. */
export function takeTrades(items, isAll) {
  const newest = items.slice(-SHOWN).reverse();
  const keys = new Set(newest.map(keyOf));
  const before = isAll ? [] : trades.filter((each) => !keys.has(keyOf(each)));
  trades = [...newest, ...before].slice(0, SHOWN);
}

/** Says whether they come as they happen: nothing but the stream has them. */
export function showTradesState(isLive) {
  setText(byId("trades-state"), isLive ? "the newest first" : "not live: trades come over the WebSocket alone");
  byId("trades-state").classList.toggle("off", !isLive);
}

/** Shows them; rows that are there already stay. */
export function showTrades() {
  setHidden(byId("no-trades"), trades.length > 0);
  setText(byId("no-trades"), "No trade yet.");
  setHidden(byId("trades").closest("table"), trades.length === 0);
  const keys = trades.map(keyOf);
  for (const key of rows.keys()) if (!keys.includes(key)) rows.delete(key);
  trades.forEach((trade, place) => {
    if (!rows.has(keys[place])) rows.set(keys[place], row(trade));
  });
  const shown = keys.map((key) => rows.get(key));
  const [prices, quantities] = [most("price"), most("quantity")];
  trades.forEach((trade, place) => fill(shown[place], trade, prices, quantities));
  const wanted = shown.map(({ node }) => node);
  const body = byId("trades");
  const isSame = wanted.length === body.children.length && wanted.every((each, place) => each === body.children[place]);
  if (!isSame) body.replaceChildren(...wanted);
}

/** The most decimals of a figure by symbol, so that those of one symbol stand below each other. */
function most(figure) {
  const found = new Map();
  for (const { symbol, [figure]: text } of trades) {
    found.set(symbol, Math.max(found.get(symbol) ?? 0, decimals(String(text))));
  }
  return found;
}

/** What changes with the day, and with the other trades. */
function fill({ at, price, quantity }, trade, prices, quantities) {
  setText(at, moment(trade.ts));
  setText(price, decimal(trade.price, prices.get(trade.symbol)));
  setText(quantity, decimal(trade.quantity, quantities.get(trade.symbol)));
}

function row(trade) {
  const word = make("span", { class: "word" }, trade.side);
  const side = make("span", { class: `side ${trade.side}` }, icon(trade.side), word);
  const cell = (name, ...content) => make("td", { class: name }, ...content);
  const at = make("th", { scope: "row", class: "number" });
  const [price, quantity] = [cell("number"), cell("number")];
  const node = make(
    "tr",
    {},
    at,
    cell("symbol", trade.symbol, make("span", { class: "narrow-only" }, trade.exchange)),
    cell("", side),
    price,
    quantity,
    cell("number wider", value(trade)),
    cell("wide-only", trade.exchange),
    cell("wide-only", trade.account),
    cell("wide-only", trade.strategy),
    cell("wider", trade.liquidity === "unknown" ? "" : trade.liquidity),
  );
  return { node, at, price, quantity };
}

/** What it was worth where the quote currency is a dollar; contracts have sizes of their own. */
function value({ symbol, price, quantity }) {
  return /\/USD[TC]?$/.test(symbol) ? dollars(Number(price) * Number(quantity)) : "";
}
