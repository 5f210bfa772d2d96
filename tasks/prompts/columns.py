"""Columns of a song that is made from another: what it was asked to be, before anything makes or measures it."""

from __future__ import annotations

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.songs.columns import AUDIO, SONG_COLUMNS, STYLE, WORD
from tasks.stages.ingest import Ingest

PROMPTED_COLUMNS = {
    **{name: SONG_COLUMNS[name] for name in ("title", "content_hash", "refused", "stated_duration_s")},
    **{name: Ingest.writes[name] for name in ("lyrics", "lyrics_times", "lyrics_lines")},
    "parent": Column(pa.string(), "the song this one was made from"),
    "parent_audio": Column(
        AUDIO.type, "its mix, for rows that copy or recode it; null = not needed", large=True
    ),
    "system": Column(pa.string(), "benchmark row this song belongs to"),
    "candidate": Column(pa.int32(), "candidate number, from 0"),
    "seed": Column(pa.int64(), "seed of the noise this song was made from"),
    "checkpoint": Column(pa.string(), "hash of the weights that made it; null = made by no model"),
    "reference_words": Column(pa.list_(WORD), "the words, times and phonemes the model was asked for"),
    "reference_style": Column(STYLE, "the style the model was asked for, [n, 512]"),
    "reference_duration_s": Column(pa.float64(), "the length the model was asked for"),
    "recipe": Column(pa.string(), "how the row was made: generate | copy | codec, with its options, as JSON"),
}
