// Values as people read them. What is not known is `NONE`.

export const NONE = "no data";

const formats = new Map();

function format(value, options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat("en", options));
  return signed(formats.get(key).format(value));
}

const isZero = (text) => !/[1-9]/.test(text);

/** With a real minus sign, and none before what is zero as it is written. */
const signed = (text) => text.replace("-", isZero(text) ? "" : "\u2212");

const isKnown = (value) => typeof value === "number" && Number.isFinite(value);

/** A number with as many decimals as make three digits, and no more than `most`. */
export function number(value, most = 2) {
  if (!isKnown(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 100_000) return format(value, { notation: "compact", maximumFractionDigits: 2 });
  const decimals = Math.min(most, size >= 100 ? 0 : size >= 10 ? 1 : 2);
  return format(value, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** The same without zeros at its end, for what somebody chose. */
export const plain = (value) => format(value, { maximumFractionDigits: 2 });

/** A share in percent, given as percent. */
export const percent = (value) => (isKnown(value) ? `${number(value)} %` : NONE);

/** The same of what is up: never more than it was, since the last hundredth is what counts. */
export function uptime(value) {
  if (!isKnown(value)) return NONE;
  const known = Math.floor(Math.round(value * 1e4) / 100) / 100;
  return `${format(known, { minimumFractionDigits: known < 100 ? 2 : 0 })} %`;
}

/** Dollars; cents while they matter. With `hasPlus`, gains have a plus. */
export function dollars(value, hasPlus = false) {
  if (!isKnown(value)) return NONE;
  const size = Math.abs(value);
  const cents = size < 1_000 ? 2 : 0;
  const text = size >= 1_000_000
    ? format(size, { notation: "compact", minimumFractionDigits: 2, maximumFractionDigits: 2 })
    : format(size, { minimumFractionDigits: cents, maximumFractionDigits: cents });
  const sign = isZero(text) ? "" : value < 0 ? "\u2212" : hasPlus ? "+" : "";
  return `${sign}$${text}`;
}

const SHORT = [1e12, 1e9, 1e6, 1e3];

/** A tick of an axis, short, with the decimals that tell it from those which are a `step` away. */
export function tick(value, step) {
  const unit = SHORT.find((each) => Math.abs(value) >= each) ?? 1;
  const isWhole = (share) => share > 0.5 && Math.abs(share - Math.round(share)) < 1e-6;
  let places = 0;
  while (places < 9 && !isWhole((step / unit) * 10 ** places)) places += 1;
  return value === 0
    ? "0"
    : format(value, { notation: "compact", minimumFractionDigits: places, maximumFractionDigits: places });
}

const two = (value) => String(value).padStart(2, "0");

/** The time of day, in the reader's zone, of Unix seconds. */
export function time(seconds, withSeconds = true) {
  const at = new Date(seconds * 1000);
  const text = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return withSeconds ? `${text}:${two(at.getSeconds())}` : text;
}

/** The same, after its day unless that is today; `now` is in Unix seconds. */
export function moment(seconds, withSeconds = true, now = Date.now() / 1000) {
  const [at, today] = [seconds, now].map((each) => new Date(each * 1000));
  const text = time(seconds, withSeconds);
  if (at.toDateString() === today.toDateString()) return text;
  const year = at.getFullYear() === today.getFullYear() ? undefined : "numeric";
  const on = at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year });
  return `${on.replaceAll(" ", "\u00a0")} ${text}`;
}

/** The reader's zone at this time, as it differs from UTC by so many minutes. */
export function zone(minutes = -new Date().getTimezoneOffset()) {
  if (minutes === 0) return "UTC";
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? "\u2212" : "+"}${hours}${rest ? `:${two(rest)}` : ""}`;
}

/** A day in the reader's zone. */
export const day = (seconds) =>
  new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** How long something takes or took: its two largest units. */
export function duration(seconds) {
  if (!isKnown(seconds)) return NONE;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`;
}

const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/;
const FARTHEST = 60; // places that the point moves; nothing real needs more

/** Sign, whole and fraction of a decimal, without exponent and zeros at its ends; nothing where it is none. */
function digits(text) {
  const [found, sign, whole, fraction, exponent = "0"] = DECIMAL.exec(text) ?? [];
  const moved = Number(exponent);
  if (!found || !(whole + fraction) || Math.abs(moved) > FARTHEST) return null;
  const before = "0".repeat(Math.max(0, -moved - whole.length));
  const after = "0".repeat(Math.max(0, moved - fraction.length));
  const all = before + whole + fraction + after;
  const point = before.length + whole.length + moved;
  return { sign, whole: all.slice(0, point).replace(/^0+/, ""), fraction: all.slice(point).replace(/0+$/, "") };
}

/** How many decimals it needs. */
export const decimals = (text) => digits(text)?.fraction.length ?? 0;

/** A decimal with all digits as it was sent, its thousands apart, and at `least` so many decimals. */
export function decimal(text, least = 0) {
  const found = digits(String(text));
  if (!found) return String(text);
  const whole = (found.whole || "0").replace(/\B(?=(\d{3})+$)/g, ",");
  const fraction = found.fraction.padEnd(least, "0");
  const written = whole + (fraction && `.${fraction}`);
  return found.sign === "-" && !isZero(written) ? `\u2212${written}` : written;
}
