// One song: heard on one clock, its words in time, what was measured and made, and edits of it by mouse or key.
import { ask, button, clock, drawn, make, send, tell } from "./dom.js";
import { Draft } from "./draft.js";
import { askText, showHelp, useKeys } from "./keys.js";
import { lastAddress } from "./list.js";
import { decisions, head, measures, provenance } from "./parts.js";
import { Player } from "./sound.js";
import { Timeline } from "./timeline.js";
import { reworded } from "./words.js";

const SCOPES = ["word", "line", "song"];
const FINE_S = 0.05, COARSE_S = 0.5, SEEK_S = 2, PER_S = 60;
const PLAY = "M3 1.5v13l11-6.5z", PAUSE = "M3 2h3.5v12H3zM9.5 2H13v12H9.5z";
const lastAt = new Map(); // where each song was left

export async function showSong(view, given, isShown, showAgain) {
  const id = given.get("id") ?? "";
  const song = await ask("/api/song", { id });
  if (!isShown()) return undefined;
  document.title = `${song.title} – the desk`;
  const draft = new Draft(song.words, song.duration_s, (song.lanes.beats ?? []).map(([, at]) => at));
  let scope = "line", chosen = 0;

  // ---- what is chosen ----

  function span() {
    if (scope === "song") return [0, song.words.length];
    if (scope === "word") return [chosen, chosen + 1];
    return song.lines.find(([first, end]) => first <= chosen && chosen < end) ?? [chosen, chosen + 1];
  }

  function choose(place, isHeard = true) {
    if (!song.words.length) return [0, 0];
    chosen = Math.min(song.words.length - 1, Math.max(0, place));
    const [first, end] = span();
    timeline.mark(first, end);
    timeline.reveal(chosen);
    showChosen();
    if (isHeard && !player.isPlaying) player.seek(draft.times[chosen][0]);
    return [first, end];
  }

  function chooseLine(step) {
    const at = song.lines.findIndex(([first, end]) => first <= chosen && chosen < end);
    const next = song.lines[Math.min(song.lines.length - 1, Math.max(0, at + step))];
    if (next) choose(next[0]);
  }

  function setScope(name) {
    scope = name;
    for (const one of scopes.querySelectorAll("input")) one.checked = one.value === name;
    choose(chosen, false);
  }

  function changed() {
    timeline.place();
    if (player.loop) setLoop(true);
    save.disabled = !draft.isChanged;
    back.disabled = !draft.past.length;
    showChosen();
  }

  function takeBack() {
    draft.undo();
    changed();
  }

  // A decision by key is its button, so that neither can what the other cannot.
  function byKey(name) {
    const found = document.getElementById(name);
    if (found && !found.disabled) found.click();
  }

  function change(call) {
    if (!song.words.length) return;
    const [first, end] = span();
    if (call(first, end) === false) tell("no beats were heard of this song: models.beats chooses a tracker", true);
    changed();
  }

  // ---- edits ----

  async function write(kind, value, line) {
    try {
      await send("/api/edits", { id, before: song.edits.last, kind, value });
      await showAgain(line);
    } catch (error) {
      tell(error.status === 409 ? `not saved: ${error.message}` : error.message, true);
    }
  }

  const saveTimes = () => draft.isChanged && write("times", { words: song.words_hash, times: draft.rounded() }, "times saved; the next jam prepare takes them in");
  const decide = (kind, title, hint) => async () => {
    const reason = await askText(title, { name: "reason", "aria-label": "Reason", maxlength: 500, required: true, placeholder: hint });
    if (reason) await write(kind, { reason }, `${kind === "approve" ? "approved" : "rejected"}; the next jam prepare takes it in`);
  };
  async function retype() {
    const [first, end] = span();
    const value = song.words.slice(first, end).map(({ text }) => text).join(" ");
    const given = await askText("Words as they are sung", { name: "words", "aria-label": "Words; none: nothing is sung here", value, placeholder: "nothing is sung here" });
    if (given === null || given === value) return;
    const changed = reworded(song.words, draft.times, first, end, given.split(/\s+/).filter(Boolean));
    if (!changed.words.length) tell("a song without any word cannot be made; reject it", true);
    else await write("words", { made_on: song.made_on, ...changed }, "words saved; the next jam prepare takes them in");
  }

  const approve = decide("approve", "Approve", "why it is good in spite of the limit");
  const reject = decide("reject", "Reject", "what is wrong with it");
  const sendBack = () => write("again", { stage: song.dropped_by }, `sent back to ${song.dropped_by}; the next jam prepare tries it again`);
  const undoSaved = () => write("undo", {}, "the last edit no longer counts");

  // ---- the page ----

  const player = new Player(id, song.sounds, tick);
  const timeline = new Timeline(song, draft, { seek: (at) => player.seek(at), select: (place) => choose(place, false), changed });
  const icon = drawn("path", { d: PLAY });
  const play = make("button", { type: "button", class: "play", "aria-label": "Play", on: { click: () => player.toggle() } }, drawn("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, icon));
  const time = make("span", { class: "clock" });
  const karaoke = make("p", { class: "karaoke", "aria-hidden": "true" });
  const about = make("span", { class: "clock", id: "chosen" });
  const save = button("Save times", saveTimes, { id: "save", class: "step strong", disabled: true });
  const back = button("Take back", takeBack, { id: "take-back", disabled: true });
  const loop = make("input", { type: "checkbox", id: "loop", on: { change: () => setLoop(loop.checked) } });
  const radio = (group, name, isOn, call) => make("label", {}, make("input", { type: "radio", name: group, value: name, checked: isOn, on: { change: call } }), make("span", { text: name }));
  const sounds = make("div", { class: "group", role: "radiogroup", "aria-label": "Sound" }, ...song.sounds.map((name, place) => radio("sound", name, place === 0, () => useSound(name))));
  const scopes = make("div", { class: "group", role: "radiogroup", "aria-label": "What is changed" }, ...SCOPES.map((name) => radio("scope", name, name === scope, () => setScope(name))));
  const mends = [
    ["− 0.5 s", (first, end) => draft.move(first, end, -COARSE_S)], ["− 0.05", (first, end) => draft.move(first, end, -FINE_S)],
    ["+ 0.05", (first, end) => draft.move(first, end, FINE_S)], ["+ 0.5 s", (first, end) => draft.move(first, end, COARSE_S)],
    ["Shorter", (first, end) => draft.stretch(first, end, -FINE_S)], ["Longer", (first, end) => draft.stretch(first, end, FINE_S)],
    ["To beats", (first, end) => draft.snap(first, end)],
  ];
  view.replaceChildren(
    head(song),
    make("div", { class: "controls transport" }, play, time, sounds, make("label", {}, loop, make("span", { text: "loop" })),
      button("−", () => timeline.zoom(-1), { "aria-label": "Smaller" }), button("+", () => timeline.zoom(1), { "aria-label": "Larger" }), button("Keys ?", showHelp, { class: "step last" })),
    karaoke, timeline.element,
    song.words.length
      ? make("div", { class: "controls mend" }, scopes, ...mends.map(([text, call]) => button(text, () => change(call))), button("Words…", retype), back, save, about)
      : make("p", { class: "caption", text: "No words have times here, so none can be moved." }),
    decisions(song, { approve, reject, sendBack, undoSaved }),
    measures(song), provenance(song),
  );

  function useSound(name) {
    player.choose(name);
    showOutline();
  }

  async function showOutline() {
    try {
      timeline.setOutline(await player.outline());
    } catch (error) {
      tell(error.message, true);
    }
  }

  function setLoop(isOn) {
    const [first, end] = span();
    loop.checked = isOn && end > first;
    player.loop = loop.checked ? [draft.times[first][0], Math.max(...draft.times.slice(first, end).map(([, one]) => one))] : null;
    timeline.setLoop(player.loop);
    if (player.loop && !player.isPlaying) player.seek(player.loop[0]);
  }

  function showChosen() {
    const [first, end] = span(), word = song.words[chosen];
    if (!word) return;
    const [from, to] = [draft.times[first][0], draft.times[end - 1][1]];
    const score = word.score === null ? "" : `, score ${word.score.toFixed(2)}`;
    about.textContent = scope === "word" ? `${word.text} ${from.toFixed(2)} to ${to.toFixed(2)} s${score}` : `${end - first} words, ${from.toFixed(2)} to ${to.toFixed(2)} s`;
  }

  function tick(at) {
    if (!timeline) return;
    timeline.show(at, player.isPlaying);
    play.setAttribute("aria-label", player.isPlaying ? "Pause" : "Play");
    icon.setAttribute("d", player.isPlaying ? PAUSE : PLAY);
    time.textContent = `${clock(at)} of ${clock(song.duration_s)}`;
    showKaraoke(at);
  }

  let shownLine = -1;
  function showKaraoke(at) {
    const line = Math.max(0, song.lines.findLastIndex(([first]) => draft.times[first][0] <= at + 0.3));
    const [first, end] = song.lines[line] ?? [0, 0];
    if (line !== shownLine || karaoke.childElementCount !== end - first) {
      shownLine = line;
      karaoke.replaceChildren(...song.words.slice(first, end).map((word) => make("span", { class: word.unheard ? "unheard" : "", text: `${word.text} ` })));
    }
    [...karaoke.children].forEach((element, place) => {
      const [start, stop] = draft.times[first + place];
      element.classList.toggle("now", start <= at && at < stop);
      element.classList.toggle("past", stop <= at);
    });
    timeline.boxes.forEach((box, place) => box.classList.toggle("now", draft.times[place][0] <= at && at < draft.times[place][1]));
  }

  const moving = (seconds) => () => change((first, end) => draft.move(first, end, seconds));
  const stretching = (seconds) => () => change((first, end) => draft.stretch(first, end, seconds));
  const hearing = song.sounds.slice(0, 9).map((name, place) => [String(place + 1), `hear ${name}`, () => {
    sounds.querySelectorAll("input")[place].checked = true;
    useSound(name);
  }]);
  useKeys([
    ["Space", "play or pause", () => player.toggle()],
    ...hearing,
    ["ArrowRight", "next word", () => choose(chosen + 1)],
    ["ArrowLeft", "word before", () => choose(chosen - 1)],
    ["ArrowDown", "next line", () => chooseLine(1)],
    ["ArrowUp", "line before", () => chooseLine(-1)],
    ["j", `back ${SEEK_S} s`, () => player.seek(player.at - SEEK_S)],
    ["k", `on ${SEEK_S} s`, () => player.seek(player.at + SEEK_S)],
    ["l", "loop what is chosen", () => setLoop(!player.loop)],
    ["s", "change a word, a line or the song", () => setScope(SCOPES[(SCOPES.indexOf(scope) + 1) % SCOPES.length])],
    [",", `earlier by ${FINE_S} s`, moving(-FINE_S)],
    [".", `later by ${FINE_S} s`, moving(FINE_S)],
    ["<", `earlier by ${COARSE_S} s`, moving(-COARSE_S)],
    [">", `later by ${COARSE_S} s`, moving(COARSE_S)],
    ["{", "shorter", stretching(-FINE_S)],
    ["}", "longer", stretching(FINE_S)],
    ["b", "to quarters of beats", () => change((first, end) => draft.snap(first, end))],
    ["e", "other words: retype, split, join, or none", () => song.words.length && retype()],
    ["u or Ctrl+z", "take a change back", takeBack],
    ["t or Ctrl+s", "save the times", saveTimes],
    ["y", "approve", () => byKey("approve")],
    ["n", "reject", () => byKey("reject")],
    ["g", "send back to the stage that dropped it", () => byKey("again")],
    ["U", "undo the last saved edit", () => byKey("undo")],
    ["+ or =", "larger", () => timeline.zoom(1)],
    ["-", "smaller", () => timeline.zoom(-1)],
    ["Escape", "all songs", () => { location.hash = lastAddress(); }],
  ]);
  timeline.setScale(PER_S);
  choose(0, false);
  tick(0);
  if (lastAt.has(id)) player.audio.addEventListener("loadedmetadata", () => player.seek(lastAt.get(id)), { once: true });
  showOutline();
  return () => {
    lastAt.set(id, player.at);
    player.close();
    timeline.close();
  };
}
