"""A score (words, their times and notes in one file): how long it lasts, and what one lacks that cannot be sung."""

from __future__ import annotations

import math
from pathlib import Path

from tasks.engine.song import Refused
from tasks.lyrics.forms import midi
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.smf import unwrapped
from tasks.lyrics.tune import melody_in, melody_of
from tasks.stages.ingest import IngestParams

AFTER_SCORE_S = 1.0
"""Of song behind a score's last note, where nobody says how long it is."""


def score_length_s(lyrics: Lyrics, file: Path) -> float:
    """How long a score lasts: until its last word and note have ended, and `AFTER_SCORE_S`.

    Raises:
        ValueError: the file lacks times or notes.
    """
    tones = melody_of(lyrics)
    if lyrics.times is None or not tones:
        lacks = "times of its words" if lyrics.times is None else "notes"
        raise ValueError(
            f"score: {file} ({lyrics.form}) states no {lacks}; give MusicXML with a tempo, MIDI with lyrics, UltraStar or .ds, or "
            "--lyrics and --melody"
        )
    ends_s = [time_s for word in lyrics.times if word for time_s in (word.start_s, word.end_s)]
    ends_s += [tone.end_s for tone in tones]
    return round(max(time_s for time_s in ends_s if math.isfinite(time_s)) + AFTER_SCORE_S, 2)


def why_no_score(data: bytes, limits: IngestParams, error: Refused) -> str:
    """Of a score without words to sing: what its notes lack, or else that it has no words."""
    try:
        melody_in(data, limits.max_lyrics_bytes, limits.max_lyrics_words)
    except Refused as of_notes:
        return of_notes.detail
    is_bare = unwrapped(data)[:4] == b"MThd" and not midi.fits(data)
    words = "no words" if is_bare else f"no words that can be read ({error.detail})"
    return f"it has notes and {words}; give the words as --lyrics and the notes as --melody"
