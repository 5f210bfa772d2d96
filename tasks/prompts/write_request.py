"""A single song's lyrics and style as a manifest of one row, with rough word times where the lyrics have none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tasks.models.phonemizer import PhonemizerParams, build_phonemizer
from tasks.prompts.rough_times import RoughTimesParams, rough_times
from tasks.songs.lyrics import decode_text
from tasks.storage.files import write_bytes, write_json


@dataclass(frozen=True)
class SongRequest:
    """Lyrics (.txt, or .json with word times), a style in words, and what rough word times need."""

    lyrics: Path
    style: str | None
    bpm: float | None
    duration_s: float | None


def write_request(
    request: SongRequest, phonemizer: PhonemizerParams, params: RoughTimesParams, folder: Path
) -> tuple[Path, Path]:
    """Write the manifest of one row into `folder`; returns (it, the lyrics with word times).

    Plain text gets rough word times in an editable .json. Times that were edited there are never written over.

    Raises:
        ValueError: lyrics without a style, text without a tempo, times without a length, or edited times stand in
            the way.
    """
    if request.style is None:
        raise ValueError("style: --lyrics needs --style, such as --style 'bright pop, female voice'")
    lyrics, bpm, duration_s = request.lyrics, request.bpm, request.duration_s
    timed = lyrics
    if lyrics.suffix.lower() == ".txt":
        if bpm is None:
            raise ValueError(f"bpm: {lyrics} has no word times; give --bpm, or a .json with times")
        rough = rough_times(decode_text(lyrics.read_bytes()), bpm, build_phonemizer(phonemizer), params)
        duration_s = duration_s or rough.duration_s
        timed = folder / f"{lyrics.stem}.json"
        if timed.is_file() and json.loads(timed.read_text(encoding="utf-8")) != rough.to_json():
            raise ValueError(
                f"lyrics: {timed} holds other times than {lyrics} at {bpm:g} bpm would get; generate with "
                f"--lyrics {timed} --duration SECONDS, or remove the file"
            )
        write_json(timed, rough.to_json())
    if duration_s is None:
        raise ValueError(f"duration: {lyrics} does not say how long the song is; give --duration in seconds")
    style = folder / f"{lyrics.stem}.style.txt"
    write_bytes(style, (request.style + "\n").encode())
    row = {
        "id": lyrics.stem,
        "lrc_path": str(timed.resolve()),
        "prompt_path": str(style.resolve()),
        "duration": duration_s,
    }
    manifest = folder / f"{lyrics.stem}.manifest.json"
    write_json(manifest, [row])
    return manifest, timed
