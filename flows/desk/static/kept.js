// What is being moved outlives a reload of the page, another page, and a server that ends: this tab keeps it until it is saved or taken back.
import { tell } from "./dom.js";

// words: a hash or a text of the words that the times are of.
export function keepMoves(key, words, draft) {
  if (!draft.isChanged) {
    forgetMoves(key);
    return;
  }
  try {
    sessionStorage.setItem(key, JSON.stringify({ words, moved: draft.moved }));
  } catch {
    tell("the browser keeps no more: what is moved here would not outlive a reload; save it", true);
  }
}

// Whether some were kept, of the same words, and fit the times that stand now.
export function restoreMoves(key, words, draft) {
  const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
  const isBack = kept?.words === words && draft.restore(kept.moved);
  if (!isBack) forgetMoves(key);
  return isBack;
}

export function forgetMoves(key) {
  sessionStorage.removeItem(key);
}
