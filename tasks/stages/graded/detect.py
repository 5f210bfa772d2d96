"""Detect: loops, gaps, noise, cuts and adverts in a song, and how each of its lines fits. Only where it is asked for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tasks.audio.mix import mix_of
from tasks.audio.read import read_bytes
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.quality.checked_song import CheckedSong, CheckParams
from tasks.quality.detected import DETECTED_VALUES, Heard, detected_of
from tasks.quality.detectors.sound_loops import loop_spans
from tasks.quality.lines import FIT, STRETCH, line_fits, unwritten_stretches
from tasks.quality.unheard import SPAN


class Detect(Stage):
    """Measures, and judges nothing: `filter` has the limits, as it has those of `check`."""

    name = "detect"
    version = 1
    reads = frozenset({"audio", "duration_s", "lyrics", "lyrics_lines", "vocals"})
    reads |= {"transcript", "transcript_times", "transcript_phones"}
    reads |= {"words", "aligned_words", "alignment_score"}
    packages = ("av", "numpy", "scipy", "soundfile", "soxr", "jiwer")
    params: CheckParams
    writes = {
        "detected": Column(
            DETECTED_VALUES, "the measures of tasks/quality/detected.py, by name; null = not measurable"
        ),
        "sound_loops": Column(pa.list_(SPAN), "seconds that repeat those before them to the sample"),
        "line_fits": Column(
            pa.list_(FIT),
            "the lines (text of the first 8 words) with their mean score, the share of words with a plausible one, and the "
            "share that the recogniser did not hear; null = nobody laid them, nobody listened",
        ),
        "unwritten_stretches": Column(
            pa.list_(STRETCH),
            "seconds in which the vocals are loud and no word lies, with their share of the vocals' energy",
        ),
    }

    def open(self, song: Song) -> tuple[np.ndarray, np.ndarray]:
        """The mix and the vocals, both at 44.1 kHz."""
        mix_CN = mix_of(song.song_id, song["audio"], song.root, song.content_hash)
        return mix_CN, read_bytes(song["vocals"])[0][0]

    def one(self, song: Song) -> Song:
        """The song with what was detected.

        Raises:
            SongError: the mix can no longer be read.
        """
        mix_CN, vocals_N = self.opened(song)
        checked = CheckedSong(song.columns, mix_CN, vocals_N, self.params)
        loops = loop_spans(mix_CN.mean(axis=0))
        return song.with_columns(
            detected=detected_of(Heard(checked, loops)),
            sound_loops=[{"start_s": start_s, "end_s": end_s} for start_s, end_s in loops],
            line_fits=line_fits(checked, song["lyrics_lines"]),
            unwritten_stretches=unwritten_stretches(checked),
        )
