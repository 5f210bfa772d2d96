// Keys of the page that is shown, and the dialog that lists them. A key never acts while a text is being typed.
import { button, make } from "./dom.js";

let shown = [];

// keys: [key, what it does, call]; a key is KeyboardEvent.key, with "Ctrl+" before it and "Alt+" where those are held.
export function useKeys(keys) {
  shown = keys;
}

function isTyping(target) {
  const kinds = ["checkbox", "radio", "button"];
  return target.closest("textarea, select, dialog") || (target.tagName === "INPUT" && !kinds.includes(target.type));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || (isTyping(event.target) && !event.altKey)) return;
  if (event.key === "?") {
    event.preventDefault();
    showHelp();
    return;
  }
  if (event.target.type === "radio" && event.key.startsWith("Arrow")) return; // they choose among the others
  if ([" ", "Enter"].includes(event.key) && event.target.closest("button, a, summary, input")) return;
  const name = (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.altKey ? "Alt+" : "") + event.key;
  const found = shown.find(([key]) => key.split(" or ").some((one) => (one === "Space" ? " " : one) === name));
  if (!found) return;
  event.preventDefault();
  found[2]();
});

export function openDialog(title, ...children) {
  const before = document.activeElement;
  const dialog = make("dialog", { "aria-label": title }, make("h2", { text: title }), ...children);
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function showHelp() {
  const rows = shown.map(([key, what]) => make("div", {}, make("dt", {}, make("kbd", { text: key })), make("dd", { text: what })));
  const dialog = openDialog("Keys", make("dl", { class: "keys" }, ...rows), button("Close", () => dialog.close()));
}

// A text in a person's own words; null where it was given up. settings: of the field, such as its name and value.
export function askText(title, settings) {
  return new Promise((resolve) => {
    const field = make("input", { autocomplete: "off", spellcheck: "false", ...settings });
    const form = make("form", { method: "dialog" }, field, make("div", { class: "actions" },
      make("button", { class: "step strong", text: title }), button("Cancel", () => dialog.close())));
    const dialog = openDialog(title, form);
    let given = null;
    form.addEventListener("submit", () => { given = field.value.trim(); });
    dialog.addEventListener("close", () => resolve(given));
    field.focus();
  });
}
