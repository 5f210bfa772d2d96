"""jamify's input manifest: its rows (title, style, duration, bpm, audio) as requests (`read_requests`), with the style that counts (`PromptParams`: audio, text, none); a row that cannot be sung is refused alone.

A row names lyrics (`lrc_path`, or the words themselves as `lyrics` or `text`), a song whose style is wanted (`audio_path`) or a
style text (`prompt_path`; `PromptParams` says which counts), a length in seconds (`duration`), and perhaps a tempo for rough word
times (`bpm`) and a `language`. It may ask for controls (`tasks.prompts.control_prompts`): `chords` as text, files of a `melody`,
of `drums`, and of a song to sound `like`, seconds to `keep` of the song `keep_from`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeGuard

import numpy as np
from pydantic import Field

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ, frames_of_seconds
from tasks.audio.limits import AudioParams
from tasks.audio.read import read_audio
from tasks.engine.song import Refused
from tasks.engine.stage import Section
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.decode import decode_text
from tasks.lyrics.read import read_lyrics
from tasks.models.style_encoder import StyleEncoder
from tasks.prompts.control_prompts import (
    FILES,
    NOTHING_ASKED,
    ControlRequest,
    check_words_for_holes,
    request_of,
)
from tasks.prompts.rough_times import MAX_BPM, MIN_BPM
from tasks.songs.listing import song_id_of
from tasks.songs.manifest import INLINE, BadRow, find_listed, manifest_rows
from tasks.stages.ingest import IngestParams
from tasks.storage.files import first_bytes


class PromptParams(Section):
    """What of a manifest is asked for. `num_samples`: its first rows; null: all. `style`: of a row that names a song and a text,
    which of them; ``none``: no style, which is the style that guidance leads away from (jamify's `ignore_style`).
    `part_styles`: whether styles that lyrics give their parts (``[Verse: soft piano]``) are used: where the weights learned
    such (``trained``), ``always``, ``never``.
    """

    num_samples: int | None = Field(ge=1)
    style: Literal["audio", "text", "none"]
    part_styles: Literal["trained", "always", "never"]


SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
MAX_NAME_BYTES = 200
FIELDS = ("id", "audio_path", "lrc_path", "duration", "prompt_path")


@dataclass(frozen=True)
class SongRequest:
    """A song that is asked for, before any model has looked at it.

    Attributes:
        title: its id as the manifest has it; the songs' files are named by it.
        lyrics: what their file states.
        style: a song or a text whose style is wanted, `is_style_heard` tells which; None: no style.
        bpm: for rough word times and chords; None where nobody stated it.
        language: the one that the row gives it; None where it gives none.
        controls: what the song is asked to follow.
    """

    song_id: str
    title: str
    lyrics: Lyrics
    style: Path | None
    is_style_heard: bool
    duration_s: float
    bpm: float | None = None
    language: str | None = None
    controls: ControlRequest = NOTHING_ASKED


@dataclass(frozen=True)
class RefusedRow:
    """A row that is not sung: its id or number, a reason that counts, and the reason in words."""

    title: str
    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.title}: {self.reason}: {self.detail}"


@dataclass(frozen=True)
class Requests:
    """The rows of a manifest, in its order."""

    songs: list[SongRequest]
    refused: list[RefusedRow]


def read_requests(
    manifest: Path, audio: AudioParams, limits: IngestParams, params: PromptParams, max_frames: int
) -> Requests:
    """The rows of a manifest (jamify's ``inputs/input.json``), for a model of `max_frames`. An id that is no safe key becomes the title.

    Raises:
        ValueError: it is no such list, or an id stands twice.
    """
    found = Requests([], [])
    for number, row in islice(manifest_rows(manifest), params.num_samples):
        name = f"row {number}"
        try:
            if not isinstance(row, dict):
                what = row.why if isinstance(row, BadRow) else f"no object; give {', '.join(FIELDS)}"
                raise Refused("manifest_entry", what)
            name = _title(row)
            found.songs.append(_request(name, row, manifest.parent, audio, limits, params, max_frames))
        except Refused as error:
            found.refused.append(RefusedRow(name, error.reason, error.detail))
        except ValueError as error:
            found.refused.append(RefusedRow(name, "manifest_entry", str(error)))
    ids = [song.title for song in found.songs]
    twice = {song_id for song_id in ids if ids.count(song_id) > 1}
    if twice:
        raise ValueError(f"manifest: id {sorted(twice)[0]!r} stands twice in {manifest}; ids must be unique")
    return found


def check_length(duration_s: float, max_frames: int, how: str) -> None:
    """Whether a model of `max_frames` can sing a song of this length.

    Raises:
        Refused: ``prompt_too_long`` or ``prompt_too_short``; `how` says what to do about a long one.
    """
    num_frames = frames_of_seconds(duration_s)
    if num_frames > max_frames:
        longest_s = (
            (max_frames + 1) * HOP_SAMPLES - 1
        ) / SAMPLE_RATE_HZ  # a frame that is begun is not counted
        at_most = f"at most {int(longest_s * 10) / 10:.1f} s"
        raise Refused("prompt_too_long", f"duration is {duration_s:.1f} s, {at_most}; {how}")
    if num_frames <= 0:
        raise Refused("prompt_too_short", f"duration is {duration_s:g} s; give a second or more")


def style_of(request: SongRequest, encoder: StyleEncoder, audio: AudioParams) -> np.ndarray:
    """The style that is asked for, float32 [n, 512].

    Raises:
        ValueError: the song or the text cannot be read.
    """
    if request.style is None:
        return np.asarray(encoder.negative_style, np.float32).reshape(1, -1)
    if request.is_style_heard:
        mix_CN, _ = read_audio(request.style, audio)
        return np.asarray(encoder.embed_audio(mix_CN), np.float32)
    text = decode_text(request.style.read_bytes())
    return np.asarray(encoder.embed_text(" ".join(text.split())), np.float32)[None]


def _title(row: Mapping[str, Any]) -> str:
    title = row.get("id")
    if not isinstance(title, str) or not _is_file_name(title):
        _bad(f"id {title!r} cannot name a file; give up to {MAX_NAME_BYTES} bytes without '/'")
    return title


def _request(
    title: str,
    row: Mapping[str, Any],
    root: Path,
    audio: AudioParams,
    limits: IngestParams,
    params: PromptParams,
    max_frames: int,
) -> SongRequest:
    duration_s, bpm = row.get("duration"), row.get("bpm")
    if not _is_number(duration_s) or not 0 < duration_s <= audio.max_seconds:
        _bad(f"duration is {duration_s!r}; give seconds up to {audio.max_seconds}")
    if bpm is not None and not (_is_number(bpm) and MIN_BPM <= bpm <= MAX_BPM):
        _bad(f"bpm is {bpm!r}; give {MIN_BPM:g} to {MAX_BPM:g}, or none")
    language = row.get("language")
    if not isinstance(language, str | None):
        _bad(f"language is {str(language)[:40]!r}; give a code such as 'de', or none")
    files = {key: _file(row, key, root) for key in FILES if row.get(key) is not None}
    controls = request_of(row, files, bpm)
    check_length(duration_s, max_frames, "ask for less, or give the checkpoint of a longer model")
    heard = params.style == "audio" and bool(row.get("audio_path"))
    style = None if params.style == "none" else _file(row, "audio_path" if heard else "prompt_path", root)
    data = _lyrics(row, root, limits.max_lyrics_bytes)
    lyrics = read_lyrics(data, limits.max_lyrics_bytes, limits.max_lyrics_words, [title])
    check_words_for_holes(controls, lyrics.times is not None)
    return SongRequest(
        title if SAFE_ID.fullmatch(title) else song_id_of(title, hashlib.sha256(title.encode()).hexdigest()),
        title,
        lyrics,
        style,
        heard,
        float(duration_s),
        bpm,
        language,
        controls,
    )


def _lyrics(row: Mapping[str, Any], root: Path, max_bytes: int) -> bytes:
    """The file that is named, else the words that stand in the row; a byte more than may be tells that it is too long."""
    inline = next((row[key] for key in INLINE if isinstance(row.get(key), str)), None)
    if inline and not row.get("lrc_path"):
        return inline.encode()
    return first_bytes(_file(row, "lrc_path", root), max_bytes)


def _is_file_name(title: str) -> bool:
    """Whether a title can stand in the output folder as it is."""
    plain = title.isprintable() and not title.startswith(".") and not set(title) & set("/\\")
    return bool(title) and plain and len(title.encode()) <= MAX_NAME_BYTES


def _file(row: Mapping[str, Any], key: str, root: Path) -> Path:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        _bad(f"there is no {key}; give a path relative to the manifest or the current folder")
    path = find_listed(value, root, root)
    if not path.is_file():
        _bad(f"{key} is no file: {path}")
    return path


def _bad(detail: str) -> NoReturn:
    raise Refused("manifest_entry", detail)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
