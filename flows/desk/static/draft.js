// Times of words while they are being changed: every step can be taken back, order is kept, nothing is saved here.

const SHORTEST_S = 0.03;
const PARTS_OF_BEAT = 4;

export class Draft {
  constructor(words, durationS, beats) {
    this.saved = words.map(({ start_s, end_s }) => [start_s, end_s]);
    this.times = this.saved.map((pair) => [...pair]);
    this.durationS = durationS;
    this.beats = beats;
    this.past = [];
  }

  get isChanged() {
    return this.times.some(([start, end], place) => start !== this.saved[place][0] || end !== this.saved[place][1]);
  }

  // [place, start, end] of what is not where it was.
  get moved() {
    return this.times.map(([start, end], place) => [place, start, end]).filter(([place, start, end]) => start !== this.saved[place][0] || end !== this.saved[place][1]);
  }

  // Words as they were moved before, over the times that stand now; whether they fit, and something is moved.
  restore(moved) {
    const times = this.saved.map((pair) => [...pair]);
    for (const [place, start, end] of moved) if (times[place]) times[place] = [start, end];
    const fits = times.every(([start, end], place) => start >= (place ? times[place - 1][0] : 0) && start <= end && end <= this.durationS);
    if (!fits) return false;
    this.remember();
    this.times = times;
    this.trim(0, times.length);
    return this.isChanged;
  }

  // For the server: to the millisecond.
  rounded() {
    return this.times.map((pair) => pair.map((seconds) => Math.round(1000 * seconds) / 1000));
  }

  undo() {
    if (this.past.length) this.times = this.past.pop();
  }

  remember() {
    this.past.push(this.times.map((pair) => [...pair]));
  }

  // Words first to end (not in it) later by some seconds, as far as those beside them let them.
  move(first, end, seconds) {
    this.remember();
    this.shift(first, end, seconds, this.times);
  }

  // The same from times of before, while something is being dragged.
  shift(first, end, seconds, from) {
    const times = from.map((pair) => [...pair]);
    const shortest = (place) => Math.min(SHORTEST_S, times[place][1] - times[place][0]);
    const least = first > 0 ? times[first - 1][0] + shortest(first - 1) : 0;
    const most = (end < times.length ? times[end][0] : this.durationS) - shortest(end - 1);
    const by = Math.min(Math.max(seconds, Math.min(0, least - times[first][0])), Math.max(0, most - times[end - 1][0]));
    for (let place = first; place < end; place++) times[place] = times[place].map((one) => Math.min(this.durationS, one + by));
    this.times = times;
    this.trim(first, end);
  }

  // Longer or shorter as a whole, its start where it was.
  stretch(first, end, seconds) {
    const start = this.times[first][0], last = Math.max(...this.times.slice(first, end).map(([, one]) => one));
    const longest = (end < this.times.length ? this.times[end][0] : this.durationS) - start;
    const length = Math.min(Math.max(last - start + seconds, SHORTEST_S * (end - first)), Math.max(longest, SHORTEST_S));
    if (last <= start) return;
    this.remember();
    const factor = length / (last - start);
    for (let place = first; place < end; place++) this.times[place] = this.times[place].map((one) => start + (one - start) * factor);
    this.trim(first, end);
  }

  // One end of one word, between the words beside it.
  setEdge(place, side, seconds, from) {
    const times = from.map((pair) => [...pair]);
    const [start, end] = times[place];
    const least = place > 0 ? times[place - 1][0] : 0, most = place + 1 < times.length ? times[place + 1][0] : this.durationS;
    times[place] = side === 0
      ? [Math.min(Math.max(seconds, least), end - SHORTEST_S), end]
      : [start, Math.max(Math.min(seconds, Math.max(most, start)), start + SHORTEST_S)];
    this.times = times;
    this.trim(place, place + 1);
  }

  // Every start to the nearest quarter of a beat; lengths stay as far as they can.
  snap(first, end) {
    const grid = this.beats.flatMap((beat, place) => {
      const next = this.beats[place + 1];
      return next === undefined ? [beat] : Array.from({ length: PARTS_OF_BEAT }, (_, part) => beat + ((next - beat) * part) / PARTS_OF_BEAT);
    });
    if (!grid.length) return false;
    this.remember();
    for (let place = first; place < end; place++) {
      const [start, stop] = this.times[place];
      const near = grid.reduce((best, one) => (Math.abs(one - start) < Math.abs(best - start) ? one : best));
      const least = place > 0 ? this.times[place - 1][0] : 0, most = place + 1 < this.times.length ? this.times[place + 1][0] : this.durationS;
      const at = place + 1 < end ? Math.max(near, least) : Math.min(Math.max(near, least), most);
      this.times[place] = [at, Math.min(this.durationS, Math.max(at + SHORTEST_S, stop + at - start))];
    }
    this.trim(first, end);
    return true;
  }

  // No word of these, and not the one before them, reaches into the next one.
  trim(first, end) {
    for (let place = Math.max(0, first - 1); place < end && place + 1 < this.times.length; place++) {
      const next = this.times[place + 1];
      next[0] = Math.max(next[0], this.times[place][0]);
      next[1] = Math.max(next[1], next[0]);
      this.times[place][1] = Math.max(this.times[place][0], Math.min(this.times[place][1], next[0]));
    }
  }
}
