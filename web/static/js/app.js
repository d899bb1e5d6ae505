// Starts the page: who is there, what to show, and the stream of events.
import { h, put, say, hide } from "./dom.js";
import { text } from "./text.js";
import { get, session, may } from "./api.js";
import { stream } from "./stream.js";
import { word } from "./verdicts.js";
import { announce } from "./messages.js";
import { bar, light } from "./bar.js";
import { askLogin } from "./login.js";
import { live } from "./live.js";
import { history } from "./history.js";
import { detail } from "./detail.js";
import { threshold } from "./threshold.js";
import { reviewed } from "./reviewed.js";
import { train } from "./train.js";
import { models } from "./models.js";
import { audit } from "./audit.js";
import * as format from "./format.js";

const brief = 4000; // ms that views wait for the first state

const views = {
  "": (args) => live(app, args[0]),
  station: (args) => live(app, args[0]),
  history: (_, params) => history(app, params),
  verdict: (args) => detail(app, args[0]),
  threshold: (args) => threshold(app, args[0]),
  reviewed: (_, params) => reviewed(app, params),
  train: (args) => train(app, args[0]),
  models: (args) => models(app, args[0]),
  audit: () => audit(app),
};

// app is what views share: the newest state, the session, and the list that the
// detail view walks through.
const app = {
  state: null, session, list: null,
  openVerdict: (id) => { location.hash = `#/verdict/${id}`; },
  login: () => askLogin(app),
  again: route,
  signedIn,
};

const main = document.getElementById("main");
const alarm = document.getElementById("alarm");
let view = null, events = null, lostTimer = 0;

function route() {
  const [path, search] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...args] = path.split("/").map(decodeURIComponent);
  view?.close?.();
  main.classList.remove("fits");
  view = (views[name] ?? views[""])(args, new URLSearchParams(search));
  put(main, view.node);
  bar(app, name);
  scrollTo(0, 0);
}

function start() {
  events?.close();
  events = stream({
    state(s) {
      const first = !app.state || app.state.stations.length !== s.stations.length;
      app.state = s;
      say(document.getElementById("box"), s.box);
      say(document.getElementById("site"), s.site);
      document.title = `${s.box} · ${text.product}`;
      if (first) bar(app);
      view?.state?.(s);
    },
    verdict(ev) {
      const v = ev.verdict;
      view?.verdict?.(ev);
      announce(v.verdict, text.live.announce(v.station, word(v.verdict), format.score(v.score)));
    },
    link,
    bye: again,
  });
}

// link shows, all over the page, that what is seen is old.
function link(alive, heard) {
  clearInterval(lostTimer);
  document.body.classList.toggle("old", !alive);
  if (!alive) {
    const tell = () => put(alarm, h("b", null, text.link.lost), h("span", { "aria-hidden": "true" }, text.link.old(format.span(Date.now() - heard))));
    tell();
    lostTimer = setInterval(tell, 1000);
  }
  hide(alarm, alive);
}

// enter begins what the session may see; where it may see nothing, the log-in.
async function enter() {
  events?.close();
  bar(app);
  if (may("viewer")) {
    start();
    app.state ??= await get("/api/state", {}, AbortSignal.timeout(brief)).catch(() => null); // views name the stations
    return route();
  }
  view?.close?.();
  view = null;
  put(main, h("div", { class: "empty" }, h("p", null, text.login.needed), h("button", { type: "button", class: "main", onclick: app.login }, text.login.enter)));
  return app.login();
}

// signedIn takes over a session that has begun or ended.
function signedIn(s) {
  Object.assign(session, s);
  enter();
}

// again asks who this is, after the box said that it is nobody it knows.
let asking = false;
async function again() {
  if (asking) return;
  asking = true;
  try { signedIn(await get("/api/session")); } catch { /* the stream says that the box is away */ }
  asking = false;
}

// boot waits for the box.
async function boot() {
  const asked = Date.now();
  for (;;) {
    try {
      const s = await get("/api/session");
      link(true);
      return signedIn(s);
    } catch { link(false, asked); }
    await new Promise((done) => { setTimeout(done, 2000); });
  }
}

light();
const skip = document.querySelector(".skip");
say(skip, text.skip);
skip.addEventListener("click", (e) => { e.preventDefault(); main.focus(); });
addEventListener("faird:login", again);
addEventListener("hashchange", () => { if (may("viewer")) { route(); main.focus({ preventScroll: true }); } });
boot();
