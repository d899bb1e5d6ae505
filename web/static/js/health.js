// The state of camera, model, broker, outbox and disk in plain words, and what
// to do where one of them needs a hand.
import { h, s, put } from "./dom.js";
import { text } from "./text.js";
import * as format from "./format.js";

const t = text.health;
const inFlight = 50; // verdicts that wait although all is well, on a fast line
const old = 10000;   // ms from which a waiting verdict is late

// findings are {name, level: good | warn | bad, words, hint} of a state, with the
// camera and model of one station.
export function findings(state, station) {
  return [...(station ? [camera(station), model(station)] : []), broker(state), outbox(state), disk(state)];
}

function finding(name, level, words, hint = "", more = "") {
  return { name, level, words, hint, more };
}

function camera(st) {
  if (st.starting) return finding(t.camera, "warn", t.soon);
  const c = st.camera, drift = st.drift?.find((d) => d.what === "brightness");
  if (!c.connected) return finding(t.camera, "bad", t.cameraBad(since(c.since)), t.cameraHint, c.error);
  if (drift) return finding(t.camera, "warn", drift.value > drift.high ? t.brighter : t.darker, t.brightnessHint);
  return finding(t.camera, "good", t.cameraGood(c));
}

function model(st) {
  if (st.starting) return finding(t.model, "warn", t.modelLoading);
  if (st.paused) return finding(t.model, "warn", st.why, t.pausedHint);
  if (!st.ready && st.camera.connected) return finding(t.model, "bad", t.modelBad, t.modelHint, st.why);
  const drift = st.drift?.find((d) => d.what === "score");
  if (drift) return finding(t.model, "warn", drift.value > drift.high ? t.scoresRise(drift) : t.scoresFall(drift), drift.value > drift.high ? t.riseHint : t.fallHint);
  return finding(t.model, "good", t.modelGood(format.shortHash(st.model), st.provider));
}

function broker(state) {
  const b = state.broker;
  if (!b.connected && !b.error && state.stations.some((st) => st.starting)) return finding(t.broker, "warn", t.soon);
  return b.connected
    ? finding(t.broker, "good", t.brokerGood(b))
    : finding(t.broker, "bad", t.brokerBad(since(b.since)), t.brokerHint, b.error);
}

function outbox(state) {
  const o = state.outbox, age = o.oldest ? Date.now() - new Date(o.oldest) : 0;
  if (o.dropped > 0) return finding(t.outbox, "bad", t.outboxDropped(o.dropped), t.outboxDroppedHint);
  if (o.rows === 0) return finding(t.outbox, "good", t.outboxEmpty);
  if (state.broker.connected && o.rows <= inFlight && age < old) return finding(t.outbox, "good", t.outboxSome(o.rows));
  return finding(t.outbox, "warn", t.outboxMany(o.rows, format.span(age)), t.outboxHint);
}

function disk(state) {
  const free = format.bytes(state.disk.free);
  if (state.store.error) return finding(t.disk, "bad", t.diskFull, t.diskHint, state.store.error);
  if (state.archive.error) return finding(t.disk, "warn", t.diskPictures, t.diskHint, state.archive.error);
  if (state.disk.free < state.disk.floor) return finding(t.disk, "warn", t.diskLow(free), t.diskHint);
  return finding(t.disk, "good", t.diskGood(free));
}

function since(iso) {
  return iso ? format.span(Date.now() - new Date(iso)) : "";
}

const signs = {
  good: () => s("path", { d: "M3 10l4 4 9-10", fill: "none", stroke: "currentColor", "stroke-width": 2.6 }),
  warn: () => s("path", { d: "M9.5 1L19 18H0zM9.5 6v6M9.5 13.5v2.4", fill: "none", stroke: "currentColor", "stroke-width": 2 }),
  bad: () => s("path", { d: "M2 2l15 15M17 2L2 17", fill: "none", stroke: "currentColor", "stroke-width": 3.2 }),
};

// healthStrip shows findings; it redraws only what changed.
export function healthStrip() {
  const node = h("dl", { class: "health ages", "aria-label": t.title });
  let shown = "";
  function show(list) {
    const now = JSON.stringify(list);
    if (now === shown) return;
    shown = now;
    node.classList.toggle("four", list.length < 5);
    put(node, list.map((f) => h("div", { class: f.level },
      h("dt", null, s("svg", { viewBox: "0 0 19 19", "aria-hidden": "true" }, signs[f.level]()), f.name),
      h("dd", null, f.words, f.more && h("div", { class: "hint" }, f.more), f.hint && h("div", { class: "hint" }, f.hint)))));
  }
  return { node, show };
}
