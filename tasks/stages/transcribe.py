"""Transcribe: listens to the vocals of songs without lyrics, or of all songs when they are being judged."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import numpy as np

from jam_model.words import rows_of
from tasks.audio.read import read_bytes
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Section, Stage
from tasks.models.transcriber import Transcriber, TranscriberParams, build_transcriber, transcriber_identity


class TranscribeParams(Section):
    """`when`: ``missing`` listens only where no lyrics were given, ``always`` to every song."""

    when: Literal["missing", "always"]


class Transcribe(Stage):
    """What a recogniser hears. It never sees the lyrics, only whether there are any."""

    name = "transcribe"
    version = 2
    reads = frozenset({"vocals", "lyrics", "duration_s"})
    writes = frozenset({"transcript", "transcript_times", "heard_phones", "language"})
    packages = ("numpy", "torch", "soundfile", "soxr")

    def __init__(self, params: TranscribeParams, transcriber: TranscriberParams) -> None:
        super().__init__(params)
        self.params: TranscribeParams = params
        self.transcriber_params = transcriber

    @property
    def models(self) -> tuple[str, ...]:
        return (transcriber_identity(self.transcriber_params),)

    @property
    def facts(self) -> dict[str, Any]:
        """The transcriber's section; its weights are in the identity, by hash and not by path."""
        return {"transcriber": self.transcriber_params.decides()}

    @cached_property
    def transcriber(self) -> Transcriber:
        """Built once a worker."""
        return build_transcriber(self.transcriber_params)

    def open(self, song: Song) -> np.ndarray | None:
        """The vocals, float32 [N] at 44.1 kHz; none where nobody is asked to listen."""
        return read_bytes(song["vocals"])[0][0] if self._is_asked(song) else None

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
            transcript=[word.text for word in heard.words],
            transcript_times=rows_of(heard.words),
            heard_phones=None if heard.phones is None else list(heard.phones),
            language=heard.language,
        )

    def _is_asked(self, song: Song) -> bool:
        return song["lyrics"] is None or self.params.when == "always"
