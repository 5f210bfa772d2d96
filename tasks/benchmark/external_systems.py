"""Systems from elsewhere: folders of audio and checkpoints by name, a manifest's songs as prompts with style and genre (`Request`), sources of the truth."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.frames import STYLE_DIM
from jam_model.words import Word, words_of
from tasks.benchmark.songs import Benchmark, BenchmarkSong, FieldsParams, read_benchmark
from tasks.benchmark.system_folders import Folder, match, read_folder
from tasks.engine.table import Source
from tasks.models.phonemizer import Phonemizer, for_song, phonemized
from tasks.models.style_encoder import StyleEncoder
from tasks.prompts.prompt_words import symbols_without_token
from tasks.prompts.prompts import Prompt, System, file_source
from tasks.songs.hashes import hash_file
from tasks.stages.ingest import IngestParams
from tasks.times.phones import given_phones

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
MISSING = "missing"
TRUTH = "truth"
NO_STYLE = np.zeros((0, STYLE_DIM), np.float32)
SHOWN = 5  # of many names


def truth_sources(
    songs: Sequence[BenchmarkSong], root: Path, prompts: Sequence[Prompt], seed: int
) -> list[Source]:
    """A row a true song, uncut, with all that `align` reads; those that are not here are refused as ``missing``."""
    system = System(TRUTH, "Ground truth", {"kind": "file"}, prompts)
    rows = []
    for song, prompt in zip(songs, prompts, strict=True):
        free = replace(prompt, duration_s=None)
        columns = song.lyrics.within(song.duration_s).columns()
        facts = {name: columns[name] for name in ("lyrics_times", "lyrics_lines")}
        facts["stated_duration_s"] = song.duration_s
        rows.append(_file_row(free, system, song.audio, root, seed, facts))
    return rows


def folder_sources(folder: Folder, prompts: Sequence[Prompt], seed: int) -> list[Source]:
    """A row a song of the benchmark, with the system's file for it or refused as ``missing``."""
    system = System(folder.name, folder.name, {"kind": "file"}, prompts)
    files = match(prompts, folder).files
    return [_file_row(prompt, system, files.get(prompt.song_id), folder.root, seed) for prompt in prompts]


def prompt_of(
    song: BenchmarkSong,
    row: Mapping[str, Any] | None,
    phonemizer: Phonemizer,
    encoder: StyleEncoder,
    genres: Sequence[str],
) -> Prompt:
    """What singers are asked for; `row` is what the stages wrote of the true song, where it is here.

    Word times are those of the lyrics where every word has one, else where the aligner places the words in the true song. The style is the
    true song's, else that of the text.
    """
    heard = {} if row is None else row
    placed, stated = words_of(heard.get("timed_words") or ()), song.lyrics.fully_timed(song.duration_s) or []
    timed = stated if song.lyrics.times and None not in song.lyrics.times else placed or stated
    texts = timed or [Word(text, 0.0, 0.0) for text in song.lyrics.words]
    words, _ = phonemized(texts, for_song(phonemizer, song.language))
    style_NS, is_heard = NO_STYLE, False
    if heard.get("style_embedding"):
        style_NS, is_heard = np.asarray(heard["style_embedding"], np.float32), True
    elif (text_S := text_style(encoder, song.style_text)) is not None:
        style_NS = text_S[None]
    return Prompt(
        song.song_id,
        song.title,
        tuple(words),
        style_NS,
        song.duration_s or heard.get("duration_s"),
        None,
        song.style_text,
        genre_of(song.genre, song.style_text, genres),
        is_timed=bool(timed),
        is_style_heard=is_heard,
        language=song.language,
        phones=given_phones(song.lyrics.phones, song.lyrics.times, words) if song.lyrics.phones else None,
    )


def prompt_fault(prompt: Prompt, own_symbols: str, max_unknown: float) -> str | None:
    """Why a model cannot be asked for this song: ``no_word_times`` (of words that it has), ``no_style``, ``no_duration`` or, in a language that it has no
    symbols for, ``symbols_not_covered``; else None. `own_symbols`, `max_unknown`: as `words_of` of prompts has them.
    """
    if prompt.language is not None:
        lacking, total = symbols_without_token(prompt.words, own_symbols)
        if len(lacking) > max_unknown * total:
            return "symbols_not_covered"
    if prompt.words and not prompt.is_timed:
        return "no_word_times"
    if not len(prompt.style_NS):
        return "no_style"
    return "no_duration" if prompt.duration_s is None else None


def text_style(encoder: StyleEncoder, text: str | None) -> np.ndarray | None:
    """The style of a text, float32 [S]; None where there is none, or the encoder cannot read it."""
    if not text:
        return None
    try:
        return np.asarray(encoder.embed_text(text), np.float32)
    except ValueError:
        return None


def genre_of(stated: str | None, style_text: str | None, genres: Sequence[str]) -> str | None:
    """The listed genre that a song is stated to have, else the only one that its style text names."""
    if stated is not None:
        return next((genre for genre in genres if genre.casefold() == stated.casefold()), None)
    text = (style_text or "").casefold()
    named = [genre for genre in genres if re.search(rf"\b{re.escape(genre.casefold())}\b", text)]
    return named[0] if len(named) == 1 else None


def _file_row(
    prompt: Prompt,
    system: System,
    path: Path | None,
    root: Path,
    seed: int,
    facts: Mapping[str, Any] | None = None,
) -> Source:
    """Neither style nor phonemes and phones of the prompt decide what a file becomes."""
    words = tuple(replace(word, phonemes=None) for word in prompt.words)
    plain = replace(prompt, style_NS=NO_STYLE, words=words, phones=None)
    found: dict[str, Any] = {"refused": MISSING}
    if path is not None:
        audio = {"path": os.path.relpath(path, root), "bytes": None}
        found = {"parent_audio": audio, "content_hash": hash_file(path), "refused": None}
    return file_source(plain, system, seed, {**found, **(facts or {})})


@dataclass(frozen=True)
class Request:
    """What is to be judged: a manifest, folders and checkpoints by system name, and reference songs."""

    manifest: Path
    folders: Mapping[str, Path]
    checkpoints: Mapping[str, Path]
    reference: Path | None

    @classmethod
    def of(
        cls, manifest: str, systems: Sequence[str], checkpoints: Sequence[str], reference: str | None
    ) -> Request:
        """As it is written on a command line; raises as `named_paths`."""
        at = Path(reference) if reference else None
        return cls(Path(manifest), named_paths(systems), named_paths(checkpoints), at)

    def __post_init__(self) -> None:
        names = [*self.folders, *self.checkpoints]
        if not names:
            raise ValueError("system: nothing to judge; give --system NAME=DIR or --checkpoint NAME=FOLDER")
        for name in names:
            if not NAME.fullmatch(name) or name == TRUTH or names.count(name) > 1:
                raise ValueError(
                    f"system: name {name!r}; give each its own, of a to z, 0 to 9 and -, and not {TRUTH!r}"
                )


def read_request(
    request: Request, fields: FieldsParams, limits: IngestParams
) -> tuple[Benchmark, list[Folder]]:
    """The songs to judge by and the systems' folders: all that can be refused before anything runs.

    Raises:
        ValueError: the manifest or a folder is not what it must be, or no file of a folder is of a song.
    """
    songs = read_benchmark(request.manifest, fields, limits)
    folders = [read_folder(name, path) for name, path in request.folders.items()]
    for folder in folders:
        if not match(songs.songs, folder).files:
            titles = [song.title for song in songs.songs]
            raise ValueError(
                f"system: none of the {len(folder.files)} audio files in {folder.name}={folder.root} "
                f"({first_names(sorted(path.name for path in folder.files.values()))}) is of one of the {len(titles)} "
                f"songs asked for ({first_names(titles)}); name each file by its song's id, such as {titles[0]}.wav"
            )
    return songs, folders


def named_paths(pairs: Sequence[str]) -> dict[str, Path]:
    """Paths by name, from ``NAME=PATH`` each.

    Raises:
        ValueError: one is no such pair, or a name stands twice.
    """
    found: dict[str, Path] = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not equals or not path:
            raise ValueError(f"system: {pair!r} is no NAME=DIR")
        if name in found:
            raise ValueError(f"system: name {name!r} stands twice; give each its own")
        found[name] = Path(path)
    return found


def folder_name(title: str) -> str:
    """The name of a benchmark's folder under ``benchmarks``."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "songs"


def first_names(names: Sequence[str]) -> str:
    """The first of many names, for a line."""
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")


def request_notes(songs: Benchmark, folders: Sequence[Folder], prompts: Sequence[Prompt]) -> list[str]:
    """What the report must say: songs and rows that are missing, and how word times are held against all systems."""
    notes = []
    if missing := songs.without_audio:
        notes.append(
            f"The true audio of {len(missing)} of {len(songs.songs)} songs is not here: {first_names(missing)}."
        )
    if songs.refused:
        notes.append(
            f"{len(songs.refused)} rows of the manifest could not be judged by, mostly without lyrics."
        )
    for folder in folders:
        if later := match(prompts, folder).later:
            notes.append(
                f"{folder.name}: {len(later)} songs are judged by a later candidate, since their first is not here: "
                f"{first_names(later)}."
            )
    if folders and any(prompt.is_timed for prompt in prompts):
        notes.append(
            "Word times are held against those of the lyrics, or of the true song where lyrics have none, for all "
            "systems alike: also for those that were never asked for times."
        )
    return notes
