// Lanes of a song under its outline, as wide as they are long: what is seen is scrolled, zoomed, clicked and dragged.
import { clock, make } from "./dom.js";

const LOW_SCORE = 0.5, EDGE_PX = 6, MIN_PER_S = 4, MAX_PER_S = 800, ZOOM = 1.5;
const LABELS = { sections: "parts", given: "given", heard: "heard", aligner: "aligner", phones: "phones", chords: "chords", notes: "notes", beats: "beats", masked: "masked" };
const NOTES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

export class Timeline {
  constructor(song, draft, { seek, select, changed }) {
    Object.assign(this, { song, draft, seek, select, changed, outline: new Uint8Array(), at: 0, perSecond: 60, loop: null });
    this.canvas = make("canvas", { class: "outline", "aria-hidden": "true" });
    this.lane = make("div", { class: "bar-lane words-lane", role: "group", "aria-label": "words of the song" });
    this.head = make("div", { class: "playhead" });
    this.looped = make("div", { class: "looped", hidden: true });
    this.track = make("div", { class: "track" }, this.canvas, this.looped, this.lane, ...this.otherLanes(), this.ruler = make("div", { class: "ruler" }), this.head);
    this.scroll = make("div", { class: "timeline", tabindex: 0, role: "group", "aria-label": "Timeline" }, this.track);
    this.element = make("div", { class: "song-time" }, this.labels(), this.scroll);
    this.scroll.addEventListener("scroll", () => this.draw(), { passive: true });
    this.canvas.addEventListener("pointerdown", (event) => this.seek(this.secondAt(event.clientX)));
    this.watcher = new ResizeObserver(() => this.setScale(this.perSecond));
    this.watcher.observe(this.scroll);
    this.showWords();
  }

  labels() {
    const made = this.song.made_by;
    const label = (text, lane, className) => make("div", { class: className, text, title: made[lane] ?? "" });
    const names = Object.keys(this.song.lanes).sort((a, b) => this.order(a) - this.order(b));
    return make("div", { class: "labels" }, label("", "", "of-outline"), label("words", "song", "of-words"), ...names.map((name) => label(LABELS[name] ?? name, name, `of-lane of-${name}`)));
  }

  order(name) {
    return Object.keys(LABELS).indexOf(name);
  }

  otherLanes() {
    const names = Object.keys(this.song.lanes).sort((a, b) => this.order(a) - this.order(b));
    return names.map((name) => {
      const lane = make("div", { class: `small-lane ${name}`, role: "group", "aria-label": `${name}, ${this.song.made_by[name] ?? ""}` });
      for (const [text, start, end] of this.song.lanes[name]) {
        const shown = name === "notes" ? `${NOTES[text % 12]}${Math.floor(text / 12) - 1}` : text;
        const box = make("span", { class: "small", text: shown, title: `${name}: ${shown} ${clock(start)} to ${clock(end)}` });
        this.put(box, start, end);
        box.addEventListener("click", () => this.seek(start));
        lane.append(box);
      }
      return lane;
    });
  }

  put(box, start, end) {
    box.style.left = `${(100 * start) / this.song.duration_s}%`;
    box.style.width = `${(100 * Math.max(0, end - start)) / this.song.duration_s}%`;
  }

  // ---- the words, which can be changed ----

  showWords() {
    this.boxes = this.song.words.map((word, place) => {
      const isLow = word.score !== null && word.score < LOW_SCORE;
      const box = make("span", { class: `box${isLow ? " low" : ""}${word.unheard ? " unheard" : ""}`, "data-place": place },
        make("span", { class: "text", text: word.text }), make("span", { class: "ipa", text: word.phonemes ?? "" }));
      box.addEventListener("pointerdown", (event) => this.grab(event, place));
      return box;
    });
    this.lane.replaceChildren(...this.boxes);
    this.place();
  }

  place() {
    this.boxes.forEach((box, place) => {
      const [start, end] = this.draft.times[place], word = this.song.words[place];
      this.put(box, start, end);
      const score = word.score === null ? "no score" : `score ${word.score.toFixed(2)}`;
      box.title = `${word.text}: ${start.toFixed(2)} to ${end.toFixed(2)} s, ${score}${word.unheard ? ", not heard" : ""}`;
      const [was, wasEnd] = this.draft.saved[place];
      box.classList.toggle("moved", was !== start || wasEnd !== end);
    });
  }

  mark(first, end) {
    this.boxes.forEach((box, place) => box.classList.toggle("chosen", place >= first && place < end));
  }

  grab(event, place) {
    if (event.button !== 0) return;
    event.preventDefault();
    const [first, end] = this.select(place);
    const from = this.draft.times.map((pair) => [...pair]);
    const box = this.boxes[place], within = box.getBoundingClientRect();
    const side = event.clientX - within.left < EDGE_PX ? 0 : within.right - event.clientX < EDGE_PX ? 1 : null;
    const grabbed = this.secondAt(event.clientX);
    let isDragged = false;
    box.setPointerCapture(event.pointerId);
    const drag = (moved) => {
      const by = this.secondAt(moved.clientX) - grabbed;
      if (!isDragged && Math.abs(by) * this.perSecond < 3) return;
      if (!isDragged) this.draft.remember();
      isDragged = true;
      if (side === null) this.draft.shift(first, end, by, from);
      else this.draft.setEdge(place, side, from[place][side] + by, from);
      this.changed();
    };
    const drop = () => {
      box.removeEventListener("pointermove", drag);
      if (!isDragged) this.seek(this.draft.times[place][0]);
    };
    box.addEventListener("pointermove", drag);
    box.addEventListener("pointerup", drop, { once: true });
    box.addEventListener("pointercancel", drop, { once: true });
  }

  // ---- time ----

  secondAt(clientX) {
    const within = this.track.getBoundingClientRect();
    return Math.min(this.song.duration_s, Math.max(0, (clientX - within.left) / this.perSecond));
  }

  zoom(steps) {
    this.setScale(this.perSecond * ZOOM ** steps);
  }

  setScale(perSecond) {
    const middle = (this.at * this.perSecond - this.scroll.scrollLeft) || 0;
    const whole = this.scroll.clientWidth / this.song.duration_s;
    this.perSecond = Math.min(MAX_PER_S, Math.max(MIN_PER_S, whole, perSecond));
    this.track.style.width = `${this.perSecond * this.song.duration_s}px`;
    this.scroll.scrollLeft = this.at * this.perSecond - Math.min(Math.max(middle, 0), this.scroll.clientWidth);
    this.showRuler();
    this.draw();
  }

  showRuler() {
    const step = [0.5, 1, 2, 5, 10, 15, 30, 60, 120].find((one) => one * this.perSecond >= 64) ?? 300;
    const ticks = [];
    for (let second = 0; second < this.song.duration_s; second += step) {
      const tick = make("span", { text: clock(second).replace(/\.0$/, "") });
      tick.style.left = `${(100 * second) / this.song.duration_s}%`;
      ticks.push(tick);
    }
    this.ruler.replaceChildren(...ticks);
  }

  setOutline(bytes) {
    this.outline = bytes;
    this.draw();
  }

  setLoop(loop) {
    this.loop = loop;
    this.looped.hidden = !loop;
    if (loop) this.put(this.looped, loop[0], loop[1]);
  }

  show(at, isPlaying) {
    this.at = at;
    const x = at * this.perSecond, left = this.scroll.scrollLeft, width = this.scroll.clientWidth;
    this.head.style.left = `${x}px`;
    if (isPlaying && (x < left || x > left + 0.85 * width)) this.scroll.scrollLeft = x - 0.15 * width;
    this.draw();
  }

  reveal(place) {
    const x = this.draft.times[place][0] * this.perSecond, left = this.scroll.scrollLeft, width = this.scroll.clientWidth;
    if (x < left + 20 || x > left + width - 80) this.scroll.scrollLeft = x - 0.3 * width;
  }

  draw() {
    const width = this.scroll.clientWidth, height = this.canvas.clientHeight, dense = devicePixelRatio || 1;
    if (!width || !height) return;
    this.canvas.width = width * dense;
    this.canvas.height = height * dense;
    this.canvas.style.width = `${width}px`;
    const pen = this.canvas.getContext("2d"), look = getComputedStyle(this.canvas);
    pen.scale(dense, dense);
    const first = this.scroll.scrollLeft, played = this.at * this.perSecond - first;
    const rest = look.getPropertyValue("--quiet"), done = look.getPropertyValue("--accent");
    for (let x = 0; x < width; x++) {
      const from = Math.floor((100 * (first + x)) / this.perSecond), to = Math.max(from + 1, Math.floor((100 * (first + x + 1)) / this.perSecond));
      let peak = 0;
      for (let place = from; place < to && place < this.outline.length; place++) peak = Math.max(peak, this.outline[place]);
      const tall = Math.max(0.5, (peak / 255) * (height / 2 - 2));
      pen.fillStyle = x < played ? done : rest;
      pen.globalAlpha = x < played ? 1 : 0.55;
      pen.fillRect(x, height / 2 - tall, 1, 2 * tall);
    }
  }

  close() {
    this.watcher.disconnect();
  }
}
