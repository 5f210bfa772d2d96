"""jamify's input manifest: read as prompts (`read_requests`), or written for one song's lyrics and style (`write_request`).

A row names lyrics with word times (`lrc_path`), a song whose style is wanted (`audio_path`) or a style
text (`prompt_path`), and a length in seconds (`duration`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.audio.limits import AudioParams
from tasks.audio.read import read_audio
from tasks.lyrics.parts.decode import decode_text
from tasks.lyrics.read import read_lyrics
from tasks.models.phonemizer import Phonemizer, PhonemizerParams, build_phonemizer, phonemized
from tasks.models.style_encoder import StyleEncoder
from tasks.prompts.prompts import Prompt
from tasks.prompts.rough_times import RoughTimes, RoughTimesParams, rough_times, times_within_lines
from tasks.songs.listing import song_id_of
from tasks.songs.manifest import find_listed, manifest_rows
from tasks.stages.ingest import IngestParams
from tasks.storage.files import write_bytes, write_json

SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
MAX_NAME_BYTES = 200
FIELDS = ("id", "audio_path", "lrc_path", "duration", "prompt_path")


def read_requests(
    manifest: Path, phonemizer: Phonemizer, encoder: StyleEncoder, audio: AudioParams, limits: IngestParams
) -> list[Prompt]:
    """The prompts of a manifest (jamify's ``inputs/input.json``). An id that is no safe key becomes the title.

    Raises:
        ValueError: it is no such list, an id is no file name or stands twice, a file is missing, or lyrics have no times.
    """
    rows = list(manifest_rows(manifest))
    bad = next((number for number, row in rows if not isinstance(row, dict)), None)
    if bad is not None:
        raise ValueError(f"manifest: row {bad} of {manifest} is no object; give {', '.join(FIELDS)} in each")
    prompts = [_prompt(row, manifest.parent, phonemizer, encoder, audio, limits) for _, row in rows]
    ids = [prompt.title for prompt in prompts]
    twice = {song_id for song_id in ids if ids.count(song_id) > 1}
    if twice:
        raise ValueError(f"manifest: id {sorted(twice)[0]!r} stands twice in {manifest}; ids must be unique")
    return prompts


def _prompt(
    row: Mapping[str, Any],
    root: Path,
    phonemizer: Phonemizer,
    encoder: StyleEncoder,
    audio: AudioParams,
    limits: IngestParams,
) -> Prompt:
    title = row.get("id")
    if not isinstance(title, str) or not _is_file_name(title):
        raise ValueError(
            f"manifest: id {title!r} cannot name a file; give up to {MAX_NAME_BYTES} bytes without '/'"
        )
    song_id = (
        title if SAFE_ID.fullmatch(title) else song_id_of(title, hashlib.sha256(title.encode()).hexdigest())
    )
    duration_s = row.get("duration")
    if not isinstance(duration_s, int | float) or not 0 < duration_s <= audio.max_seconds:
        raise ValueError(
            f"manifest: duration of {song_id!r} is {duration_s!r}; give seconds up to {audio.max_seconds}"
        )
    path = _file(row, "lrc_path", root, song_id)
    lyrics = read_lyrics(path.read_bytes(), limits.max_lyrics_bytes, limits.max_lyrics_words, [title])
    times = lyrics.fully_timed(duration_s)
    if times is None:
        raise ValueError(f"manifest: lyrics of {song_id!r} ({path}) have no word times; give jamify's .json")
    return Prompt(
        song_id,
        title,
        tuple(phonemized(times, phonemizer)[0]),
        _style(row, root, song_id, encoder, audio),
        float(duration_s),
        None,
    )


def _is_file_name(title: str) -> bool:
    """Whether a title can stand in the output folder as it is."""
    plain = title.isprintable() and not title.startswith(".") and not set(title) & set("/\\")
    return bool(title) and plain and len(title.encode()) <= MAX_NAME_BYTES


def _style(
    row: Mapping[str, Any], root: Path, song_id: str, encoder: StyleEncoder, audio: AudioParams
) -> np.ndarray:
    if row.get("audio_path"):
        mix_CN, _ = read_audio(_file(row, "audio_path", root, song_id), audio)
        return np.asarray(encoder.embed_audio(mix_CN), np.float32)
    text = decode_text(_file(row, "prompt_path", root, song_id).read_bytes())
    return np.asarray(encoder.embed_text(" ".join(text.split())), np.float32)[None]


def _file(row: Mapping[str, Any], key: str, root: Path, song_id: str) -> Path:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(
            f"manifest: {song_id!r} has no {key}; give a path relative to the manifest or the current folder"
        )
    path = find_listed(value, root, root)
    if not path.is_file():
        raise ValueError(f"manifest: {key} of {song_id!r} is not a file: {path}")
    return path


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
