// Trains a station's next model beside the line: what to train on, how far it
// is, and how the result compares with the model in use.
import { h, put, hide } from "./dom.js";
import { text } from "./text.js";
import { get, post, del, may } from "./api.js";
import { confirm } from "./confirm.js";
import { toast, failed } from "./messages.js";
import * as format from "./format.js";

const t = text.train;
const lookWhile = 2000, lookAfter = 10000; // ms between two looks at the job
const ended = ["done", "failed", "cancelled"];
const way = ["collecting", "training", "evaluating", "done"];
const shown = 60; // pictures of a comparison

export function train(app, name) {
  const leave = new AbortController();
  const job = h("div", { class: "stack", "aria-live": "polite" });
  const order = form(app, name, begin);
  const node = h("div", { class: "stack" },
    h("div", { class: "head" }, h("div", { class: "lead" }, h("h1", null, t.title), h("p", { class: "soft" }, t.intro))), order.node, job);
  let timer = 0, before = "", working = false;

  async function look() {
    clearTimeout(timer);
    try {
      const now = (await get("/api/training", {}, leave.signal)).job;
      working = Boolean(now) && !ended.includes(now.phase);
      order.allow(!working);
      const same = JSON.stringify(now);
      if (same !== before) put(job, now && [state(now, cancel), now.comparison && compared(now), log(now, job)]);
      before = same;
    } catch (err) { failed(err); }
    if (!leave.signal.aborted) timer = setTimeout(look, working ? lookWhile : lookAfter);
  }

  async function begin(wish) {
    try {
      await post("/api/training", wish);
      toast(t.begun);
    } catch (err) { failed(err); }
    look();
  }

  async function cancel() {
    if (!(await confirm(t.confirmCancel, t.confirmLost, t.cancel))) return;
    try {
      await del("/api/training");
    } catch (err) { failed(err); }
    look();
  }

  look();
  return { node, close() { leave.abort(); clearTimeout(timer); } };
}

// form asks what to train on; who may not start one is told what it takes.
function form(app, name, begin) {
  if (!may("operator")) {
    return { node: h("div", { class: "panel row" }, h("span", { class: "soft" }, t.needs), h("button", { type: "button", onclick: app.login }, text.login.enter)), allow() {} };
  }
  const stations = app.state?.stations.map((s) => s.name) ?? [];
  const station = h("select", { name: "station" }, stations.map((s) => h("option", { value: s, selected: s === name }, s)));
  const source = h("select", { name: "source" }, Object.entries(t.sources).map(([key, words]) => h("option", { value: key }, words[0])));
  const pictures = h("input", { name: "pictures", type: "number", min: 10, max: 5000, value: 200, required: true, inputmode: "numeric" });
  const minutes = h("input", { name: "minutes", type: "number", min: 1, max: 10080, value: 60, required: true, inputmode: "numeric" });
  const meaning = h("p", { class: "soft" });
  const start = h("button", { class: "main" }, t.start);
  const explain = () => put(meaning, t.sources[source.value][1]);
  source.addEventListener("change", explain);
  explain();
  const node = h("form", { class: "panel order", onsubmit: (e) => {
    e.preventDefault();
    begin({ station: station.value, source: source.value, pictures: Number(pictures.value), minutes: Number(minutes.value) });
  } }, h("label", null, text.station, station), h("label", null, t.source, source), h("label", null, t.pictures, pictures), h("label", null, t.minutes, minutes), start, meaning);
  return { node, allow: (free) => hide(node, !free) };
}

// state is how far a job is, in words that can be read from afar.
function state(j, cancel) {
  const at = way.indexOf(j.phase), over = ended.includes(j.phase), p = j.progress;
  return h("section", { class: `panel job ${j.phase}` },
    h("div", { class: "head" }, h("h2", null, t.phases[j.phase]),
      !over && may("operator") && h("button", { type: "button", class: "harm", onclick: cancel }, t.cancel)),
    at >= 0 && h("ol", { class: "way" }, way.map((phase, i) => h("li", { "aria-current": i === at && "step", class: i < at || j.phase === "done" ? "past" : null }, t.steps[phase]))),
    !over && h("progress", { max: 1, value: j.phase === "evaluating" ? undefined : p.part, "aria-label": t.phases[j.phase] }),
    h("p", null, far(j)),
    j.error && h("p", { class: "note bad" }, j.error),
    j.result && h("p", { class: "note good" }, h("b", null, fileName(j.result.file)), " ", t.made(j.result, format.shortHash(j.result.model), format.score(j.result.threshold))),
    j.result && over && h("p", null, h("a", { class: "button", href: `#/models/${j.station}` }, t.next)),
    h("p", { class: "soft" }, t.by(j.station, j.who, format.when(j.started)), !over && j.priority && ` ${t.low}`));
}

const fileName = (path) => path.split("/").pop().replace(/\.onnx$/, "");

function far(j) {
  const p = j.progress;
  if (j.phase === "collecting") return t.gathered(j.gathered, j.pictures);
  if (j.phase !== "training") return t.from(j.gathered);
  if (p.stage !== "training") return t.after[p.stage] ?? t.reading(j.gathered);
  return t.step(format.count(p.step), format.score(p.loss), format.span(p.left_s * 1000));
}

// compared sets both models beside each other, on what people have marked.
function compared(j) {
  const c = j.comparison, sides = [c.present, c.trained];
  if (c.good + c.defect === 0) return h("section", { class: "panel" }, h("h2", null, t.compared), h("p", { class: "soft" }, t.nothing));
  const rate = (r) => (r.rate === null ? format.none : [h("b", null, text.reviewed.of(r)), h("br"), h("small", null, text.reviewed.range(r))]);
  const line = (what, is, cell) => h("tr", null, h("th", { scope: "row" }, what, h("br"), h("small", null, is)), sides.map((s) => h("td", null, cell(s))));
  return h("section", { class: "panel" }, h("h2", null, t.compared), h("p", { class: "soft" }, t.on(c.good, c.defect)),
    h("div", { class: "scroll" }, h("table", { class: "beside" },
      h("thead", null, h("tr", null, h("td"), h("th", { scope: "col" }, t.inUse), h("th", { scope: "col" }, t.fresh))),
      h("tbody", null,
        line(text.reviewed.falseReject, text.reviewed.falseRejectIs, (s) => rate(s.false_reject)),
        line(text.reviewed.slip, text.reviewed.slipIs, (s) => rate(s.slip_through)),
        line(t.auroc, t.aurocIs, (s) => h("b", null, format.score(s.auroc))),
        line(text.threshold.title, t.limitIs, (s) => h("b", null, format.score(s.threshold)))))),
    h("details", null, h("summary", null, t.each), h("ul", { class: "pairs" }, c.pictures.slice(0, shown).map((p) => pair(p, sides)))));
}

// pair is a marked picture with both scores; one that is on the wrong side of
// its model's threshold is struck.
function pair(p, sides) {
  const cell = (score, side) => {
    const wrong = score !== null && side.threshold !== null && (score >= side.threshold) !== (p.truth === "defect");
    return h(wrong ? "s" : "b", null, format.score(score));
  };
  return h("li", null, h("a", { href: `#/verdict/${p.id}` },
    h("img", { src: `/api/verdicts/${p.id}/thumb`, alt: "", loading: "lazy" }),
    h("span", null, t.truth[p.truth]), h("span", null, cell(p.present, sides[0]), " → ", cell(p.trained, sides[1]))));
}

// log stays open where it was.
function log(j, where) {
  if (j.log.length === 0) return null;
  return h("details", { class: "panel said", open: where.querySelector(".said")?.open }, h("summary", null, t.log), h("pre", null, j.log.join("\n")));
}
