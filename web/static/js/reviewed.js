// How good the verdicts are, as far as people have looked, and the way out for
// the marked pictures.
import { h, put } from "./dom.js";
import { text } from "./text.js";
import { get, query, may } from "./api.js";
import * as format from "./format.js";

const t = text.reviewed;

export function reviewed(app, params) {
  const node = h("div", { class: "stack" });
  const leave = new AbortController();
  const station = params.get("station") ?? "", since = params.get("from") ?? "";
  const scope = { station, from: since && new Date(since).toISOString() };

  async function load() {
    try {
      const r = await get("/api/review", scope, leave.signal);
      put(node, h("div", { class: "head" }, h("h1", null, t.title), choices(app, station, since)), h("p", { class: "soft" }, t.intro),
        r.reviewed === 0 ? h("p", { class: "empty panel" }, t.none) : [
          h("div", { class: "rates" }, rate(t.falseReject, t.falseRejectIs, r.false_reject), rate(t.slip, t.slipIs, r.slip_through),
            rate(t.failsWrong, "", r.fails_wrong), rate(t.passesWrong, "", r.passes_wrong)),
          h("p", { class: "note" }, `${t.count(r.reviewed)}. ${t.bias}`)],
        h("div", { class: "panel row" },
          h("a", { class: "button", href: `#/history${query({ station, verdict: "fail,review", marked: "no", pictures: true })}` }, t.toMark),
          may("operator")
            ? [h("a", { class: "button", href: `/api/review/export${query(scope)}`, download: "" }, t.export), h("span", { class: "soft" }, t.exportIs)]
            : h("span", { class: "soft" }, t.exportNeeds)));
    } catch (err) {
      if (err.name !== "AbortError") put(node, h("p", { class: "empty" }, err.message));
    }
  }
  load();
  return { node, close: () => leave.abort() };
}

// rate is a share, large, with its interval as words.
function rate(name, what, r) {
  return h("section", { class: "panel rate" }, h("h2", null, name), what && h("p", { class: "soft" }, what),
    r.rate === null ? h("p", { class: "huge none" }, format.none) : h("p", { class: "huge" }, format.percent(r.rate)),
    h("p", null, r.rate === null ? t.noneOf : [h("b", null, t.of(r)), `, ${t.range(r)}`]));
}

function choices(app, station, since) {
  const all = app.state?.stations.map((s) => s.name) ?? [];
  const go = (name) => (e) => {
    const q = { station, from: since, [name]: e.target.value };
    location.hash = `#/reviewed${query(q)}`;
  };
  return h("span", { class: "row" },
    all.length > 1 && h("label", null, text.station, h("select", { onchange: go("station") },
      h("option", { value: "" }, text.all), all.map((s) => h("option", { value: s, selected: s === station }, s)))),
    h("label", null, t.since, h("input", { type: "datetime-local", value: since, onchange: go("from") })));
}
