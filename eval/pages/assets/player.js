// What every page with sound shares: elements, drawings, the wave's outline, sources of embedded sound.
// Every text reaches a page through textContent.
"use strict";

const shared = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const PLAY = "M3 1.5v13l11-6.5z", PAUSE = "M3 2h3.5v12H3zM9.5 2H13v12H9.5z";
  const sources = new Map();

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

  // The button is the drawing's parent: its picture and its name change together.
  function showState(icon, running, name) {
    icon.firstChild.setAttribute("d", running ? PAUSE : PLAY);
    icon.parentNode.setAttribute("aria-label", `${running ? "Pause" : "Play"}${name ? ` ${name}` : ""}`);
  }

  function playButton() {
    const button = make("button", "play");
    const icon = drawing(PLAY, "0 0 16 16");
    button.type = "button";
    button.append(icon);
    return { button, icon };
  }

  function outline(peaks) {
    if (!peaks.length) return "";
    const top = Math.max(...peaks, 1);
    const upper = peaks.map((peak, i) => `${i} ${(50 - (48 * peak) / top).toFixed(1)}`);
    const lower = peaks.map((peak, i) => `${i} ${(50 + (48 * peak) / top).toFixed(1)}`).reverse();
    return `M${[...upper, ...lower].join("L")}Z`;
  }

  // The whole wave, and the same in colour, to be clipped to what was played.
  function waves(peaks) {
    const path = outline(peaks), box = `0 0 ${Math.max(1, peaks.length - 1)} 100`;
    const pair = [drawing(path, box), drawing(path, box, "played")];
    for (const svg of pair) svg.setAttribute("preserveAspectRatio", "none");
    return pair;
  }

  function slider(wave, name, duration) {
    wave.tabIndex = 0;
    wave.setAttribute("role", "slider");
    wave.setAttribute("aria-label", name);
    wave.setAttribute("aria-valuemin", "0");
    wave.setAttribute("aria-valuemax", duration.toFixed(1));
  }

  // Arrow keys by a second, page keys by five, Home, End; Space and Enter play.
  function keys(wave, { seek, at, duration, toggle }) {
    wave.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -5, PageUp: 5 };
      if (event.key in steps) seek(at() + steps[event.key]);
      else if (event.key === "Home") seek(0);
      else if (event.key === "End") seek(duration);
      else if (event.key === " " || event.key === "Enter") toggle();
      else return;
      event.preventDefault();
    });
  }

  function sourceOf(script, type) {
    if (!sources.has(script)) {
      const text = atob(document.getElementById(script).textContent.trim());
      const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
      sources.set(script, URL.createObjectURL(new Blob([bytes], { type })));
    }
    return sources.get(script);
  }

  const page = JSON.parse(document.getElementById("page-data").textContent);
  return { page, make, drawing, showState, playButton, waves, slider, keys, sourceOf };
})();
