// How good the verdicts are, as far as people have looked, and the way out for
// the marked pictures.
import { h, s, put } from "./dom.js";
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
      const widest = Math.max(...[r.false_reject, r.slip_through, r.fails_wrong, r.passes_wrong].map((x) => x.high ?? 0));
      put(node, h("div", { class: "head" }, h("div", { class: "lead" }, h("h1", null, t.title), h("p", { class: "soft" }, t.intro)), choices(app, station, since)),
        r.reviewed === 0 ? h("p", { class: "empty panel" }, t.none) : [
          h("div", { class: "rates" }, rate(t.falseReject, t.falseRejectIs, r.false_reject, widest), rate(t.slip, t.slipIs, r.slip_through, widest),
            rate(t.failsWrong, t.failsWrongIs, r.fails_wrong, widest), rate(t.passesWrong, t.passesWrongIs, r.passes_wrong, widest)),
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

// rate is a share, large, with its interval as words and on a scale that all share.
function rate(name, what, r, widest) {
  const known = r.rate !== null;
  return h("section", { class: "panel rate" }, h("h2", null, name), h("p", { class: "soft" }, what),
    h("p", { class: known ? "huge" : "huge none" }, format.percent(r.rate)),
    known && s("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true", class: "span" },
      s("rect", { x: 0, y: 4, width: 100, height: 2, class: "scale" }),
      s("rect", { x: (r.low / widest) * 100, y: 1, width: Math.max(1, ((r.high - r.low) / widest) * 100), height: 8, class: "range" }),
      s("rect", { x: Math.min(99, (r.rate / widest) * 100 - 0.5), y: 0, width: 1, height: 10, class: "point" })),
    h("p", null, known ? [h("b", null, t.of(r)), `, ${t.range(r)}`] : t.noneOf));
}

function choices(app, station, since) {
  const all = app.state?.stations.map((s) => s.name) ?? [];
  const go = (name) => (e) => {
    const q = { station, from: since, [name]: e.target.value };
    location.hash = `#/reviewed${query(q)}`;
  };
  return h("span", { class: "row" },
    all.length > 1 && h("label", null, text.station, h("select", { onchange: go("station") },
      h("option", { value: "" }, text.all), all.map((name) => h("option", { value: name, selected: name === station }, name)))),
    h("label", null, t.since, h("input", { type: "datetime-local", value: since, onchange: go("from") })));
}
