// The latest verdicts that were not a pass, kept in sight: at two parts a
// second a fail is gone before anybody looked.
import { h, put } from "./dom.js";
import { text } from "./text.js";
import { get } from "./api.js";
import { word } from "./verdicts.js";
import * as format from "./format.js";

const most = 6;
const written = 1500; // ms until the archive has a picture, most of the time

export function notPassed(station, open) {
  const list = h("div", { class: "list" }, h("span", { class: "soft" }, text.live.noFails));
  const node = h("div", { class: "fails" }, h("h3", null, text.live.fails), list);
  let shown = [];

  function show() {
    shown = shown.slice(0, most);
    if (shown.length) put(list, shown.map((x) => x.node));
  }
  get("/api/history", { station, verdict: "fail,review", limit: most }).then((r) => {
    const known = new Set(shown.map((x) => x.id));
    shown.push(...r.items.filter((i) => !known.has(i.id)).map((i) => tile(i.id, i.verdict, i.score, i.thumb, open)));
    show();
  }).catch(() => {});

  return {
    node,
    add(v) {
      if ((v.verdict !== "fail" && v.verdict !== "review") || shown.some((x) => x.id === v.id)) return;
      const t = tile(v.id, v.verdict, v.score, null, open);
      shown.unshift(t);
      show();
      setTimeout(() => t.picture(`/api/verdicts/${v.id}/thumb`, 2), written);
    },
  };
}

function tile(id, verdict, score, thumb, open) {
  const image = h("img", { alt: "", src: thumb, hidden: !thumb });
  const node = h("a", {
    href: `#/verdict/${id}`, class: verdict, "aria-label": `${word(verdict)}, ${format.score(score)}`,
    onclick: (e) => { e.preventDefault(); open(id); },
  }, image, h("span", null, format.score(score)));
  function picture(url, tries) {
    image.onload = () => { image.hidden = false; };
    image.onerror = () => { if (tries > 0) setTimeout(() => picture(`${url}`, tries - 1), 2 * written); };
    image.src = url;
  }
  return { id, node, picture };
}
