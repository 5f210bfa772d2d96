// The four pages beside one another, and what they call themselves.
import { make } from "./dom.js";

let list = "#/";

// Where the list of songs was left: what is chosen, and the page.
export function lastAddress() {
  return list;
}

export function rememberList(address) {
  list = address;
}

const PAGES = [["#/", "Songs"], ["#/generate", "Generate"], ["#/choose", "Choose"], ["#/watch", "Watch"]];

// which: the address of the page that is shown; title, or elements, of its head.
export function top(which, title, ...more) {
  const links = PAGES.map(([href, text]) => make("a", { href: href === "#/" ? list : href, text, "aria-current": href === which ? "page" : undefined }));
  return make("header", { class: "top" }, make("nav", { class: "pages", "aria-label": "The desk" }, ...links), make("h1", { text: title }), ...more);
}

// Keys that go from page to page, for every page.
export const PAGE_KEYS = PAGES.map(([href, text], place) => [`Alt+${place + 1}`, `to ${text}`, () => { location.hash = href === "#/" ? list : href; }]);
