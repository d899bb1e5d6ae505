// How the scores lie, on the slider's own logarithmic axis, and where
// thresholds cut them. Counts are drawn as square roots: a few fails beside
// thousands of passes stay visible.
import { h } from "./dom.js";
import { judge } from "./verdicts.js";
import * as format from "./format.js";

const bins = 90;
const foot = 22; // pixels for the axis

export function distribution() {
  const canvas = h("canvas", { class: "chart distribution", "aria-hidden": "true" });
  let args = null;
  const again = () => { if (args) draw(canvas, ...args); };
  const size = new ResizeObserver(again);
  size.observe(canvas);
  addEventListener("faird:light", again);
  return {
    node: h("div", { class: "plot" }, canvas),
    show(...now) { args = now; draw(canvas, ...args); },
    close() { size.disconnect(); removeEventListener("faird:light", again); },
  };
}

function draw(canvas, scores, wish, force, [low, high]) {
  const w = canvas.clientWidth, ht = canvas.clientHeight - foot, ratio = window.devicePixelRatio || 1;
  if (w === 0) return;
  canvas.width = Math.round(w * ratio);
  canvas.height = Math.round((ht + foot) * ratio);
  const c = canvas.getContext("2d"), style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name).trim();
  c.scale(ratio, ratio);
  const share = (v) => Math.log(v / low) / Math.log(high / low);
  const counts = new Array(bins).fill(0);
  for (const s of scores) counts[Math.min(bins - 1, Math.max(0, Math.floor(share(s.score) * bins)))]++;
  const tallest = Math.sqrt(Math.max(...counts, 1));
  counts.forEach((n, i) => {
    if (n === 0) return;
    const kind = judge(low * (high / low) ** ((i + 0.5) / bins), wish.threshold, wish.review);
    const height = Math.max(3, (Math.sqrt(n) / tallest) * (ht - 26));
    c.fillStyle = colour(`--${kind}-mark`);
    c.fillRect((i / bins) * w, ht - height, w / bins - 1, height);
  });
  axis(c, colour, { w, ht, low, high, share });
  if (wish.review !== null) cut(c, colour("--review-ink"), share(wish.review) * w, ht, [], "");
  if (force.threshold !== wish.threshold && force.threshold) cut(c, colour("--soft"), share(force.threshold) * w, ht, [5, 4], "");
  cut(c, colour("--ink"), share(wish.threshold) * w, ht, [], format.score(wish.threshold), w, colour("--loud"));
}

function axis(c, colour, { w, ht, low, high, share }) {
  c.strokeStyle = colour("--line");
  c.fillStyle = colour("--soft");
  c.font = `500 14px ${colour("--body")}`;
  c.textAlign = "center";
  c.lineWidth = 1;
  c.beginPath(); c.moveTo(0, ht + 0.5); c.lineTo(w, ht + 0.5); c.stroke();
  let before = -100;
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
    for (const m of [1, 2, 5]) {
      const v = m * 10 ** e, x = share(v) * w;
      if (v < low || v > high || x - before < 44 || x < 14 || x > w - 14) continue;
      before = x;
      c.fillText(e < 0 ? v.toFixed(-e) : String(v), x, ht + 17);
    }
  }
}

function cut(c, colour, x, ht, dash, label, w, font) {
  c.strokeStyle = colour;
  c.lineWidth = 3;
  c.setLineDash(dash);
  c.beginPath(); c.moveTo(x, label ? 22 : 30); c.lineTo(x, ht); c.stroke();
  c.setLineDash([]);
  if (!label) return;
  c.fillStyle = colour;
  c.font = `700 21px ${font}`;
  c.textAlign = x > w - 40 ? "right" : x < 40 ? "left" : "center";
  c.fillText(label, x, 17);
}
