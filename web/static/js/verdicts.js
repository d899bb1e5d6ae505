// A verdict for the eye: word, shape and colour, each enough alone.
import { h, s } from "./dom.js";
import { text } from "./text.js";

export const kinds = ["pass", "fail", "review", "no_read"];

// Drawn on a field of 24 x 24.
const outlines = {
  pass: () => [s("circle", { cx: 12, cy: 12, r: 11 }), s("path", { class: "mark", d: "M6.2 12.6l4 4 7.6-8.6" })],
  fail: () => [s("path", { d: "M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z" }), s("path", { class: "mark", d: "M7.4 7.4l9.2 9.2M16.6 7.4l-9.2 9.2" })],
  review: () => [s("path", { d: "M12 .4L23.6 12 12 23.6.4 12z" }), s("path", { class: "mark", d: "M9.2 9.6c0-3.8 5.8-3.8 5.8 0 0 2.4-2.9 2.3-2.9 4.8M12.1 17.2v.3" })],
  no_read: () => [s("rect", { x: 1.5, y: 1.5, width: 21, height: 21, class: "dashed" }), s("path", { class: "mark", d: "M6.5 12h11" })],
};

// shape is the sign of a verdict; it is decoration beside the word.
export function shape(kind) {
  return s("svg", { viewBox: "0 0 24 24", class: `shape ${kind}`, "aria-hidden": "true" }, (outlines[kind] ?? outlines.no_read)());
}

export function word(kind) {
  return text.verdict[kind] ?? kind;
}

// badge is shape and word in one line.
export function badge(kind) {
  return h("span", { class: `badge ${kind}` }, shape(kind), h("span", null, word(kind)));
}

// judge applies thresholds as verdict.Judge does.
export function judge(score, threshold, review) {
  if (score < threshold && (review === null || score < review)) return "pass";
  return score < threshold ? "review" : "fail";
}
