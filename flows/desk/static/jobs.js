// One job: its candidates side by side on one clock, the same moment on each, their scores and settings; words moved, asked for again.
import { ask, button, clock, figure, make, send, tell } from "./dom.js";
import { Draft } from "./draft.js";
import { asked } from "./generate.js";
import { keepMoves, restoreMoves } from "./kept.js";
import { Karaoke } from "./karaoke.js";
import { showHelp, useKeys } from "./keys.js";
import { Mending } from "./mending.js";
import { PAGE_KEYS, top } from "./nav.js";
import { PlayButton, Player } from "./sound.js";
import { Timeline } from "./timeline.js";

const FOLLOWED = ["melody", "drums"];
const LOOK_MS = 1500, PER_S = 60, SEEK_S = 2;

export async function showJob(view, given, isShown, showAgain) {
  const id = given.get("id") ?? "";
  const job = await ask("/api/job", { id });
  if (!isShown()) return undefined;
  document.title = `${job.name} – the desk`;
  const made = job.songs.filter((song) => !song.reason);
  const song = { ...job, lanes: {}, made_by: { song: "as asked" } };
  const draft = new Draft(job.words, job.duration_s, []);
  const kept = `desk-moves:job-${id}`, isBack = restoreMoves(kept, id, draft);
  const again = button("Generate again", generateAgain, { id: "again", class: "step strong" });
  const mends = new Mending(song, draft, () => {
    again.textContent = draft.isChanged ? "Generate with moved words" : "Generate again";
    keepMoves(kept, id, draft);
  });
  const player = made.length ? new Player((name) => ["/api/candidate", { id, name }], made.map((one) => String(one.candidate)), tick) : null;
  const timeline = new Timeline(song, draft, { seek: (at) => player?.seek(at), select: (place) => mends.choose(place, false), changed: () => mends.refresh() });
  mends.connect(timeline, player);
  const karaoke = new Karaoke(song, draft, timeline);
  const play = player ? new PlayButton(player) : null;
  const time = make("span", { class: "clock" });
  const seed = make("input", { type: "number", name: "seed", min: 0, step: 1, value: job.seed, "aria-label": "Seed", autocomplete: "off" });
  const told = make("p", { class: "caution", id: "state" });
  const log = make("pre", { class: "log", tabindex: 0, "aria-label": "What its process said" });
  const state = make("div", {}, told);

  view.replaceChildren(
    top("", job.name, make("p", { class: "subtitle", text: `${clock(job.duration_s)} · ${job.style} · seed ${job.seed}${job.chords ? ` · ${job.chords} at ${job.bpm}` : ""}${FOLLOWED.filter((name) => job[name]).map((name) => ` · with a file of ${name}`).join("")}` }), state),
    ...(player ? [make("div", { class: "controls transport" }, play.element, time, which(), make("label", {}, mends.loop, make("span", { text: "loop" })),
      button("−", () => timeline.zoom(-1), { "aria-label": "Smaller" }), button("+", () => timeline.zoom(1), { "aria-label": "Larger" }), button("Keys ?", showHelp, { class: "step last" })), karaoke.element] : []),
    make("div", { class: player ? "" : "silent" }, timeline.element),
    make("div", { class: "controls mend" }, mends.scopes, ...mends.buttons, mends.back, mends.about),
    make("div", { class: "controls" }, make("label", {}, make("span", { text: "seed" }), seed), again,
      made.length > 1 && job.state === "done" ? make("a", { class: "step", href: `#/choose?${new URLSearchParams({ set: `job-${id}` })}`, text: "Choose blind" }) : null),
    ...(job.songs.length ? [candidates()] : []),
    make("section", {}, make("details", { open: job.state === "failed" }, make("summary", { text: "What its process said" }), log)),
  );
  showState(job);

  function showState(now) {
    const count = `${now.made} of ${now.candidates} ${now.candidates === 1 ? "candidate" : "candidates"}`;
    told.textContent = now.state === "failed" ? `failed: ${now.why}` : now.state === "done" ? "" : `${now.state}: ${count} ${now.state === "cancelled" ? "made" : "made; they show here as they come"}`;
    told.hidden = now.state === "done";
    log.textContent = now.log || "Nothing yet.";
    const what = { waiting: "cancel", running: "cancel", failed: "again", cancelled: "again" }[now.state];
    state.replaceChildren(told, ...(what ? [button(what === "cancel" ? "Cancel" : "Go on", () => change(what), { id: "change" })] : []));
  }

  async function change(what) {
    try {
      showState(await send("/api/jobs/change", { id, do: what }));
      look();
    } catch (error) {
      tell(error.message, true);
    }
  }

  async function generateAgain() {
    try {
      const form = { name: job.name, style: job.style_text, style_song: job.style_song, candidates: job.candidates, seed: seed.value, chords: job.chords, bpm: job.bpm, files: { melody: job.melody, drums: job.drums } };
      const { id: next } = await send("/api/ask", asked(song, draft, form));
      if (next === id) tell("this is the same job: move a word or take another seed");
      else location.hash = `#/job?${new URLSearchParams({ id: next })}`;
    } catch (error) {
      tell(error.message, true);
    }
  }

  // ---- candidates side by side ----

  // The same choice as in the table, beside the player.
  function which() {
    const one = ({ candidate }, place) => make("label", {}, make("input", { type: "radio", name: "sound", value: candidate, checked: place === 0, on: { change: () => useSound(candidate) } }), make("span", { text: String(candidate + 1) }));
    return make("div", { class: "group", role: "radiogroup", "aria-label": "Candidate that is heard" }, ...made.map(one));
  }

  function candidates() {
    const names = [...new Set(made.flatMap((one) => Object.keys(one.scores)))].filter((name) => name !== "reason");
    const first = ["word errors", "reward"];
    names.sort((a, b) => first.indexOf(b) - first.indexOf(a));
    const best = Math.max(...made.map((one) => one.scores.reward ?? -Infinity));
    const score = (name, value) => typeof value === "number" ? value.toFixed(name === "word errors" ? 2 : 3).replace("-", "−") : "–";  // a column's figures end alike
    const hear = (one, place) => make("label", {}, make("input", { type: "radio", name: "candidate", value: one.candidate, checked: place === 0, on: { change: () => useSound(one.candidate) } }), make("span", { text: `Candidate ${one.candidate + 1}` }));
    const row = (one) => make("tr", { "data-candidate": one.candidate },
      make("th", { scope: "row" }, one.reason ? make("span", { text: `Candidate ${one.candidate + 1}` }) : hear(one, made.indexOf(one))),
      ...(one.reason ? [make("td", { colspan: names.length + 2, class: "failed", text: one.reason })] : [
        ...names.map((name) => make("td", { class: name === "reward" && one.scores.reward === best ? "figure best" : "figure", text: score(name, one.scores[name]) })),
        make("td", { class: "figure", text: one.lufs === null ? "–" : one.lufs.toFixed(1).replace("-", "−") }),
        make("td", {}, make("div", { class: "actions-of" },
          button("Copy", () => copy(one), { "aria-label": `Copy settings of candidate ${one.candidate + 1}` }),
          make("a", { class: "step", href: `/api/candidate?${new URLSearchParams({ id, name: one.candidate })}`, download: `${job.name}-${one.candidate + 1}${/\.[a-z0-9]+$/.exec(one.file)?.[0] ?? ""}`, text: "Save", "aria-label": `Save the sound of candidate ${one.candidate + 1}` })))]));
    const heads = [["Candidate", ""], ...names.map((name) => [name.split(" ").pop() === "errors" ? name : name.split(" ").pop(), "figure", name]), ["LUFS", "figure"], ["Settings, sound", ""]];
    return make("section", { "aria-label": "Candidates" }, make("h2", { text: "Candidates" }), made.length && !names.length ? make("p", { class: "caption", text: "Scores follow when all are made." }) : null,
      make("div", { class: "wide candidates" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads.map(([text, kind, title]) => make("th", { scope: "col", class: kind, text, title })))), make("tbody", {}, ...job.songs.map(row)))));
  }

  async function copy(one) {
    try {
      await navigator.clipboard.writeText(JSON.stringify(one.settings, null, 1));
      tell("seed and settings copied");
    } catch {
      tell(JSON.stringify(one.settings));
    }
  }

  function useSound(candidate) {
    player.choose(String(candidate));
    for (const input of view.querySelectorAll("input[name=candidate], input[name=sound]")) input.checked = input.value === String(candidate);
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
    timeline.show(at, player.isPlaying);
    play.show();
    time.textContent = `${clock(at)} of ${clock(job.duration_s)}`;
    karaoke.show(at);
  }

  // ---- while it is made ----

  let timer = 0;
  async function look() {
    clearTimeout(timer);
    const now = await ask("/api/job", { id }).catch((error) => tell(error.message, true));
    if (!isShown()) return;
    if (now && !draft.isChanged && JSON.stringify(now.songs) !== JSON.stringify(job.songs) && !player?.isPlaying) {
      await showAgain();
      return;
    }
    if (now) showState(now);
    if (!now || now.state === "running" || now.state === "waiting") timer = setTimeout(look, LOOK_MS);
  }

  const hearing = made.slice(0, 9).map((one) => [String(one.candidate + 1), `hear candidate ${one.candidate + 1}`, () => useSound(one.candidate)]);
  useKeys([
    ...(player ? [["Space", "play or pause", () => player.toggle()], ...hearing,
      ["j", `back ${SEEK_S} s`, () => player.seek(player.at - SEEK_S)], ["k", `on ${SEEK_S} s`, () => player.seek(player.at + SEEK_S)],
      ["l", "loop what is chosen", () => mends.setLoop(!player.loop)]] : []),
    ...mends.keys().filter(([key]) => key !== "b"),
    ["g", "generate again, with moved words", generateAgain],
    ["+ or =", "larger", () => timeline.zoom(1)],
    ["-", "smaller", () => timeline.zoom(-1)],
    ["Escape", "all jobs", () => { location.hash = "#/generate"; }],
    ...PAGE_KEYS,
  ]);
  timeline.setScale(PER_S);
  mends.choose(0, false);
  if (isBack) mends.refresh();
  if (player) {
    tick(0);
    showOutline();
  }
  if (job.state !== "done") timer = setTimeout(look, LOOK_MS);
  return () => {
    clearTimeout(timer);
    player?.close();
    timeline.close();
  };
}
