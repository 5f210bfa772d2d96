"""Columns (Arrow types) of a song as it is listed, before anything is computed, and those that more than one stage can write."""

from __future__ import annotations

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.sources import REFUSED

STRINGS = pa.list_(pa.string())
WORD = pa.struct(
    [
        ("text", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("phonemes", pa.string()),
        ("score", pa.float64()),
    ]
)
"""A row of `jam_model.words.Word`."""
PHONE = pa.struct(
    [
        ("word", pa.int32()),
        ("phone", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("score", pa.float64()),
    ]
)
"""A phone of a word, in seconds of its song."""
PHONES = Column(
    pa.list_(PHONE),
    "the phones of each word, by its number, one after the other within its times; score: null = not heard but given its share, "
    "or stated by a file",
)
STYLE = pa.list_(pa.list_(pa.float32()))
"""Style embeddings [n, 512]."""

PART = pa.struct(
    [
        ("label", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("style", pa.int32()),
    ]
)
"""A row of `jam_model.part_styles.parts.Part`."""

AUDIO = Column(
    pa.struct([("path", pa.string()), ("bytes", pa.large_binary())]),
    "the mix: relative path of a given song, or the bytes of a generated one",
    large=True,
)
DURATION_S = Column(pa.float64(), "decoded length in seconds")
AUDIO_REMARKS = Column(
    STRINGS,
    "what is flawed in the audio file, as `word: sentence`, though all its samples were read; empty = nothing",
)
UNSTATED_DELAY_S = Column(
    pa.float64(),
    "silence that the file's encoder put first and did not state: times are late by it; null = none",
)
STATED_DURATION_S = Column(pa.float64(), "the length that a manifest gives the song; null = none")
CONTROL_COLUMNS = {
    f"control_{name}": Column(
        pa.large_binary(),
        f"npy float32, {what} the song was asked to follow, a row a latent frame; null = not asked",
        large=True,
    )
    for name, what in (
        ("chords", "the chords [T]"),
        ("melody", "the melody [T]"),
        ("drums", "the drums [T, 64]"),
        ("audio", "the sketch [T, 64]"),
        ("painting", "the latents and a mask of what is kept [T, 65]"),
    )
}
ASKED_RHYTHM = {
    "asked_beats_s": Column(
        pa.list_(pa.float64()),
        "beats of the song whose drums it was asked to follow, in seconds; null = no drums asked, or their beats not known",
    ),
    "asked_onsets_s": Column(
        pa.list_(pa.float64()), "when these drums are struck, in seconds; null = no drums asked"
    ),
}
LYRICS_LANGUAGE = Column(
    pa.string(),
    "ISO 639-1 of the lyrics, given or found in their text; null = neither told it, or all songs are read in one language",
)
TAIL_ENERGY = Column(pa.float64(), "RMS after the reference end / RMS before it; null = nothing after it")

SONG_COLUMNS = {
    "audio": AUDIO,
    "lyrics_path": Column(
        pa.string(), "lyrics file beside the audio, relative to the songs root; null = none"
    ),
    "lyrics_text": Column(pa.string(), "lyrics written in the manifest's row; null = none"),
    "phones_path": Column(
        pa.string(), "file beside them that states phones in time, relative to the songs root; null = none"
    ),
    "sections_path": Column(
        pa.string(),
        "file beside them that states the song's parts in time, relative to the songs root; null = none",
    ),
    "style_path": Column(pa.string(), "style text file, relative to the songs root; null = none"),
    "content_hash": Column(pa.string(), "sha256 of the audio file's bytes"),
    "refused": REFUSED,
    "title": Column(pa.string(), "file name without its ending, as found"),
    "stated_duration_s": STATED_DURATION_S,
    "stated_language": Column(pa.string(), "the language that a manifest gives the song; null = none"),
    "artist": Column(pa.string(), "from the manifest; null = unknown"),
    "license": Column(pa.string(), "from the manifest; null = unknown"),
    "source": Column(pa.string(), "from the manifest; null = unknown"),
}
