// Other words for a run of words: those that stay keep their times, the others share what lies between.

const SHARE_OF_WORD = 0.4; // how much of the one before it an inserted word gets, where there is no room between

// words: of the song, with text; times: theirs; texts: what words first to end are from now on. All words and times.
export function reworded(words, times, first, end, texts) {
  const old = words.slice(first, end).map(({ text }) => text);
  const before = times.map((pair) => [...pair]);
  const made = [];
  for (const { from, to, news } of changes(old, texts)) {
    if (from + news.length === to && news.every((text, place) => text === old[from + place])) {
      news.forEach((text, place) => made.push([text, before[first + from + place]]));
      continue;
    }
    let [start, stop] = to > from
      ? [before[first + from][0], Math.max(before[first + from][0], before[first + to - 1][1])]
      : between(before, first + from, made);
    if (!news.length) continue;
    if (stop < start) stop = start;
    const letters = news.reduce((sum, text) => sum + text.length, 0);
    let at = 0;
    for (const text of news) {
      const span = [at, (at += text.length)].map((count) => start + ((stop - start) * count) / letters);
      made.push([text, span]);
    }
  }
  const all = [
    ...words.slice(0, first).map(({ text }, place) => [text, before[place]]), ...made,
    ...words.slice(end).map(({ text }, place) => [text, before[end + place]]),
  ];
  const rounded = all.map(([, pair]) => pair.map((seconds) => Math.round(1000 * seconds) / 1000));
  return { words: all.map(([text]) => text), times: rounded };
}

// Where words can be put that take no other's place: the pause, or the end of the word before.
function between(times, place, made) {
  const last = made.length ? made[made.length - 1][1] : times[place - 1];
  const next = times[place]?.[0] ?? (last ? last[1] + 1 : 1);
  if (!last) {
    const word = times[place];
    if (next >= 0.1 || !word) return [Math.max(0, next - 0.5), next];
    word[0] += SHARE_OF_WORD * (word[1] - next);
    return [next, word[0]];
  }
  if (next - last[1] >= 0.1) return [last[1], next];
  const stop = Math.min(last[1], next);
  last[1] = last[0] + (1 - SHARE_OF_WORD) * Math.max(0, stop - last[0]);
  return [last[1], stop];
}

// Runs of equal and of other words, in order, by the longest common subsequence.
function changes(old, news) {
  const longest = Array.from({ length: old.length + 1 }, () => new Array(news.length + 1).fill(0));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let k = news.length - 1; k >= 0; k--) longest[i][k] = old[i] === news[k] ? longest[i + 1][k + 1] + 1 : Math.max(longest[i + 1][k], longest[i][k + 1]);
  }
  const found = [];
  let i = 0, k = 0;
  while (i < old.length || k < news.length) {
    const [from, at] = [i, k];
    while (i < old.length && k < news.length && old[i] === news[k]) { i++; k++; }
    if (i > from) found.push({ from, to: i, news: news.slice(at, k) });
    const [other, then] = [i, k];
    while ((i < old.length || k < news.length) && !(i < old.length && k < news.length && old[i] === news[k])) {
      if (k >= news.length || (i < old.length && longest[i + 1][k] >= longest[i][k + 1])) i++;
      else k++;
    }
    if (i > other || k > then) found.push({ from: other, to: i, news: news.slice(then, k) });
  }
  return found;
}
