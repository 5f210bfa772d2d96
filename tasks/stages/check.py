"""Check: measures how well a song's words, times, vocals and mix fit one another. It judges nothing."""

from __future__ import annotations

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.quality.checked_stage import CheckedStage
from tasks.quality.hurried import HURRIED, hurried_rows
from tasks.quality.measures import QUALITY, quality_of
from tasks.quality.unheard import RUN, run_rows


class Check(CheckedStage):
    """The column `quality`: a number for every measure of tasks/quality/measures.py, null where it has none; and which
    words were not heard or have no time.
    """

    name = "check"
    version = 3
    reads = frozenset(
        {"audio", "duration_s", "num_lines", "lyrics", "vocals", "transcript", "transcript_phones"}
    )
    reads |= {"words", "aligned_words", "alignment_score"}
    packages = ("av", "numpy", "scipy", "soundfile", "soxr", "pyloudnorm", "jiwer")
    writes = {
        "quality": Column(
            QUALITY, "the measures of tasks/quality/measures.py, by name; null = not measurable"
        ),
        "unheard_runs": Column(
            pa.list_(RUN),
            "written words in a row that the recogniser did not hear (text of the first 8, weight in words); null = "
            "nobody listened, or the words are what was heard",
        ),
        "hurried_words": Column(
            pa.list_(HURRIED),
            "words with too little time for their phones (missed: the share of each that the recogniser did not hear; null = "
            "nobody listened); empty = none",
        ),
    }

    def one(self, song: Song) -> Song:
        """The song with its quality and its unheard and hurried words.

        Raises:
            SongError: the mix can no longer be read.
        """
        checked = self.checked(song)
        runs = None if checked.unheard is None else run_rows(checked.unheard, checked.words)
        return song.with_columns(
            quality=quality_of(checked), unheard_runs=runs, hurried_words=hurried_rows(checked)
        )
