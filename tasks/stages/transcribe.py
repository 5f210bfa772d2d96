"""Transcribe: listens to the vocals of songs without lyrics, or of all songs when they are being judged."""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
import pyarrow as pa

from jam_model.words import rows_of
from tasks.engine.columns import Column
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Model, Section
from tasks.models.transcriber import TranscriberParams, build_transcriber
from tasks.songs.columns import STRINGS, WORD
from tasks.stages.bases import VocalsStage


class TranscribeParams(Section):
    """`when`: ``missing`` listens only where no lyrics were given, ``always`` to every song. `min_confidence`: below
    it no words are given, and a song without lyrics is dropped ``no_transcript``. A song with lyrics in a language
    that the transcriber does not hear is not listened to.
    """

    when: Literal["missing", "always"]
    min_confidence: float


class Transcribe(VocalsStage):
    """What a recogniser hears. It never sees the lyrics, only whether there are any."""

    name = "transcribe"
    version = 2
    reads = VocalsStage.reads | {"lyrics", "lyrics_language"}
    params: TranscribeParams
    transcriber = Model(build_transcriber)
    writes = {
        "transcript": Column(
            STRINGS,
            "words the recogniser heard; null = not asked to listen, or it writes none, or none of the lyrics' language",
        ),
        "transcript_times": Column(pa.list_(WORD), "the same words with times"),
        "transcript_phones": Column(
            STRINGS, "the recogniser's own phones, no word knowledge; null = not asked, or it hears none"
        ),
        "language": Column(pa.string(), "ISO 639-1, as the recogniser tells it; null = it does not"),
    }

    def open(self, song: Song) -> np.ndarray | None:
        """The vocals, float32 [N] at 44.1 kHz; none where nobody is asked to listen."""
        return super().open(song) if self._is_asked(song) else None

    def one(self, song: Song) -> Song:
        """The song with what was heard; nulls where nobody was asked to listen.

        Raises:
            SongError: ``no_transcript``: no lyrics were given, and no word was heard either.
        """
        if not self._is_asked(song):
            return song.with_columns(**dict.fromkeys(self.writes))
        heard = self.transcriber.transcribe(self.opened(song))
        if not heard.words and song["lyrics"] is None:
            phones = "" if heard.phones is None else f", but {len(heard.phones)} phones"
            raise SongError(song.song_id, "no_transcript", f"no word was heard{phones}")
        return song.with_columns(
            transcript=None if heard.words is None else [word.text for word in heard.words],
            transcript_times=None if heard.words is None else rows_of(heard.words),
            transcript_phones=None if heard.phones is None else list(heard.phones),
            language=heard.language,
        )

    def _is_asked(self, song: Song) -> bool:
        if song["lyrics"] is None:
            return True
        language = song.columns.get("lyrics_language")
        hears = language is None or cast(TranscriberParams, self.choices["transcriber"]).hears(language)
        return hears and self.params.when == "always"
