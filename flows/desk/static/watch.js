// What runs in the work folder, as its files tell: stages and how fast, trainings and their losses, and a log to search.
import { ask, drawn, figure, make, tell } from "./dom.js";
import { useKeys } from "./keys.js";
import { PAGE_KEYS, top } from "./nav.js";

const LOOK_MS = 2000, TYPED_MS = 250;

export async function showWatch(view, given, isShown) {
  document.title = "Watch – the desk";
  const run = make("div", { id: "run" }), stages = make("div", { id: "stages", class: "wide" }), trainings = make("div", { id: "trainings" });
  const search = make("input", { type: "search", id: "log-search", maxlength: 200, placeholder: "A stage, a song, a reason", "aria-label": "Search the log", autocomplete: "off" });
  const lines = make("ol", { class: "log-lines", tabindex: 0, "aria-label": "Log" }), searched = make("p", { class: "caption" });
  view.replaceChildren(top("#/watch", "Watch", run),
    make("section", {}, make("h2", { text: "Stages" }), stages), make("section", { hidden: true, id: "learned" }, make("h2", { text: "Trainings" }), trainings),
    make("section", {}, make("h2", { text: "Log" }), search, searched, lines));
  let timer = 0, typing = 0, turn = 0;

  async function look() {
    clearTimeout(timer);
    try {
      const found = await ask("/api/watch");
      if (!isShown()) return;
      showRun(found);
      showStages(found.stages);
      showTrainings(found.trainings);
    } catch (error) {
      if (isShown()) tell(error.message, true);
    }
    if (isShown()) timer = setTimeout(look, LOOK_MS);
  }

  function showRun({ run: holder, links }) {
    const text = holder === null ? "Nothing writes this folder." : holder.is_alive
      ? `jam ${holder.command} runs since ${holder.since}, on ${holder.host} as process ${holder.pid}; heard ${Math.round(holder.beat_s_ago)} s ago.`
      : `jam ${holder.command} of ${holder.since} ended without giving the folder back; the same command goes on.`;
    run.replaceChildren(make("p", { class: holder?.is_alive === false ? "caution" : "subtitle", text }),
      make("p", { class: "links" }, ...links.map(({ name, url }) => make("a", { href: url, target: "_blank", rel: "noopener noreferrer", text: name }))));
  }

  function showStages(found) {
    const drops = (one) => Object.entries(one.drops).map(([reason, count]) => `${reason} ${count}`).join(", ");
    const row = (one) => make("tr", {}, make("th", { scope: "row", text: one.stage }),
      make("td", { class: "figure" }, make("progress", { max: one.total || 1, value: one.done, "aria-label": `${one.stage}: ${one.done} of ${one.total} partitions` }), ` ${one.done} of ${one.total}`),
      make("td", { class: "figure", text: one.times_real === null ? "–" : `${figure(one.times_real)}×` }), make("td", { class: "figure", text: figure(one.songs_per_s) }), make("td", { text: drops(one) || "–" }));
    const titles = [["Stage", ""], ["Partitions", "figure"], ["Real time", "figure"], ["Songs a worker second", "figure"], ["Dropped lately", ""]].map(([text, kind]) => make("th", { scope: "col", class: kind, text }));
    stages.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...titles)), make("tbody", {}, ...found.filter((one) => one.done || one.recent).map(row))));
  }

  function showTrainings(found) {
    document.getElementById("learned").hidden = !found.length;
    const one = (training) => make("figure", { class: "training" }, curve(training), make("figcaption", {}, make("b", { text: training.name }),
      ` step ${training.step ?? "–"}${training.is_done ? ", done" : ""}: `, Object.entries(training.figures).map(([name, value]) => `${name} ${figure(value)}`).join(", ")));
    trainings.replaceChildren(...found.map(one));
  }

  async function readLog() {
    const mine = ++turn;
    try {
      const found = await ask("/api/log", { text: search.value });
      if (!isShown() || mine !== turn) return;
      searched.textContent = `${found.lines.length} lines of the newest ${found.searched.toLocaleString("en")} of ${found.receipts.toLocaleString("en")} receipts`;
      lines.replaceChildren(...found.lines.map((line) => make("li", { class: line.kind }, make("time", { text: line.at }), " ",
        line.song ? make("a", { href: `#/song?${new URLSearchParams({ id: line.song })}`, text: line.text }) : make("span", { text: line.text }))));
    } catch (error) {
      if (isShown()) tell(error.message, true);
    }
  }

  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(readLog, TYPED_MS);
  });
  search.addEventListener("keydown", (event) => { if (event.key === "Escape") search.blur(); });
  useKeys([["/", "search the log", () => search.focus()], ["r", "read the log again", () => readLog()], ...PAGE_KEYS]);
  await Promise.all([look(), readLog()]);
  return () => {
    clearTimeout(timer);
    clearTimeout(typing);
  };
}

function curve({ losses, name }) {
  const svg = drawn("svg", { class: "curve", viewBox: "0 0 100 40", preserveAspectRatio: "none", role: "img", "aria-label": `Loss of ${name}` });
  if (losses.length < 2) return svg;
  const steps = losses.map(([step]) => step), values = losses.map(([, loss]) => loss);
  const [first, last, low, high] = [steps[0], steps.at(-1), Math.min(...values), Math.max(...values)];
  const at = ([step, loss]) => `${((100 * (step - first)) / (last - first || 1)).toFixed(2)},${(38 - (36 * (loss - low)) / (high - low || 1)).toFixed(2)}`;
  svg.append(drawn("title", { text: `${figure(values[0])} to ${figure(values.at(-1))}` }), drawn("polyline", { points: losses.map(at).join(" "), "vector-effect": "non-scaling-stroke" }));
  return svg;
}
