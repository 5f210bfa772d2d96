// A field: its name, what goes into it, a note, and beside it the line that says what is wrong with it.
import { button, make, sendFile, tell } from "./dom.js";

const IN_WORDS = [[/\bduration_s\b/g, "length"], [/\bbpm\b/g, "tempo"]]; // the server's names, and the page's

export function labelled(text, input, note) {
  const wrong = input.name ? make("p", { class: "wrong", id: `wrong-${input.name}`, role: "alert" }) : null;
  const field = make("div", { class: "field" }, make("label", {}, make("span", { text }), input, note ? make("small", { text: note }) : null), wrong);
  if (wrong) input.addEventListener("input", () => sayWrong(input, ""));
  return field;
}

function sayWrong(input, line) {
  const place = document.getElementById(`wrong-${input.name}`);
  place.textContent = line;
  if (line) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", place.id);
  } else {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
}

// Whatever begins with a field's name stands beside that field, which gets the focus; what else there is, below.
export function tellBeside(form, error) {
  const [, name, line] = /^([a-z_]+): (.*)$/s.exec(error.message) ?? [];
  const input = name && form.querySelector(`[name="${name}"]`);
  if (!input) {
    tell(error.message, true);
    return;
  }
  sayWrong(input, IN_WORDS.reduce((said, [api, word]) => said.replace(api, word), line));
  if (!input.hidden) input.focus();
}

export function clearWrong(form) {
  for (const input of form.querySelectorAll("[aria-invalid]")) sayWrong(input, "");
}

// A file that a song is to follow: sent as soon as it is chosen, and known by its hash from then on. kept: { file, label } or null.
export class FileField {
  constructor(name, text, note, kept, maxBytes, changed) {
    Object.assign(this, { name, kept, maxBytes, changed, sending: null, failed: "" });
    this.input = make("input", { type: "file", name, on: { change: () => this.take() } });
    this.label = make("span", { class: "file-name" });
    this.chosen = make("p", { class: "chosen-file" }, this.label, button("Remove", () => this.set(null), { "aria-label": `Remove ${text.toLowerCase()}` }));
    this.element = labelled(text, this.input, note);
    this.element.append(this.chosen);
    this.show();
  }

  set(kept) {
    Object.assign(this, { kept, failed: "" });
    sayWrong(this.input, "");
    this.show();
    this.changed();
  }

  // said: what stands in place of the dialog's button.
  show(said = this.kept?.label ?? "", canBeRemoved = true) {
    this.input.hidden = Boolean(said);
    this.chosen.hidden = !said;
    this.label.textContent = said;
    this.chosen.lastChild.hidden = !canBeRemoved;
  }

  // A file that cannot be followed is not left out without a word.
  check() {
    if (this.failed) throw new Error(`${this.name}: ${this.failed}`);
  }

  take() {
    const [file] = this.input.files;
    if (file) this.sending = this.send(file);
  }

  async send(file) {
    sayWrong(this.input, "");
    try {
      if (file.size > this.maxBytes) throw new Error(`${this.name}: ${file.size.toLocaleString("en")} bytes, at most ${this.maxBytes.toLocaleString("en")}; cut or compress it`);
      this.show(`${file.name} is being read…`, false);
      const { file: hash } = await sendFile("/api/file", { control: this.name }, file);
      this.set({ file: hash, label: file.name });
    } catch (error) {
      this.failed = error.message.replace(/^[a-z]+: /, "");
      this.show(file.name);
      sayWrong(this.input, this.failed);
    } finally {
      this.input.value = "";
    }
  }
}
