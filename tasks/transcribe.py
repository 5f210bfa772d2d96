"""Transcribe: listens to the vocals of songs without lyrics, or of all songs when they are being judged."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from tasks.audio import read_bytes
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Section, Stage
from tasks.models.transcriber import Transcriber, TranscriberParams, build_transcriber, transcriber_identity


class TranscribeParams(Section):
    """`when`: ``missing`` listens only where no lyrics were given, ``always`` to every song."""

    when: Literal["missing", "always"]


class Transcribe(Stage):
    """What a recogniser hears. It never sees the lyrics, only whether there are any."""

    name = "transcribe"
    version = 1
    reads = frozenset({"vocals", "lyrics", "duration_s"})
    writes = frozenset({"transcript", "transcript_times", "heard_phones"})
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

    def one(self, song: Song) -> Song:
        """The song with what was heard; nulls where nobody was asked to listen.

        Raises:
            SongError: ``no_transcript``: no lyrics were given, and no word was heard either.
        """
        has_lyrics = song["lyrics"] is not None
        if has_lyrics and self.params.when == "missing":
            return song.with_columns(transcript=None, transcript_times=None, heard_phones=None)
        vocals_CN, _ = read_bytes(song["vocals"])
        heard = self.transcriber.transcribe(vocals_CN[0])
        if not heard.words and not has_lyrics:
            phones = "" if heard.phones is None else f", but {len(heard.phones)} phones"
            raise SongError(song.song_id, "no_transcript", f"no word was heard{phones}")
        return song.with_columns(
            transcript=[word.word for word in heard.words],
            transcript_times=[
                {"word": w.word, "start_s": w.start_s, "end_s": w.end_s, "score": w.score}
                for w in heard.words
            ],
            heard_phones=None if heard.phones is None else list(heard.phones),
        )
