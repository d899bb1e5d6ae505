// The bar: where one is, who one is, and light or dark.
import { h, s, put } from "./dom.js";
import { text } from "./text.js";
import { may, session, post, get } from "./api.js";
import { toast, failed } from "./messages.js";

let current = "";

// bar draws navigation and session; name is the view shown, left out: as before.
export function bar(app, name = current) {
  current = name;
  const at = { "": "live", station: "live", verdict: "history" }[name] ?? name;
  const first = app.state?.stations[0]?.name ?? "";
  const entries = [
    ["live", "#/"], ["history", "#/history"], ["threshold", `#/threshold/${first}`], ["reviewed", "#/reviewed"], ["train", "#/train"],
    ["models", `#/models/${first}`], ...(may("admin") ? [["audit", "#/audit"]] : []),
  ];
  put(document.getElementById("nav"), may("viewer") && entries.map(([key, href]) =>
    h("a", { href, "aria-current": key === at && "page" }, text.nav[key])));
  put(document.getElementById("who"),
    h("button", { type: "button", class: "square", "aria-label": text.light, title: text.light, onclick: turn }, sun()),
    session.user && h("span", null, session.user, h("small", null, text.role[session.role])),
    session.user
      ? h("button", { type: "button", onclick: () => leave(app) }, text.login.leave)
      : h("button", { type: "button", onclick: app.login }, text.login.enter));
}

async function leave(app) {
  try {
    await post("/api/logout");
    app.signedIn(await get("/api/session"));
    toast(text.login.bye);
  } catch (err) { failed(err); }
}

const sun = () => s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" },
  s("path", { d: "M12 2a10 10 0 100 20V2z" }),
  s("path", { d: "M12 3a9 9 0 010 18", fill: "none", stroke: "currentColor", "stroke-width": 2 }));

// light puts the remembered choice in force, else the system's.
export function light() {
  const wish = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => show(localStorage.getItem("faird.light") ?? (wish.matches ? "dark" : "light"));
  wish.addEventListener("change", apply);
  apply();
}

function turn() {
  const now = document.documentElement.dataset.light === "dark" ? "light" : "dark";
  localStorage.setItem("faird.light", now);
  show(now);
}

function show(light) {
  document.documentElement.dataset.light = light;
  dispatchEvent(new Event("faird:light")); // drawn charts take their colours anew
}
