// Asks before something changes on the line.
import { h } from "./dom.js";
import { text } from "./text.js";

// confirm resolves to whether the person agreed.
export function confirm(question, consequence, yes) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-label": question, onclose: () => { dialog.remove(); resolve(dialog.returnValue === "yes"); } },
      h("form", { method: "dialog" }, h("h2", null, question), h("p", null, consequence),
        h("div", { class: "row" }, h("button", { value: "no" }, text.login.cancel), h("button", { value: "yes", class: "main", autofocus: true }, yes))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
