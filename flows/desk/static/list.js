// The songs: found by text, filtered by counts and a histogram that are clicked, in the order of any column.
import { ask, button, clock, drawn, figure, make, tell } from "./dom.js";
import { useKeys } from "./keys.js";
import { PAGE_KEYS, rememberList, top } from "./nav.js";

const PAGE = 50;
const CHOICES = [["state", "State"], ["reason", "Drop reason"], ["language", "Language"], ["split", "Split"], ["license", "Licence"]];
const COLUMNS = [["title", "Song"], ["reason", "State"], ["language", "Language"], ["split", "Split"], ["duration_s", "Length"], ["alignment", "Alignment"], ["agreement", "Agreement"]];
const MOST_VALUES = 14;
const TYPED_MS = 180, READ_AGAIN_MS = 1500;

function stateOf(given) {
  const where = filters(given.get("where") || "{}");
  return {
    where: { search: where.search ?? "", chosen: where.chosen ?? {}, ranges: where.ranges ?? {} },
    sort: given.get("sort") ?? "title",
    down: given.get("down") === "1",
    offset: Number(given.get("offset") ?? 0),
    measure: given.get("measure") ?? "alignment",
  };
}

function filters(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    throw new Error("address: its filters cannot be read; begin with all songs");
  }
}

function addressOf(state) {
  const { where, sort, down, offset, measure } = state;
  return `#/?${new URLSearchParams({ where: JSON.stringify(where), sort, down: down ? 1 : 0, offset, measure })}`;
}

export async function showList(view, given, isShown) {
  const state = stateOf(given);
  rememberList(addressOf(state));
  document.title = "Songs – the desk";
  const search = make("input", { type: "search", id: "search", value: state.where.search, maxlength: 200, placeholder: "Title, artist or id", "aria-label": "Search", autocomplete: "off" });
  const total = make("p", { class: "caption", id: "total" });
  const facets = make("div", { id: "facets" });
  const spread = make("div", { id: "spread" });
  const table = make("div", { class: "wide", id: "songs" });
  const pager = make("div", { class: "pager" });
  const side = make("details", { class: "side", open: matchMedia("(min-width: 60rem)").matches }, make("summary", { text: "Filter" }), facets, spread);
  view.replaceChildren(
    top("#/", "Songs", search, total),
    make("div", { class: "desk" }, side, make("div", { class: "found" }, table, pager)),
  );
  let timer = 0, measures = [], turn = 0;

  function go(change, isNewPage = true) {
    Object.assign(state, change);
    if (isNewPage) state.offset = 0;
    rememberList(addressOf(state));
    history.replaceState(null, "", addressOf(state));
    load();
  }

  async function load() {
    clearTimeout(timer);
    const mine = ++turn;
    const where = JSON.stringify(state.where);
    const showFound = (found) => {
      if (isShown() && mine === turn) showRows(found);
      return found;
    };
    const { sort, down, offset, measure } = state;
    try {
      const [found, counted, histogram] = await Promise.all([
        ask("/api/songs", { where, sort, down: down ? 1 : 0, offset, limit: PAGE }).then(showFound), // rows do not wait for counts
        ask("/api/counts", { where }),
        ask("/api/histogram", { where, measure }),
      ]);
      if (!isShown() || mine !== turn) return;
      const before = columns().length;
      measures = counted.measures;
      if (columns().length !== before) showRows(found);
      showFacets(counted.counts);
      showSpread(histogram);
      if (found.reading) timer = setTimeout(load, READ_AGAIN_MS);
    } catch (error) {
      if (isShown()) tell(error.message, true);
    }
  }

  // ---- the table ----

  function columns() {
    const names = COLUMNS.map(([name]) => name);
    const more = measures.find(({ name }) => name === state.measure);
    return names.includes(state.measure) || !more ? COLUMNS : [...COLUMNS, [more.name, more.label]];
  }

  function heading([name, title], place) {
    const isSorted = state.sort === name;
    const sorted = isSorted ? (state.down ? "descending" : "ascending") : undefined;
    const call = () => go({ sort: name, down: isSorted ? !state.down : place > 3 });
    return make("th", { scope: "col", class: place > 3 ? "figure" : "", "aria-sort": sorted }, button(title, call, { class: "" }));
  }

  function cell(song, name) {
    const value = song[name];
    return make("td", { class: "figure", text: name === "duration_s" && value ? clock(value) : figure(value) });
  }

  function row(song) {
    const link = make("a", { href: `#/song?${new URLSearchParams({ id: song.song_id })}`, text: song.title || song.song_id, class: "song-link" });
    const told = song.reason ?? (song.state === "waiting" ? "not through yet" : song.state);
    return make("tr", { "data-id": song.song_id },
      make("th", { scope: "row" }, link, song.artist ? make("span", { class: "note", text: song.artist }) : null),
      make("td", {}, make("span", { class: `fate ${song.state}`, text: told, title: song.dropped_by ? `by ${song.dropped_by}` : "" })),
      make("td", { text: song.language ?? "–" }),
      make("td", { text: song.split ?? "–" }),
      ...columns().slice(4).map(([name]) => cell(song, name)));
  }

  function showRows({ songs, total: count, offset, reading, unread }) {
    const focused = document.activeElement?.closest?.("tr")?.dataset.id;
    const shown = count ? `${(offset + 1).toLocaleString("en")} to ${(offset + songs.length).toLocaleString("en")} of ` : "";
    total.textContent = `${shown}${count.toLocaleString("en")} ${count === 1 ? "song" : "songs"}${reading ? ", what changed is being read" : unread ? `; ${unread} ${unread === 1 ? "partition" : "partitions"} cannot be read, jam verify names the files` : ""}`;
    table.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...columns().map(heading))), make("tbody", {}, ...songs.map(row))));
    const back = button("Previous", () => page(-1), { disabled: offset === 0 });
    const on = button("Next", () => page(1), { disabled: offset + songs.length >= count });
    pager.replaceChildren(back, on);
    if (focused) [...table.querySelectorAll("tr")].find((one) => one.dataset.id === focused)?.querySelector("a").focus();
  }

  function page(step) {
    const next = pager.children[step > 0 ? 1 : 0];
    if (next && !next.disabled) go({ offset: Math.max(0, state.offset + step * PAGE) }, false);
  }

  // ---- what to choose from ----

  function choice(name, value, count) {
    const chosen = state.where.chosen[name] ?? [];
    const box = make("input", { type: "checkbox", "data-choice": `${name}:${value ?? ""}` });
    box.checked = chosen.includes(value);
    box.addEventListener("change", () => {
      const next = box.checked ? [...chosen, value] : chosen.filter((one) => one !== value);
      go({ where: { ...state.where, chosen: { ...state.where.chosen, [name]: next } } });
    });
    return make("label", { class: "choice" }, box, make("span", { text: value ?? "none" }), make("span", { class: "n", text: count.toLocaleString("en") }));
  }

  function showFacets(counts) {
    const focused = document.activeElement?.dataset?.choice;
    facets.replaceChildren(...CHOICES.filter(([name]) => counts[name].length > 1 || state.where.chosen[name]?.length).map(([name, title]) => {
      const boxes = counts[name].map(([value, count]) => choice(name, value, count));
      const more = boxes.splice(MOST_VALUES);
      const rest = more.length ? make("details", {}, make("summary", { text: `${more.length} more` }), ...more) : null;
      return make("fieldset", {}, make("legend", { text: title }), ...boxes, rest);
    }));
    if (focused) [...facets.querySelectorAll("input")].find((one) => one.dataset.choice === focused)?.focus();
  }

  // ---- how a measure is spread ----

  function showSpread({ edges, kept, others, absent }) {
    const focused = document.activeElement?.id;
    const select = make("select", { id: "measure", "aria-label": "Measure", on: { change: () => go({ measure: select.value }, false) } },
      ...measures.map(({ name, label }) => make("option", { value: name, text: label, selected: name === state.measure })));
    const range = state.where.ranges[state.measure];
    const limit = (place, id, title) => make("input", { id, type: "number", step: "any", "aria-label": title, placeholder: title, value: range ? range[place] : "", on: { change: setRange } });
    const from = limit(0, "least", "least"), to = limit(1, "most", "most");

    function setRange() {
      const ranges = { ...state.where.ranges };
      delete ranges[state.measure];
      if (from.value !== "" || to.value !== "") ranges[state.measure] = [from.value === "" ? -1e12 : Number(from.value), to.value === "" ? 1e12 : Number(to.value)];
      go({ where: { ...state.where, ranges } });
    }

    const clear = button("All", () => { from.value = to.value = ""; setRange(); }, { id: "all-values", disabled: !range });
    const unit = measures.find(({ name }) => name === state.measure)?.unit ?? "";
    const note = `${unit}${absent ? `; ${absent.toLocaleString("en")} without a value` : ""}`;
    spread.replaceChildren(make("fieldset", {}, make("legend", { text: "Measure" }), select, edges.length ? bars(edges, kept, others, range, pick) : null,
      make("div", { class: "range" }, from, make("span", { text: "to" }), to, clear), make("p", { class: "caption", text: note })));
    if (focused) document.getElementById(focused)?.focus();

    function pick(place, isMore) {
      const ends = [edges[place], edges[place + 1]];
      if (isMore && range) ends.splice(0, 2, Math.min(range[0], ends[0]), Math.max(range[1], ends[1]));
      [from.value, to.value] = ends;
      setRange();
    }
  }

  const up = (step) => () => {
    const links = [...table.querySelectorAll(".song-link")];
    const at = links.indexOf(document.activeElement);
    links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
  };
  useKeys([
    ["/", "search", () => search.focus()],
    ["j or ArrowDown", "next song", up(1)],
    ["k or ArrowUp", "song before", up(-1)],
    ["Enter", "open the song", () => document.activeElement?.click?.()],
    ["n", "next page", () => page(1)],
    ["p", "page before", () => page(-1)],
    ["f", "to the filters", () => { side.open = true; facets.querySelector("input")?.focus(); }],
    ["x", "all filters off", () => { search.value = ""; go({ where: { search: "", chosen: {}, ranges: {} } }); }],
    ...PAGE_KEYS,
  ]);
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => go({ where: { ...state.where, search: search.value } }), TYPED_MS);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "ArrowDown") { event.preventDefault(); up(0)(); }
    if (event.key === "Escape") search.blur();
  });
  await load();
  return () => clearTimeout(timer);
}

function bars(edges, kept, others, range, pick) {
  const top = Math.max(...kept.map((count, place) => count + others[place]), 1);
  const svg = drawn("svg", { class: "histogram", viewBox: `0 0 ${kept.length} 100`, preserveAspectRatio: "none", role: "img", "aria-label": "Songs by this measure" });
  kept.forEach((count, place) => {
    const both = count + others[place];
    const isIn = !range || (edges[place + 1] > range[0] && edges[place] < range[1]);
    const told = `${figure(edges[place])} to ${figure(edges[place + 1])}: ${count} kept, ${others[place]} not`;
    const bar = (className, from, size) => drawn("rect", { class: className, x: place + 0.08, width: 0.84, y: 100 - (100 * (from + size)) / top, height: (100 * size) / top });
    svg.append(drawn("g", { class: isIn ? "in" : "out", on: { click: (event) => pick(place, event.shiftKey) } },
      drawn("title", { text: told }), drawn("rect", { class: "hit", x: place, width: 1, y: 0, height: 100 }),
      bar("kept", 0, count), bar("lost", count, both - count)));
  });
  return svg;
}
