// Short messages: on the screen for a while, and to screen readers.
import { h, say } from "./dom.js";

const stay = 3500, stayBad = 8000; // ms
let shown = null;

export function toast(words, bad = false) {
  shown?.remove();
  const node = h("div", { class: `toast${bad ? " bad" : ""}`, role: bad ? "alert" : "status" }, words);
  shown = node;
  document.body.append(node);
  setTimeout(() => node.remove(), bad ? stayBad : stay);
}

// failed shows why something did not work.
export function failed(err) {
  if (err.name !== "AbortError") toast(err.message, true);
}

const pause = 4000; // ms between two announcements: a line of two parts a second would never fall silent
let last = 0, before = "";

// announce tells screen readers of a verdict that differs from the one before.
export function announce(kind, words) {
  const now = Date.now();
  if (kind === before || now - last < pause) return;
  last = now;
  before = kind;
  say(document.getElementById("said"), words);
}
