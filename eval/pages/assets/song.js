// The script of the page of one song: lanes of words over the wave, one clock for mix and stems.
(() => {
  const { page, make, showState, playButton, waves, slider, keys, sourceOf } = shared;
  const place = document.getElementById("song");
  if (!place) return;
  const duration = Math.max(page.duration, 0.01);

  // ---- how wide a second is: three in four words of the first lane fit into their own length ----

  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `12.8px ${getComputedStyle(document.body).fontFamily}`; // .8rem, as .box in song.css
  const widthOf = (word) => Math.max(pen.measureText(word[0]).width, 0.9 * pen.measureText(word[3]).width) + 10;
  const first = page.lanes[0]?.words ?? [];
  const needs = first.map((word, i) => {
    const next = first[i + 1]?.[1] ?? duration;
    return widthOf(word) / Math.max(0.08, next - word[1]);
  }).sort((a, b) => a - b);
  const room = place.clientWidth - (place.clientWidth > 700 ? 84 : 0);
  const wanted = Math.min(220, needs[Math.floor(0.75 * needs.length)] ?? 30);
  const perSecond = Math.max(room / duration, wanted);

  // ---- lanes ----

  const lights = [];

  function lane({ name, words }, plain) {
    const element = make("div", plain ? "bar-lane plain" : "bar-lane");
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", `${name} words`);
    const ends = [];
    for (const word of words) {
      const [text, begin, end, phonemes, score] = word;
      const box = make("span", score !== null && score < page.low ? "box low" : "box");
      box.append(make("span", "", text));
      if (!plain) box.append(make("span", "ipa", phonemes));
      const free = ends.findIndex((taken) => taken <= begin * perSecond);
      const row = free >= 0 ? free : ends.length;
      ends[row] = Math.max(end * perSecond, begin * perSecond + widthOf(word));
      box.style.setProperty("--row", row);
      box.style.left = `${(100 * begin) / duration}%`;
      box.style.width = `${(100 * (end - begin)) / duration}%`;
      const told = score === null ? "" : `, score ${score.toFixed(2)}`;
      box.title = `${name}: ${text}, ${begin.toFixed(2)}\u2013${end.toFixed(2)} s${told}`;
      element.append(box);
      lights.push([box, begin, end]);
    }
    element.style.setProperty("--rows", Math.max(1, ends.length));
    return element;
  }

  function ruler() {
    const element = make("div", "ruler");
    const step = [1, 2, 5, 10, 15, 30, 60, 120].find((s) => s * perSecond >= 56) ?? 300;
    for (let second = 0; second < duration; second += step) {
      const tick = make("span", "", `${Math.floor(second / 60)}:${String(second % 60).padStart(2, "0")}`);
      tick.style.left = `${(100 * second) / duration}%`;
      element.append(tick);
    }
    return element;
  }

  // ---- the one timeline ----

  const controls = make("div", "controls");
  const { button, icon } = playButton();
  const clock = make("span", "clock");
  const message = make("p", "note");
  controls.append(button);

  const layout = make("div", "song-time"), labels = make("div", "labels");
  const timeline = make("div", "timeline"), track = make("div", "track");
  const wave = make("div", "wave tall");
  const playhead = make("div", "playhead");
  const rows = [];
  page.lanes.forEach((one, i) => rows.push([one.name, lane(one, i > 0)]));
  rows.splice(Math.min(1, rows.length), 0, ["", wave]);
  rows.push(["", ruler()]);
  track.style.width = `${duration * perSecond}px`;
  track.append(...rows.map(([, element]) => element), playhead);
  timeline.append(track);
  layout.append(labels, timeline);
  place.append(controls, layout);

  slider(wave, "Place in the song, in seconds", duration);

  let chosen = Math.max(0, page.sounds.findIndex((sound) => sound.name === "vocals"));
  let played = null;

  function drawWave() {
    const pair = waves(page.sounds[chosen]?.peaks ?? []);
    [, played] = pair;
    wave.replaceChildren(...pair);
    rows.find(([, element]) => element === wave)[0] = page.sounds[chosen]?.name ?? "";
    labels.replaceChildren(...rows.map(([name, element]) => {
      const label = make("div", "", name);
      label.style.height = `${element.offsetHeight}px`;
      return label;
    }));
  }

  // ---- sound: one clock; another stem goes on where the last one was ----

  const sound = new Audio();
  let at = 0;

  function start() {
    const one = page.sounds[chosen];
    if (!one?.script) return;
    const source = sourceOf(one.script, "audio/mpeg");
    if (sound.src !== source) {
      sound.src = source;
      sound.currentTime = at;
    }
    sound.play().catch((error) => { message.textContent = `This sound cannot be played: ${error.message}`; });
  }

  function choose(index) {
    const running = !sound.paused;
    sound.pause();
    chosen = index;
    message.textContent = page.sounds[chosen].note;
    button.disabled = !page.sounds[chosen].script;
    drawWave();
    if (running) start();
    show();
  }

  const body = document.getElementById("word-rows");
  first.forEach(([, begin, end], i) => { if (body?.rows[i]) lights.push([body.rows[i], begin, end]); });

  function show() {
    const running = !sound.paused, share = Math.min(1, at / duration);
    showState(icon, running);
    played.style.clipPath = `inset(0 ${100 * (1 - share)}% 0 0)`;
    playhead.style.left = `${100 * share}%`;
    playhead.hidden = at === 0;
    clock.textContent = `${at.toFixed(1)} of ${duration.toFixed(1)} s`;
    wave.setAttribute("aria-valuenow", at.toFixed(1));
    for (const [element, begin, end] of lights) element.classList.toggle("now", at > 0 && at >= begin && at < end);
    if (running && track.scrollWidth > timeline.clientWidth) {
      const x = share * track.clientWidth;
      if (x < timeline.scrollLeft || x > timeline.scrollLeft + 0.9 * timeline.clientWidth) timeline.scrollLeft = x - 40;
    }
  }

  function follow() {
    at = sound.currentTime;
    show();
    if (!sound.paused) requestAnimationFrame(follow);
  }

  function seek(time) {
    at = Math.min(duration, Math.max(0, time));
    if (sound.src) sound.currentTime = at;
    show();
  }

  for (const event of ["play", "pause", "seeked"]) sound.addEventListener(event, follow);
  sound.addEventListener("ended", () => seek(0));
  const toggle = () => (sound.paused ? start() : sound.pause());
  button.addEventListener("click", toggle);
  page.sounds.forEach(({ name }, index) => {
    const label = make("label"), radio = make("input");
    radio.type = "radio";
    radio.name = "sound";
    radio.checked = index === chosen;
    radio.addEventListener("change", () => choose(index));
    label.append(radio, name);
    controls.append(label);
  });
  controls.append(clock, message);
  track.addEventListener("click", (event) => {
    const bounds = track.getBoundingClientRect();
    seek((duration * (event.clientX - bounds.left)) / bounds.width);
    if (sound.paused) start();
  });
  body?.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row) { seek(first[row.sectionRowIndex][1]); if (sound.paused) start(); }
  });
  keys(wave, { seek, at: () => at, duration, toggle });
  if (page.sounds.length) choose(chosen);
  else { button.disabled = true; drawWave(); show(); }
})();
