"""Check gives every song its measures; tests/tasks/quality holds each of them to numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.audio.read import flac_bytes
from tasks.engine.song import Song
from tasks.quality.checked_song import CheckParams
from tasks.quality.measures import QUALITY
from tasks.stages.check import Check
from tests.tasks.tiny import RATE_HZ, timed

PARAMS = CheckParams(plausible_score=0.5, min_phone_s=0.03, silence_db=-60.0)


def test_a_song_gets_every_measure() -> None:
    tone_N = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
    words = timed(("moon", 0.0, 0.4, "mˈuːn"), ("light", 0.5, 1.0, "laɪt"))
    words[1]["score"] = 0.4
    columns = {
        "audio": {"path": None, "bytes": flac_bytes(np.stack([tone_N] * 2), RATE_HZ)},
        "vocals": flac_bytes(tone_N, RATE_HZ),
        "duration_s": 1.0,
        "num_lines": 2,
        "lyrics": ["moon"],
        "transcript": [],
        "transcript_phones": ["m", "u", "n"],
        "words": words,
        "aligned_words": None,
        "alignment_score": 0.7,
    }
    song = Song("tiny", columns)
    checked = Check(PARAMS).one(song)
    quality = checked["quality"]
    assert list(quality) == QUALITY.names
    assert (quality["coverage"], quality["alignment"], quality["num_lines"]) == (0.5, 0.7, 2.0)
    assert quality["outside_share"] == pytest.approx(0.1, abs=0.01)
    assert quality["times_offset_s"] is None
    assert quality["agreement"] == 0.5
    run = {"text": "light", "num_words": 1, "weight": 1.0, "start_s": 0.5, "end_s": 1.0}
    assert (quality["unheard_run"], checked["unheard_runs"]) == (1.0, [run])
    unasked = Check(PARAMS).one(song.with_columns(transcript=None, transcript_phones=None))
    assert (unasked["quality"]["unheard_run"], unasked["unheard_runs"]) == (None, None)
    moved = [{**word, "start_s": word["start_s"] + 0.2, "score": 0.9} for word in words]
    given = Check(PARAMS).one(song.with_columns(aligned_words=moved))["quality"]
    assert given["times_offset_s"] == pytest.approx(-0.2)
    assert given["coverage"] == 1.0, "the aligned words are the ones with a place"
