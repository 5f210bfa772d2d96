"""A score as a song (`as_scored`): a file that states words, their times and notes, of which the melody is asked for, and the length."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tasks.engine.song import Refused
from tasks.lyrics.forms import midi
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.smf import unwrapped
from tasks.lyrics.tune import melody_in, melody_of
from tasks.stages.ingest import IngestParams

if TYPE_CHECKING:
    from tasks.prompts.one_song import OneSong

AFTER_SCORE_S = 1.0
"""Of song behind a score's last note, where nobody says how long it is."""


def as_scored(song: OneSong, lyrics: Lyrics, limits: IngestParams) -> OneSong:
    """A song whose file states words, times and notes: its melody is asked for, and it lasts until its last word and note have ended.

    Raises:
        ValueError: the file lacks times or notes.
    """
    tones = melody_of(lyrics)
    if lyrics.times is None or not tones:
        lacks = "times of its words" if lyrics.times is None else "notes"
        raise ValueError(
            f"score: {song.lyrics} ({lyrics.form}) states no {lacks}; give MusicXML with a tempo, MIDI with lyrics, UltraStar or .ds, or "
            "--lyrics and --melody"
        )
    ends_s = [time_s for word in lyrics.times if word for time_s in (word.start_s, word.end_s)]
    ends_s += [tone.end_s for tone in tones]
    last_s = max(time_s for time_s in ends_s if math.isfinite(time_s))
    length_s = song.duration_s or round(last_s + AFTER_SCORE_S, 2)
    return replace(song, duration_s=length_s, controls={"melody": str(song.lyrics), **song.controls})


def why_no_score(data: bytes, limits: IngestParams, error: Refused) -> str:
    """Of a score without words to sing: what its notes lack, or else that it has no words."""
    try:
        melody_in(data, limits.max_lyrics_bytes, limits.max_lyrics_words)
    except Refused as of_notes:
        return of_notes.detail
    is_bare = unwrapped(data)[:4] == b"MThd" and not midi.fits(data)
    words = "no words" if is_bare else f"no words that can be read ({error.detail})"
    return f"it has notes and {words}; give the words as --lyrics and the notes as --melody"
