"""Sections: the parts of a song with their times, as its files say them, else as they are heard. Only where somebody is chosen for it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from jam_model.words import words_of
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.lyrics.lyrics import Label
from tasks.lyrics.read import read_parts
from tasks.models.description.segmenter import SectionsParams, build_segmenter
from tasks.songs.stated import stated_in
from tasks.stages.bases import MixStage, mix_in
from tasks.stages.ingest import IngestParams
from tasks.times.sections import (
    HEARD,
    Section,
    rows_of_sections,
    sections_of_labels,
    sections_of_times,
)

SECTION = pa.struct(
    [
        ("label", pa.string()),
        ("text", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("source", pa.string()),
    ]
)


class Sections(MixStage):
    """Takes the times that files state, else places the labels of the lyrics by their words, else asks the segmenter."""

    name = "sections"
    version = 2
    reads = frozenset(
        {
            "duration_s",
            "lyrics",
            "lyrics_labels",
            "timed_words",
            "lyrics_path",
            "lyrics_text",
            "sections_path",
        }
    )
    params: SectionsParams
    segmenter = Model(build_segmenter)
    writes = {
        "sections": Column(
            pa.list_(SECTION),
            "parts of the song in order, without overlap: label of intro, verse, pre_chorus, chorus, bridge, inst, outro, other; text as "
            "written, null = nobody wrote it; source: `times` = a file states them, `labels` = placed by the words' times, `heard`; "
            "null = nobody says",
        )
    }

    def __init__(self, params: SectionsParams, ingest: IngestParams) -> None:
        super().__init__(params, ingest, params)
        self.max_bytes = ingest.max_lyrics_bytes
        if params.hears:
            self.reads = Sections.reads | MixStage.reads

    @property
    def facts(self) -> dict[str, int]:
        """The limit on its files, which is of another section."""
        return {"max_lyrics_bytes": self.max_bytes}

    def open(self, song: Song) -> np.ndarray | None:
        """The mix, where the segmenter may be asked."""
        if "audio" not in self.reads or song["lyrics_labels"]:
            return None
        return mix_in(song)

    def one(self, song: Song) -> Song:
        """The song with its sections.

        Raises:
            SongError: ``source_gone``, ``unreadable`` or ``lyrics_too_long``: a file that was listed.
        """
        found = self._stated_sections(song) or self._heard_sections(song)
        return song.with_columns(sections=rows_of_sections(found) or None)

    def _stated_sections(self, song: Song) -> list[Section]:
        parts = stated_in(song, "sections_path", read_parts, self.max_bytes)
        if stated := sections_of_times(parts, song["duration_s"]):
            return stated
        labels = [Label(**row) for row in song["lyrics_labels"] or ()]
        if not labels or not song["lyrics"]:
            return []
        return sections_of_labels(labels, words_of(song["timed_words"]), song["duration_s"])

    def _heard_sections(self, song: Song) -> list[Section]:
        if "audio" not in self.reads:
            return []
        mix_CN = self.opened(song)
        if mix_CN is None:  # its labels named no part that has a time
            mix_CN = mix_in(song)
        return [
            Section(span.label, None, span.start_s, span.end_s, HEARD)
            for span in self.segmenter.segment(mix_CN)
        ]
