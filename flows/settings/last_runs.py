"""The settings (layers, defaults) that the last run of each flow was given, kept in the work folder (``settings/<flow>.json``) for commands that only look.

A file holds what the run was given (its ``--params``, ``--set`` and ``--songs``) and can be given again as ``--params``.
No run reads it but for the place of the prepared songs: what a run does is said by its command alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.settings.params_files import Layer, base_layers, laid, read_yaml
from tasks.storage.files import write_json
from tasks.storage.object_store import StorePath, place_of

FOLDER = "settings"
SECTIONS = {
    "prepare": frozenset[str](),
    "train": frozenset({"fit", "jam", "pretrain", "sft", "start", "adapter", "controls", "plan"}),
    "dpo": frozenset({"round", "reward", "pair", "gate", "dpo"}),
    "sweep": frozenset({"sweep"}),
    "benchmark": frozenset({"sampler", "benchmark", "phrasing", "adherence", "listening_test", "output"}),
    "study": frozenset({"study"}),
}
"""The flows whose settings are kept, in the order of the life cycle, and the sections that are theirs; those of nobody
are the first flow's.
"""
MAX_TOLD = 6


def keep_settings(root: Path, flow: str, given: Mapping[str, Any]) -> None:
    """Keep what a run of `flow` was given; a path of songs as one that holds from any folder."""
    if path := (given.get("songs") or {}).get("path"):
        given = {**given, "songs": {**given["songs"], "path": _from_anywhere(path)}}
    write_json(root / FOLDER / f"{flow}.json", given)


def kept_songs_path(root: Path) -> str | None:
    """Where `prepare` was told that the songs are; None where it was left to the settings, or has not run.

    Raises:
        ValueError: the file cannot be read.
    """
    path = root / FOLDER / "prepare.json"
    songs = (read_yaml(path) if path.is_file() else {}).get("songs") or {}
    told: str | None = songs.get("path")
    return told


def kept_layers(root: Path) -> list[Layer]:
    """The settings kept in a work folder: each section as the last run of its flow was given it, or, where that has not
    run, the first flow that has.

    Raises:
        ValueError: a file cannot be read.
    """
    paths = {flow: root / FOLDER / f"{flow}.json" for flow in SECTIONS}
    kept = {flow: read_yaml(path) for flow, path in paths.items() if path.is_file()}
    if not kept:
        return []
    of_others = next(iter(kept))
    owner = {section: flow for flow in kept for section in SECTIONS[flow]}
    return [
        (
            str(paths[flow]),
            {name: value for name, value in given.items() if owner.get(name, of_others) == flow},
        )
        for flow, given in kept.items()
    ]


def unlike_defaults(layers: list[Layer]) -> dict[str, Any]:
    """What layers say that the project's own do not, as ``section.key``."""
    defaults = dict(_leaves(laid(base_layers()))) if layers else {}
    where = str(defaults.get("songs.path"))
    said = dict(_leaves(laid(layers)))
    if said.get("songs.path") == _from_anywhere(where):
        del said["songs.path"]
    return {name: value for name, value in said.items() if name not in defaults or defaults[name] != value}


def in_one_line(settings: Mapping[str, Any]) -> str:
    """``section.key=value`` of the first few, and how many more there are."""
    shown = [f"{name}={value}" for name, value in list(settings.items())[:MAX_TOLD]]
    more = [f"and {len(settings) - MAX_TOLD} more"] if len(settings) > MAX_TOLD else []
    return ", ".join([*shown, *more])


def _from_anywhere(path: str) -> str:
    """An absolute path; a place in a store is one."""
    place = place_of(path, "songs")
    return path if isinstance(place, StorePath) else os.path.abspath(place)


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
