// The report's own script: sorts tables, shows a song's candidates, plays them and lights up the words being sung.
(() => {
  const { page, make, showState, playButton, waves, slider, keys, sourceOf } = shared;
  const WORST = 10, MOST_WORDS = 8;

  function shown(metric, value) {
    if (value === null || value === undefined) return "\u2013";
    const text = (value * metric.scale).toFixed(metric.decimals);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
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

  function tableOf(columns, rows) {
    const table = make("table"), headRow = make("tr"), body = make("tbody");
    for (const [text, kind, stamp] of columns) {
      const head = make("th", kind === "number" ? "figure" : "");
      const button = make("button", "", text);
      button.type = "button";
      head.scope = "col";
      head.dataset.sort = kind;
      head.append(button);
      if (stamp) {
        head.append(make("small", "", stamp.split(",")[0]));
        head.title = stamp;
      }
      headRow.append(head);
    }
    body.append(...rows);
    table.append(make("thead"), body);
    table.tHead.append(headRow);
    sortable(table);
    return table;
  }

  function nameCell(text, content) {
    const cell = make("th");
    cell.scope = "row";
    cell.dataset.value = text;
    cell.append(content ?? text);
    return cell;
  }

  function numberCell(value, content) {
    const cell = make("td", "figure");
    cell.dataset.value = value ?? "";
    cell.append(content);
    return cell;
  }

  function linkButton(text, title, action) {
    const button = make("button", "", text);
    button.type = "button";
    button.title = title;
    button.addEventListener("click", action);
    return button;
  }

  document.querySelectorAll("table.sortable").forEach(sortable);
  const player = document.getElementById("player");
  if (!player || !page.songs.length) return;

  // ---- sound: one element plays; sources are made when first asked for ----

  const sound = new Audio();
  let playing = null; // the candidate being heard, as shown by takeView

  function start(view) {
    if (playing !== view) {
      stop();
      playing = view;
      sound.src = view.take.file ?? sourceOf(view.take.script, view.take.type);
      sound.currentTime = view.at;
    }
    sound.play().catch((error) => {
      if (error.name !== "AbortError") view.say(`This sound cannot be played: ${error.message}`);
    });
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

  const MEANING = { hit: "sung as asked", missed: "missed", substituted: "transcribed as another word", inserted: "never asked for" };

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
    const needs = [take.reference, take.hypothesis].flatMap((words) =>
      words.slice(1).map(([, begin], i) => (pen.measureText(words[i][0]).width + 6) / Math.max(0.08, begin - words[i][1])));
    needs.sort((a, b) => a - b);
    return Math.min(160, Math.max(30, needs[Math.floor(0.75 * needs.length)] ?? 30));
  }

  function scoreList(take) {
    const scores = make("dl", "scores");
    for (const metric of page.metrics) {
      if (!(metric.name in take.scores)) continue;
      const score = take.scores[metric.name];
      const value = make("dd", "", shown(metric, score));
      value.title = take.reasons[metric.name] ?? "";
      if (metric.unit && score !== null) value.textContent += `\u00a0${metric.unit}`;
      const pair = make("div");
      pair.append(make("dt", "", metric.title), value);
      scores.append(pair);
    }
    return scores;
  }

  function factList(take) {
    const details = make("details", "facts"), list = make("dl");
    details.append(make("summary", "", "What each stage did"), list);
    for (const [stage, text] of take.facts) {
      const row = make("div");
      row.append(make("dt", "", stage), make("dd", "", text));
      list.append(row);
    }
    return details;
  }

  function takeView(take, song, width) {
    const duration = Math.max(take.duration, 0.01);
    const system = page.systems[take.system];
    const named = `${song.title} by ${system.title}`;
    const silent = !take.script && !take.file;
    const element = make("article", "take");
    element.dataset.system = take.system;
    const head = make("div", "take-head");
    const { button, icon } = playButton();
    const message = make("p", "note", take.note || (silent ? "its sound is not in this report" : ""));
    const title = make("div");
    title.append(make("b", "", system.title));
    if (system.stamp) title.append(make("span", "stamp", system.stamp));
    title.append(message);
    head.append(button, title);

    const timeline = make("div", "timeline");
    const track = make("div", "track");
    const wave = make("div", "wave");
    const asked = lane(take.reference, duration, "reference", width / duration);
    const heard = lane(take.hypothesis, duration, "hypothesis", width / duration);
    const [whole, played] = waves(take.peaks);
    const playhead = make("div", "playhead");
    slider(wave, `Place in ${named}, in seconds`, duration);
    wave.append(whole, played, playhead);
    track.style.width = `${width}px`;
    track.append(asked.element, wave, heard.element);
    timeline.append(track);
    const below = make("div", "below");
    below.append(scoreList(take));
    const facts = take.facts.length ? factList(take) : null;
    if (facts) below.append(facts);
    element.append(head, timeline, below);

    const view = {
      element, take, silent, facts, button, at: 0,
      say(text) { message.textContent = text; },
      show(running) {
        const share = Math.min(1, view.at / duration);
        showState(icon, running, named);
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
    const toggle = () => {
      if (silent) return;
      if (playing === view && !sound.paused) sound.pause();
      else start(view);
    };
    button.disabled = silent;
    button.addEventListener("click", toggle);
    track.addEventListener("click", (event) => {
      const bounds = track.getBoundingClientRect();
      view.seek((duration * (event.clientX - bounds.left)) / bounds.width);
    });
    keys(wave, { seek: view.seek, at: () => view.at, duration, toggle });
    timeline.addEventListener("scroll", () => { // the candidates of a song stay on one time axis
      for (const other of player.querySelectorAll(".timeline")) {
        if (Math.abs(other.scrollLeft - timeline.scrollLeft) > 1) other.scrollLeft = timeline.scrollLeft;
      }
    });
    view.show(false);
    return view;
  }

  // ---- one song: its candidates under each other on one time axis ----

  const used = new Set(page.songs.flatMap((song) => song.takes.map((take) => take.system)));
  const systems = page.order.filter((name) => used.has(name));
  const hidden = new Set(); // systems that the reader switched off
  let current = 0, views = [];

  function showSong(index) {
    stop();
    current = (index + page.songs.length) % page.songs.length;
    const song = page.songs[current];
    const bar = make("div", "song-bar");
    const title = make("h3", "", song.title);
    title.append(make("code", "", song.genre ? `${song.id} \u00b7 ${song.genre}` : song.id));
    bar.append(title, stepButton("Previous song", -1), stepButton("Next song", 1));
    const takes = song.takes.filter((take) => !hidden.has(take.system));
    const longest = Math.max(...song.takes.map((take) => take.duration));
    const scale = Math.max(...song.takes.map(pixelsPerSecond));
    const room = player.clientWidth > 736 ? player.clientWidth - 226 : player.clientWidth;
    const fit = room / longest;
    const perSecond = scale <= 1.4 * fit ? fit : scale; // a little crowding is better than scrolling
    views = takes.map((take) => takeView(take, song, take.duration * perSecond));
    player.replaceChildren(bar, chips(), ...views.map((view) => view.element));
    document.querySelectorAll("#song-table tbody tr").forEach((row) => {
      if (row.dataset.song === song.id) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    });
  }

  function chips() {
    const group = make("div", "chips");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Systems shown side by side");
    for (const name of systems) {
      const label = make("label"), box = make("input");
      box.type = "checkbox";
      box.checked = !hidden.has(name);
      box.addEventListener("change", () => {
        if (box.checked) hidden.delete(name);
        else hidden.add(name);
        showSong(current);
        player.querySelectorAll(".chips input")[systems.indexOf(name)].focus();
      });
      label.append(box, page.systems[name].title);
      group.append(label);
    }
    return group;
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

  // From a number to its sound and its stage facts, in one click.
  function openTake(index, system) {
    hidden.delete(system);
    showSong(index);
    const view = views.find(({ take }) => take.system === system);
    if (!view) return player.scrollIntoView();
    view.element.setAttribute("aria-current", "true");
    if (view.facts) view.facts.open = true;
    view.element.scrollIntoView({ block: "center" });
    if (view.silent) view.element.querySelector(".wave").focus({ preventScroll: true });
    else {
      view.button.focus({ preventScroll: true });
      start(view);
    }
  }

  function openSong(index) {
    showSong(index);
    player.scrollIntoView();
    player.querySelector(".play:not(:disabled)")?.focus({ preventScroll: true });
  }

  // ---- the tables: one metric at a time; all of them follow the same controls ----

  const controls = document.getElementById("song-controls");
  const genres = [...new Set(page.songs.map((song) => song.genre).filter(Boolean))].sort();
  const metricChoice = choice("Metric", page.metrics.map(({ name, title }) => [name, title]));
  const systemChoice = choice("System", [["", "all"], ...systems.map((name) => [name, page.systems[name].title])]);
  const genreChoice = genres.length ? choice("Genre", [["", "all"], ...genres.map((name) => [name, name])]) : null;
  const filter = make("input");
  filter.type = "search";
  filter.placeholder = "title or word";
  label("Filter", filter);

  function label(text, control) {
    const element = make("label", "", text);
    element.append(control);
    controls.append(element);
  }

  function choice(text, options) {
    const select = make("select");
    for (const [value, name] of options) {
      const option = make("option", "", name);
      option.value = value;
      select.append(option);
    }
    label(text, select);
    select.addEventListener("change", showTables);
    return select;
  }

  const words = page.songs.map((song) =>
    [song.title, song.id, song.genre, ...(song.takes[0]?.reference ?? []).map(([word]) => word)].join(" ").toLowerCase());

  function wanted(song, index) {
    const inGenre = !genreChoice?.value || song.genre === genreChoice.value;
    return inGenre && words[index].includes(filter.value.trim().toLowerCase());
  }

  function shownSystems() {
    return systems.filter((name) => !systemChoice.value || name === systemChoice.value);
  }

  function showTables() {
    const metric = page.metrics.find(({ name }) => name === metricChoice.value);
    if (!metric) return;
    showSongs(metric);
    showWorst(metric);
    showGenres(metric);
  }

  function scoreButton(metric, index, take) {
    const why = take.reasons[metric.name] || take.note || "";
    const title = take.script || take.file ? `${why} Play, with its stage facts`.trim() : why || "Show, with its stage facts";
    return linkButton(shown(metric, take.scores[metric.name]), title, () => openTake(index, take.system));
  }

  function showSongs(metric) {
    const columns = shownSystems();
    const rows = page.songs.flatMap((song, index) => {
      if (!wanted(song, index)) return [];
      const row = make("tr");
      row.dataset.song = song.id;
      if (index === current) row.setAttribute("aria-current", "true");
      row.append(nameCell(song.title, linkButton(song.title, "", () => openSong(index))));
      for (const name of columns) {
        const take = song.takes.find((one) => one.system === name);
        row.append(numberCell(take?.scores[metric.name], take ? scoreButton(metric, index, take) : "\u2013"));
      }
      return [row];
    });
    const heads = columns.map((name) => [page.systems[name].title, "number", page.systems[name].stamp]);
    document.getElementById("song-table").replaceChildren(tableOf([["Song", "text"], ...heads], rows));
    document.getElementById("song-count").textContent = `${metric.title}: ${rows.length} of ${page.songs.length} songs.`;
  }

  function showWorst(metric) {
    const place = document.getElementById("worst-table");
    if (!metric.worst) return place.replaceChildren(make("p", "quiet", "This metric has no better side."));
    const columns = shownSystems();
    const takes = page.songs.flatMap((song, index) => (wanted(song, index) ? song.takes : [])
      .filter((take) => columns.includes(take.system) && typeof take.scores[metric.name] === "number")
      .map((take) => [take.scores[metric.name], index, take]));
    takes.sort(([a], [b]) => (metric.worst === "highest" ? b - a : a - b));
    const rows = takes.slice(0, WORST).map(([score, index, take]) => {
      const row = make("tr"), lost = take.reference.filter(([, , , mark]) => mark !== "hit");
      const unsung = make("td", "unsung", lost.slice(0, MOST_WORDS).map(([word]) => word).join(" "));
      if (lost.length > MOST_WORDS) unsung.append(` and ${lost.length - MOST_WORDS} more`);
      row.append(
        numberCell(score, scoreButton(metric, index, take)),
        nameCell(page.songs[index].title),
        make("td", "", page.systems[take.system].title),
        unsung,
      );
      return row;
    });
    const heads = [[metric.unit ? `${metric.title}, ${metric.unit}` : metric.title, "number"], ["Song", "text"],
      ["System", "text"], ["Asked for and not transcribed", "text"]];
    place.replaceChildren(tableOf(heads, rows));
  }

  function showGenres(metric) {
    const place = document.getElementById("genre-table");
    if (!place) return;
    const columns = shownSystems();
    const rows = [...new Set(page.genres.map(({ genre }) => genre))]
      .filter((genre) => !genreChoice?.value || genre === genreChoice.value)
      .map((genre) => {
        const row = make("tr");
        row.append(nameCell(genre));
        for (const name of columns) {
          const found = page.genres.find((one) => one.genre === genre && one.system === name)?.scores[metric.name];
          const [value, low, high, n, failed] = found ?? [null, null, null, 0, 0];
          const content = make("span", "", shown(metric, value));
          const range = low === null ? "" : `[${shown(metric, low)}, ${shown(metric, high)}] `;
          content.append(make("small", "range", `${range}n\u00a0=\u00a0${n}${failed ? `, ${failed} failed` : ""}`));
          row.append(numberCell(value, content));
        }
        return row;
      });
    const heads = columns.map((name) => [page.systems[name].title, "number", page.systems[name].stamp]);
    place.replaceChildren(tableOf([["Genre", "text"], ...heads], rows));
  }

  filter.addEventListener("input", showTables);
  showSong(0);
  showTables();
})();
