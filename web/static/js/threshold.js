// The threshold and what another one would have meant: the last verdicts are
// judged anew while the slider moves, before anything changes on the line.
import { h, put, say, hide } from "./dom.js";
import { text } from "./text.js";
import { get, put as send, del, may } from "./api.js";
import { badge, kinds, judge, word } from "./verdicts.js";
import { distribution } from "./distribution.js";
import { shapeTiles } from "./history.js";
import { confirm } from "./confirm.js";
import { toast, failed } from "./messages.js";
import * as format from "./format.js";

const t = text.threshold;
const lasts = [200, 1000, 5000];
const settle = 250; // ms that the slider rests before the box is asked for the pictures
const steps = 1000; // of the slider, which is logarithmic

export function threshold(app, name) {
  const station = name || app.state?.stations[0]?.name;
  const node = h("div", { class: "stack" });
  if (!station) { put(node, h("p", { class: "empty" }, text.history.loading)); return { node, state: app.again }; }
  const leave = new AbortController();
  let force = null, scores = [], last = lasts[1], timer = 0, range = [0.01, 1];
  let wish = { threshold: 0, review: null };

  const slider = h("input", { type: "range", min: 0, max: steps, step: 1, class: "wide", "aria-label": t.fail });
  const number = h("input", { type: "number", step: "any", min: 0, inputmode: "decimal" });
  const band = h("input", { type: "checkbox" });
  const below = h("input", { type: "number", step: "any", min: 0, inputmode: "decimal", "aria-label": t.review, hidden: true });
  const inForce = h("p", { class: "soft" }), flips = h("p", { class: "flips", role: "status" }), table = h("div"), pictures = h("ol", { class: "tiles small" });
  const apply = h("button", { type: "button", class: "main", onclick: ask, disabled: true }, t.apply);
  const clear = h("button", { type: "button", onclick: back, disabled: true }, t.clear);
  const chart = distribution();
  const more = h("p", { class: "soft", hidden: true }, t.only);

  put(node,
    h("div", { class: "head" }, h("div", { class: "lead" }, h("h1", null, t.title), h("p", { class: "soft" }, t.intro)), choice(app, station),
      h("label", null, t.last, h("select", { onchange: (e) => { last = Number(e.target.value); load(); } },
        lasts.map((x) => h("option", { value: x, selected: x === last }, t.verdicts(x)))))),
    h("div", { class: "panel tune" },
      h("div", { class: "now" }, inForce), chart.node, slider,
      h("div", { class: "row" },
        h("button", { type: "button", "aria-label": t.step(-1), title: t.step(-1), onclick: () => nudge(-1) }, "−"),
        h("label", null, t.fail, number),
        h("button", { type: "button", "aria-label": t.step(1), title: t.step(1), onclick: () => nudge(1) }, "+"),
        h("label", { class: "check" }, band, t.useReview), below,
        h("span", { class: "row act" }, may("operator") ? [clear, apply] : [h("span", { class: "soft" }, t.needs), h("button", { type: "button", onclick: app.login }, text.login.enter)]))),
    h("div", { class: "panel outcome" }, flips, table), pictures, more);

  pictures.addEventListener("load", shapeTiles, { capture: true, once: true });
  slider.addEventListener("input", () => set({ ...wish, threshold: fromSlider(Number(slider.value), range) }));
  number.addEventListener("change", () => { if (Number(number.value) > 0) set({ ...wish, threshold: Number(number.value) }); });
  band.addEventListener("change", () => set({ ...wish, review: band.checked ? Number((wish.threshold * 0.8).toPrecision(3)) : null }));
  below.addEventListener("change", () => { if (Number(below.value) > 0) set({ ...wish, review: Number(below.value) }); });

  async function load() {
    try {
      const [f, r] = await Promise.all([
        get(`/api/stations/${station}/threshold`, {}, leave.signal), get(`/api/stations/${station}/scores`, { last: Math.min(last, 5000) }, leave.signal)]);
      force = f;
      scores = r.scores.filter((s) => s.score > 0);
      const none = scores.length === 0 && !(f.threshold > 0);
      for (const c of node.querySelectorAll(".tune input, .tune > .row > button")) c.disabled = none;
      if (none) return nothing();
      const all = [...scores.map((s) => s.score), f.threshold].filter((x) => x > 0);
      range = [Math.min(...all) / 1.2, Math.max(...all) * 1.2];
      set({ threshold: wish.threshold || f.threshold || Math.max(...all), review: wish.threshold ? wish.review : f.review });
    } catch (err) { failed(err); }
  }

  // nothing is in force and nothing was judged: the model is loading, or faulty.
  function nothing() {
    say(inForce, here()?.starting ? text.live.loading : `${t.now}: ${t.from[force.from]}`);
    told(0, 0, tally([]), tally([]));
  }
  const here = () => app.state?.stations.find((s) => s.name === station);

  // set shows at once what the browser can count itself, then asks the box for
  // the exact figures with pictures.
  function set(w) {
    if (w.review !== null && w.review >= w.threshold) w.review = Number((w.threshold * 0.8).toPrecision(3));
    wish = w;
    slider.value = toSlider(w.threshold, range);
    slider.setAttribute("aria-valuetext", format.score(w.threshold));
    if (document.activeElement !== number) number.value = Number(w.threshold.toPrecision(4));
    band.checked = w.review !== null;
    hide(below, w.review === null);
    if (w.review !== null && document.activeElement !== below) below.value = w.review;
    say(inForce, `${t.now}: ${format.score(force.threshold)}, ${t.from[force.from]} ${t.by(force)}`);
    const same = force.threshold === w.threshold && force.review === w.review;
    apply.disabled = same;
    clear.disabled = force.from !== "override";
    chart.show(scores, w, force, range);
    const now = tally(scores, (s) => s.verdict), then = tally(scores, (s) => judge(s.score, w.threshold, w.review));
    const changed = scores.filter((s) => s.verdict !== judge(s.score, w.threshold, w.review)).length;
    told(changed, scores.length, now, then);
    clearTimeout(timer);
    timer = setTimeout(preview, settle);
  }

  function told(changed, of, now, then) {
    say(flips, of === 0 ? t.none : t.flips(changed, of));
    put(table, h("dl", { class: "flip-table" }, kinds.slice(0, 3).map((k) => h("div", null, h("dt", null, badge(k)),
      h("dd", null, h("b", null, format.count(now[k])), now[k] !== then[k] && [" → ", h("b", { class: "changed" }, format.count(then[k]))])))));
  }

  async function preview() {
    const mine = wish;
    try {
      const p = await get(`/api/stations/${station}/threshold/preview`, { threshold: wish.threshold, review: wish.review, last }, leave.signal);
      if (mine !== wish) return;
      told(p.flips, p.considered, p.now, p.then);
      put(pictures, p.flipped.slice(0, 60).map(flipped));
      hide(more, p.flips <= p.flipped.length);
    } catch (err) { failed(err); }
  }

  function nudge(by) { set({ ...wish, threshold: Number((wish.threshold * (by > 0 ? 1.02 : 1 / 1.02)).toPrecision(3)) }); }

  async function ask() {
    const count = scores.filter((s) => s.verdict !== judge(s.score, wish.threshold, wish.review)).length;
    if (!(await confirm(t.confirm(format.score(force.threshold), format.score(wish.threshold)), t.confirmFlips(count), t.apply))) return;
    await change(() => send(`/api/stations/${station}/threshold`, { threshold: wish.threshold, review: wish.review }), t.applied);
  }
  async function back() { await change(() => del(`/api/stations/${station}/threshold`), t.cleared); }
  async function change(act, said) {
    try {
      force = await act();
      set({ threshold: force.threshold, review: force.review });
      toast(said(force.threshold));
    } catch (err) { failed(err); }
  }
  load();
  return {
    node,
    state() { if (slider.disabled && here()?.ready) load(); },
    close() { leave.abort(); clearTimeout(timer); chart.close(); },
  };
}

function choice(app, station) {
  const all = app.state?.stations ?? [];
  return all.length > 1 && h("label", null, text.station, h("select", { onchange: (e) => { location.hash = `#/threshold/${e.target.value}`; } },
    all.map((s) => h("option", { value: s.name, selected: s.name === station }, s.name))));
}

function tally(scores, kindOf) {
  const c = { pass: 0, review: 0, fail: 0 };
  for (const s of scores) c[kindOf(s)]++;
  return c;
}

function flipped(f) {
  return h("li", null, h("a", { href: `#/verdict/${f.id}`, class: `tile ${f.would_be}` },
    h("div", { class: "thumb" }, f.thumb ? h("img", { src: f.thumb, alt: "", loading: "lazy" }) : h("span", null, text.history.noPicture)),
    h("div", { class: "facts" },
      h("span", { class: "top" }, h("s", null, word(f.verdict)), badge(f.would_be), h("b", null, format.score(f.score))),
      f.mark && h("span", { class: "marked" }, f.mark.truth === "good" ? t.markedGood : t.markedDefect))));
}

// The slider is logarithmic: scores are.
function toSlider(v, [low, high]) { return Math.round((Math.log(v / low) / Math.log(high / low)) * steps); }
function fromSlider(x, [low, high]) { return Number((low * (high / low) ** (x / steps)).toPrecision(3)); }
