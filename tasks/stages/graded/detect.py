"""Detect: loops, gaps, noise, cuts and adverts in a song, and how each of its lines fits. Only where it is asked for."""

from __future__ import annotations

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.quality.checked_stage import CheckedStage
from tasks.quality.detected import DETECTED_VALUES, Heard, detected_of
from tasks.quality.detectors.sound_loops import loop_spans
from tasks.quality.lines import FIT, STRETCH, line_fits, unwritten_stretches
from tasks.quality.unheard import SPAN


class Detect(CheckedStage):
    """Measures, and judges nothing: `filter` has the limits, as it has those of `check`."""

    name = "detect"
    version = 3
    reads = frozenset({"audio", "duration_s", "lyrics", "lyrics_lines", "vocals"})
    reads |= {"transcript", "transcript_times", "transcript_phones"}
    reads |= {"words", "aligned_words", "alignment_score"}
    packages = ("av", "numpy", "scipy", "soundfile", "soxr", "jiwer")
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

    def one(self, song: Song) -> Song:
        """The song with what was detected.

        Raises:
            SongError: the mix can no longer be read.
        """
        checked = self.checked(song)
        loops = loop_spans(checked.mix_CN.mean(axis=0))
        return song.with_columns(
            detected=detected_of(Heard(checked, loops)),
            sound_loops=[{"start_s": start_s, "end_s": end_s} for start_s, end_s in loops],
            line_fits=line_fits(checked, song["lyrics_lines"]),
            unwritten_stretches=unwritten_stretches(checked),
        )
