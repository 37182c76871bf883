// Changes to the page: only what differs, and all of one moment at once.

/** The element of an id. */
export const byId = (id) => document.getElementById(id);

/** A new element: attributes by name, then what is in it. */
export function make(tag, attributes = {}, ...content) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...content);
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the icons that are drawn in the page, which says nothing to those who hear it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets an attribute, or takes it away where there is no value. */
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === "") {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

export function setHidden(node, isHidden) {
  node.toggleAttribute("hidden", isHidden);
}

/** Sets which icon an `svg` shows. */
export const setIcon = (svg, name) => setAttribute(svg.firstElementChild, "href", `#icon-${name}`);

/** A value, or that there is none with the reason as its title. */
export function setValue(node, text, isKnown, why) {
  setText(node, text);
  node.classList.toggle("none", !isKnown);
  setAttribute(node, "title", isKnown ? null : why);
}

const due = new Map();
let frame = 0;

/**
 * Does `work` before the next picture is drawn, once for each `key` whatever came for it meanwhile. Nothing is drawn
 * while the page is hidden: what has to go on then is not for here.
 */
export function soon(key, work) {
  due.set(key, work);
  if (!frame) frame = requestAnimationFrame(flush);
}

function flush() {
  frame = 0;
  const works = [...due.values()];
  due.clear();
  for (const work of works) work();
}

const HEARD_EVERY = 5_000;
const QUEUED = 6; // sentences that may wait; what comes later than that is no news any more
const NAMED = 4;

let said = 0;
let timer = 0;
let queue = []; // {topic, lead, parts: texts by what they are about, isUrgent}

/**
 * Tells those who listen to the page, not more often than one can follow, and what is urgent first. What waits of the
 * same `topic` becomes one sentence after `lead`, with the newest word on each thing that it is `about`.
 */
export function say(text, { topic = text, about = "", lead = "", isUrgent = false } = {}) {
  let entry = queue.find((each) => each.topic === topic);
  if (!entry) queue.push((entry = { topic, lead, parts: new Map(), isUrgent }));
  entry.parts.set(about, text);
  entry.isUrgent ||= isUrgent;
  queue.sort((one, other) => other.isUrgent - one.isUrgent);
  queue = queue.slice(0, QUEUED);
  timer ||= setTimeout(speak, Math.max(100, said + HEARD_EVERY - Date.now()));
}

function speak() {
  said = Date.now();
  setText(byId("said"), sentence(queue.shift()));
  timer = queue.length ? setTimeout(speak, HEARD_EVERY) : 0;
}

function sentence({ lead, parts }) {
  const texts = [...parts.values()];
  const rest = texts.length - NAMED;
  const named = rest > 0 ? [...texts.slice(0, NAMED), `and ${rest} more`] : texts;
  return lead + named.join(", ");
}
