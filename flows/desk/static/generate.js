// A song from lyrics: typed, given a time each word, moved, asked for; and the queue of all that was asked.
import { ask, button, clock, make, send, tell } from "./dom.js";
import { Draft } from "./draft.js";
import { FileField, clearWrong, labelled, tellBeside } from "./fields.js";
import { keepMoves, restoreMoves } from "./kept.js";
import { showHelp, useKeys } from "./keys.js";
import { Mending } from "./mending.js";
import { PAGE_KEYS, top } from "./nav.js";
import { Timeline } from "./timeline.js";

const LOOK_MS = 1500, PER_S = 60;
const KEPT = "desk-song", LAID = "desk-laid", MOVES = "desk-moves:laid"; // what was typed, laid and moved outlives a reload of the page
const FILES = { melody: ["Melody", "a file of notes, or a voice alone"], drums: ["Drums", "a sound, repeated to the song's end"] };
const FIRST = { name: "song", lyrics: "", style: "", duration_s: "", bpm: "", times: "", candidates: "2", seed: "", chords: "", files: {} };

// A job, as the page asks for it.
export function asked(laid, draft, form) {
  const times = draft.rounded();
  return {
    name: form.name, style: form.style_song ? "" : form.style, style_song: form.style_song ?? "",
    words: laid.words.map(({ text }, place) => [text, ...times[place]]), line_starts: laid.lines.map(([first]) => first),
    duration_s: laid.duration_s, candidates: Number(form.candidates), seed: Number(form.seed),
    ...(laid.language ? { language: laid.language } : {}), ...(laid.phones ? { phones: laid.phones } : {}),
    ...Object.fromEntries(Object.entries(form.files ?? {}).filter(([, hash]) => hash)),
    ...(form.chords?.trim() ? { chords: form.chords, ...(form.bpm ? { bpm: Number(form.bpm) } : {}) } : {}),
  };
}

export async function showGenerate(view, given, isShown) {
  const about = await ask("/api/maker");
  if (!isShown()) return undefined;
  document.title = "Generate – the desk";
  const kept = { ...FIRST, seed: String(about.seed), ...JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") };
  const styleSong = given.get("style_song") ?? "";
  let laid = null, laidFor = "", draft = null, mends = null, timeline = null, isBusy = false;

  // ---- the form ----

  const field = (name, settings) => make("input", { name, autocomplete: "off", value: kept[name], on: { input: typed }, ...settings });
  const lyrics = make("textarea", { name: "lyrics", rows: 9, spellcheck: "false", placeholder: "A line a line. An empty line begins a part.", on: { input: typed } });
  lyrics.value = kept.lyrics;
  const style = styleSong ? make("p", { class: "as-song" }, make("span", { text: `as ${styleSong}` }), make("a", { href: "#/generate", text: "in words instead" })) : field("style", { maxlength: about.max_style, placeholder: "bright pop, female voice" });
  const options = [["", about.predicted ? "predicted" : "rough"], ...(about.predicted ? [["rough", "rough"]] : [])];
  const times = make("select", { name: "times", on: { change: typed } }, ...options.map(([value, text]) => make("option", { value, text, selected: value === kept.times })));
  const number = (name, settings) => field(name, { type: "number", ...settings });
  const files = Object.entries(FILES).filter(([name]) => about.controls.includes(name))
    .map(([name, [text, note]]) => new FileField(name, text, note, kept.files[name] ?? null, about.max_file, typed));
  const fields = make("div", { class: "fields" },
    labelled("Length in seconds", number("duration_s", { min: 1, max: about.longest_s, step: 0.1 }), about.longest_s ? `at most ${about.longest_s.toFixed(1)}; ${about.predicted ? "none: as the words need" : "or a tempo"}` : ""),
    labelled("Tempo", number("bpm", { min: 30, max: 300, step: 1 }), about.predicted ? "beats a minute; none: free" : "beats a minute, in place of a length"),
    labelled("Candidates", number("candidates", { min: 1, max: about.max_candidates, step: 1 })),
    ...(about.controls.includes("chords") ? [labelled("Chords", field("chords", { maxlength: 2000, placeholder: "C G | Am F" }), "a sign a bar; they need a tempo")] : []),
    ...files.map((one) => one.element),
    labelled("Name", field("name", { maxlength: 40, pattern: "[A-Za-z0-9_\\-]+", required: true }), "letters, digits, - and _"),
    labelled("Times of words", times),
    labelled("Seed", number("seed", { min: 0, step: 1 }), "the same one, the same songs"));
  const lay = button("Lay the words", () => layWords(), { id: "lay" });
  const go = button("Generate", generate, { id: "generate", class: "step strong", disabled: Boolean(about.why) });
  const place = make("section", { class: "laid", "aria-label": "Words in time" });
  const queue = make("div", { id: "queue" });
  view.replaceChildren(
    top("#/generate", "Generate", about.why ? make("p", { class: "caution", text: about.why }) : make("p", { class: "caption", text: `by ${about.checkpoint}, weights ${about.weights}` })),
    make("form", { class: "asking", on: { submit: (event) => event.preventDefault() } },
      labelled("Lyrics", lyrics), make("div", {}, labelled("Style", style, styleSong ? "" : "in words; a song's page offers its own"), fields,
        make("div", { class: "actions" }, lay, go, button("Keys ?", showHelp)))),
    place, make("section", { "aria-label": "Queue" }, make("h2", { text: "Asked for" }), queue),
  );

  function form() {
    const values = Object.fromEntries([...view.querySelectorAll("form [name]:not([type=file])")].map((input) => [input.name, input.value]));
    return { ...kept, ...values, style_song: styleSong, files: Object.fromEntries(files.map((one) => [one.name, one.kept])) };
  }

  function typed() {
    sessionStorage.setItem(KEPT, JSON.stringify(form()));
  }

  // What decides the words; where it is as it was, moved words stay.
  function wanted() {
    const { lyrics: text, style: said, duration_s, bpm, times: how } = form();
    const orNone = (value) => (value === "" ? null : Number(value));
    return { lyrics: text, style: styleSong ? "" : said, duration_s: orNone(duration_s), bpm: orNone(bpm), times: how || null };
  }

  async function busy(call) {
    if (isBusy) return;
    isBusy = true;
    lay.disabled = go.disabled = true;
    clearWrong(view);
    try {
      await Promise.all(files.map((one) => one.sending));
      for (const one of files) one.check();
      await call();
    } catch (error) {
      tellBeside(view.querySelector("form"), error);
    } finally {
      isBusy = false;
      lay.disabled = false;
      go.disabled = Boolean(about.why);
    }
  }

  // ---- words in time ----

  function layWords() {
    return busy(layNow);
  }

  async function layNow() {
    const want = wanted();
    laid = await send("/api/words", want);
    if (!isShown()) return;
    laidFor = JSON.stringify(want);
    sessionStorage.setItem(LAID, JSON.stringify({ laid, laidFor }));
    showLaid();
    tell(`${laid.words.length} words over ${laid.duration_s.toFixed(1)} s, ${laid.how}`);
  }

  function showLaid() {
    timeline?.close();
    const song = { ...laid, lanes: {}, made_by: { song: laid.how } };
    draft = new Draft(laid.words, laid.duration_s, []);
    const isBack = restoreMoves(MOVES, laidFor, draft);
    mends = new Mending(song, draft, () => keepMoves(MOVES, laidFor, draft));
    timeline = new Timeline(song, draft, { seek: () => {}, select: (at) => mends.choose(at, false), changed: () => mends.refresh() });
    mends.connect(timeline, null);
    const told = laid.remarks.map((text) => make("li", { text }));
    place.replaceChildren(make("h2", { text: "Words in time" }), make("div", { class: "silent" }, timeline.element),
      make("div", { class: "controls mend" }, mends.scopes, ...mends.buttons, mends.back, mends.about),
      make("ul", { class: "notes", hidden: !told.length }, ...told));
    timeline.setScale(PER_S);
    mends.choose(0, false);
    if (isBack) mends.refresh();
    keys();
  }

  // Words that were laid before the page was loaded again, where nothing that decides them has changed.
  function showKept() {
    const before = JSON.parse(sessionStorage.getItem(LAID) ?? "null");
    if (before?.laidFor !== JSON.stringify(wanted())) return;
    ({ laid, laidFor } = before);
    showLaid();
  }

  function generate() {
    return busy(async () => {
      if (!view.querySelector("form").reportValidity()) return;
      if (!laid || laidFor !== JSON.stringify(wanted())) {
        const isLost = Boolean(draft?.isChanged);
        await layNow();
        if (isLost) {
          tell("the words were laid anew, since what decides their times changed, and moves are gone: look at them, then generate", true);
          return;
        }
      }
      const given = form(), hashes = Object.fromEntries(files.map((one) => [one.name, one.kept?.file]));
      const { id } = await send("/api/ask", asked(laid, draft, { ...given, files: hashes }));
      if (isShown()) location.hash = `#/job?${new URLSearchParams({ id })}`; // where the candidates come
    });
  }

  // ---- the queue ----

  let timer = 0;
  async function look() {
    clearTimeout(timer);
    try {
      const { jobs } = await ask("/api/jobs");
      if (!isShown()) return;
      showQueue(jobs);
    } catch (error) {
      if (isShown()) tell(error.message, true);
    }
    if (isShown()) timer = setTimeout(look, LOOK_MS);
  }

  async function change(id, what) {
    await send("/api/jobs/change", { id, do: what }).catch((error) => tell(error.message, true));
    await look();
  }

  let shownQueue = "";
  function showQueue(jobs) {
    if (shownQueue === JSON.stringify(jobs)) return; // the focus stays where it is
    shownQueue = JSON.stringify(jobs);
    const focused = document.activeElement?.closest?.("#queue tr")?.dataset.id;
    const row = (job) => make("tr", { "data-id": job.id, class: job.state },
      make("th", { scope: "row" }, make("a", { href: `#/job?${new URLSearchParams({ id: job.id })}`, text: job.name })),
      make("td", {}, make("span", { class: `fate ${job.state}`, text: job.state }), job.why ? make("span", { class: "note", text: job.why }) : null),
      make("td", { class: "figure" }, make("progress", { max: job.candidates, value: job.made, "aria-label": `${job.made} of ${job.candidates} candidates` }), ` ${job.made} of ${job.candidates}`),
      make("td", { class: "figure", text: clock(job.duration_s) }), make("td", { text: job.style }), make("td", { class: "figure", text: String(job.seed) }),
      make("td", {}, ["waiting", "running"].includes(job.state) ? button("Cancel", () => change(job.id, "cancel")) : ["failed", "cancelled"].includes(job.state) ? button("Again", () => change(job.id, "again")) : null));
    const titles = [["Song", ""], ["State", ""], ["Made", "figure"], ["Length", "figure"], ["Style", ""], ["Seed", "figure"], ["Do", ""]].map(([text, kind]) => make("th", { scope: "col", class: kind, text }));
    queue.replaceChildren(jobs.length ? make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, ...titles)), make("tbody", {}, ...jobs.map(row)))) : make("p", { class: "caption", text: "Nothing yet." }));
    if (focused) [...queue.querySelectorAll("tr")].find((one) => one.dataset.id === focused)?.querySelector("a, button").focus();
  }

  function keys() {
    useKeys([
      ["w", "to the lyrics", () => lyrics.focus()],
      ["l", "lay the words", () => layWords()],
      ["g", "generate", () => generate()],
      ["q", "to the queue", () => queue.querySelector("a")?.focus()],
      ...(mends ? [...mends.keys().filter(([key]) => key !== "b"), ["+ or =", "larger", () => timeline.zoom(1)], ["-", "smaller", () => timeline.zoom(-1)]] : []),
      ...PAGE_KEYS,
    ]);
  }

  view.querySelector("form").addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.target.blur();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) generate();
  });
  keys();
  showKept();
  await look();
  return () => {
    clearTimeout(timer);
    timeline?.close();
  };
}
