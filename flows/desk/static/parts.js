// What the page of a song says around its timeline: who it is, what became of it, what was measured, what made it.
import { button, clock, figure, make } from "./dom.js";
import { top } from "./nav.js";

// verdict: the buttons by which somebody decides, beside what the run decided.
export function head(song, verdict) {
  const facts = [song.artist, clock(song.duration_s), song.language, song.split, song.license].filter(Boolean).join(" · ");
  const why = song.state === "dropped" ? `by ${song.dropped_by}: ${song.reason}${song.sentence ? `: ${song.sentence}` : ""}` : song.flags.length ? `in spite of ${song.flags.join(", ")}` : "";
  const { waiting, aside, count } = song.edits;
  const told = [
    waiting.length ? `Edits wait for the next jam prepare: ${waiting.join(", ")}.` : count && song.edits.standing.length ? "Its edits are taken in." : "",
    aside ? "Times were saved for other words; they are set aside." : "",
  ].filter(Boolean).join(" ");
  return top("", song.title, make("p", { class: "subtitle", text: facts }),
    make("p", { class: "banner" }, make("b", { class: `state ${song.state}`, text: song.state }), make("span", { class: "why", text: why }), make("code", { text: song.song_id })),
    told ? make("p", { class: "caution", id: "edits", text: told }) : "", verdict);
}

export function decisions(song, { approve, reject, sendBack, undoSaved }) {
  const isEarly = song.state === "dropped" && !["filter", "sources"].includes(song.dropped_by);
  const list = song.edits.standing.map((one) => make("li", { text: `${one.number}: ${one.kind}${one.reason ? `, “${one.reason}”` : ""} (${one.made_at.replace("T", " ").replace("Z", " UTC")})` }));
  return make("section", { class: "decide", "aria-label": "Decide" },
    make("div", { class: "controls" },
      button("Approve…", approve, { id: "approve", disabled: isEarly || song.edits.decision === "approve" }), button("Reject…", reject, { id: "reject", disabled: song.edits.decision === "reject" }),
      isEarly ? button(`Send back to ${song.dropped_by}`, sendBack, { id: "again" }) : null,
      list.length ? button("Undo the last edit", undoSaved, { id: "undo" }) : null,
      make("a", { class: "step", href: `#/generate?${new URLSearchParams({ style_song: song.song_id })}`, text: "Generate in its style" })),
    isEarly ? make("p", { class: "caption", text: `A song that ${song.dropped_by} dropped cannot be approved: no later stage has seen it.` }) : null,
    list.length ? make("ol", { class: "notes" }, ...list) : null);
}

export function measures(song) {
  if (!song.measures.length) return null;
  const rows = song.measures.map((one) => make("tr", { class: one.broken ? "broken" : "" },
    make("th", { scope: "row" }, make("span", { text: one.label }), " ", make("small", { text: one.unit })),
    make("td", { class: one.broken ? "figure failed" : "figure", text: figure(one.value) }), make("td", { text: one.limit || "–" })));
  const titles = [["Measure", ""], ["Value", "figure"], ["Limit", ""]].map(([text, kind]) => make("th", { scope: "col", class: kind, text }));
  return make("section", {}, make("h2", { text: "Measured, and its limits" }), make("div", { class: "wide measures" },
    make("table", {}, make("thead", {}, make("tr", {}, ...titles)), make("tbody", {}, ...rows))));
}

export function provenance(song) {
  const rows = song.stages.map((one) => make("tr", {}, make("th", { scope: "row", text: one.stage }), make("td", { text: one.made_by || "–" }), make("td", {}, make("code", { text: one.file }))));
  const titles = ["Stage", "Made by", "File"].map((text) => make("th", { scope: "col", text }));
  const remarks = song.remarks.map((text) => make("li", { text }));
  return make("section", {}, make("h2", { text: "What made it" }), remarks.length ? make("ul", { class: "notes" }, ...remarks) : null,
    make("div", { class: "wide made" }, make("table", {}, make("thead", {}, make("tr", {}, ...titles)), make("tbody", {}, ...rows))));
}
