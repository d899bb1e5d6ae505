// The latest verdicts that were not a pass, kept in sight: at two parts a
// second a fail is gone before anybody looked.
import { h, put, hide } from "./dom.js";
import { text } from "./text.js";
import { get } from "./api.js";
import { word } from "./verdicts.js";
import * as format from "./format.js";

const most = 6;
const written = 1500; // ms until the archive has a picture, most of the time
const tries = 4;

// notPassed is the strip of a station; open is called with the id of the one tapped.
export function notPassed(station, open) {
  const list = h("div", { class: "list" }, h("span", { class: "soft" }, text.live.noFails));
  const node = h("div", { class: "fails" }, h("h3", null, text.live.fails), list);
  let shown = [], timer = 0, left = 0;

  function show() {
    shown = shown.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, most);
    if (shown.length) put(list, shown.map((t) => t.node));
  }
  // fetchPictures asks the history, which names a picture once it is on disk.
  async function fetchPictures() {
    try {
      const r = await get("/api/history", { station, verdict: "fail,review", limit: most });
      for (const i of r.items) {
        let t = shown.find((x) => x.id === i.id);
        if (!t) shown.push(t = tile(i, open));
        t.picture(i.thumb);
      }
      show();
    } catch { /* the next verdict asks again */ }
    if (left-- > 0 && shown.some((t) => !t.pictured())) later();
  }
  function later() {
    clearTimeout(timer);
    timer = setTimeout(fetchPictures, written);
  }
  fetchPictures();

  return {
    node,
    add(v) {
      if ((v.verdict !== "fail" && v.verdict !== "review") || shown.some((t) => t.id === v.id)) return;
      shown.push(tile(v, open));
      show();
      left = tries;
      later();
    },
    close: () => clearTimeout(timer),
  };
}

function tile({ id, verdict, score }, open) {
  const image = h("img", { alt: "", hidden: true });
  const node = h("a", {
    href: `#/verdict/${id}`, class: verdict, "aria-label": `${word(verdict)}, ${format.score(score)}`,
    onclick: (e) => { e.preventDefault(); open(id); },
  }, image, h("span", null, format.score(score)));
  return {
    id, node,
    pictured: () => image.hasAttribute("src"),
    picture(url) {
      if (!url || image.hasAttribute("src")) return;
      image.src = url;
      hide(image, false);
    },
  };
}
