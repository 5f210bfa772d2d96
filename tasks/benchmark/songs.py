"""The songs of a benchmark given as a manifest, ours or a data set's (JSON, CSV, Parquet) with its fields: title, lyrics, audio, language; what is refused.

A row names its fields as `benchmark.fields` maps them. Lyrics and style are a file's path or the thing itself. The
true audio may be missing: such a song can still be generated, transcribed and compared with its words.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.engine.song import Refused
from tasks.engine.stage import Section
from tasks.lyrics.language import in_their_language
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.decode import decode_text
from tasks.lyrics.read import LYRICS_ENDINGS, read_lyrics
from tasks.models.many_languages import SongLanguages
from tasks.prompts.jamify_manifest import SAFE_ID
from tasks.songs.beside import STYLE_ENDING
from tasks.songs.folder import Refusal, entries_of_files
from tasks.songs.listing import lyrics_among, song_id_of
from tasks.songs.manifest import find_listed, manifest_rows
from tasks.stages.ingest import IngestParams

SNAPSHOT_KINDS = (".parquet", ".jsonl", ".json", ".csv")
"""Rows of a data set's folder, the first kind that is there."""
NO_ROWS = ("dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json")
MAX_CELL = 1 << 24


class FieldsParams(Section):
    """What a manifest calls its fields; null: it has no such field."""

    id: str
    audio: str | None
    lyrics: str | None
    style: str | None
    duration: str | None
    genre: str | None
    language: str | None


@dataclass(frozen=True)
class BenchmarkSong:
    """A song of the benchmark as its manifest gives it; `audio` is None where the true song is not here. `language`: as
    written there, and after `in_their_languages` the one that its words are read in, None where all songs are read in one.
    """

    song_id: str
    title: str
    lyrics: Lyrics
    style_text: str | None
    genre: str | None
    duration_s: float | None
    audio: Path | None
    language: str | None = None


@dataclass(frozen=True)
class Benchmark:
    """The songs in the manifest's order, and the rows that cannot be one, with the reason."""

    songs: Sequence[BenchmarkSong]
    refused: Sequence[Refusal]

    @property
    def without_audio(self) -> list[str]:
        """Titles of the songs whose true audio is not here."""
        return [song.title for song in self.songs if song.audio is None]


def read_benchmark(path: Path, fields: FieldsParams, limits: IngestParams) -> Benchmark:
    """The songs of a manifest: a JSON list, JSON lines, CSV, Parquet, or the folder of a data set's snapshot.

    A row without lyrics is refused: what a recogniser would write cannot judge what it hears. Songs that ask for no words say so by an empty list in their
    place, all of a manifest or none.

    Raises:
        ValueError: there are no rows, a field is not there, or an id is no text or stands twice.
    """
    root = path if path.is_dir() else path.parent
    rows = list(rows_of(path, fields))
    if not any(isinstance(row, Mapping) and fields.id in row for row in rows):
        raise ValueError(
            f"manifest: no row of {path} has the field {fields.id!r}; set benchmark.fields.id to what it is called"
        )
    songs: dict[str, BenchmarkSong] = {}
    refused: list[Refusal] = []
    for number, row in enumerate(rows, start=1):
        try:
            song = _benchmark_song(row, fields, root, limits)
        except Refused as error:
            refused.append({"path": f"{path.name}:{number}", "reason": error.reason, "detail": error.detail})
            continue
        if song.song_id in songs:
            raise ValueError(f"manifest: id {song.title!r} stands twice in {path}; ids must be unique")
        songs[song.song_id] = song
    wordless = [song.title for song in songs.values() if not song.lyrics.words]
    if wordless and len(wordless) < len(songs):
        raise ValueError(
            f"manifest: {wordless[0]!r} asks for no words ([]) and other songs of {path} have lyrics; give two manifests"
        )
    if not songs:
        reasons = ", ".join(sorted({row["reason"] for row in refused}))
        raise ValueError(f"manifest: no song of {path} can be judged ({reasons}); give lyrics to judge by")
    return Benchmark(list(songs.values()), refused)


def in_their_languages(songs: Benchmark, languages: SongLanguages | None) -> Benchmark:
    """Each song with the words of its language; one in a language that is not read here is refused. None: all are read in one.

    Raises:
        ValueError: no song is left.
    """
    if languages is None:
        return Benchmark([replace(song, language=None) for song in songs.songs], songs.refused)
    found, refused = [], [*songs.refused]
    for song in songs.songs:
        try:
            lyrics, told = in_their_language(song.lyrics, languages, song.language)
        except Refused as error:
            refused.append({"path": song.title, "reason": error.reason, "detail": error.detail})
        else:
            found.append(replace(song, lyrics=lyrics, language=told or languages.default))
    if not found:
        raise ValueError(f"manifest: no song is in a language that is read here; {refused[-1]['detail']}")
    return Benchmark(found, refused)


def rows_of(path: Path, fields: FieldsParams) -> Iterator[Any]:
    """What is listed, as written; of Parquet only the mapped fields, and of an audio field only its path."""
    if path.is_dir():
        inside = [p for p in sorted([*path.glob("*"), *path.glob("data/*")]) if p.name not in NO_ROWS]
        kind = next((kind for kind in SNAPSHOT_KINDS if any(p.suffix == kind for p in inside)), None)
        if kind is None:
            raise ValueError(f"manifest: {path} holds no {', '.join(SNAPSHOT_KINDS)} file with its rows")
        for file in inside:
            if file.suffix == kind:
                yield from rows_of(file, fields)
    elif path.suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            wanted = [name for name in fields.model_dump().values() if name in schema.names]
            nested = [f"{n}.path" if pa.types.is_struct(schema.field(n).type) else n for n in wanted]
            yield from file.read(columns=nested).to_pylist()
    elif path.suffix == ".csv":
        csv.field_size_limit(MAX_CELL)
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from csv.DictReader(stream)
    elif path.is_file():
        yield from (row for _, row in manifest_rows(path))
    else:
        raise ValueError(
            f"manifest: {path} is no file and no folder; give a manifest or a data set's snapshot"
        )


def _benchmark_song(row: Any, fields: FieldsParams, root: Path, limits: IngestParams) -> BenchmarkSong:
    if not isinstance(row, Mapping):
        raise Refused("manifest_entry", "a row is no object")

    def cell(name: str | None) -> Any:
        return None if name is None else row.get(name)

    title = str(cell(fields.id) or "")
    if not title or not title.isprintable():
        raise ValueError(f"manifest: id {title!r} is no printable text")
    digest = hashlib.sha256(title.encode()).hexdigest()
    song_id = title if SAFE_ID.fullmatch(title) else song_id_of(title, digest)
    audio = _audio(cell(fields.audio), root)
    beside = _beside(audio)
    lyrics = cell(fields.lyrics) if fields.lyrics in row else beside.get("lyrics")
    style = cell(fields.style) if fields.style in row else beside.get("style")
    genre, language = cell(fields.genre), cell(fields.language)
    return BenchmarkSong(
        song_id,
        title,
        _lyrics(lyrics, root, limits),
        _style(style, root, limits),
        str(genre) if genre else None,
        _duration(cell(fields.duration), title),
        audio,
        str(language) if language else None,
    )


def _audio(written: Any, root: Path) -> Path | None:
    name = written.get("path") if isinstance(written, Mapping) else written
    if not isinstance(name, str) or not name:
        return None
    path = find_listed(name, root, root)
    return path if path.is_file() else None


def _beside(audio: Path | None) -> dict[str, str]:
    """Lyrics and style files of the audio's own name."""
    if audio is None:
        return {}
    entries, _ = entries_of_files(audio.parent.iterdir())
    found = next((entry for entry in entries if entry.audio.name == audio.name), None)
    lyrics = lyrics_among(found.lyrics, audio.parent) if found else None
    sides = {"lyrics": lyrics, "style": found.style} if found else {}
    return {name: str(path) for name, path in sides.items() if path is not None}


def _lyrics(value: Any, root: Path, limits: IngestParams) -> Lyrics:
    """Lyrics as a path, as text of any form, or as a list of words with times."""
    if isinstance(value, list) and not value:
        return Lyrics([])
    if not value:
        raise Refused("no_lyrics", "a recogniser's own words cannot be what it is judged by")
    if not isinstance(value, str):
        data = json.dumps(value).encode()
    elif _is_path(value, LYRICS_ENDINGS):
        path = find_listed(value, root, root)
        if not path.is_file():
            raise Refused("lyrics_missing", value)
        data = path.read_bytes()[: limits.max_lyrics_bytes + 1]
    else:
        data = value.encode()
    return read_lyrics(data, limits.max_lyrics_bytes, limits.max_lyrics_words)


def _style(value: Any, root: Path, limits: IngestParams) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    if _is_path(value, (STYLE_ENDING, ".txt")):
        path = find_listed(value, root, root)
        if not path.is_file():
            return None
        value = decode_text(path.read_bytes()[: limits.max_style_bytes])
    return " ".join(value.split()) or None


def _is_path(value: str, endings: Sequence[str]) -> bool:
    return "\n" not in value and value.lower().endswith(tuple(endings))


def _duration(value: Any, title: str) -> float | None:
    if value in (None, ""):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not seconds > 0 or math.isinf(seconds):
        raise ValueError(f"manifest: duration of {title!r} is {value!r}; give seconds above 0")
    return seconds
