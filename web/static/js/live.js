// The live view: one station fills it, several are cards.
import { h, put, hide } from "./dom.js";
import { text } from "./text.js";
import { post, may } from "./api.js";
import { stationPanel } from "./station.js";
import { healthStrip, findings } from "./health.js";
import { tools } from "./picture.js";
import { toast, failed } from "./messages.js";

// live shows all stations, or the one that is named. The view lives on events:
// state and verdict are called with each.
export function live(app, only) {
  const place = h("div", { class: "stack live" });
  const strip = healthStrip();
  const node = h("div", { class: "fill" }, place, strip.node);
  let panels = new Map(), shape = "";

  function arrange(state) {
    const shown = only ? state.stations.filter((st) => st.name === only) : state.stations;
    const now = `${shown.map((st) => st.name)} ${app.session.role}`;
    if (now === shape) return shown;
    shape = now;
    close();
    const full = shown.length === 1;
    panels = new Map(shown.map((st) => [st.name, stationPanel(st.name, full, app.openVerdict)]));
    document.querySelector("main").classList.toggle("fits", full);
    if (shown.length === 0) put(place, h("p", { class: "empty" }, text.live.noStations));
    else if (full) put(place, [...panels.values()].map((p) => { p.title.append(controls(state, shown[0], p.look)); return p.node; }));
    else put(place, h("div", { class: shown.length < 4 ? "cards few" : "cards" }, [...panels.values()].map((p) => p.node)));
    return shown;
  }

  function state(s) {
    const shown = arrange(s);
    for (const st of shown) panels.get(st.name).state(st);
    strip.show(findings(s, shown.length === 1 ? shown[0] : null));
    for (const b of node.querySelectorAll("button[data-paused]")) hide(b, (b.dataset.paused === "true") !== shown[0]?.paused);
  }

  // controls are the station's own switches.
  function controls(s, st, look) {
    const act = (verb, said) => async () => {
      try {
        await post(`/api/stations/${st.name}/${verb}`);
        toast(said(st.name));
      } catch (err) { failed(err); }
    };
    return h("span", { class: "row controls" }, tools(look),
      s.stations.length > 1 && h("a", { class: "button", href: "#/" }, text.live.overview),
      may("operator") && [
        h("button", { type: "button", data: { paused: "false" }, onclick: act("pause", text.live.paused) }, text.live.pause),
        h("button", { type: "button", class: "main", hidden: true, data: { paused: "true" }, onclick: act("resume", text.live.resumed) }, text.live.resume),
      ]);
  }

  function close() {
    for (const p of panels.values()) p.close();
    document.querySelector("main").classList.remove("fits");
  }
  if (app.state) state(app.state);
  return { node, state, verdict: (ev) => panels.get(ev.verdict.station)?.verdict(ev), close };
}
