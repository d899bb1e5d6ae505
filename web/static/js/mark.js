// Review: one key or tap says whether a verdict was right.
import { h, put } from "./dom.js";
import { text } from "./text.js";
import { put as send, del, may } from "./api.js";
import { shape } from "./verdicts.js";
import { toast, failed } from "./messages.js";

const t = text.mark;

// markPanel asks about a verdict's detail d. In a list of those not yet marked
// the next one opens after a mark.
export function markPanel(app, d, next) {
  const v = d.verdict, review = v.verdict === "review";
  const node = h("div", { class: "panel mark", role: "group", "aria-label": review ? t.askReview : t.ask });
  if (v.verdict === "no_read") return { node: put(node, h("p", { class: "soft" }, t.noRead)), keys: {} };
  if (!may("operator")) {
    put(node, state(d.mark), h("p", { class: "row" }, h("span", { class: "soft" }, t.needs), h("button", { type: "button", onclick: app.login }, text.login.enter)));
    return { node, keys: {} };
  }
  const choices = review ? [["g", "good", t.good, "pass"], ["d", "defect", t.defect, "fail"]] : [["r", "right", t.right, "pass"], ["w", "wrong", t.wrong, "fail"]];

  function show() {
    put(node, h("h2", null, review ? t.askReview : t.ask),
      h("div", { class: "choices" }, choices.map(([key, mark, label, sign]) =>
        h("button", { type: "button", "aria-pressed": chosen(mark), "aria-keyshortcuts": key, data: { mark }, onclick: () => set(mark) },
          shape(sign), h("span", null, label), h("kbd", null, key.toUpperCase())))),
      d.mark && h("div", { class: "row" }, state(d.mark), h("button", { type: "button", "aria-keyshortcuts": "u", onclick: undo }, t.undo, h("kbd", null, "U"))),
      h("p", { class: "soft keys" }, (review ? t.keysReview : t.keys).map(([key, does]) => [h("kbd", null, key), ` ${does}  `])),
      app.list?.search.marked === "no" && h("p", { class: "soft" }, t.next));
  }
  const chosen = (mark) => String(d.mark !== null && mark === (review ? d.mark.truth : d.mark.right ? "right" : "wrong"));

  async function set(mark) {
    try {
      d.mark = await send(`/api/verdicts/${v.id}/mark`, { mark });
      show();
      if (app.list?.search.marked !== "no" || !app.list.ids.includes(v.id)) return;
      if (next) app.openVerdict(next);
      else toast(t.done);
    } catch (err) { failed(err); }
  }
  async function undo() {
    if (!d.mark) return;
    try {
      await del(`/api/verdicts/${v.id}/mark`);
      d.mark = null;
      show();
      toast(t.taken);
    } catch (err) { failed(err); }
  }
  show();
  return { node, keys: { ...Object.fromEntries(choices.map(([key, mark]) => [key, () => set(mark)])), u: undo } };
}

function state(m) {
  return m && h("p", { class: "state" }, h("b", null, t.is(m)), ` ${t.by(m)}`, m.note && h("span", { class: "soft" }, ` “${m.note}”`));
}
