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

/** Does `work` before the next picture is drawn, once for each `key` whatever came for it meanwhile. */
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
let said = 0;
let waiting = null;

/** Tells those who listen to the page: the newest sentence, and not more often than one can follow. */
export function say(sentence) {
  const isFirst = waiting === null;
  waiting = sentence;
  if (isFirst) setTimeout(speak, Math.max(100, said + HEARD_EVERY - Date.now()));
}

function speak() {
  said = Date.now();
  setText(byId("said"), waiting);
  waiting = null;
}
