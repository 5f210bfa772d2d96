"""What was remarked on songs though they went on (their audio files, their lyrics, the times that came with these), by songs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from eval.results.plural import counted
from tasks.audio.sound import remark_counts

REMARK_COLUMNS = ("audio_remarks", "lyrics_remarks", "lyrics_labels", "claim_remark")
KINDS = {
    "audio_remarks": "flaws of audio files",
    "lyrics_remarks": "remarks on lyrics",
    "claim_remarks": "remarks on given times",
}
"""What `all_remark_counts` counts, as people call it."""
LABELS_KEPT = "labels_kept"
"""Counted with the remarks on lyrics: songs whose lyrics name their parts (the column `lyrics_labels`)."""
_NUMBER = re.compile(r"\d+(\.\d+)?")


def all_remark_counts(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Songs by remark for each of `KINDS`, from rows with `REMARK_COLUMNS`; a song counts once a remark."""
    rows = list(rows)
    kinds = (
        {remark["kind"] for remark in row.get("lyrics_remarks") or ()}
        | ({LABELS_KEPT} if row.get("lyrics_labels") else set())
        for row in rows
    )
    claims = (set(filter(None, (row.get("claim_remark") or "").split("; "))) for row in rows)
    return {
        "audio_remarks": remark_counts(rows),
        "lyrics_remarks": _counted(kinds),
        "claim_remarks": _counted({_NUMBER.sub("N", claim) for claim in of_song} for of_song in claims),
    }


def phones_line(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """How many words of kept songs have no phones in time, where their files should state them (the column `words_without_phones`);
    None where all have some.
    """
    kept = [row.get("words_without_phones") or 0 for row in rows if not row["drop_reason"]]
    songs = sum(count > 0 for count in kept)
    if not songs:
        return None
    words = counted(sum(kept), "word")
    return f"{words} in {songs} of {len(kept)} songs without phones in time: their files state none that fit"


def remark_lines(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The counts in a line a kind, without those of which there are none."""
    return [
        f"{KINDS[kind]}, by songs: " + ", ".join(f"{word} {count}" for word, count in of_kind.items())
        for kind, of_kind in counts.items()
        if of_kind
    ]


def _counted(songs: Iterable[set[str]]) -> dict[str, int]:
    return dict(sorted(Counter(word for song in songs for word in song).items()))
