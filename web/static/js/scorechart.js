// Scores against their threshold over time, on a logarithmic axis: a good part
// at 0.1 and a gross defect at 2 belong into one picture.
import { h } from "./dom.js";
import { text } from "./text.js";
import * as format from "./format.js";

const pad = { left: 46, right: 12, top: 10, bottom: 22 };
const reach = 22; // pixels around a point that still mean it

// scoreChart makes a chart; open is called with the id of a point that is tapped.
export function scoreChart(open) {
  const canvas = h("canvas", { class: "chart", role: "img" });
  let points = [];
  let due = false;

  function show(verdicts) {
    points = verdicts;
    canvas.setAttribute("aria-label", summary(points));
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; draw(canvas, points); });
  }

  canvas.addEventListener("click", (e) => {
    const at = nearest(canvas, points, e.offsetX, e.offsetY);
    if (at) open?.(at.id);
  });
  const again = () => show(points);
  const size = new ResizeObserver(again);
  size.observe(canvas);
  addEventListener("faird:light", again);
  return {
    node: h("div", { class: "plot" }, canvas), show,
    close() { size.disconnect(); removeEventListener("faird:light", again); },
  };
}

function summary(points) {
  const judged = points.filter((p) => p.score !== null);
  if (judged.length === 0) return text.chart.empty;
  const last = judged.at(-1);
  const above = judged.filter((p) => p.threshold !== null && p.score >= p.threshold).length;
  return text.chart.summary(judged.length, above, format.score(last.score), format.score(last.threshold));
}

// layout maps time and score to pixels.
function layout(canvas, points) {
  const w = canvas.clientWidth, ht = canvas.clientHeight;
  const judged = points.filter((p) => p.score !== null && p.score > 0);
  const values = judged.flatMap((p) => (p.threshold ? [p.score, p.threshold] : [p.score]));
  const low = Math.log(Math.min(...values, Infinity) / 1.25), high = Math.log(Math.max(...values, 0) * 1.25);
  const from = points.length ? points[0].at : 0, to = points.length ? points.at(-1).at : 1;
  return {
    w, ht, low, high, from, to, judged,
    x: (t) => pad.left + ((t - from) / Math.max(1, to - from)) * (w - pad.left - pad.right),
    y: (v) => ht - pad.bottom - ((Math.log(v) - low) / (high - low)) * (ht - pad.top - pad.bottom),
  };
}

function draw(canvas, points) {
  const l = layout(canvas, points);
  if (l.w === 0) return;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(l.w * ratio);
  canvas.height = Math.round(l.ht * ratio);
  const c = canvas.getContext("2d");
  c.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name).trim();
  c.font = `500 13px ${colour("--body")}`;
  if (l.judged.length === 0) {
    c.fillStyle = colour("--soft");
    c.font = `500 18px ${colour("--body")}`;
    c.textAlign = "center";
    c.fillText(text.chart.empty, l.w / 2, l.ht / 2);
    return;
  }
  grid(c, l, colour);
  limit(c, l, colour, "threshold", []);
  limit(c, l, colour, "review", [3, 4]);
  for (const p of points) mark(c, l, p, colour);
}

// grid draws the lines 1, 2, 5 of each decade, and the times of both ends.
function grid(c, l, colour) {
  c.strokeStyle = colour("--line");
  c.fillStyle = colour("--soft");
  c.lineWidth = 0.5;
  c.textAlign = "right";
  c.textBaseline = "middle";
  let above = Infinity;
  for (let e = Math.floor(l.low / Math.LN10); e <= Math.ceil(l.high / Math.LN10); e++) {
    for (const m of [1, 2, 5]) {
      const v = m * 10 ** e, y = l.y(v);
      if (Math.log(v) < l.low || Math.log(v) > l.high || above - y < 18) continue;
      above = y;
      c.beginPath(); c.moveTo(pad.left, y); c.lineTo(l.w - pad.right, y); c.stroke();
      c.fillText(v >= 1 ? String(m * 10 ** e) : v.toFixed(Math.max(0, -e)), pad.left - 6, y);
    }
  }
  c.textBaseline = "alphabetic";
  c.textAlign = "left";
  c.fillText(format.time(l.from), pad.left, l.ht - 5);
  c.textAlign = "right";
  c.fillText(format.time(l.to), l.w - pad.right, l.ht - 5);
}

// limit is a threshold as it was at each verdict, in steps.
function limit(c, l, colour, which, dash) {
  c.strokeStyle = colour(which === "threshold" ? "--ink" : "--review-ink");
  c.lineWidth = 2;
  c.setLineDash(dash);
  c.beginPath();
  let last = null;
  for (const p of l.judged) {
    const v = p[which];
    if (!v) { last = null; continue; }
    if (last === null) c.moveTo(l.x(p.at), l.y(v));
    else { c.lineTo(l.x(p.at), l.y(last)); c.lineTo(l.x(p.at), l.y(v)); }
    last = v;
  }
  c.stroke();
  c.setLineDash([]);
}

function mark(c, l, p, colour) {
  const x = l.x(p.at), r = 3.5;
  c.lineWidth = 2.4;
  if (p.score === null || p.score <= 0) {
    c.strokeStyle = colour("--soft");
    c.beginPath(); c.moveTo(x, l.ht - pad.bottom - 8); c.lineTo(x, l.ht - pad.bottom); c.stroke();
    return;
  }
  const y = l.y(p.score);
  c.beginPath();
  if (p.verdict === "fail") {
    c.strokeStyle = colour("--fail-mark");
    c.moveTo(x - r - 1, y - r - 1); c.lineTo(x + r + 1, y + r + 1); c.moveTo(x + r + 1, y - r - 1); c.lineTo(x - r - 1, y + r + 1);
    c.stroke();
  } else if (p.verdict === "review") {
    c.fillStyle = colour("--review-mark");
    c.strokeStyle = colour("--review-ink");
    c.lineWidth = 1.2;
    c.moveTo(x, y - r - 2); c.lineTo(x + r + 2, y); c.lineTo(x, y + r + 2); c.lineTo(x - r - 2, y);
    c.closePath();
    c.fill();
    c.stroke();
  } else {
    c.fillStyle = colour("--pass-mark");
    c.arc(x, y, r, 0, 2 * Math.PI);
    c.fill();
  }
}

function nearest(canvas, points, px, py) {
  const l = layout(canvas, points);
  let best = null, least = reach;
  for (const p of points) {
    const y = p.score > 0 ? l.y(p.score) : l.ht - pad.bottom;
    const d = Math.hypot(l.x(p.at) - px, y - py);
    if (d < least) { least = d; best = p; }
  }
  return best;
}
