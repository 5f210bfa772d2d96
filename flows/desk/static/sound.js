// One clock for the mix and its stems: a single player whose source changes, a loop, and the outline of each sound.
import { askBytes, drawn, make } from "./dom.js";

const PLAY = "M3 1.5v13l11-6.5z", PAUSE = "M3 2h3.5v12H3zM9.5 2H13v12H9.5z";

export class Player {
  // address: of a sound by its name, [path, what is asked]; its outline lies at path + "/peaks" or, of a song, at /api/peaks.
  constructor(address, names, onTick) {
    this.address = address;
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
    const at = this.audio.ended ? 0 : this.audio.currentTime, was = !this.audio.paused; // another one begins again behind the end
    this.name = name;
    const [path, given] = this.address(name);
    this.audio.src = `${path}?${new URLSearchParams(given)}`;
    this.audio.addEventListener("loadedmetadata", () => { this.audio.currentTime = at; }, { once: true });
    if (was) this.play();
  }

  // Magnitudes as bytes, a hundred a second.
  async outline() {
    const name = this.name;
    if (!this.outlines.has(name)) this.outlines.set(name, await askBytes(...this.peaks(name)));
    return this.outlines.get(name);
  }

  peaks(name) {
    const [path, given] = this.address(name);
    return [path === "/api/sound" ? "/api/peaks" : `${path}/peaks`, given];
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

export class PlayButton {
  constructor(player) {
    this.player = player;
    this.icon = drawn("path", { d: PLAY });
    this.element = make("button", { type: "button", class: "play", "aria-label": "Play", on: { click: () => player.toggle() } }, drawn("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, this.icon));
  }

  show() {
    this.element.setAttribute("aria-label", this.player.isPlaying ? "Pause" : "Play");
    this.icon.setAttribute("d", this.player.isPlaying ? PAUSE : PLAY);
  }
}
