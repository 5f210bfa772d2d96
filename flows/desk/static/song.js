// One song: heard on one clock, its words in time, what was measured and made, and edits of it by mouse or key.
import { ask, button, clock, make, send, tell } from "./dom.js";
import { Draft } from "./draft.js";
import { forgetMoves, keepMoves, restoreMoves } from "./kept.js";
import { Karaoke } from "./karaoke.js";
import { askText, showHelp, useKeys } from "./keys.js";
import { Mending } from "./mending.js";
import { PAGE_KEYS, lastAddress } from "./nav.js";
import { decisions, head, measures, provenance } from "./parts.js";
import { PlayButton, Player } from "./sound.js";
import { Timeline } from "./timeline.js";
import { reworded } from "./words.js";

const SEEK_S = 2, PER_S = 60;
const lastAt = new Map(); // where each song was left

export async function showSong(view, given, isShown, showAgain) {
  const id = given.get("id") ?? "";
  const song = await ask("/api/song", { id });
  if (!isShown()) return undefined;
  document.title = `${song.title} – the desk`;
  const draft = new Draft(song.words, song.duration_s, (song.lanes.beats ?? []).map(([, at]) => at));

  const kept = `desk-moves:${id}`;
  const isBack = restoreMoves(kept, song.words_hash, draft);

  // A decision by key is its button, so that neither can what the other cannot.
  function byKey(name) {
    const found = document.getElementById(name);
    if (found && !found.disabled) found.click();
  }

  // ---- edits ----

  // Edits one after the other, each on the one before it: [kind, value].
  async function write(edits, line) {
    let before = song.edits.last;
    try {
      for (const [kind, value] of edits) {
        ({ last: before } = await send("/api/edits", { id, before, kind, value }));
        if (["times", "words"].includes(kind)) forgetMoves(kept);
      }
      await showAgain(line);
    } catch (error) {
      if (error.status === 409) await showAgain(`not saved: ${error.message}`, true); // what stands now, and under it the moves of here
      else tell(error.message, true);
    }
  }

  const times = () => (draft.isChanged ? [["times", { words: song.words_hash, times: draft.rounded() }]] : []);
  const saveTimes = () => draft.isChanged && write(times(), "times saved; the next jam prepare takes them in");
  const decide = (kind, title, hint) => async () => {
    const reason = await askText(title, { name: "reason", "aria-label": "Reason", maxlength: 500, required: true, placeholder: hint });
    if (!reason) return;
    const moved = kind === "approve" ? times() : []; // what is approved is what is heard and seen here
    const done = kind === "approve" ? `approved${moved.length ? " with the moved words" : ""}` : "rejected";
    await write([...moved, [kind, { reason }]], `${done}; the next jam prepare takes it in`);
  };
  async function retype() {
    const [first, end] = mends.span();
    const value = song.words.slice(first, end).map(({ text }) => text).join(" ");
    const given = await askText("Words as they are sung", { name: "words", "aria-label": "Words; none: nothing is sung here", value, placeholder: "nothing is sung here" });
    if (given === null || given === value) return;
    const changed = reworded(song.words, draft.times, first, end, given.split(/\s+/).filter(Boolean));
    if (!changed.words.length) tell("a song without any word cannot be made; reject it", true);
    else await write([["words", { made_on: song.made_on, ...changed }]], "words saved; the next jam prepare takes them in");
  }

  const approve = decide("approve", "Approve", "why it is good in spite of the limit");
  const reject = decide("reject", "Reject", "what is wrong with it");
  const sendBack = () => write([["again", { stage: song.dropped_by }]], `sent back to ${song.dropped_by}; the next jam prepare tries it again`);
  const undoSaved = () => write([["undo", {}]], "the last edit no longer counts");

  // ---- the page ----

  const player = new Player((name) => ["/api/sound", { id, name }], song.sounds, tick);
  const mends = new Mending(song, draft, () => {
    save.disabled = !draft.isChanged;
    keepMoves(kept, song.words_hash, draft);
  });
  const timeline = new Timeline(song, draft, { seek: (at) => player.seek(at), select: (place) => mends.choose(place, false), changed: () => mends.refresh() });
  mends.connect(timeline, player);
  const play = new PlayButton(player);
  const time = make("span", { class: "clock" });
  const karaoke = new Karaoke(song, draft, timeline);
  const save = button("Save times", saveTimes, { id: "save", class: "step strong", disabled: true });
  const radio = (name, isOn, call) => make("label", {}, make("input", { type: "radio", name: "sound", value: name, checked: isOn, on: { change: call } }), make("span", { text: name }));
  const sounds = make("div", { class: "group", role: "radiogroup", "aria-label": "Sound" }, ...song.sounds.map((name, place) => radio(name, place === 0, () => useSound(name))));
  view.replaceChildren(
    head(song, decisions(song, { approve, reject, sendBack, undoSaved })),
    make("div", { class: "controls transport" }, play.element, time, sounds, make("label", {}, mends.loop, make("span", { text: "loop" })),
      button("−", () => timeline.zoom(-1), { "aria-label": "Smaller" }), button("+", () => timeline.zoom(1), { "aria-label": "Larger" }), button("Keys ?", showHelp, { class: "step last" })),
    karaoke.element, timeline.element,
    song.words.length
      ? make("div", { class: "controls mend" }, mends.scopes, ...mends.buttons, button("Words…", retype), mends.back, save, mends.about)
      : make("p", { class: "caption", text: "No words have times here, so none can be moved." }),
    isBack ? make("p", { class: "caption", id: "kept", text: "Words were moved here and not saved; they are as you left them. Take back puts them where they were." }) : "",
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

  function tick(at) {
    if (!timeline) return;
    timeline.show(at, player.isPlaying);
    play.show();
    time.textContent = `${clock(at)} of ${clock(song.duration_s)}`;
    karaoke.show(at);
  }

  const hearing = song.sounds.slice(0, 9).map((name, place) => [String(place + 1), `hear ${name}`, () => {
    sounds.querySelectorAll("input")[place].checked = true;
    useSound(name);
  }]);
  useKeys([
    ["Space", "play or pause", () => player.toggle()],
    ...hearing,
    ...mends.keys(),
    ["j", `back ${SEEK_S} s`, () => player.seek(player.at - SEEK_S)],
    ["k", `on ${SEEK_S} s`, () => player.seek(player.at + SEEK_S)],
    ["l", "loop what is chosen", () => mends.setLoop(!player.loop)],
    ["e", "other words: retype, split, join, or none", () => song.words.length && retype()],
    ["t or Ctrl+s", "save the times", saveTimes],
    ["y", "approve", () => byKey("approve")],
    ["n", "reject", () => byKey("reject")],
    ["g", "send back to the stage that dropped it", () => byKey("again")],
    ["U", "undo the last saved edit", () => byKey("undo")],
    ["+ or =", "larger", () => timeline.zoom(1)],
    ["-", "smaller", () => timeline.zoom(-1)],
    ["Escape", "all songs", () => { location.hash = lastAddress(); }],
    ...PAGE_KEYS,
  ]);
  timeline.setScale(PER_S);
  mends.choose(0, false);
  tick(0);
  if (isBack) mends.refresh();
  if (lastAt.has(id)) player.audio.addEventListener("loadedmetadata", () => player.seek(lastAt.get(id)), { once: true });
  showOutline();
  return () => {
    lastAt.set(id, player.at);
    player.close();
    timeline.close();
  };
}
