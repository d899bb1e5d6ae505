// The history: what was judged, found by station, part, time, verdict, score.
import { h, put, hide } from "./dom.js";
import { text } from "./text.js";
import { get } from "./api.js";
import { badge, kinds, shape } from "./verdicts.js";
import { failed } from "./messages.js";
import * as format from "./format.js";

const t = text.history;
const page = 60;

// history shows the verdicts that the address's parameters name.
export function history(app, params) {
  const items = h("ol", { class: "tiles", "aria-label": t.title });
  const more = h("button", { type: "button", hidden: true }, t.more);
  const empty = h("p", { class: "empty" }, t.loading);
  const node = h("div", { class: "stack" }, filters(app, params), h("p", { class: "soft keys" }, t.keys), items, empty, h("div", { class: "row" }, more));
  const search = request(params);
  const leave = new AbortController();
  const list = { hash: location.hash, ids: [], search };
  app.list = list;

  async function load(before) {
    more.disabled = true;
    try {
      const r = await get("/api/history", { ...search, before, limit: page }, leave.signal);
      list.ids.push(...r.items.map((i) => i.id));
      items.append(...r.items.map(tile));
      empty.textContent = Object.values(search).some(Boolean) ? t.empty : t.nothing;
      hide(empty, items.childElementCount > 0);
      hide(more, r.next === null);
      more.onclick = () => load(r.next);
    } catch (err) {
      empty.textContent = err.message;
      failed(err);
    }
    more.disabled = false;
  }
  items.addEventListener("keydown", (e) => walk(items, e));
  items.addEventListener("load", shapeTiles, { capture: true, once: true });
  load();
  return { node, close: () => leave.abort() };
}

function tile(i) {
  return h("li", null, h("a", { href: `#/verdict/${i.id}`, class: `tile ${i.verdict}` },
    h("div", { class: "thumb" },
      i.thumb ? h("img", { src: i.thumb, alt: "", loading: "lazy", decoding: "async" }) : h("span", null, i.reason ? text.reason[i.reason] : t.noPicture)),
    h("div", { class: "facts" },
      h("span", { class: "top" }, badge(i.verdict), h("b", null, i.score === null ? "" : format.score(i.score))),
      h("span", null, format.when(i.time)),
      h("span", { class: "soft" }, [i.station, i.part ? t.part_(i.part) : t.sequence(i.sequence)].join(" · ")),
      i.mark && h("span", { class: "marked" }, shape(i.mark.right === false ? "fail" : "pass"), text.mark.is(i.mark)))));
}

// shapeTiles gives all tiles the form of the first picture.
export function shapeTiles(e) {
  const { naturalWidth: w, naturalHeight: ht } = e.target;
  if (w && ht) e.currentTarget.style.setProperty("--aspect", `${w} / ${ht}`);
}

// walk moves through the tiles with the arrow keys.
function walk(items, e) {
  const all = [...items.querySelectorAll("a")], at = all.indexOf(document.activeElement);
  const columns = getComputedStyle(items).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[e.key];
  if (!step || at < 0 || !all[at + step]) return;
  e.preventDefault();
  all[at + step].focus();
}

// request turns the address's parameters into the API's: local times into UTC.
function request(params) {
  const r = Object.fromEntries(["station", "part", "verdict", "score_min", "score_max", "marked", "pictures"].map((k) => [k, params.get(k)]));
  for (const k of ["from", "to"]) {
    const at = params.get(k) && new Date(params.get(k));
    if (at && !Number.isNaN(at.getTime())) r[k] = at.toISOString();
  }
  return r;
}

function filters(app, params) {
  const field = (name, label, attributes) => h("label", null, label, h("input", { name, value: params.get(name), ...attributes }));
  const chosen = new Set((params.get("verdict") ?? "").split(",").filter(Boolean));
  const stations = app.state?.stations.map((s) => s.name) ?? [];
  const form = h("form", { class: "panel filters" },
    h("div", { class: "row kinds", role: "group", "aria-label": t.verdict }, kinds.map((k) =>
      h("button", { type: "button", "aria-pressed": String(chosen.has(k)), data: { kind: k }, onclick: (e) => press(e.currentTarget) }, badge(k)))),
    stations.length > 1 && h("label", null, text.station, select("station", [["", text.all], ...stations.map((s) => [s, s])], params)),
    field("part", t.part, { maxlength: 256 }),
    field("from", t.from, { type: "datetime-local" }), field("to", t.to, { type: "datetime-local" }),
    h("div", { class: "pair" }, field("score_min", t.scoreMin, { type: "number", step: "any", min: 0 }), field("score_max", t.scoreMax, { type: "number", step: "any", min: 0 })),
    h("label", null, t.marked, select("marked", [["", t.markedAny], ["no", t.markedNo], ["yes", t.markedYes], ["wrong", t.markedWrong]], params)),
    h("label", { class: "check" }, h("input", { type: "checkbox", name: "pictures", value: "true", checked: params.get("pictures") === "true" }), t.pictures),
    h("a", { class: "button", href: "#/history" }, t.clear));
  function press(b) {
    b.setAttribute("aria-pressed", b.getAttribute("aria-pressed") !== "true");
    apply();
  }
  function apply() {
    const q = new URLSearchParams([...new FormData(form)].filter(([, v]) => v !== ""));
    const verdicts = [...form.querySelectorAll('[data-kind][aria-pressed="true"]')].map((b) => b.dataset.kind);
    if (verdicts.length) q.set("verdict", verdicts.join(","));
    location.hash = `#/history${q.size ? `?${q}` : ""}`;
  }
  form.addEventListener("submit", (e) => { e.preventDefault(); apply(); });
  form.addEventListener("change", apply);
  return h("details", { class: "fold", open: innerWidth > 720 }, h("summary", null, t.filters), form);
}

function select(name, options, params) {
  return h("select", { name }, options.map(([value, label]) => h("option", { value, selected: (params.get(name) ?? "") === value }, label)));
}
