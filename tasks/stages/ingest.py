"""Ingest: opens (decodes) every found song and reads its lyrics, their language and times, and its style text; remarks, and refusals where lyrics reach past the audio."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pyarrow as pa

from tasks.audio.limits import AudioParams
from tasks.audio.read import SourceFormat, read_audio
from tasks.audio.sound import shorter_than
from tasks.engine.columns import Column
from tasks.engine.song import Refused, Song, SongError
from tasks.engine.stage import Section, Stage
from tasks.lyrics.by_hand import worded_by_hand
from tasks.lyrics.columns import LABEL, NOTE, REMARK
from tasks.lyrics.language import in_their_language
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.decode import decode_text
from tasks.lyrics.parts.written import NOT_LYRICS, Remark
from tasks.lyrics.read import read_lyrics
from tasks.models.phonemizer import PhonemizerParams
from tasks.songs.columns import (
    AUDIO_REMARKS,
    DURATION_S,
    LYRICS_LANGUAGE,
    STRINGS,
    UNSTATED_DELAY_S,
    WORD,
)
from tasks.songs.files import bytes_of, song_file
from tasks.storage.audio_cache import CACHE

CUT = ("last_frame_cut", "no_end_mark")
"""Remarks on an audio file by which more of it may have followed."""


class IngestParams(Section):
    """`max_lyrics_overrun_s`: how far the lyrics' times may reach past the audio."""

    max_lyrics_bytes: int
    max_lyrics_words: int
    max_lyrics_overrun_s: float
    max_style_bytes: int


class Ingest(Stage):
    """Reads the files of a song. Nothing it writes depends on any other song."""

    name = "ingest"
    version = 7
    reads = frozenset(
        {
            *("audio", "lyrics_path", "lyrics_text", "style_path", "content_hash"),
            *("stated_duration_s", "stated_language", "title", "artist"),
        }
    )
    packages = ("av", "soundfile", "soxr")
    params: IngestParams
    writes = {
        "duration_s": DURATION_S,
        "num_channels": Column(pa.int32(), "channels of the source"),
        "sample_rate_hz": Column(pa.int32(), "sample rate of the source"),
        "audio_remarks": AUDIO_REMARKS,
        "unstated_delay_s": UNSTATED_DELAY_S,
        "lyrics": Column(STRINGS, "the given words in order; null = no lyrics were given"),
        "lyrics_times": Column(
            pa.list_(WORD),
            "the given words with their input times; null = untimed; a null entry = that word has none",
        ),
        "lyrics_lines": Column(pa.list_(WORD), "timed lines (text = the line); null = none"),
        "lyrics_notes": Column(
            pa.list_(NOTE), "notes of the melody, with the word sung on each; null = none"
        ),
        "lyrics_labels": Column(
            pa.list_(LABEL), "names of parts as written, with the word they stand before; null = none"
        ),
        "lyrics_remarks": Column(
            pa.list_(REMARK), "what of the lyrics was left out, mended or not believed; null = nothing"
        ),
        "lyrics_form": Column(pa.string(), "the form the lyrics were read from; null = no lyrics"),
        "num_lines": Column(
            pa.int32(), "lines of the given lyrics; null = no lyrics, or a format without lines"
        ),
        "lyrics_language": LYRICS_LANGUAGE,
        "style_text": Column(pa.string(), "style prompt; null = none"),
    }

    def __init__(
        self, params: IngestParams, audio: AudioParams, phonemizer: PhonemizerParams | None = None
    ) -> None:
        """`phonemizer`: what reads the words, where they are of several languages and split by theirs."""
        super().__init__(params, audio)
        self.audio = audio
        self.phonemizer = phonemizer if phonemizer and phonemizer.song_languages else None

    @property
    def facts(self) -> dict[str, Any]:
        """The limits on audio, a section of its own, and what splits words, where anything does."""
        many = None if self.phonemizer is None else self.phonemizer.identity()
        splits = {} if many is None else {"words": many, "languages": "as files state them"}
        return {"audio": self.audio.model_dump(mode="json"), **splits}

    def one(self, song: Song) -> Song:
        """The song with its format, lyrics and style text.

        Raises:
            SongError: ``source_changed``, ``source_gone``, ``unreadable``, the reasons of `read_audio` and of
                `read_lyrics`, ``language_not_covered``, ``audio_short``, ``lyrics_past_end``, ``style_too_long`` or
                ``style_malformed``.
        """
        source = self._format(song)
        lyrics, language = self._in_words(song, self._lyrics(song))
        lyrics = worded_by_hand(song.edited, lyrics)
        if lyrics is not None:
            self._check_times(song, lyrics, source)
        return song.with_columns(
            duration_s=source.duration_s,
            num_channels=source.num_channels,
            sample_rate_hz=source.sample_rate_hz,
            audio_remarks=[*source.remarks, *self._shortness(song, lyrics, source.duration_s)],
            unstated_delay_s=source.unstated_delay_s,
            lyrics=(lyrics and lyrics.words) or None,
            **(lyrics or Lyrics([])).within(source.duration_s).columns(),
            num_lines=lyrics.num_lines if lyrics else None,
            lyrics_language=language,
            style_text=self._style(song),
        )

    def _format(self, song: Song) -> SourceFormat:
        """Decodes the whole file, since a header may promise what does not follow."""
        data = song["audio"]["bytes"]
        if data is None:
            CACHE.reads += 1
            data = self._read(song, song["audio"]["path"], self.audio.max_bytes, "too_large")
            if hashlib.sha256(data).hexdigest() != song["content_hash"]:
                raise SongError(song.song_id, "source_changed", "the file is not the one that was listed")
        try:
            mix_CN, source = read_audio(io.BytesIO(data), self.audio)
        except ValueError as error:  # also what a decoder says that nobody foresaw: one song, never the run
            raise SongError.of(song.song_id, error) from error
        if song["audio"]["bytes"] is None:
            CACHE.keep(song["content_hash"], mix_CN)
        return source

    def _lyrics(self, song: Song) -> Lyrics | None:
        """The lyrics of a song's file or of its manifest's row; None where it has none."""
        path, params = song["lyrics_path"], self.params
        if song["lyrics_text"] is not None:
            data = song["lyrics_text"].encode()
        elif path is not None:
            data = self._read(song, path, params.max_lyrics_bytes, "lyrics_too_long")
        else:
            return None
        names = [name for name in (song["title"], song["artist"]) if name]
        try:
            return read_lyrics(data, params.max_lyrics_bytes, params.max_lyrics_words, names)
        except Refused as error:
            if error.reason == NOT_LYRICS:
                return Lyrics([], remarks=[Remark(NOT_LYRICS, 0, f"{path}: {error.detail}")])
            raise SongError.of(song.song_id, error) from error

    def _in_words(self, song: Song, lyrics: Lyrics | None) -> tuple[Lyrics | None, str | None]:
        """The lyrics with the words of their language, and that one, where songs have one of several."""
        languages = None if self.phonemizer is None else self.phonemizer.song_languages
        if languages is None:
            return lyrics, None
        try:
            found, language = in_their_language(
                lyrics or Lyrics([]), languages, song.columns.get("stated_language")
            )
        except Refused as error:
            raise SongError.of(song.song_id, error) from error
        return lyrics and found, language

    def _style(self, song: Song) -> str | None:
        if song["style_path"] is None:
            return None
        data = self._read(song, song["style_path"], self.params.max_style_bytes, "style_too_long")
        try:
            return " ".join(decode_text(data).split()) or None
        except Refused as error:
            raise SongError(song.song_id, "style_malformed", error.detail) from error

    def _check_times(self, song: Song, lyrics: Lyrics, source: SourceFormat) -> None:
        """Raises where lyrics reach past the audio: ``audio_short`` where something says that the audio lacks its end."""
        end_s, most_s = lyrics.last_start_s, self.params.max_lyrics_overrun_s
        if end_s <= source.duration_s + most_s:
            return
        reach = f"lyrics reach {end_s:.1f} s, the audio {source.duration_s:.1f} s"
        stated_s = song.columns.get("stated_duration_s")
        cut = [text for text in source.remarks if text.partition(":")[0] in CUT]
        if stated_s is not None and end_s <= stated_s + most_s:
            cut.append(f"its manifest states {stated_s:.1f} s")
        if cut:
            raise SongError(song.song_id, "audio_short", f"{reach}; {'; '.join(cut)}; get the whole file")
        why = "nothing says that it goes on: they are of another edition, or its file ended early"
        raise SongError(song.song_id, "lyrics_past_end", f"{reach}; {why}")

    def _shortness(self, song: Song, lyrics: Lyrics | None, duration_s: float) -> list[str]:
        """What to say of a song that is shorter than others say; a table of before has no manifest's lengths."""
        told = shorter_than("manifest", song.columns.get("stated_duration_s"), duration_s)
        return told + shorter_than("lyrics", lyrics.last_start_s if lyrics else None, duration_s)

    def _read(self, song: Song, relative: str, max_bytes: int, too_long: str) -> bytes:
        """A source file's bytes. Listing has seen it; it may have gone or become something else since."""
        try:
            data = bytes_of(song_file(song.root, relative), max_bytes)
        except (FileNotFoundError, ValueError) as error:
            raise SongError(song.song_id, "source_gone", relative) from error
        except OSError as error:
            raise SongError(song.song_id, "unreadable", f"{relative}: {error.strerror}") from error
        if len(data) > max_bytes:
            raise SongError(song.song_id, too_long, f"{relative} has more than {max_bytes} bytes")
        return data
