// Who did what, for the admin.
import { h, put, hide } from "./dom.js";
import { text } from "./text.js";
import { get, may } from "./api.js";
import { failed } from "./messages.js";
import * as format from "./format.js";

const t = text.audit;

export function audit() {
  const rows = h("tbody");
  const more = h("button", { type: "button", hidden: true }, t.more);
  const node = h("div", { class: "stack" }, h("h1", null, t.title));
  const leave = new AbortController();
  if (!may("admin")) {
    node.append(h("p", { class: "empty" }, t.needs));
    return { node };
  }
  node.append(h("div", { class: "panel scroll" }, h("table", { class: "audit" },
    h("thead", null, h("tr", null, [t.at, t.who, t.action, t.station, t.detail, t.from].map((x) => h("th", { scope: "col" }, x)))), rows)), h("div", null, more));

  async function load(before) {
    try {
      const r = await get("/api/audit", { before, limit: 100 }, leave.signal);
      rows.append(...r.items.map((a) => h("tr", null, [format.when(a.at), a.who, t.actions[a.action] ?? a.action, a.station, a.detail, a.from].map((x) => h("td", null, x)))));
      if (rows.childElementCount === 0) put(rows, h("tr", null, h("td", { colspan: 6 }, t.empty)));
      hide(more, r.next === null);
      more.onclick = () => load(r.next);
    } catch (err) { failed(err); }
  }
  load();
  return { node, close: () => leave.abort() };
}
