// The log-in, as a dialog over whatever is shown.
import { h, say, hide } from "./dom.js";
import { text } from "./text.js";
import { post } from "./api.js";
import { toast } from "./messages.js";

let shown = null;

// askLogin opens the dialog; one at a time.
export function askLogin(app) {
  if (shown) return;
  const user = h("input", { name: "user", autocomplete: "username", required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false" });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true, maxlength: 256 });
  const wrong = h("p", { class: "note bad", role: "alert", hidden: true });
  const enter = h("button", { class: "main" }, text.login.enter);
  const form = h("form", { method: "dialog" }, h("h2", null, text.login.title),
    h("label", null, text.login.user, user), h("label", null, text.login.password, password), wrong,
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => shown.close() }, text.login.cancel), enter));
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    enter.disabled = true;
    hide(wrong, true);
    try {
      const session = await post("/api/login", { user: user.value, password: password.value });
      shown.close();
      app.signedIn(session);
      toast(text.login.welcome(session.user, text.role[session.role]));
    } catch (err) {
      say(wrong, err.status === 429 && err.retryAfter ? text.login.waitFor(err.retryAfter) : err.message);
      hide(wrong, false);
      password.value = "";
      password.focus();
    }
    enter.disabled = false;
  });
  shown = h("dialog", { "aria-label": text.login.title, onclose: () => { shown.remove(); shown = null; } }, form);
  document.body.append(shown);
  shown.showModal();
  user.focus();
}
