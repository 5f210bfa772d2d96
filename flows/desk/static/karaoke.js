// The line that is sung, large, its word marked; and the same word on the timeline.
import { make } from "./dom.js";

const AHEAD_S = 0.3; // a line shows before it begins

export class Karaoke {
  constructor(song, draft, timeline) {
    Object.assign(this, { song, draft, timeline, line: -1 });
    this.element = make("p", { class: "karaoke", "aria-hidden": "true" });
  }

  show(at) {
    const { song, draft } = this;
    const line = Math.max(0, song.lines.findLastIndex(([first]) => draft.times[first][0] <= at + AHEAD_S));
    const [first, end] = song.lines[line] ?? [0, 0];
    if (line !== this.line) {
      this.line = line;
      this.element.replaceChildren(...song.words.slice(first, end).map((word) => make("span", { class: word.unheard ? "unheard" : "", text: `${word.text} ` })));
    }
    [...this.element.children].forEach((element, place) => {
      const [start, stop] = draft.times[first + place];
      element.classList.toggle("now", start <= at && at < stop);
      element.classList.toggle("past", stop <= at);
    });
    this.timeline.boxes.forEach((box, place) => box.classList.toggle("now", draft.times[place][0] <= at && at < draft.times[place][1]));
  }
}
