// A picture with the map laid over it and the regions outlined. Picture, map
// and outlines change together or not at all: outlines never lie on another
// part's picture.
import { h, s, put, hide, say } from "./dom.js";
import { text } from "./text.js";

const patience = 15000; // ms for a picture

// look makes the component. show takes {id, width, height, picture, at, map, field,
// regions, label, frame}: picture lies at the rectangle at (left out: fills
// width x height), map over field; frame is the part that is seen (left out:
// all). It resolves to whether the picture is there. The box keeps the newest
// live picture alone: one that is another verdict's by now is not shown.
export function look() {
  const base = s("image", { preserveAspectRatio: "none" });
  const map = s("image", { preserveAspectRatio: "none" });
  const outlines = s("g");
  const drawing = s("svg", { role: "img", preserveAspectRatio: "xMidYMid meet" }, base, map, outlines);
  const blank = h("p", { class: "blank" }, text.picture.none);
  const node = h("div", { class: "look" }, drawing, blank);
  let turn = 0, shown = [];

  async function show(p) {
    const mine = ++turn;
    const loaded = await Promise.allSettled([load(p.picture), p.map ? load(p.map) : null]);
    const images = loaded.map((l) => l.value ?? null), wrong = loaded.find((l) => l.reason)?.reason;
    if (wrong || mine !== turn) { // a newer one is on its way or there
      release(images);
      if (mine === turn && !(wrong instanceof Passed)) message(text.picture.gone, false);
      return false;
    }
    const [picture, overlay] = images;
    release(shown);
    shown = images;
    const width = p.width || picture.naturalWidth, height = p.height || picture.naturalHeight;
    const whole = { x: 0, y: 0, w: width, h: height }, f = p.frame ?? whole;
    drawing.setAttribute("viewBox", `${f.x} ${f.y} ${f.w} ${f.h}`);
    drawing.setAttribute("aria-label", p.label ?? text.picture.label);
    place(base, picture.src, p.at ?? whole);
    if (overlay) place(map, overlay.src, p.field ?? whole);
    else map.removeAttribute("href");
    put(outlines, (p.regions ?? []).map(outline));
    hide(blank, true);
    node.dataset.verdict = p.id;
    return true;
  }

  // message lies over the picture, or in its place where over is false.
  function message(words, over) {
    if (!over) { turn++; base.removeAttribute("href"); map.removeAttribute("href"); put(outlines); }
    say(blank, words);
    blank.classList.toggle("over", over);
    hide(blank, false);
  }

  return {
    node, show, message,
    bare() {
      if (base.hasAttribute("href")) return hide(blank, true);
      blank.classList.remove("over");
      return say(blank, text.picture.none);
    },
    opacity: (share) => map.setAttribute("opacity", share),
    outlines: (on) => outlines.setAttribute("visibility", on ? "visible" : "hidden"),
    close() { turn++; release(shown); shown = []; },
  };
}

// Passed says that the box has a newer picture in the place of the one asked for.
class Passed extends Error {}

// load gets a picture; the address names its verdict.
async function load(url) {
  const answer = await fetch(url, { credentials: "same-origin", signal: AbortSignal.timeout(patience) });
  if (answer.status === 204 || answer.status === 404) throw new Passed();
  if (!answer.ok) throw new Error(url);
  const image = new Image();
  image.src = URL.createObjectURL(await answer.blob());
  await image.decode();
  return image;
}

function release(images) {
  for (const i of images) if (i) URL.revokeObjectURL(i.src);
}

function place(node, href, r) {
  for (const [name, value] of [["href", href], ["x", r.x], ["y", r.y], ["width", r.w], ["height", r.h]]) node.setAttribute(name, value);
}

// outline is drawn twice, light under bright, to show on any picture.
function outline(r) {
  const box = { x: r.x, y: r.y, width: r.w, height: r.h };
  return [s("rect", { ...box, class: "casing" }), s("rect", { ...box, class: "region" })];
}

// tools are the switches for map and outlines, kept for next time.
export function tools(...looks) {
  const kept = { map: true, share: 0.6, outlines: true, ...remembered() };
  const share = h("input", { type: "range", min: 0.1, max: 1, step: 0.05, value: kept.share, "aria-label": text.picture.opacity });
  const map = h("button", { type: "button" }, text.picture.map);
  const outlines = h("button", { type: "button" }, text.picture.outlines);

  function apply() {
    map.setAttribute("aria-pressed", String(kept.map));
    outlines.setAttribute("aria-pressed", String(kept.outlines));
    share.disabled = !kept.map;
    for (const l of looks) { l.opacity(kept.map ? kept.share : 0); l.outlines(kept.outlines); }
    localStorage.setItem("faird.look", JSON.stringify(kept));
  }
  map.addEventListener("click", () => { kept.map = !kept.map; apply(); });
  outlines.addEventListener("click", () => { kept.outlines = !kept.outlines; apply(); });
  share.addEventListener("input", () => { kept.share = Number(share.value); apply(); });
  apply();
  return h("div", { class: "tools" }, map, h("label", null, share), outlines);
}

function remembered() {
  try { return JSON.parse(localStorage.getItem("faird.look")); } catch { return null; }
}
