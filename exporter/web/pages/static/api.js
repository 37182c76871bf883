// Questions to the HTTP API, with the token where there is one.

const KEY = "token";
const LONGEST = 8_000; // ms

let kept = null; // where the browser keeps nothing

/** The token that was given, until this tab is closed; it is never part of an address. */
export function token() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return kept;
  }
}

export function setToken(value) {
  kept = value;
  try {
    if (value) sessionStorage.setItem(KEY, value);
    else sessionStorage.removeItem(KEY);
  } catch {
    // it is kept for this page alone
  }
}

/** No token, or a wrong one. */
export class LockedError extends Error {}

/** Not to be answered under this name; the exporter says why. */
export class RefusedError extends Error {}

/** The answer to a `GET` as JSON; without one an error. */
export async function ask(path, given = token()) {
  const headers = given ? { Authorization: `Bearer ${given}` } : {};
  const response = await fetch(path, { headers, signal: AbortSignal.timeout(LONGEST) });
  if (response.status === 401) throw new LockedError("a token is needed");
  if (response.status === 403) throw new RefusedError(await reason(response));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** What the exporter says to a refusal, which may as well be one of a proxy before it. */
async function reason(response) {
  const { message } = await response.json().catch(() => ({}));
  return message || "it gives no reason (403)";
}

/**
 * Calls `work` again and again, never twice at once; gives what calls it at once. Only with `whileHidden` it goes on
 * when nobody sees the page.
 */
export function every(seconds, work, whileHidden = false) {
  let isBusy = false;
  const turn = async () => {
    if (isBusy || (document.hidden && !whileHidden)) return;
    isBusy = true;
    await work().catch((error) => console.debug(error.message));
    isBusy = false;
  };
  setInterval(turn, seconds * 1_000);
  document.addEventListener("visibilitychange", turn);
  return turn;
}

/** The address of the streams, beside that of this page. */
export function streams() {
  const address = new URL("ws", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  return address;
}
