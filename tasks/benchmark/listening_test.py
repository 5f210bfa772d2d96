"""Listening tests: which songs of two systems, equally loud, on sides A and B; the key; what listeners' CSV files answered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from eval.pages.listening_test import Trial
from eval.results.listening_test import ListeningKey, Preference, Side, preferences, read_answers
from eval.stats.intervals import Resampling
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.limits import AudioParams
from tasks.audio.mix import mix_of, mp3_bytes
from tasks.audio.read import read_audio
from tasks.engine.stage import Section
from tasks.prompts.output_folder import OutputParams, equally_loud
from tasks.storage.files import parquet_file, parquet_rows

ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a")
WITH_AUDIO = ("generate", "load_external")
"""The stages that put a system's songs into a table."""
KEY = "key.json"


class ListenParams(Section):
    """`num_songs` are asked of a listener, each up to `max_s` from its start; `seed` draws songs and sides."""

    num_songs: int
    max_s: float
    seed: int


@dataclass(frozen=True)
class SystemSongs:
    """Songs of one system by song id: their titles, and what decodes each when it is wanted."""

    name: str
    titles: Mapping[str, str]
    mixes: Mapping[str, Callable[[], np.ndarray]]
    made_by: Sequence[str] = ()


def songs_of_tables(tables: Sequence[Path], system: str, songs_root: str) -> SystemSongs:
    """What a benchmark's tables hold of a system: every song that it did not drop."""
    titles: dict[str, str] = {}
    mixes: dict[str, Callable[[], np.ndarray]] = {}
    made_by: set[str] = set()
    for path, asked, made in (found for table in tables for found in _songs_in(table, system)):
        titles[asked["parent"]] = asked["title"]
        mixes[asked["parent"]] = partial(_mix_in, path, asked["song_id"], songs_root)
        made_by.add(made)
    return SystemSongs(system, titles, mixes, sorted(made_by))


def _songs_in(table: Path, system: str) -> Iterator[tuple[Path, dict[str, Any], str]]:
    """Each song of a system that a table has: the file with its sound, its listed row, and what made it."""
    listed = _rows(table / "sources", ["song_id", "system", "parent", "title"])
    asked = {row["song_id"]: row for _, row in listed if row["system"] == system}
    for stage in WITH_AUDIO:
        for path, row in _rows(table / stage, ["song_id", "drop_reason", "made_by"]):
            if row["song_id"] in asked and not row["drop_reason"]:
                yield path, asked[row["song_id"]], row["made_by"]


def songs_of_folder(name: str, folder: Path, limits: AudioParams) -> SystemSongs:
    """A folder of audio files named by song id.

    Raises:
        ValueError: it is not there, or holds no audio file.
    """
    if not folder.is_dir():
        raise ValueError(f"system: {name}={folder} is no folder; give one with a file for each song id")
    files = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in ENDINGS}
    if not files:
        raise ValueError(f"system: {name}={folder} holds no {', '.join(ENDINGS)} file")
    mixes = {song: partial(_mix_of_file, path, limits) for song, path in files.items()}
    return SystemSongs(name, {song: song for song in files}, mixes)


def blind_test(
    left: SystemSongs,
    right: SystemSongs,
    style: SystemSongs | None,
    params: ListenParams,
    output: OutputParams,
) -> tuple[list[Trial], ListeningKey]:
    """The trials of a page and its key; equal candidates and seed give equal pages.

    Raises:
        ValueError: the systems have too few songs in common.
    """
    both = sorted(set(left.mixes) & set(right.mixes))
    if len(both) < params.num_songs:
        raise ValueError(
            f"listening_test.num_songs is {params.num_songs}: {left.name} and {right.name} have {len(both)} songs in "
            "common; ask for fewer, or benchmark both on the same songs"
        )
    random = np.random.default_rng(params.seed)
    chosen = [both[i] for i in random.permutation(len(both))[: params.num_songs]]
    swapped = random.integers(2, size=len(chosen)) == 1
    sides = {
        f"{number:03}": Side(song, *((right.name, left.name) if swap else (left.name, right.name)))
        for number, (song, swap) in enumerate(zip(chosen, swapped, strict=True), start=1)
    }
    songs = {left.name: left, right.name: right}
    trials = [_trial(name, side, songs, style, params, output) for name, side in sides.items()]
    sounds = [hashlib.sha256(sound).hexdigest() for trial in trials for sound in (trial.a, trial.b)]
    page = hashlib.sha256(json.dumps(sounds).encode()).hexdigest()[:12]
    return trials, ListeningKey(page, left.name, right.name, sides, [*left.made_by, *right.made_by])


def _trial(
    name: str,
    side: Side,
    songs: Mapping[str, SystemSongs],
    style: SystemSongs | None,
    params: ListenParams,
    output: OutputParams,
) -> Trial:
    title = songs[side.a].titles[side.song_id]
    wanted = style.mixes.get(side.song_id) if style else None
    mixes = [songs[side.a].mixes[side.song_id](), songs[side.b].mixes[side.song_id]()]
    mixes += [wanted()] if wanted else []
    sounds = [mp3_bytes(mix_CN) for mix_CN in equally_loud(_cut(mixes, params.max_s), output)]
    return Trial(name, title, sounds[0], sounds[1], sounds[2] if wanted else None)


def _cut(mixes: Sequence[np.ndarray], max_s: float) -> list[np.ndarray]:
    """All as long as the shortest, so that length tells nothing."""
    length = min(round(max_s * SAMPLE_RATE_HZ), *(mix_CN.shape[1] for mix_CN in mixes))
    return [mix_CN[:, :length] for mix_CN in mixes]


def _mix_of_file(path: Path, limits: AudioParams) -> np.ndarray:
    return read_audio(path, limits)[0]


def _mix_in(path: Path, song_id: str, songs_root: str) -> np.ndarray:
    """The mix of a song in a column file, of which only the song's own row group is read."""
    with parquet_file(path) as file:
        for group in range(file.num_row_groups):
            ids = file.read_row_group(group, columns=["song_id"])["song_id"].to_pylist()
            if song_id in ids:
                audio = file.read_row_group(group, columns=["audio"])["audio"][ids.index(song_id)].as_py()
                return mix_of(song_id, audio, songs_root)
    raise ValueError(f"{path.name} holds no song {song_id}: the table changed while it was read")


def _rows(folder: Path, columns: list[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The rows of a folder's column files, each with its file."""
    for path in sorted(folder.glob("*.parquet")):
        yield from ((path, row) for row in parquet_rows(path, columns))


def standing_preferences(pages: Path, resampling: Resampling) -> list[Preference]:
    """What the answers beside the key of every page of the folder `pages` say; those nobody answered are left out.

    Raises:
        ValueError: a CSV file beside a key is not of its page.
    """
    found: list[Preference] = []
    for place in sorted(pages.glob(f"*/{KEY}")):
        key = ListeningKey.of(json.loads(place.read_text()))
        answers = [row for path in sorted(place.parent.glob("*.csv")) for row in _answers(key, path)]
        found += preferences(key, answers, resampling) if answers else []
    return found


def _answers(key: ListeningKey, path: Path) -> list[dict[str, str]]:
    try:
        return read_answers(key, path.read_text())
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}; take it out of {path.parent}") from error
