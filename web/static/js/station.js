// One station, live: the verdict in huge words, the picture, the figures and
// the scores over time. The same parts make the full view and the card.
import { h, put, say, hide } from "./dom.js";
import { text } from "./text.js";
import { get } from "./api.js";
import { shape, word, badge, kinds } from "./verdicts.js";
import { look } from "./picture.js";
import { scoreChart } from "./scorechart.js";
import { notPassed } from "./notpassed.js";
import * as format from "./format.js";

const points = 160;      // verdicts in the trend of the full view
const pointsCard = 60;   // and of a card

// stationPanel shows one station: full fills the view, else it is a card that
// leads to it.
export function stationPanel(name, full, open) {
  const call = callSign();
  const picture = pictures(full);
  const figures = counts();
  const trend = trendOf(full ? points : pointsCard, full ? open : null);
  const strip = full ? notPassed(name, open) : null;
  const how = h("span", { class: "soft" });
  const title = h("div", { class: "title" }, full ? h("span", { class: "name" }, h("h1", null, name), how) : [h("h2", null, name), how]);
  const node = full
    ? h("section", { class: "focus", "aria-label": `${text.station} ${name}` }, title,
      h("div", { class: "left ages" }, picture.node),
      h("div", { class: "right ages" }, call.node, figures.node, strip.node, trend.node))
    : h("a", { class: "card", href: `#/station/${name}` }, picture.node, title, call.node, figures.node, trend.node);

  get(`/api/stations/${name}/scores`, { last: full ? points : pointsCard }).then((r) => trend.fill(r.scores)).catch(() => {});

  let newest = "";
  function verdict(ev) {
    if (ev.verdict.id === newest) return;
    newest = ev.verdict.id;
    call.show(ev.verdict);
    picture.show(ev);
    figures.show(ev.counts);
    trend.add(ev.verdict);
    strip?.add(ev.verdict);
  }
  function state(st) {
    say(how, st.ready ? text.live.running : st.starting ? text.live.starting : text.live.notReady);
    figures.show(st.counts, st.rate);
    if (st.last) verdict(st.last);
    if (!st.ready) idle(st);
    else if (call.wake()) picture.look.bare();
  }
  // idle covers the last verdict: nobody may take it for that of the part now there.
  function idle(st) {
    if (st.starting) return call.rest(text.live.starting, text.live.loading);
    call.rest(st.paused ? text.live.pausedWord : text.live.notReady, st.why);
    picture.look.message(text.picture.old, true);
  }
  return { node, title, look: picture.look, verdict, state, close() { trend.close(); strip?.close(); picture.look.close(); } };
}

// callSign is the verdict itself.
function callSign() {
  const sign = h("span"), said = h("span", { class: "word" }, "…"), facts = h("p", { class: "facts" }, text.live.waiting);
  const node = h("div", { class: "call no_read" }, sign, said, facts);
  let last = null, resting = "";
  function rest(what, why) {
    if (resting === what + why) return;
    resting = what + why;
    node.className = "call no_read idle";
    put(sign, shape("no_read"));
    say(said, what);
    put(facts, h("span", { class: "why" }, why));
  }
  function wake() {
    if (!resting || !last) return false;
    show(last);
    return true;
  }
  function show(v) {
    last = v;
    resting = "";
    node.className = `call ${v.verdict}`;
    put(sign, shape(v.verdict));
    say(said, word(v.verdict));
    put(facts,
      v.score !== null && h("span", null, `${text.live.score} `, h("b", null, format.score(v.score))),
      v.score !== null && v.threshold !== null && h("span", null, `${text.live.threshold} `, h("b", null, format.score(v.threshold))),
      v.verdict === "no_read" && h("span", { class: "why" }, text.reason[v.reason] ?? v.reason, v.detail && `: ${v.detail}`),
      h("span", null, v.trigger?.part ? `${text.live.part} ${v.trigger.part}, ` : "", format.time(v.time.decided)),
      !v.durable && h("span", { class: "why" }, text.live.notDurable));
  }
  return { node, show, rest, wake };
}

// pictures loads one picture at a time, the newest next: a slow network shows
// fewer, never older ones.
function pictures(full) {
  const l = look();
  let busy = false, next = null;
  async function show(ev) {
    next = ev;
    l.node.classList.add("late");
    if (busy) return;
    busy = true;
    let there = false;
    while (next) {
      const now = next;
      next = null;
      there = await one(now);
    }
    if (there) l.node.classList.remove("late");
    busy = false;
  }
  // one resolves to whether what is seen is of this verdict.
  async function one({ verdict: v, view }) {
    if (v.verdict === "no_read" && !view) {
      l.message(text.reason[v.reason] ?? v.reason, true);
      return true;
    }
    if (!view) return false; // they come too fast: the one before stays, dimmed
    const described = text.picture.described(word(v.verdict), v.regions.length);
    const map = full || v.verdict !== "pass" ? view.map : null;
    return l.show({ ...view, id: v.id, picture: full ? view.picture : view.thumb, map, regions: v.regions, label: described });
  }
  return { node: l.node, look: l, show };
}

function counts() {
  const figures = Object.fromEntries([...kinds, "rate"].map((k) => [k, h("dd", null, format.none)]));
  const node = h("dl", { class: "counts" },
    kinds.map((k) => h("div", null, h("dt", null, badge(k)), figures[k])),
    h("div", null, h("dt", null, text.live.rate), figures.rate));
  function show(c, rate) {
    for (const k of kinds) say(figures[k], format.count(c[k]));
    if (rate !== undefined) say(figures.rate, rate >= 10 ? format.count(Math.round(rate)) : rate.toFixed(1));
  }
  return { node, show };
}

function trendOf(most, open) {
  const chart = scoreChart(open);
  const title = h("p", { class: "soft" });
  const node = h("div", { class: "trend panel" }, title, chart.node);
  let ring = [];
  function show() {
    ring = ring.slice(-most);
    say(title, text.live.trend(ring.length));
    chart.show(ring);
    hide(title, !open || ring.length === 0);
  }
  const point = (id, at, v) => ({ id, at: Date.parse(at), verdict: v.verdict, score: v.score, threshold: v.threshold, review: v.review });
  hide(title, true);
  return {
    node, close: chart.close,
    fill(scores) {
      const known = new Set(scores.map((s) => s.id));
      ring = [...scores.map((s) => point(s.id, s.time, s)), ...ring.filter((p) => !known.has(p.id))];
      show();
    },
    add(v) { ring.push(point(v.id, v.time.decided, v)); show(); },
  };
}
