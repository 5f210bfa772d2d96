"""Words with too little time for their phones: hurried, or, where the recogniser did not hear them, most likely not sung.

A word that is written and not sung is aligned where there is no room. Alone it makes no run of unheard words, so that only
its haste shows; the reason of a drop is then that it was not heard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from eval.results.plural import counted
from tasks.quality.checked_song import CheckedSong

MOSTLY = 0.5
"""A word of which a larger share was missed was not heard."""
SHOWN_WORDS = 3
HURRIED = pa.struct(
    [
        ("text", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("num_phones", pa.int32()),
        ("missed", pa.float64()),
    ]
)


def hurried_rows(song: CheckedSong) -> list[dict[str, Any]]:
    """Rows of the column `hurried_words`, each with the shorter of its own time and the one it is laid in."""
    missed_W, phones_W = song.missed_W, song.phones_W
    rows = []
    for place in song.hurried_W.nonzero()[0].tolist():
        word = min(song.words[place], song.laid[place], key=lambda word: word.end_s - word.start_s)
        rows.append(
            {
                "text": song.words[place].text,
                "start_s": word.start_s,
                "end_s": word.end_s,
                "num_phones": len(phones_W[place]),
                "missed": None if missed_W is None else float(missed_W[place]),
            }
        )
    return rows


def not_heard(
    rows: Sequence[Mapping[str, Any]], num_words: float | None, max_share: float | None
) -> list[Mapping[str, Any]]:
    """The hurried words that were not heard, if without them the song is within its limit: then they are the cause."""
    if not num_words or max_share is None:
        return []
    found = [row for row in rows if row["missed"] is not None and row["missed"] > MOSTLY]
    return found if (len(rows) - len(found)) / num_words <= max_share else []


def not_heard_in_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """The sentence of a drop for words that were not heard and have no room."""
    first, more = rows[0], len(rows) - 1
    others = f"; nor {'was' if more == 1 else 'were'} {counted(more, 'more such word')}" if more else ""
    return f"{_hurried_word(first)} was not heard and has no room to be sung{others}"


def hurried_in_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which words are hurried, for the sentence of a drop; empty where nothing says."""
    shown = ", ".join(_hurried_word(row) for row in rows[:SHOWN_WORDS])
    return shown + (f" and {len(rows) - SHOWN_WORDS} more" if len(rows) > SHOWN_WORDS else "")


def _hurried_word(row: Mapping[str, Any]) -> str:
    length_s = row["end_s"] - row["start_s"]
    return f"'{row['text']}' ({length_s:.2f} s for {row['num_phones']} phones near {row['start_s']:.1f} s)"
