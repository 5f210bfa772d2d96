"""What each flow reads, and whether it is there (`check_inputs`: songs, shards, weights); whether settings of its trainings (pretrain, sft, dpo) hold together (`check_rules`)."""

from __future__ import annotations

import os
from pathlib import Path

from flows.pipelines.checkpoints import named, shorter_than, tuned_checkpoint
from flows.pipelines.needs import check_enough, too_few_packed
from flows.pipelines.stages import prepared_pipeline
from flows.settings.params import Params
from flows.settings.project import Project
from jam_model.shard_index import read_index
from tasks.songs.beside import AUDIO_ENDINGS
from tasks.songs.folder import SHARD_ENDING
from tasks.songs.listing import check_place
from tasks.songs.manifest import manifest_rows
from tasks.storage.object_store import StorePath, place_of
from tasks.training.start import fitting, start_config

SONG_ENDINGS = (*AUDIO_ENDINGS, SHARD_ENDING)
TRAININGS = {"train": ("pretrain", "sft"), "dpo": ("dpo",), "all": ("pretrain", "sft", "dpo")}
"""The sections of the trainings of each flow."""


def check_inputs(project: Project, flow: str) -> None:
    """Looks for what a flow (or ``all`` of them in order) reads; no song is opened.

    Raises:
        ValueError: it is not there or not of its form, and the line says what makes it; or the settings of a training
            contradict themselves.
    """
    params, work = project.params, project.work
    check_rules(params, *TRAININGS.get(flow, ()))
    of_start = (params.start, params.jam, params.sft.max_frames)
    if flow in ("prepare", "all"):
        check_songs(params.songs.place, "songs")
        if not work.table.is_dir() and not _may_hold_songs(params.songs.place):
            raise ValueError(
                f"songs: nothing in {params.songs.path} can be taken as a song (no file there ends as audio does)"
            )
        if manifest := params.group.benchmark_manifest:
            check_songs(place_of(manifest, "group.benchmark_manifest"), "group.benchmark_manifest")
    elif flow == "train":
        check_enough(too_few_packed(params, work.shards))
        read_index(work.shards)
        if params.start.sft:
            fitting(start_config(named(params.start.sft), *of_start), params.jam)
    elif flow in ("dpo", "benchmark"):
        prepared_pipeline(project)
        if flow == "dpo" and params.start.dpo:
            longest = start_config(named(params.start.dpo), *of_start).max_frames
            if params.dpo.max_frames < longest:
                raise ValueError(shorter_than(params.dpo.max_frames, longest))
        else:
            tuned_checkpoint(work)


def check_rules(params: Params, *sections: str) -> None:
    """Looks at these sections; pretraining is none where fine-tuning begins with given weights.

    Raises:
        ValueError: one contradicts itself; the line begins with ``section.setting``.
    """
    for name in sections:
        if name == "pretrain" and params.start.sft:
            continue
        try:
            getattr(params, name).rule()
        except ValueError as error:
            raise ValueError(f"{name}.{error}") from None


def check_songs(place: Path, field: str) -> None:
    """A folder, a prefix in a store or a manifest; `field` names it.

    Raises:
        ValueError: there is no such place, or the file is no manifest or an empty one.
    """
    check_place(place, field)
    if place.is_file() and not any(True for _ in manifest_rows(place)):
        raise ValueError(f"{field}: manifest {place} lists nothing; give jamify's input form")


def _may_hold_songs(place: Path) -> bool:
    """Whether a file of this folder could be a song by its name; a store is not listed for that."""
    if isinstance(place, StorePath) or place.is_file():
        return True
    return any(name.lower().endswith(SONG_ENDINGS) for _, _, names in os.walk(place) for name in names)
