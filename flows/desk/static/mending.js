// Words on a timeline while they are being moved: what is chosen, by which steps it moves, a loop over it. Nothing is saved here.
import { button, make, tell } from "./dom.js";

const SCOPES = ["word", "line", "song"];
export const FINE_S = 0.05, COARSE_S = 0.5;

export class Mending {
  // changed: called whenever a time has changed.
  constructor(song, draft, changed) {
    Object.assign(this, { song, draft, changed, scope: "line", chosen: 0 });
    const radio = (name) => make("label", {}, make("input", { type: "radio", name: "scope", value: name, checked: name === this.scope, on: { change: () => this.setScope(name) } }), make("span", { text: name }));
    this.scopes = make("div", { class: "group", role: "radiogroup", "aria-label": "What is changed" }, ...SCOPES.map(radio));
    this.about = make("span", { class: "clock", id: "chosen" });
    this.back = button("Take back", () => this.takeBack(), { id: "take-back", disabled: true });
    this.loop = make("input", { type: "checkbox", id: "loop", on: { change: () => this.setLoop(this.loop.checked) } });
    const steps = [["− 0.5 s", -COARSE_S], ["− 0.05", -FINE_S], ["+ 0.05", FINE_S], ["+ 0.5 s", COARSE_S]];
    this.buttons = [
      ...steps.map(([text, seconds]) => button(text, () => this.move(seconds))),
      button("Shorter", () => this.stretch(-FINE_S)), button("Longer", () => this.stretch(FINE_S)),
    ];
    if (draft.beats.length) this.buttons.push(button("To beats", () => this.snap()));
  }

  connect(timeline, player) {
    Object.assign(this, { timeline, player });
  }

  span() {
    const { song, chosen } = this;
    if (this.scope === "song") return [0, song.words.length];
    if (this.scope === "word") return [chosen, chosen + 1];
    return song.lines.find(([first, end]) => first <= chosen && chosen < end) ?? [chosen, chosen + 1];
  }

  choose(place, isHeard = true) {
    if (!this.song.words.length) return [0, 0];
    this.chosen = Math.min(this.song.words.length - 1, Math.max(0, place));
    const [first, end] = this.span();
    this.timeline.mark(first, end);
    this.timeline.reveal(this.chosen);
    this.show();
    if (isHeard && this.player && !this.player.isPlaying) this.player.seek(this.draft.times[this.chosen][0]);
    return [first, end];
  }

  chooseLine(step) {
    const { lines } = this.song;
    const at = lines.findIndex(([first, end]) => first <= this.chosen && this.chosen < end);
    const next = lines[Math.min(lines.length - 1, Math.max(0, at + step))];
    if (next) this.choose(next[0]);
  }

  setScope(name) {
    this.scope = name;
    for (const one of this.scopes.querySelectorAll("input")) one.checked = one.value === name;
    this.choose(this.chosen, false);
  }

  refresh() {
    this.timeline.place();
    if (this.player?.loop) this.setLoop(true);
    this.back.disabled = !this.draft.past.length;
    this.show();
    this.changed();
  }

  takeBack() {
    this.draft.undo();
    this.refresh();
  }

  change(call) {
    if (!this.song.words.length) return;
    const [first, end] = this.span();
    if (call(first, end) === false) tell("no beats were heard of this song: models.beats chooses a tracker", true);
    this.refresh();
  }

  move(seconds) { this.change((first, end) => this.draft.move(first, end, seconds)); }

  stretch(seconds) { this.change((first, end) => this.draft.stretch(first, end, seconds)); }

  snap() { this.change((first, end) => this.draft.snap(first, end)); }

  setLoop(isOn) {
    const { draft, player } = this, [first, end] = this.span();
    this.loop.checked = isOn && end > first;
    if (!player) return;
    player.loop = this.loop.checked ? [draft.times[first][0], Math.max(...draft.times.slice(first, end).map(([, one]) => one))] : null;
    this.timeline.setLoop(player.loop);
    if (player.loop && !player.isPlaying) player.seek(player.loop[0]);
  }

  show() {
    const [first, end] = this.span(), word = this.song.words[this.chosen];
    if (!word) return;
    const [from, to] = [this.draft.times[first][0], this.draft.times[end - 1][1]];
    const score = word.score === null ? "" : `, score ${word.score.toFixed(2)}`;
    this.about.textContent = this.scope === "word" ? `${word.text} ${from.toFixed(2)} to ${to.toFixed(2)} s${score}` : `${end - first} ${end - first === 1 ? "word" : "words"}, ${from.toFixed(2)} to ${to.toFixed(2)} s`;
  }

  keys() {
    return [
      ["ArrowRight", "next word", () => this.choose(this.chosen + 1)],
      ["ArrowLeft", "word before", () => this.choose(this.chosen - 1)],
      ["ArrowDown", "next line", () => this.chooseLine(1)],
      ["ArrowUp", "line before", () => this.chooseLine(-1)],
      ["s", "change a word, a line or the song", () => this.setScope(SCOPES[(SCOPES.indexOf(this.scope) + 1) % SCOPES.length])],
      [",", `earlier by ${FINE_S} s`, () => this.move(-FINE_S)],
      [".", `later by ${FINE_S} s`, () => this.move(FINE_S)],
      ["<", `earlier by ${COARSE_S} s`, () => this.move(-COARSE_S)],
      [">", `later by ${COARSE_S} s`, () => this.move(COARSE_S)],
      ["{", "shorter", () => this.stretch(-FINE_S)],
      ["}", "longer", () => this.stretch(FINE_S)],
      ["b", "to quarters of beats", () => this.snap()],
      ["u or Ctrl+z", "take a change back", () => this.takeBack()],
    ];
  }
}
