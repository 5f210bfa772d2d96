"""The lanes of a song: all that stands of it in time, by name; what nobody made is left out."""

from __future__ import annotations

from typing import Any, cast

from tasks.desk.song import lanes_of
from tasks.desk.song_row import SongRow

SPAN = {"start_s": 0.5, "end_s": 1.0}
COLUMNS: dict[str, Any] = {
    "lyrics_times": [{"text": "moon", **SPAN}, None],
    "transcript_times": [{"text": "noon", **SPAN}],
    "aligned_words": [{"text": "moon", **SPAN}],
    "phones": [{"phone": "m", **SPAN}],
    "sections": [{"text": None, "label": "verse", **SPAN}],
    "chords": [{"label": "N", "start_s": 0.0, "end_s": 0.5}, {"label": "C:maj", **SPAN}],
    "lyrics_notes": [{"pitch": 60, **SPAN}],
    "beats_s": [0.5],
    "masked": [SPAN],
}
LANES = {
    "given": ["moon", 0.5, 1.0],
    "heard": ["noon", 0.5, 1.0],
    "aligner": ["moon", 0.5, 1.0],
    "phones": ["m", 0.5, 1.0],
    "sections": ["verse", 0.5, 1.0],
    "chords": ["C:maj", 0.5, 1.0],
    "notes": [60, 0.5, 1.0],
    "beats": ["", 0.5, 0.5],
    "masked": ["masked", 0.5, 1.0],
}


def test_each_lane_shows_what_its_column_states_and_silence_is_no_chord() -> None:
    assert lanes_of(cast(SongRow, COLUMNS), []) == {name: [span] for name, span in LANES.items()}
    for column, name in zip(COLUMNS, LANES, strict=True):
        alone = lanes_of(cast(SongRow, {column: COLUMNS[column]}), [])
        assert alone == {name: [LANES[name]]}, column
