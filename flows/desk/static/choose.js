// Two candidates without their names, equally loud, the same moment of each: which is better. And which there are to compare.
import { ask, button, clock, make, send, tell } from "./dom.js";
import { showHelp, useKeys } from "./keys.js";
import { PAGE_KEYS, top } from "./nav.js";
import { PlayButton, Player } from "./sound.js";

const RATER = "desk-rater"; // whoever sits here, on this machine
const SEEK_S = 2;
const SAID = [["a", "A is better"], ["b", "B is better"], ["neither", "Neither"]];

export async function showChoose(view, given, isShown, showAgain) {
  const set = given.get("set"), rater = localStorage.getItem(RATER) ?? "";
  document.title = "Choose – the desk";
  return set && rater ? showTrial(view, set, rater, isShown) : showSets(view, set, rater, isShown, showAgain);
}

// ---- what there is to compare ----

async function showSets(view, set, rater, isShown, showAgain) {
  const { sets } = await ask("/api/sets", rater ? { rater } : {}).catch((error) => {
    localStorage.removeItem(RATER); // a name that the server does not take
    throw error;
  });
  if (!isShown()) return undefined;
  const name = make("input", { id: "rater", name: "rater", maxlength: 60, value: rater, autocomplete: "off", required: true, placeholder: "your name" });
  const form = make("form", { class: "controls" }, make("label", {}, make("span", { text: "Who listens" }), name), make("button", { class: "step strong", text: "Begin" }));
  const keep = () => localStorage.setItem(RATER, name.value.trim());

  // The comparison of the address, else the first with a pair that this rater has not answered.
  async function begin() {
    const { sets: given } = await ask("/api/sets", { rater: name.value.trim() });
    keep();
    const first = set ?? given.find((one) => one.mine < one.trials)?.name;
    if (!isShown()) return;
    if (first && first !== set) location.hash = `#/choose?${new URLSearchParams({ set: first })}`;
    else await showAgain();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    begin().catch((error) => tell(error.message, true));
  });

  // A name that was typed is kept whichever comparison is opened; without one it is asked for first.
  function open(event) {
    if (name.value.trim()) keep();
    else if (!form.reportValidity()) event.preventDefault();
  }

  const link = (one) => `#/choose?${new URLSearchParams({ set: one.name })}`;
  const state = (one) => (one.trials === null ? "–" : one.mine >= one.trials && one.trials ? "all answered" : `${one.mine} of ${one.trials}`);
  const row = (one) => make("tr", {}, make("th", { scope: "row" }, make("a", { href: link(one), text: one.title, on: { click: open } })),
    make("td", { class: "figure", text: String(one.pairs) }), make("td", { class: "figure", text: state(one) }), make("td", { class: "figure", text: String(one.choices) }), make("td", { text: one.raters.join(", ") || "–" }));
  const titles = [["Candidates of", ""], ["Pairs", "figure"], ["By you", "figure"], ["Answers", "figure"], ["By", ""]].map(([text, kind]) => make("th", { scope: "col", class: kind, text }));
  view.replaceChildren(top("#/choose", "Choose", make("p", { class: "caption", text: "Two candidates at a time, equally loud, without their names. A plays by itself, then B. Some pairs come again with sides swapped, which tells how sure you are." })), form,
    sets.length ? make("div", { class: "wide", id: "sets" }, make("table", {}, make("thead", {}, make("tr", {}, ...titles)), make("tbody", {}, ...sets.map(row))))
      : make("p", { class: "caption", text: "Nothing to compare yet: a round of jam dpo, or a song with two candidates, comes here." }));
  if (!rater || set) name.focus();
  else view.querySelector("#sets a")?.focus();
  const step = (by) => () => {
    const links = [...view.querySelectorAll("#sets a")];
    links[Math.min(links.length - 1, Math.max(0, links.indexOf(document.activeElement) + by))]?.focus();
  };
  useKeys([["j or ArrowDown", "next", step(1)], ["k or ArrowUp", "before", step(-1)], ["r", "who listens", () => name.focus()], ...PAGE_KEYS]);
  return undefined;
}

// ---- one pair after another ----

async function showTrial(view, set, rater, isShown) {
  let now = await ask("/api/trials", { set, rater });
  if (!isShown()) return undefined;
  let player = null;
  show();
  return () => player?.close();

  function show() {
    player?.close();
    player = null;
    if (now.next === null) showResult(view, now, rater);
    else showPair();
  }

  function showPair() {
    const trial = now.next, heard = new Set();
    player = new Player((name) => ["/api/trial", { set, rater, trial, name }], ["a", "b"], tick);
    const play = new PlayButton(player);
    const time = make("span", { class: "clock" });
    const side = (name) => make("button", { type: "button", class: "side-of", "aria-pressed": name === "a", "data-side": name, text: name.toUpperCase(), on: { click: () => hear(name) } });
    const sides = make("div", { class: "sides", role: "group", "aria-label": "Which is heard" }, side("a"), side("b"));
    const bar = make("input", { type: "range", min: 0, max: 1000, value: 0, step: 1, "aria-label": "Moment", on: { input: () => player.seek((bar.value / 1000) * (player.audio.duration || 0)) } });
    const answers = SAID.map(([name, text]) => button(text, () => say(name), { "data-said": name, class: name === "neither" ? "step" : "step strong", disabled: true }));
    view.replaceChildren(
      top("#/choose", now.title, make("p", { class: "caption" }, make("progress", { max: now.trials, value: now.answered, "aria-label": "answered" }), ` ${now.answered} of ${now.trials} answered, by ${rater}`)),
      make("div", { class: "trial", "data-trial": trial }, sides, make("div", { class: "controls" }, play.element, time, bar), make("div", { class: "controls said" }, ...answers, button("Keys ?", showHelp, { class: "step last" }))));

    function note(name) {
      heard.add(name);
      if (heard.size > 1) for (const one of answers) one.disabled = false;
    }

    function hear(name) {
      note(name);
      if (player.name !== name) player.choose(name);
      player.play();
      for (const one of sides.children) one.setAttribute("aria-pressed", one.dataset.side === name);
    }

    function tick(at) {
      play.show();
      if (player.isPlaying) note(player.name);
      const length = player.audio.duration;
      time.textContent = `${clock(at)}${length ? ` of ${clock(length)}` : ""}`;
      bar.value = length ? (1000 * at) / length : 0;
    }

    async function say(name) {
      if (answers[0].disabled) {
        tell("hear both first");
        return;
      }
      for (const one of answers) one.disabled = true;
      try {
        now = await send("/api/choices", { set, rater, trial, side: name });
        tell("");
      } catch (error) {
        tell(error.message, true);
        now = await ask("/api/trials", { set, rater }).catch(() => now);
      }
      if (isShown()) show();
    }

    useKeys([
      ["Space", "play or pause", () => player.toggle()],
      ["a", "hear A", () => hear("a")], ["b", "hear B", () => hear("b")],
      ["x", "hear the other one", () => hear(player.name === "a" ? "b" : "a")],
      ["1 or ArrowLeft", "A is better", () => say("a")], ["2 or ArrowRight", "B is better", () => say("b")], ["0", "neither", () => say("neither")],
      ["j", `back ${SEEK_S} s`, () => player.seek(player.at - SEEK_S)], ["k", `on ${SEEK_S} s`, () => player.seek(player.at + SEEK_S)],
      ["Escape", "all comparisons", () => { location.hash = "#/choose"; }],
      ...PAGE_KEYS,
    ]);
    sides.firstChild.focus();
    player.audio.addEventListener("ended", () => { if (heard.size < 2) hear(player.name === "a" ? "b" : "a"); });
    player.play(); // A by itself, then B: whoever lets both play answers with one key
  }
}

function showResult(view, { title, trials, result }, rater) {
  const sure = result.twice ? `${result.alike} of ${result.twice} pairs heard twice were answered alike.` : "No pair was heard twice.";
  const rows = result.wins.map((one) => make("tr", {}, make("th", { scope: "row", text: /^\d+$/.test(one.candidate) ? `Candidate ${Number(one.candidate) + 1}` : one.candidate }), make("td", { class: "figure", text: `${one.won} of ${one.heard}` })));
  view.replaceChildren(
    top("#/choose", title, make("p", { class: "caption", id: "result", text: trials ? `All ${trials} answered by ${rater}: ${result.pairs} ${result.pairs === 1 ? "pair" : "pairs"} with a winner. ${sure}` : "There is no pair here to compare." })),
    make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col", text: "Candidate" }), make("th", { scope: "col", class: "figure", text: "Preferred" }))), make("tbody", {}, ...rows))),
    make("p", {}, make("a", { href: "#/choose", text: "All comparisons" })));
  useKeys([["Escape", "all comparisons", () => { location.hash = "#/choose"; }], ...PAGE_KEYS]);
}
