// Values as people read them. What is not known is `NONE`.

export const NONE = "no data";

const formats = new Map();

function format(value, options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat("en", options));
  return formats.get(key).format(value);
}

const isKnown = (value) => typeof value === "number" && Number.isFinite(value);

/** A number with as many decimals as make three digits, and no more than `most`. */
export function number(value, most = 2) {
  if (!isKnown(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 100_000) return format(value, { notation: "compact", maximumFractionDigits: 2 });
  const decimals = Math.min(most, size >= 100 ? 0 : size >= 10 ? 1 : 2);
  return format(value, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "\u2212");
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

/** Dollars; cents while they matter. With `signed`, gains have a plus. */
export function dollars(value, signed = false) {
  if (!isKnown(value)) return NONE;
  const size = Math.abs(value);
  const cents = size < 1_000 ? 2 : 0;
  const text = size >= 1_000_000
    ? format(size, { notation: "compact", minimumFractionDigits: 2, maximumFractionDigits: 2 })
    : format(size, { minimumFractionDigits: cents, maximumFractionDigits: cents });
  const sign = value < 0 ? "\u2212" : signed && value > 0 ? "+" : "";
  return `${sign}$${text}`;
}

/** A tick of an axis: short. */
export const tick = (value) => format(value, { notation: "compact", maximumFractionDigits: 2 }).replace("-", "\u2212");

const two = (value) => String(value).padStart(2, "0");

/** The time of day, in the reader's zone, of Unix seconds. */
export function time(seconds, withSeconds = true) {
  const at = new Date(seconds * 1000);
  const text = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return withSeconds ? `${text}:${two(at.getSeconds())}` : text;
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

/** A decimal as it was sent, without the zeros at its end and with its thousands apart. */
export function decimal(text) {
  const [whole, fraction = ""] = String(text).split(".");
  const rest = fraction.replace(/0+$/, "");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest && `.${rest}`);
}
