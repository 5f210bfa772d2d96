// One clock for the mix and its stems: a single player whose source changes, a loop, and the outline of each sound.
import { askBytes } from "./dom.js";

export class Player {
  constructor(songId, names, onTick) {
    this.songId = songId;
    this.names = names;
    this.onTick = onTick;
    this.loop = null; // [from, to] in seconds
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.outlines = new Map();
    this.frame = 0;
    for (const kind of ["play", "pause", "seeked", "ended", "loadedmetadata"]) this.audio.addEventListener(kind, () => this.tick());
    this.choose(names[0]);
  }

  // The same moment of another sound.
  choose(name) {
    const at = this.audio.currentTime, was = !this.audio.paused;
    this.name = name;
    this.audio.src = `/api/sound?${new URLSearchParams({ id: this.songId, name })}`;
    this.audio.addEventListener("loadedmetadata", () => { this.audio.currentTime = at; }, { once: true });
    if (was) this.play();
  }

  // Magnitudes as bytes, a hundred a second.
  async outline() {
    const name = this.name;
    if (!this.outlines.has(name)) this.outlines.set(name, await askBytes("/api/peaks", { id: this.songId, name }));
    return this.outlines.get(name);
  }

  get at() {
    return this.audio.currentTime;
  }

  get isPlaying() {
    return !this.audio.paused && !this.audio.ended;
  }

  seek(seconds) {
    this.audio.currentTime = Math.max(0, seconds);
    this.tick();
  }

  play() {
    return this.audio.play().catch(() => {}); // a source that changes meanwhile ends the promise, not the playing
  }

  toggle() {
    if (this.isPlaying) this.audio.pause();
    else this.play();
  }

  tick() {
    cancelAnimationFrame(this.frame);
    if (this.loop && this.isPlaying && (this.at >= this.loop[1] || this.at < this.loop[0] - 0.05)) this.audio.currentTime = this.loop[0];
    this.onTick(this.at);
    if (this.isPlaying) this.frame = requestAnimationFrame(() => this.tick());
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }
}
