// A line as small as a word.

import { setAttribute } from "./dom.js";

const [WIDTH, HEIGHT, EDGE] = [100, 28, 2];

const STEADY = 0.2; // what differs by less than this share is drawn as almost even

/** The path of values from left to right, as high as they differ; a gap where one is null. */
export function path(values, hasZero = false) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return "";
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const room = Math.max(0, (Math.abs(least + most) / 2) * STEADY - (most - least)) / 2;
  const [low, high] = hasZero ? [Math.min(0, least), most] : [least - room, most + room];
  const scale = high > low ? (HEIGHT - 2 * EDGE) / (high - low) : 0;
  let [text, isDown] = ["", false];
  values.forEach((value, place) => {
    if (value !== null) {
      const x = (place / (values.length - 1)) * WIDTH;
      const y = scale ? HEIGHT - EDGE - (value - low) * scale : HEIGHT / 2;
      text += `${isDown ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    }
    isDown = value !== null;
  });
  return text;
}

/** Draws them as the path of an `svg`. */
export function draw(svg, values, hasZero) {
  setAttribute(svg.firstElementChild, "d", path(values, hasZero));
}
