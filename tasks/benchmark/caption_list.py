"""A list of captions as MusicCaps has it (CSV, or JSON lines), beside audio that somebody has, as a manifest of the benchmark.

A row names a clip by ``ytid``, ``start_s`` and ``end_s``, and says in words what it sounds like (``caption``); other fields are passed over. Nothing is fetched: the audio is
``<ytid>.*`` in a folder, the whole of it or the clip, or the clip alone as ``[<ytid>]-[<start>-<end>].*`` or ``<ytid>_<start>_<end>.*``, which tools that gather
MusicCaps write. Rows whose audio is not there are listed, each by name. Songs of such a list ask for no words: they are judged by their style and by the
controls that are heard in their audio (`benchmark.controls`).

Source: A. Agostinelli et al., MusicLM (arXiv 2301.11325).
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.limits import AudioParams
from tasks.audio.read import flac_bytes, read_audio
from tasks.engine.song import Refused
from tasks.songs.beside import AUDIO_ENDINGS
from tasks.songs.folder import Refusal
from tasks.songs.manifest import BadRow, manifest_rows
from tasks.storage.files import write_bytes, write_json_lines

CLIP = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_BYTES, MAX_ROWS, MAX_CAPTION = 64 << 20, 100_000, 10_000
MAX_S = 86_400.0
SLACK_S = 0.5  # a clip that is longer than its row by no more is the clip, not the whole
MANIFEST, MISSING, REFUSED = "benchmark.jsonl", "missing.jsonl", "refused.jsonl"


@dataclass(frozen=True)
class Clip:
    """A row: the clip from `start_s` to `end_s` of `of`, and what it sounds like."""

    of: str
    start_s: float
    end_s: float
    caption: str

    @property
    def name(self) -> str:
        """What it is called in the manifest."""
        return f"{self.of}_{self.start_s:g}_{self.end_s:g}".replace(".", "-")

    @property
    def stems(self) -> tuple[str, ...]:
        """File names without ending that hold the clip alone."""
        return (
            f"[{self.of}]-[{self.start_s:g}-{self.end_s:g}]",
            f"{self.of}_{self.start_s:g}_{self.end_s:g}",
            f"{self.of}-{self.start_s:g}-{self.end_s:g}",
        )


@dataclass(frozen=True)
class Made:
    """The manifest, how many songs it has, the names of clips without audio, and the rows that are none."""

    manifest: Path
    num_songs: int
    missing: Sequence[str]
    refused: Sequence[Refusal]


def read_captions(path: Path) -> tuple[list[Clip], list[Refusal]]:
    """The clips of a list, each once, and the rows that are none with the reason.

    Raises:
        ValueError: it is no such list, or beyond the limits.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"captions: {path} has {size} bytes, at most {MAX_BYTES}; split it")
    clips: dict[str, Clip] = {}
    refused: list[Refusal] = []
    for number, row in _rows(path):
        if number > MAX_ROWS:
            raise ValueError(f"captions: {path} has more than {MAX_ROWS} rows; split it")
        try:
            clip = _clip(row)
            if clip.name in clips:
                raise Refused("listed_twice", f"{clip.name} stands before")
        except Refused as error:
            refused.append({"path": f"{path.name}:{number}", "reason": error.reason, "detail": error.detail})
        else:
            clips[clip.name] = clip
    if not clips:
        why = f" ({refused[0]['detail']})" if refused else ""
        raise ValueError(
            f"captions: {path} has no row with ytid, start_s, end_s and caption{why}; give a list as MusicCaps has it"
        )
    return list(clips.values()), refused


def make_benchmark(path: Path, audio: Path, out: Path, limits: AudioParams) -> Made:
    """Writes ``benchmark.jsonl`` and the clips with their captions below `out`; what is missing or none is listed beside it.

    Raises:
        ValueError: see `read_captions`; `audio` is no folder, or holds the audio of no row.
    """
    if not audio.is_dir():
        raise ValueError(f"audio: {audio} is no folder; give the one with the clips' audio")
    clips, refused = read_captions(path)
    files = _files(audio)
    rows: list[dict[str, Any]] = []
    missing: list[str] = []
    for clip in clips:
        found = next((files[stem] for stem in (*clip.stems, clip.of) if stem in files), None)
        if found is None:
            missing.append(clip.name)
            continue
        try:
            sound_CN = cut(clip, found, limits)
        except (Refused, OSError) as error:
            refused.append({"path": found.name, "reason": "audio_unreadable", "detail": str(error)})
            continue
        rows.append(_write(clip, sound_CN, out))
    if not rows:
        raise ValueError(
            f"audio: {audio} holds the audio of none of the {len(clips)} clips of {path}; name each by its ytid, such as {clips[0].of}.wav"
        )
    write_json_lines(out / MANIFEST, rows)
    for name, lines in ((MISSING, [{"id": one} for one in missing]), (REFUSED, list(refused))):
        if lines:
            write_json_lines(out / name, lines)
        else:
            (out / name).unlink(missing_ok=True)
    return Made(out / MANIFEST, len(rows), missing, refused)


def cut(clip: Clip, path: Path, limits: AudioParams) -> np.ndarray:
    """The sound of a clip, [2, N]: out of the whole, or the file as it is where it is called as the clip or no longer than it.

    Raises:
        Refused: the file cannot be read, or ends before the clip begins.
    """
    sound_CN, _ = read_audio(path, limits)
    most = round((clip.end_s - clip.start_s) * SAMPLE_RATE_HZ)
    if path.stem in clip.stems or sound_CN.shape[1] <= most + SLACK_S * SAMPLE_RATE_HZ:
        return sound_CN[:, :most]
    first = round(clip.start_s * SAMPLE_RATE_HZ)
    if first >= sound_CN.shape[1]:
        raise Refused(
            "too_short",
            f"{path.name} lasts {sound_CN.shape[1] / SAMPLE_RATE_HZ:.1f} s, the clip begins at {clip.start_s:g}",
        )
    return sound_CN[:, first : first + most]


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    if path.suffix.lower() != ".csv":
        try:
            yield from manifest_rows(path)
        except ValueError as error:
            raise ValueError(
                f"captions: {path} is neither JSON of rows nor a .csv; give a list as MusicCaps has it"
            ) from error
        return
    csv.field_size_limit(MAX_BYTES)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from enumerate(csv.DictReader(stream), start=1)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"captions: {path} is no CSV in UTF-8 ({error}); save it as one") from error


def _clip(row: Any) -> Clip:
    if not isinstance(row, Mapping):
        raise Refused("no_clip", row.why if isinstance(row, BadRow) else "a row is no object")
    of, caption = row.get("ytid"), row.get("caption")
    if not isinstance(of, str) or not CLIP.fullmatch(of):
        raise Refused("no_clip", f"ytid is {str(of)[:40]!r}; it is 1 to 64 letters, digits, _ and -")
    said = " ".join(caption.split()) if isinstance(caption, str) else ""
    if not 0 < len(said) <= MAX_CAPTION or not said.isprintable():
        raise Refused("no_caption", f"the caption of {of} is no printable text of 1 to {MAX_CAPTION} letters")
    start_s, end_s = (_seconds(row.get(name), name) for name in ("start_s", "end_s"))
    if not 0 <= start_s < end_s <= MAX_S:
        raise Refused("no_clip", f"{of} goes from {start_s:g} to {end_s:g} s; give a start before an end")
    return Clip(of, start_s, end_s, said)


def _seconds(value: Any, name: str) -> float:
    try:
        seconds = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise Refused("no_clip", f"{name} is {str(value)[:40]!r}; give seconds")
    return seconds


def _files(audio: Path) -> dict[str, Path]:
    """Audio files right in the folder, by their names without ending; the first of several in the order of names."""
    found: dict[str, Path] = {}
    for path in sorted(audio.iterdir()):
        if path.suffix.lower() in AUDIO_ENDINGS and path.is_file():
            found.setdefault(path.stem, path)
    return found


def _write(clip: Clip, sound_CN: np.ndarray, out: Path) -> dict[str, Any]:
    """The files of a clip, and its row: no words are asked for."""
    write_bytes(out / "audio" / f"{clip.name}.flac", flac_bytes(sound_CN, SAMPLE_RATE_HZ))
    write_bytes(out / "audio" / f"{clip.name}.style.txt", f"{clip.caption}\n".encode())
    return {
        "id": clip.name,
        "audio_path": f"audio/{clip.name}.flac",
        "prompt_path": f"audio/{clip.name}.style.txt",
        "lrc_path": [],
        "duration": sound_CN.shape[1] / SAMPLE_RATE_HZ,
    }
