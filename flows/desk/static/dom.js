// Elements, and questions to the server. Every text reaches the page through textContent, never as markup.

export function make(tag, settings = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [kind, call] of Object.entries(value)) element.addEventListener(kind, call);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const TOLD_MS = 6000; // a line of good news
const SVG = "http://www.w3.org/2000/svg";

export function drawn(tag, settings = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(settings)) {
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [kind, call] of Object.entries(value)) element.addEventListener(kind, call);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function button(text, call, settings = {}) {
  return make("button", { type: "button", text, on: { click: call }, class: "step", ...settings });
}

let clearing = 0;

export function tell(text, isWrong = false) {
  clearTimeout(clearing);
  if (text && !isWrong) clearing = setTimeout(() => tell("", false), TOLD_MS);
  const place = document.getElementById("told");
  place.textContent = text;
  place.classList.toggle("wrong", isWrong);
}

export class Refused extends Error {
  constructor(status, line) {
    super(line);
    this.status = status;
  }
}

const GONE = "the desk does not answer: start jam desk again, and open the address that it prints";

async function asked(path, settings) {
  try {
    return await fetch(path, settings);
  } catch {
    throw new Refused(0, GONE);
  }
}

async function answered(response) {
  const said = await response.json();
  if (!response.ok) throw new Refused(response.status, said.error);
  return said;
}

export async function ask(path, given = {}) {
  return answered(await asked(`${path}?${new URLSearchParams(given)}`));
}

export async function askBytes(path, given) {
  const response = await asked(`${path}?${new URLSearchParams(given)}`);
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : answered(response);
}

export async function send(path, value) {
  const headers = { "Content-Type": "application/json" };
  return answered(await asked(path, { method: "POST", headers, body: JSON.stringify(value) }));
}

// The bytes of a file, as they are.
export async function sendFile(path, given, file) {
  const headers = { "Content-Type": "application/octet-stream" };
  return answered(await asked(`${path}?${new URLSearchParams(given)}`, { method: "POST", headers, body: file }));
}

export function clock(seconds) {
  const tenths = Math.round(10 * seconds);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

export function figure(value) {
  if (value === null || value === undefined) return "–";
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 }).replace("-", "−");
}
