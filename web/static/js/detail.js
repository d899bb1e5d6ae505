// One verdict: what the camera saw, what the network made of it, why it was
// judged so, and whether that was right.
import { h, s, put } from "./dom.js";
import { text } from "./text.js";
import { get } from "./api.js";
import { shape, word, badge } from "./verdicts.js";
import { look, tools } from "./picture.js";
import { markPanel } from "./mark.js";
import * as format from "./format.js";

const t = text.detail;

// detail shows the verdict with an id. Left and right walk through the list it
// was opened from, else through the station's verdicts.
export function detail(app, id) {
  const node = h("div", { class: "detail" }, h("p", { class: "empty" }, text.history.loading));
  const leave = new AbortController();
  const seen = look(), restored = look();
  let keys = {};

  async function load() {
    try {
      const d = await get(`/api/verdicts/${id}`, {}, leave.signal);
      const [newer, older] = neighbours(app.list, d);
      show(d, newer, older);
    } catch (err) {
      if (err.name !== "AbortError") put(node, h("p", { class: "empty" }, err.message));
    }
  }

  function show(d, newer, older) {
    const v = d.verdict;
    const go = (to) => { if (to) app.openVerdict(to); };
    const panel = markPanel(app, d, older);
    const switches = tools(seen, restored);
    pictures(d, seen, restored);
    keys = { ...panel.keys, ArrowLeft: () => go(newer), ArrowRight: () => go(older), m: () => switches.querySelector("button").click() };
    put(node,
      h("div", { class: "head" }, h("h1", null, t.title(v.station, v.sequence)), h("span", { class: "row" },
        h("a", { class: "button", href: app.list?.hash ?? "#/history" }, t.back),
        step(newer, `← ${t.newer}`), step(older, `${t.older} →`))),
      h("div", { class: "left" },
        h("div", { class: "pair-of" },
          h("figure", null, h("figcaption", null, text.picture.seen), seen.node),
          h("figure", null, h("figcaption", null, text.picture.restored), restored.node)),
        h("section", { class: "panel why" }, h("h2", null, t.why), why(v))),
      h("div", { class: "right" },
        sign(v), panel.node, d.view && h("div", { class: "panel switches" }, switches),
        h("section", { class: "panel record" }, h("h2", null, t.stages), stages(v.stages_ms), h("h2", null, t.facts), facts(v))));
  }

  function press(e) {
    if (e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName) || document.querySelector("dialog[open]")) return;
    const act = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (act) { e.preventDefault(); act(); }
  }
  addEventListener("keydown", press);
  load();
  return { node, close() { removeEventListener("keydown", press); leave.abort(); seen.close(); restored.close(); } };
}

// neighbours are the ids before and after in the list, else of the station.
function neighbours(list, d) {
  const at = list?.ids.indexOf(d.verdict.id) ?? -1;
  if (at < 0) return [d.newer, d.older];
  return [list.ids[at - 1] ?? null, list.ids[at + 1] ?? null];
}

function step(to, label) {
  return to ? h("a", { class: "button", href: `#/verdict/${to}` }, label) : h("button", { disabled: true }, label);
}

function sign(v) {
  return h("div", { class: `call ${v.verdict}` }, h("span", null, shape(v.verdict)), h("span", { class: "word" }, word(v.verdict)),
    h("p", { class: "facts" },
      v.score !== null && h("span", null, `${text.live.score} `, h("b", null, format.score(v.score))),
      v.threshold !== null && h("span", null, `${text.live.threshold} `, h("b", null, format.score(v.threshold))),
      v.reason && h("span", { class: "why" }, text.reason[v.reason] ?? v.reason), v.detail && h("span", null, v.detail)));
}

// pictures shows the judged part of both, so that they can be compared.
function pictures({ verdict: v, view }, seen, restored) {
  if (!view) {
    seen.message(text.picture.notKept, false);
    restored.message(text.picture.notKept, false);
    return;
  }
  const label = text.picture.described(word(v.verdict), v.regions.length);
  seen.show({ ...view, id: v.id, regions: v.regions, label, frame: view.field });
  if (!view.restored) restored.message(text.picture.notJudged, false);
  else restored.show({ ...view, id: v.id, picture: view.restored, at: view.field, map: null, regions: v.regions, label: text.picture.restored, frame: view.field });
}

function why(v) {
  return [inspected(v.inspected), places(v)];
}

// inspected is the judgement of each of a station's regions, where it has several.
function inspected(list) {
  return list?.length > 0 && h("table", null,
    h("thead", null, h("tr", null, [t.inspected, t.judged, text.live.score, text.live.threshold].map((x) => h("th", { scope: "col" }, x)))),
    h("tbody", null, list.map((i) => h("tr", null,
      h("td", null, i.region), h("td", null, badge(i.verdict)), h("td", null, format.score(i.score)), h("td", null, format.score(i.threshold))))));
}

function places(v) {
  if (v.regions.length === 0) return h("p", { class: "soft" }, v.verdict === "no_read" ? text.reason[v.reason] ?? v.reason : t.noRegions);
  return h("div", { class: "scroll" }, h("table", null,
    h("thead", null, h("tr", null, [t.region, t.size, t.peak, t.cause].map((x) => h("th", { scope: "col" }, x)))),
    h("tbody", null, v.regions.map((r) => h("tr", null,
      h("td", null, r.region && `${r.region}: `, t.at(r.x, r.y)), h("td", null, t.pixels(r.w, r.h)), h("td", null, format.score(r.peak)),
      h("td", null, t.causeOf(r), bar([r.structure, 1 - r.structure]), h("small", null, t.share(r.structure))))))));
}

// bar is shares of a whole, side by side.
function bar(shares) {
  const total = shares.reduce((a, b) => a + b, 0) || 1;
  let x = 0;
  return s("svg", { class: "shares", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" }, shares.map((share, i) => {
    const w = (share / total) * 100, r = s("rect", { x, y: 0, width: w, height: 6, class: `share-${i}` });
    x += w;
    return r;
  }));
}

function stages(st) {
  const names = ["wait", "prepare", "restore", "score"];
  return h("div", { class: "stages" }, bar(names.map((k) => st[k])),
    h("dl", null, names.map((k, i) => h("div", { class: `stage-${i}` }, h("dt", null, t.stage[k]), h("dd", null, format.millis(st[k]))))));
}

function facts(v) {
  const rows = [
    [t.part, v.trigger?.part], [t.trigger, v.trigger?.id], [t.captured, v.time.captured && format.when(v.time.captured)],
    [t.decided, format.when(v.time.decided)], [t.clock, t.clockWords[v.time.clock] ?? v.time.clock],
    [t.exposure, v.time.captured && (t.exposureWords[v.time.exposure] ?? v.time.exposure)], [t.alignment, v.alignment && t.lay(v.alignment)], [t.provider, v.provider], [t.source, v.source],
    [t.model, v.model], [t.config, v.config], [t.id, v.id],
  ];
  return h("dl", { class: "record-list" }, rows.filter(([, value]) => value).map(([name, value]) =>
    h("div", null, h("dt", null, name), h("dd", null, value))));
}

