// The model in force and a second one in shadow: how far they agree, where they
// do not, and the way to put the second in force and back.
import { h, put } from "./dom.js";
import { text } from "./text.js";
import { get, put as send, post, del, may } from "./api.js";
import { badge, word } from "./verdicts.js";
import { scatter } from "./scatter.js";
import { shapeTiles } from "./history.js";
import { confirm } from "./confirm.js";
import { toast, failed } from "./messages.js";
import * as format from "./format.js";

const t = text.models;
const lookEvery = 3000; // ms between two looks at what the shadow said
const tilesShown = 12;  // of each kind of flip

export function models(app, name) {
  const station = name || app.state?.stations[0]?.name;
  const node = h("div", { class: "stack" });
  if (!station) { put(node, h("p", { class: "empty" }, text.history.loading)); return { node, state: app.again }; }
  const leave = new AbortController();
  const present = h("section", { class: "panel side" }), second = h("section", { class: "panel side" });
  const outcome = h("div", { class: "stack" });
  const chart = scatter();
  let timer = 0, before = "", busy = false, all = [];

  put(node, h("div", { class: "head" }, h("div", { class: "lead" }, h("h1", null, t.title), h("p", { class: "soft" }, t.intro)), choice(app, station)),
    h("div", { class: "sides" }, present, second), outcome);

  async function look() {
    clearTimeout(timer);
    try {
      if (app.state?.stations.find((x) => x.name === station)?.starting) return starting();
      const [trial, shelf] = await Promise.all([get(`/api/stations/${station}/shadow`, {}, leave.signal), get("/api/models", {}, leave.signal)]);
      all = shelf.models;
      show(trial);
    } catch (err) { failed(err); } finally {
      if (!leave.signal.aborted) timer = setTimeout(look, lookEvery);
    }
  }

  // starting stands where the station's models are not known yet.
  function starting() {
    put(present, h("h2", null, t.inForce), h("p", { class: "soft" }, text.live.loading));
    put(second, h("h2", null, t.inShadow), h("p", { class: "soft" }, text.health.soon));
  }

  function show(d) {
    const now = JSON.stringify([d, all]);
    if (now === before || busy || node.contains(document.activeElement) && document.activeElement.tagName === "SELECT") return;
    before = now;
    put(present, inForce(d));
    put(second, inShadow(d));
    put(outcome, d.shadow?.model && (d.compared === 0 ? h("p", { class: "panel soft waits" }, t.waits) : compared(d)));
  }

  function inForce(d) {
    const b = d.before;
    return [h("h2", null, t.inForce), h("p", { class: "model" }, called(d.name)), h("p", { class: "soft" }, format.shortHash(d.model), b && ` · ${t.by(b.who, format.when(b.at))}`),
      b && h("div", { class: "row act" }, h("span", { class: "soft" }, t.beforeIs(called(b.name), format.shortHash(b.model))),
        may("operator") && h("button", { type: "button", "data-act": "undo", onclick: () => undo(d) }, t.undo))];
  }

  function inShadow(d) {
    const sh = d.shadow;
    if (!sh) return [h("h2", null, t.inShadow), offer(d)];
    return [h("h2", null, t.inShadow), h("p", { class: "model" }, sh.name),
      sh.why ? h("p", { class: "note bad" }, sh.why) : h("p", { class: "soft" }, `${format.shortHash(sh.model)} · ${text.live.threshold} ${format.score(sh.threshold)} · ${t.skipped(sh.skipped)}`),
      may("operator")
        ? h("div", { class: "row act" }, h("button", { type: "button", "data-act": "clear", onclick: () => act(() => del(`/api/stations/${station}/shadow`), () => t.cleared) }, t.clear),
          sh.model && h("button", { type: "button", class: "main", "data-act": "promote", onclick: () => promote(d) }, t.promote))
        : needs()];
  }

  // offer is the models that can be put in shadow.
  function offer(d) {
    const some = all.filter((m) => !m.error && m.model !== d.model);
    if (some.length === 0) return h("p", { class: "soft" }, t.noModels);
    if (!may("operator")) return needs();
    const select = h("select", { name: "model", "aria-label": t.choose }, some.map((m) => h("option", { value: m.name }, t.option(m.name, format.when(m.modified)))));
    return [h("p", { class: "soft" }, t.none), h("div", { class: "row act" }, select,
      h("button", { type: "button", class: "main", "data-act": "shadow", onclick: () => act(() => send(`/api/stations/${station}/shadow`, { name: select.value }), () => t.begun(select.value)) }, t.begin))];
  }

  function needs() {
    return h("div", { class: "row act" }, h("span", { class: "soft" }, t.needs), h("button", { type: "button", onclick: app.login }, text.login.enter));
  }

  function compared(d) {
    const flips = d.counts.filter((c) => c.verdict !== c.shadow);
    const here = app.state?.stations.find((x) => x.name === station);
    chart.show(d.points, here?.threshold, d.shadow.threshold);
    return [
      h("div", { class: "sides agreement" },
        h("section", { class: "panel" }, h("h2", null, t.agree), h("p", { class: "huge" }, share(d.agree / d.compared)),
          h("p", null, h("b", null, t.of(d.agree, d.compared)), `, ${t.since(format.when(d.since))}`),
          h("ul", { class: "flip-kinds" }, flips.length === 0 ? h("li", null, t.noFlips) : flips.map((c) =>
            h("li", { "data-flip": `${c.verdict}-${c.shadow}` }, badge(c.verdict), " → ", badge(c.shadow), h("b", null, format.count(c.count)))))),
        h("section", { class: "panel" }, h("h2", null, t.scores), chart.node, h("p", { class: "soft" }, t.scoresAre))),
      ...flips.map((c) => kind(d, c))];
  }

  async function promote(d) {
    const flips = d.compared - d.agree;
    if (!(await confirm(t.askPromote(d.shadow.name, station), d.compared === 0 ? t.untried : t.consequence(flips, d.compared), t.promote))) return;
    await act(() => post(`/api/stations/${station}/promote`, { model: d.shadow.model }), (now) => t.promoted(called(now.name)));
  }

  async function undo(d) {
    if (!(await confirm(t.askUndo(called(d.before.name), station), t.undoIs, t.undo))) return;
    await act(() => post(`/api/stations/${station}/undo`, { model: d.model }), (now) => t.promoted(called(now.name)));
  }

  // act does what takes a moment: the model is loaded and its samples are checked.
  async function act(what, said) {
    busy = true;
    for (const b of node.querySelectorAll("[data-act]")) b.disabled = true;
    toast(t.loading);
    try {
      const now = await what();
      busy = false;
      before = "";
      show(now);
      toast(said(now));
    } catch (err) {
      busy = false;
      before = "";
      failed(err);
    }
    look();
  }

  look();
  return { node, close() { leave.abort(); clearTimeout(timer); chart.close(); } };
}

const called = (name) => name || t.configs;

// share never rounds a disagreement away.
function share(part) {
  return part < 1 ? `${(Math.floor(part * 1000) / 10).toFixed(1)}%` : "100%";
}

// kind is one kind of flip with its newest pictures.
function kind(d, c) {
  const list = d.flips.filter((f) => f.verdict === c.verdict && f.shadow === c.shadow).slice(0, tilesShown);
  const tiles = h("ol", { class: "tiles small" }, list.map(flip));
  tiles.addEventListener("load", shapeTiles, { capture: true, once: true });
  return h("section", { class: "stack" }, h("h2", null, t.kind(word(c.verdict), word(c.shadow), c.count)), tiles);
}

function flip(f) {
  return h("li", null, h("a", { href: `#/verdict/${f.id}`, class: `tile ${f.shadow}` },
    h("div", { class: "thumb" }, f.thumb ? h("img", { src: f.thumb, alt: "", loading: "lazy" }) : h("span", null, text.history.noPicture)),
    h("div", { class: "facts" },
      h("span", { class: "top" }, badge(f.shadow), h("b", null, `${format.score(f.score)} → ${format.score(f.shadow_score)}`)),
      f.mark && h("span", { class: "marked" }, f.mark.truth === "good" ? text.threshold.markedGood : text.threshold.markedDefect))));
}

function choice(app, station) {
  const list = app.state?.stations ?? [];
  return list.length > 1 && h("label", null, text.station, h("select", { onchange: (e) => { location.hash = `#/models/${e.target.value}`; } },
    list.map((s) => h("option", { value: s.name, selected: s.name === station }, s.name))));
}
