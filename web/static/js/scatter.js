// Scores of two models against each other, each as a share of its own threshold,
// on logarithmic axes: right of the upright line the model in force fails a part,
// above the level one the model in shadow does.
import { h } from "./dom.js";
import { text } from "./text.js";

const foot = 26, side = 30; // pixels for the axes
const least = 0.05, most = 20;

export function scatter() {
  const canvas = h("canvas", { class: "chart scatter", role: "img" });
  let args = null;
  const again = () => { if (args) draw(canvas, ...args); };
  const size = new ResizeObserver(again);
  size.observe(canvas);
  addEventListener("faird:light", again);
  return {
    node: h("div", { class: "plot" }, canvas),
    show(points, threshold, shadowThreshold) {
      const known = threshold && shadowThreshold ? points.filter((p) => p.shadow_score !== null) : [];
      args = [known.map((p) => ({ x: p.score / threshold, y: p.shadow_score / shadowThreshold, same: p.verdict === p.shadow, kind: p.shadow }))];
      canvas.setAttribute("aria-label", text.models.plotted(known.length, known.filter((p) => p.verdict !== p.shadow).length));
      again();
    },
    close() { size.disconnect(); removeEventListener("faird:light", again); },
  };
}

function draw(canvas, points) {
  const w = canvas.clientWidth - side, ht = canvas.clientHeight - foot, ratio = window.devicePixelRatio || 1;
  if (w <= 0) return;
  canvas.width = Math.round((w + side) * ratio);
  canvas.height = Math.round((ht + foot) * ratio);
  const c = canvas.getContext("2d"), style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name).trim();
  c.scale(ratio, ratio);
  const all = points.flatMap((p) => [p.x, p.y]);
  const low = Math.max(least, Math.min(0.5, ...all) / 1.15), high = Math.min(most, Math.max(2, ...all) * 1.15);
  const share = (v) => Math.log(Math.min(high, Math.max(low, v)) / low) / Math.log(high / low);
  const x = (v) => side + share(v) * w, y = (v) => ht - share(v) * ht;
  c.strokeStyle = colour("--line");
  c.strokeRect(side, 0.5, w - 1, ht);
  c.beginPath(); c.setLineDash([4, 6]); c.moveTo(x(low), y(low)); c.lineTo(x(high), y(high)); c.stroke();
  c.setLineDash([]);
  c.strokeStyle = colour("--ink");
  c.lineWidth = 2;
  c.beginPath(); c.moveTo(x(1), 0); c.lineTo(x(1), ht); c.moveTo(side, y(1)); c.lineTo(side + w, y(1)); c.stroke();
  for (const p of points.filter((q) => q.same)) dot(c, x(p.x), y(p.y), colour(`--${p.kind}-mark`));
  for (const p of points.filter((q) => !q.same)) cross(c, x(p.x), y(p.y), colour("--ink"));
  axes(c, colour, { x, y, w, ht });
}

function dot(c, x, y, colour) {
  c.fillStyle = colour;
  c.globalAlpha = 0.7;
  c.beginPath(); c.arc(x, y, 3.5, 0, 2 * Math.PI); c.fill();
  c.globalAlpha = 1;
}

function cross(c, x, y, colour) {
  c.strokeStyle = colour;
  c.lineWidth = 2.5;
  c.beginPath(); c.moveTo(x - 6, y - 6); c.lineTo(x + 6, y + 6); c.moveTo(x + 6, y - 6); c.lineTo(x - 6, y + 6); c.stroke();
}

function axes(c, colour, { x, y, w, ht }) {
  c.fillStyle = colour("--soft");
  c.font = `500 15px ${colour("--body")}`;
  c.textAlign = "center";
  c.fillText("1", x(1), ht + 17);
  c.textAlign = "right";
  c.fillText(text.models.inForce, side + w, ht + 17);
  c.fillText("1", side - 6, y(1) + 5);
  c.save();
  c.translate(18, 0);
  c.rotate(-Math.PI / 2);
  c.fillText(text.models.inShadow, 0, 0);
  c.restore();
}
