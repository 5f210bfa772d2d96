"""Requests: jamify's input manifest becomes prompts.

A row names lyrics with word times (`lrc_path`), a song whose style is wanted (`audio_path`) or a style
text (`prompt_path`), and a length in seconds (`duration`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.audio.limits import AudioParams
from tasks.audio.read import read_audio
from tasks.models.phonemizer import Phonemizer, phonemized
from tasks.models.style_encoder import StyleEncoder
from tasks.prompts.prompts import Prompt
from tasks.songs.listing import song_id_of
from tasks.songs.lyrics import decode_text, parse_lyrics
from tasks.songs.manifest import find_listed, manifest_rows
from tasks.stages.ingest import IngestParams

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
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"manifest: {manifest} must be a list of objects with {', '.join(FIELDS)}")
    prompts = [_prompt(row, manifest.parent, phonemizer, encoder, audio, limits) for row in rows]
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
    lyrics = parse_lyrics(
        path.read_bytes(), path.suffix.lower(), limits.max_lyrics_bytes, limits.max_lyrics_words
    )
    times = lyrics.within(duration_s).times
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
