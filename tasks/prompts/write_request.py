"""A single song's lyrics and style as a manifest of one row, with rough word times where the lyrics have none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tasks.lyrics.read import read_lyrics
from tasks.models.phonemizer import PhonemizerParams, build_phonemizer
from tasks.prompts.rough_times import RoughTimes, RoughTimesParams, rough_times, times_within_lines
from tasks.stages.ingest import IngestParams
from tasks.storage.files import write_bytes, write_json


@dataclass(frozen=True)
class SongRequest:
    """Lyrics in any form, a style in words, and what rough word times need."""

    lyrics: Path
    style: str | None
    bpm: float | None
    duration_s: float | None


def write_request(
    request: SongRequest,
    phonemizer: PhonemizerParams,
    params: RoughTimesParams,
    limits: IngestParams,
    folder: Path,
) -> tuple[Path, Path]:
    """Write the manifest of one row into `folder`; returns (it, the lyrics with word times).

    Words without times get rough ones in an editable .json: from a tempo, or within the lines where these are timed. Times that were edited there are never written over.

    Raises:
        ValueError: lyrics without a style, text without a tempo, times without a length, or edited times stand in
            the way.
    """
    if request.style is None:
        raise ValueError("style: --lyrics needs --style, such as --style 'bright pop, female voice'")
    path, bpm, duration_s = request.lyrics, request.bpm, request.duration_s
    lyrics = read_lyrics(path.read_bytes(), limits.max_lyrics_bytes, limits.max_lyrics_words, [path.stem])
    timed = path
    if lyrics.times is None:
        if bpm is not None or lyrics.lines is None:
            if bpm is None:
                raise ValueError(
                    f"bpm: {path} has no times; give --bpm, or lyrics with times of words or lines"
                )
            rough = rough_times(lyrics, bpm, build_phonemizer(phonemizer), params)
            duration_s = duration_s or rough.duration_s
        else:
            words = times_within_lines(lyrics, duration_s, build_phonemizer(phonemizer))
            rough = RoughTimes(words, words[-1].end_s)
        timed = folder / f"{path.stem}.json"
        if timed.is_file() and json.loads(timed.read_text(encoding="utf-8")) != rough.to_json():
            told = f"at {bpm:g} bpm " if bpm else ""
            raise ValueError(
                f"lyrics: {timed} holds other times than {path} {told}would get; generate with "
                f"--lyrics {timed} --duration SECONDS, or remove the file"
            )
        write_json(timed, rough.to_json())
    if duration_s is None:
        raise ValueError(f"duration: {path} does not say how long the song is; give --duration in seconds")
    style = folder / f"{path.stem}.style.txt"
    write_bytes(style, (request.style + "\n").encode())
    row = {
        "id": path.stem,
        "lrc_path": str(timed.resolve()),
        "prompt_path": str(style.resolve()),
        "duration": duration_s,
    }
    manifest = folder / f"{path.stem}.manifest.json"
    write_json(manifest, [row])
    return manifest, timed
