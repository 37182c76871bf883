// The newest trades.

import { decimal, dollars, time } from "./format.js";
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
  const wanted = keys.map((key) => rows.get(key));
  const body = byId("trades");
  const isSame = wanted.length === body.children.length && wanted.every((each, place) => each === body.children[place]);
  if (!isSame) body.replaceChildren(...wanted);
}

function row(trade) {
  const word = make("span", { class: "word" }, trade.side);
  const side = make("span", { class: `side ${trade.side}` }, icon(trade.side), word);
  const cell = (name, ...content) => make("td", { class: name }, ...content);
  return make(
    "tr",
    {},
    make("th", { scope: "row", class: "number" }, time(trade.ts)),
    cell("", trade.symbol),
    cell("", side),
    cell("number", decimal(trade.price)),
    cell("number", decimal(trade.quantity)),
    cell("number wider", value(trade)),
    cell("wide-only", trade.exchange),
    cell("wide-only", trade.account),
    cell("wide-only", trade.strategy),
    cell("wider", trade.liquidity === "unknown" ? "" : trade.liquidity),
  );
}

/** What it was worth where the quote currency is a dollar; contracts have sizes of their own. */
function value({ symbol, price, quantity }) {
  return /\/USD[TC]?$/.test(symbol) ? dollars(Number(price) * Number(quantity)) : "";
}
