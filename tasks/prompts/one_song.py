"""One song's lyrics and style as a manifest of one row (`write_request`), with word times that can be edited."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.engine.song import Refused
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.written import Remark
from tasks.lyrics.read import read_lyrics
from tasks.models.phonemizer import PhonemizerParams, build_phonemizer, for_song
from tasks.prompts.jamify_manifest import check_length
from tasks.prompts.prompt_words import song_lyrics, timed_roughly
from tasks.prompts.rough_times import RoughTimes, RoughTimesParams
from tasks.stages.ingest import IngestParams
from tasks.storage.files import write_bytes, write_json


@dataclass(frozen=True)
class OneSong:
    """Lyrics in any form, a style in words, and what rough word times need.

    Raises:
        ValueError: there is no such file, or no style.
    """

    lyrics: Path
    style: str | None
    bpm: float | None
    duration_s: float | None

    def __post_init__(self) -> None:
        if not self.style:
            raise ValueError("style: --lyrics needs --style, such as --style 'bright pop, female voice'")
        if not self.lyrics.is_file():
            raise ValueError(f"lyrics: {self.lyrics} is no file; give the lyrics of one song")


@dataclass(frozen=True)
class WrittenRequest:
    """The manifest of one row, the lyrics with word times that it names, and, where these were made, what the given file lost."""

    manifest: Path
    timed: Path
    remarks: list[Remark]


def write_request(
    song: OneSong,
    phonemizer: PhonemizerParams,
    params: RoughTimesParams,
    limits: IngestParams,
    max_frames: int,
    folder: Path,
) -> WrittenRequest:
    """Write the manifest of one row into `folder`, for a model of `max_frames`; nothing is written where it cannot be sung.

    Words without times get rough ones in an editable .json. Times that were edited there are never written over.

    Raises:
        ValueError: words without times and nothing to find them by, times without a length, a song too
            long for the model, or edited times stand in the way.
    """
    name = song.lyrics.stem
    with song.lyrics.open("rb") as file:
        data = file.read(limits.max_lyrics_bytes + 1)
    try:
        lyrics = read_lyrics(data, limits.max_lyrics_bytes, limits.max_lyrics_words, [name])
    except Refused as error:
        raise ValueError(f"lyrics: {song.lyrics}: {error}") from error
    _check_times(song, lyrics, max_frames)
    rough = None
    if lyrics.times is None:
        try:
            lyrics, language = song_lyrics(lyrics, phonemizer)
        except Refused as error:
            raise ValueError(f"lyrics: {song.lyrics}: {error}") from error
        said = for_song(build_phonemizer(phonemizer), language)
        rough = replace(timed_roughly(lyrics, song.bpm, song.duration_s, said, params), language=language)
        if song.duration_s is None:
            _check_length(song, rough.duration_s, max_frames)
    duration_s = rough.duration_s if rough and song.duration_s is None else song.duration_s
    timed = folder / f"{name}.json" if rough else song.lyrics
    if rough:
        at = f" at {song.bpm:g} bpm" if song.bpm else ""
        instead = f"generate with --lyrics {timed} --duration SECONDS"
        write_times(rough, timed, f"{song.lyrics}{at}", instead)
    style = folder / f"{name}.style.txt"
    write_bytes(style, f"{song.style}\n".encode())
    files = {"lrc_path": str(timed.resolve()), "prompt_path": str(style.resolve())}
    manifest = folder / f"{name}.manifest.json"
    write_json(manifest, [{"id": name, **files, "duration": duration_s}])
    return WrittenRequest(manifest, timed, [*lyrics.remarks] if rough else [])


def _check_times(song: OneSong, lyrics: Lyrics, max_frames: int) -> None:
    """All that can be refused before a model is loaded."""
    if song.duration_s is not None:
        _check_length(song, song.duration_s, max_frames)
    elif lyrics.times is not None or (lyrics.lines is not None and song.bpm is None):
        raise ValueError(
            f"duration: {song.lyrics} does not say how long the song is; give --duration in seconds"
        )
    elif song.bpm is None:
        raise ValueError(
            f"bpm: {song.lyrics} has no times; give --bpm or --duration, or lyrics with times of words or lines"
        )


def _check_length(song: OneSong, duration_s: float, max_frames: int) -> None:
    how = (
        "give a shorter --duration" if song.duration_s else "give fewer words, a higher --bpm or a --duration"
    )
    try:
        check_length(duration_s, max_frames, f"{how}, or the --checkpoint of a longer model")
    except Refused as error:
        raise ValueError(f"generate: {song.lyrics.stem!r}: {error.detail}") from error


def write_times(rough: RoughTimes, timed: Path, song: str, instead: str) -> None:
    """Word times in jamify's form; those that were edited are never written over.

    Raises:
        ValueError: the file holds other times than `song` would get; `instead` says how to generate with them.
    """
    times = rough.to_json()
    if not timed.is_file():
        write_json(timed, times)
    elif json.loads(timed.read_text(encoding="utf-8")) != times:
        raise ValueError(
            f"lyrics: {timed} holds other times than {song} would get; {instead}, or remove the file"
        )
