// Which page the address asks for. The address holds all that is chosen, so Back goes back.
import { make, tell } from "./dom.js";
import { useKeys } from "./keys.js";
import { showChoose } from "./choose.js";
import { showGenerate } from "./generate.js";
import { showJob } from "./jobs.js";
import { showList } from "./list.js";
import { showSong } from "./song.js";
import { showWatch } from "./watch.js";

const PAGES = { "/song": showSong, "/generate": showGenerate, "/job": showJob, "/choose": showChoose, "/watch": showWatch };

const view = document.getElementById("view");
let leave = () => {};
let turn = 0;

async function show(line = "", isWrong = false) {
  const mine = ++turn;
  const [path, query] = location.hash.slice(1).split("?");
  const given = new URLSearchParams(query ?? "");
  leave();
  leave = () => {};
  useKeys([]);
  try {
    const page = PAGES[path] ?? showList;
    const left = await page(view, given, () => mine === turn, show);
    if (mine === turn) {
      leave = left ?? leave;
      tell(line, isWrong);
    }
    else left?.();
  } catch (error) {
    if (mine === turn) view.replaceChildren(make("p", { class: "failed", text: error.message }), make("p", {}, make("a", { href: "#/", text: "All songs" })));
  }
}

window.addEventListener("hashchange", () => show());
show();
