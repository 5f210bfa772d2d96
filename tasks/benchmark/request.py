"""What a benchmark on a manifest is asked to judge, and what its report must say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.benchmark.external_systems import NAME, TRUTH, Folder, file_of, read_folder
from tasks.benchmark.songs import Benchmark, FieldsParams, read_benchmark
from tasks.prompts.prompts import Prompt
from tasks.stages.ingest import IngestParams

SHOWN = 5  # of many names


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
        if not any(file_of(song, folder) for song in songs.songs):
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
    if folders and any(prompt.is_timed for prompt in prompts):
        notes.append(
            "Word times are held against those of the lyrics, or of the true song where lyrics have none, for all "
            "systems alike: also for those that were never asked for times."
        )
    return notes
