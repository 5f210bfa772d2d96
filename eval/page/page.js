// The page's one script: sorts tables, shows a song's takes, plays them and lights up the words being sung.
// Every text reaches the page through textContent.
"use strict";

(() => {
  const page = JSON.parse(document.getElementById("page-data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const PLAY = "M3 1.5v13l11-6.5z", PAUSE = "M3 2h3.5v12H3zM9.5 2H13v12H9.5z";

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function drawing(path, viewBox, className) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", viewBox);
    svg.setAttribute("aria-hidden", "true");
    if (className) svg.setAttribute("class", className);
    svg.append(document.createElementNS(SVG, "path"));
    svg.firstChild.setAttribute("d", path);
    return svg;
  }

  function shown(metric, value) {
    if (value === null || value === undefined) return "\u2013";
    return (value * metric.scale).toFixed(metric.decimals).replace("-", "\u2212");
  }

  // ---- sorting: a click, or Enter on a column head; missing values always stand last ----

  function sortable(table) {
    for (const head of table.querySelectorAll("thead th[data-sort]")) {
      head.querySelector("button").addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sortRows(table.tBodies[0], head.cellIndex, head.dataset.sort === "number", up);
      });
    }
  }

  function sortRows(body, column, numeric, up) {
    const key = (row) => {
      const cell = row.cells[column];
      const text = cell.dataset.value ?? cell.textContent;
      return numeric ? (text === "" ? NaN : Number(text)) : text;
    };
    const keyed = [...body.rows].map((row) => [key(row), row]);
    keyed.sort(([a], [b]) => {
      if (!numeric) return up ? a.localeCompare(b) : b.localeCompare(a);
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
      return up ? a - b : b - a;
    });
    body.append(...keyed.map(([, row]) => row));
  }

  document.querySelectorAll("table.sortable").forEach(sortable);
  const player = document.getElementById("player");
  if (!player || !page.songs.length) return;

  // ---- sound: one element plays; sources are made when first asked for ----

  const sound = new Audio();
  const sources = new Map();
  let playing = null; // the take being heard, as shown by takeView

  function sourceOf(take) {
    if (take.file) return take.file;
    if (!sources.has(take.script)) {
      const text = atob(document.getElementById(take.script).textContent.trim());
      const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
      sources.set(take.script, URL.createObjectURL(new Blob([bytes], { type: take.type })));
    }
    return sources.get(take.script);
  }

  function start(view) {
    if (playing !== view) {
      stop();
      playing = view;
      sound.src = sourceOf(view.take);
      sound.currentTime = view.at;
    }
    sound.play().catch((error) => view.say(`This sound cannot be played: ${error.message}`));
  }

  function stop() {
    sound.pause();
    const last = playing;
    playing = null;
    if (last) last.show(false);
  }

  function follow() {
    if (!playing) return;
    playing.at = sound.currentTime;
    playing.show(!sound.paused);
    if (!sound.paused) requestAnimationFrame(follow);
  }

  for (const event of ["play", "pause", "seeked"]) sound.addEventListener(event, follow);
  sound.addEventListener("ended", () => {
    if (!playing) return;
    playing.at = 0;
    stop();
  });

  // ---- one take: head, two lanes of words, the wave between them ----

  function outline(peaks) {
    if (!peaks.length) return "";
    const top = Math.max(...peaks, 1);
    const upper = peaks.map((peak, i) => `${i} ${(50 - (48 * peak) / top).toFixed(1)}`);
    const lower = peaks.map((peak, i) => `${i} ${(50 + (48 * peak) / top).toFixed(1)}`).reverse();
    return `M${[...upper, ...lower].join("L")}Z`;
  }

  const MEANING = { hit: "sung as asked", missed: "missed", substituted: "heard as another word", inserted: "never asked for" };

  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `12.2px ${getComputedStyle(document.body).fontFamily}`; // .76rem, as .word in page.css

  // A word that would run into the one before it moves one row away from the wave.
  function lane(words, duration, name, pixels) {
    const element = make("div", `lane ${name}`);
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", `${name} words`);
    if (!words.length) element.append(make("span", "empty-lane", `no ${name} words`));
    const ends = [];
    const spans = words.map(([text, begin, end, mark]) => {
      const span = make("span", `word ${mark}`, text);
      const free = ends.findIndex((taken) => taken <= begin * pixels);
      const row = free >= 0 ? free : ends.length;
      ends[row] = begin * pixels + pen.measureText(text).width + 4;
      span.style.setProperty("--row", row);
      span.style.left = `${(100 * begin) / duration}%`;
      span.title = `${name}, ${begin.toFixed(2)}\u2013${end.toFixed(2)} s: ${MEANING[mark]}`;
      element.append(span);
      return { span, begin, end };
    });
    element.style.setProperty("--rows", Math.max(1, ends.length));
    const light = (time) => {
      for (const { span, begin, end } of spans) span.classList.toggle("now", time >= begin && time < end);
    };
    return { element, light };
  }

  // Wide enough that three in four words end before the next begins.
  function pixelsPerSecond(take) {
    const needs = [take.asked, take.heard].flatMap((words) =>
      words.slice(1).map(([, begin], i) => (pen.measureText(words[i][0]).width + 6) / Math.max(0.08, begin - words[i][1])));
    needs.sort((a, b) => a - b);
    return Math.min(160, Math.max(30, needs[Math.floor(0.75 * needs.length)] ?? 30));
  }

  function takeView(take, song, width) {
    const duration = Math.max(take.duration, 0.01);
    const system = page.systems[take.system];
    const element = make("article", "take");
    const head = make("div", "take-head");
    const button = make("button", "play");
    const icon = drawing(PLAY, "0 0 16 16");
    const message = make("p", "note", take.note);
    button.type = "button";
    button.append(icon);
    const title = make("div");
    title.append(make("b", "", system.title));
    if (system.stamp) title.append(make("span", "stamp", system.stamp));
    title.append(message);
    const scores = make("dl", "scores");
    for (const metric of page.metrics) {
      if (!(metric.name in take.scores)) continue;
      const value = make("dd", "", shown(metric, take.scores[metric.name]));
      value.title = take.reasons[metric.name] ?? "";
      if (metric.unit) value.textContent += `\u00a0${metric.unit}`;
      const pair = make("div");
      pair.append(make("dt", "", metric.title), value);
      scores.append(pair);
    }
    head.append(button, title);

    const timeline = make("div", "timeline");
    const track = make("div", "track");
    const wave = make("div", "wave");
    const asked = lane(take.asked, duration, "asked", width / duration);
    const heard = lane(take.heard, duration, "heard", width / duration);
    const path = outline(take.peaks);
    const box = `0 0 ${Math.max(1, take.peaks.length - 1)} 100`;
    const played = drawing(path, box, "played");
    const whole = drawing(path, box);
    for (const svg of [whole, played]) svg.setAttribute("preserveAspectRatio", "none");
    const playhead = make("div", "playhead");
    wave.tabIndex = 0;
    wave.setAttribute("role", "slider");
    wave.setAttribute("aria-label", `Place in ${song.title} by ${system.title}, in seconds`);
    wave.setAttribute("aria-valuemin", "0");
    wave.setAttribute("aria-valuemax", duration.toFixed(1));
    wave.append(whole, played, playhead);
    track.style.width = `${width}px`;
    track.append(asked.element, wave, heard.element);
    timeline.append(track);
    element.append(head, timeline, scores);

    const view = {
      element, take, at: 0,
      say(text) { message.textContent = text; },
      show(running) {
        const share = Math.min(1, view.at / duration);
        icon.firstChild.setAttribute("d", running ? PAUSE : PLAY);
        button.setAttribute("aria-label", `${running ? "Pause" : "Play"} ${song.title} by ${system.title}`);
        played.style.clipPath = `inset(0 ${100 * (1 - share)}% 0 0)`;
        playhead.style.left = `${100 * share}%`;
        playhead.hidden = view.at === 0;
        wave.setAttribute("aria-valuenow", view.at.toFixed(1));
        const time = playing === view && view.at > 0 ? view.at : -1;
        asked.light(time);
        heard.light(time);
        if (running && track.scrollWidth > timeline.clientWidth) {
          const x = share * track.clientWidth;
          if (x < timeline.scrollLeft || x > timeline.scrollLeft + 0.9 * timeline.clientWidth) timeline.scrollLeft = x - 40;
        }
      },
      seek(time) {
        view.at = Math.min(duration, Math.max(0, time));
        if (playing === view) sound.currentTime = view.at;
        view.show(playing === view && !sound.paused);
      },
    };
    const toggle = () => (playing === view && !sound.paused ? sound.pause() : start(view));
    const silent = !take.script && !take.file;
    button.disabled = silent;
    button.addEventListener("click", toggle);
    track.addEventListener("click", (event) => {
      const bounds = track.getBoundingClientRect();
      view.seek((duration * (event.clientX - bounds.left)) / bounds.width);
    });
    wave.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -5, PageUp: 5 };
      if (event.key in steps) view.seek(view.at + steps[event.key]);
      else if (event.key === "Home") view.seek(0);
      else if (event.key === "End") view.seek(duration);
      else if ((event.key === " " || event.key === "Enter") && !silent) toggle();
      else return;
      event.preventDefault();
    });
    timeline.addEventListener("scroll", () => { // the takes of a song stay on one time axis
      for (const other of player.querySelectorAll(".timeline")) {
        if (Math.abs(other.scrollLeft - timeline.scrollLeft) > 1) other.scrollLeft = timeline.scrollLeft;
      }
    });
    view.show(false);
    return view;
  }

  // ---- one song: its takes under each other on one time axis ----

  let current = 0;

  function showSong(index) {
    stop();
    current = (index + page.songs.length) % page.songs.length;
    const song = page.songs[current];
    const bar = make("div", "song-bar");
    const title = make("h3", "", song.title);
    title.append(make("code", "", song.id));
    bar.append(title, stepButton("Previous song", -1), stepButton("Next song", 1));
    const longest = Math.max(...song.takes.map((take) => take.duration));
    const scale = Math.max(...song.takes.map(pixelsPerSecond));
    const room = player.clientWidth > 736 ? player.clientWidth - 226 : player.clientWidth;
    const fit = room / longest;
    const perSecond = scale <= 1.4 * fit ? fit : scale; // a little crowding is better than scrolling
    player.replaceChildren(bar, ...song.takes.map((take) => takeView(take, song, take.duration * perSecond).element));
    document.querySelectorAll("#song-table tbody tr").forEach((row) => {
      if (row.dataset.song === song.id) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    });
  }

  function stepButton(label, step) {
    const button = make("button", "step", label);
    button.type = "button";
    button.addEventListener("click", () => {
      showSong(current + step);
      player.querySelectorAll(".step")[step < 0 ? 0 : 1].focus();
    });
    return button;
  }

  // ---- all songs: one metric at a time, songs down, systems across ----

  const controls = document.getElementById("song-controls");
  const select = make("select"), filter = make("input");
  filter.type = "search";
  for (const metric of page.metrics) {
    const option = make("option", "", metric.title);
    option.value = metric.name;
    select.append(option);
  }
  for (const [text, control] of [["Metric", select], ["Filter", filter]]) {
    const label = make("label", "", text);
    label.append(control);
    controls.append(label);
  }

  function showTable() {
    const metric = page.metrics.find(({ name }) => name === select.value);
    const used = new Set(page.songs.flatMap((song) => song.takes.map((take) => take.system)));
    const systems = Object.keys(page.systems).filter((name) => used.has(name));
    systems.sort((a, b) => page.order.indexOf(a) - page.order.indexOf(b));
    const table = make("table"), headRow = make("tr"), body = make("tbody");
    const columns = systems.map((name) => [page.systems[name].title, "number", page.systems[name].stamp]);
    for (const [text, kind, stamp] of [["Song", "text", ""], ...columns]) {
      const head = make("th", kind === "number" ? "figure" : "");
      const button = make("button", "", text);
      button.type = "button";
      head.scope = "col";
      head.dataset.sort = kind;
      head.append(button);
      if (stamp) head.append(make("small", "", stamp));
      headRow.append(head);
    }
    page.songs.forEach((song, index) => {
      const row = make("tr"), head = make("th");
      row.dataset.song = song.id;
      row.dataset.text = [song.title, song.id, ...(song.takes[0]?.asked ?? []).map(([word]) => word)].join(" ").toLowerCase();
      head.scope = "row";
      head.dataset.value = song.title;
      head.append(openButton(song.title, index));
      row.append(head);
      for (const name of systems) {
        const take = song.takes.find((one) => one.system === name);
        const value = metric ? take?.scores[metric.name] : undefined;
        const cell = make("td", "figure");
        cell.dataset.value = value ?? "";
        cell.title = take ? (metric && take.reasons[metric.name]) || take.note : "no such take";
        cell.textContent = metric ? shown(metric, value) : "";
        row.append(cell);
      }
      body.append(row);
    });
    table.append(make("thead"), body);
    table.tHead.append(headRow);
    document.getElementById("song-table").replaceChildren(table);
    sortable(table);
    applyFilter();
  }

  function openButton(text, index) {
    const button = make("button", "", text);
    button.type = "button";
    button.addEventListener("click", () => {
      showSong(index);
      player.scrollIntoView();
      player.querySelector(".play:not(:disabled)")?.focus({ preventScroll: true });
    });
    return button;
  }

  function applyFilter() {
    const wanted = filter.value.trim().toLowerCase();
    for (const row of document.querySelectorAll("#song-table tbody tr")) row.hidden = !row.dataset.text.includes(wanted);
  }

  select.addEventListener("change", () => { showTable(); showSong(current); });
  filter.addEventListener("input", applyFilter);
  showTable();
  showSong(0);
})();
