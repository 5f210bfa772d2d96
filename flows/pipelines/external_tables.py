"""The tables of a benchmark on a manifest: the truth (true songs) and its prompts, folders of audio, checkpoints' systems and their controls, reference rows for FAD."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from eval.results.plural import counted
from flows.pipelines.stages import (
    benchmark_stages,
    control_stages,
    finished_rows,
    generate_stage,
    listening_stages,
    prepare_pipeline,
)
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.project import Project
from jam_model.checkpoint import load_config
from tasks.benchmark.control_rows import (
    control_columns,
    control_names,
    control_systems,
    heard_in_truth,
)
from tasks.benchmark.external_systems import (
    TRUTH,
    first_names,
    folder_sources,
    prompt_fault,
    prompt_of,
    truth_sources,
)
from tasks.benchmark.songs import BenchmarkSong
from tasks.benchmark.system_folders import Folder, match
from tasks.engine.pipeline import Pipeline
from tasks.engine.stage import Stage
from tasks.models.phonemizer import build_phonemizer
from tasks.models.style_encoder import build_style_encoder
from tasks.prompts.prompts import Prompt, System, system_sources, unknown_phones
from tasks.songs.columns import SONG_COLUMNS
from tasks.songs.listing import list_sources
from tasks.stages.align import Align
from tasks.stages.generated.load_external import LoadExternal
from tasks.stages.ingest import Ingest
from tasks.stages.phonemize import Phonemize
from tasks.stages.style import Style

RECEIPTS = "benchmark"
TRUTH_COLUMNS = ("parent", "duration_s", "timed_words", "style_embedding")
FOLDERS, GENERATED = "folders", "sung"


def manifest_tables(folder: Path) -> list[Path]:
    """Where the tables of true songs, of folders' songs and of checkpoints' songs lie in the folder of a benchmark."""
    return [folder / name / "table" for name in (TRUTH, FOLDERS, GENERATED)]


def truth_pipeline(
    own: Project, songs: Sequence[BenchmarkSong], prompts: Sequence[Prompt], with_times: bool
) -> Pipeline:
    """The table of the true songs; `with_times`: words are laid into them and controls heard in them, for checkpoints to generate."""
    params, folder = own.params, own.work.root
    root = os.path.commonpath([song.audio.parent for song in songs if song.audio] or [folder.resolve()])
    sources = truth_sources(songs, Path(root), prompts, params.benchmark.seed)
    stages: list[Stage] = [LoadExternal(params.audio, {TRUTH: root}), *_measuring(own)]
    if with_times and params.benchmark.controls:
        there = {stage.name for stage in stages}
        stages += [stage for stage in control_stages(params) if stage.name not in there]
    if with_times and any(song.lyrics.words for song in songs):
        stages += [
            Align(params.align, params.models.aligner, params.models.phonemizer),
            Phonemize(params.phonemize, params.models.phonemizer),
        ]
    return own.pipeline(folder / TRUTH / "table", stages, sources)


def truth_prompts(
    own: Project, songs: Sequence[BenchmarkSong], with_times: bool
) -> tuple[Pipeline, list[Prompt]]:
    """The table of the true songs, once it stands, and what singers are asked for."""
    params = own.params
    asked_of = (
        build_phonemizer(params.models.phonemizer),
        build_style_encoder(params.models.style_encoder),
        params.benchmark.genres,
    )
    asked = [prompt_of(song, None, *asked_of) for song in songs]
    truth = truth_pipeline(own, songs, asked, with_times)
    run_stages([truth], params.engine, own.work.receipts / RECEIPTS)
    heard = {row["parent"]: row for row in truth.listed_rows(TRUTH_COLUMNS)}
    return truth, [prompt_of(song, heard.get(song.song_id), *asked_of) for song in songs]


def folders_pipeline(own: Project, folders: Sequence[Folder], prompts: Sequence[Prompt]) -> Pipeline:
    """The table of the songs that lie in folders; files that no song asks for are told of."""
    sources = []
    for folder in folders:
        listed = folder_sources(folder, prompts, own.params.benchmark.seed)
        sources += listed
        found = match(prompts, folder)
        lacking = [source.facts["title"] for source in listed if source.facts["refused"]]
        told = (
            (found.unused, f"{len(found.unused)} files are of no song of the manifest"),
            (
                found.candidates,
                f"{counted(len(found.candidates), 'file')} left aside, of candidates the first is judged",
            ),
            (
                found.later,
                f"{counted(len(found.later), 'song')} judged by a later candidate, the first is not here",
            ),
            (lacking, f"{len(lacking)} songs are missing and count as failed"),
        )
        for names, line in told:
            if names:
                say(f"{folder.name}: {line} ({first_names(names)})")
    roots = {folder.name: str(folder.root) for folder in folders}
    stages = [LoadExternal(own.params.audio, roots), *_measuring(own)]
    return own.pipeline(own.work.root / FOLDERS / "table", stages, sources)


def checkpoint_pipeline(own: Project, systems: Sequence[System], checkpoints: Mapping[str, Path]) -> Pipeline:
    """The table of the checkpoints' songs; a song that lacks what must be asked for is refused with the reason."""
    most = own.params.phonemize.max_unknown_share
    configs = {system.name: load_config(checkpoints[system.name]) for system in systems}
    for system in systems:
        if unknown := unknown_phones(system.prompts, configs[system.name].filler):
            say(f"{system.name}: {unknown}")
    faults = {
        (system.name, prompt.song_id): prompt_fault(prompt, configs[system.name].own_symbols, most)
        for system in systems
        for prompt in system.prompts
    }
    sources = [
        replace(
            source, facts={**source.facts, "refused": faults[source.facts["system"], source.facts["parent"]]}
        )
        for source in system_sources(systems, own.params.benchmark.seed)
    ]
    where = {str(system.checkpoint): checkpoints[system.name] for system in systems}
    stages = [generate_stage(own, where), *_measuring(own)]
    return own.pipeline(own.work.root / GENERATED / "table", stages, sources)


def controlled_systems(
    own: Project,
    truth: Pipeline,
    prompts: Sequence[Prompt],
    sung: Sequence[System],
    checkpoints: Mapping[str, Path],
) -> list[System]:
    """The rows of `benchmark.controls` of each checkpoint, asked for what is heard in the true songs; none where no row is wanted.

    Raises:
        ValueError: a checkpoint knows no controls, or nobody is chosen to hear one that it knows.
    """
    rows = own.params.benchmark.controls
    found: list[System] = []
    for system in sung:
        names = control_names(rows, checkpoints[system.name])
        columns = control_columns(names, truth.columns)
        if not names:
            continue
        asked = heard_in_truth(prompts, truth.listed_rows(["parent", "duration_s", *columns]), names)
        able = [one for one in asked if one.controls]
        if len(able) < len(asked):
            say(
                f"{system.name}: {len(asked) - len(able)} songs have no true audio to hear controls in, and are asked for none"
            )
        if able:
            found += control_systems(rows, able, partial(_row_of, system))
    return found


def _row_of(system: System, name: str, title: str, prompts: Sequence[Prompt]) -> System:
    """One row of a checkpoint's controls."""
    said = title.replace("Trained", system.title, 1)
    return replace(system, name=f"{system.name}-{name}", title=said, prompts=prompts)


def reference_rows(
    project: Project, own: Project, reference: Path | None, used: set[str | None]
) -> list[dict[str, Any]]:
    """Reference songs with their windows: those given, else the training songs prepared in the work folder, if any.

    None of them is a benchmark's song, by its audio: `used` are the hashes of those.
    """
    if reference is not None:
        params = own.params
        listing = list_sources(reference)
        stages = [Ingest(params.ingest, params.audio), Style(params.models.style_encoder)]
        pipeline = own.pipeline(
            own.work.root / "reference" / "table",
            stages,
            listing.sources,
            columns=SONG_COLUMNS,
            songs_root=str(listing.root),
        )
        run_stages([pipeline], params.engine, own.work.receipts / "reference")
        rows = pipeline.rows(["content_hash", "window_embedding"])
    else:
        pipeline = prepare_pipeline(project)
        rows = finished_rows(pipeline, ["content_hash", "window_embedding", "split"])
        rows = [row for row in rows if row.get("split") == "train"]
    kept = [row for row in rows if not row["drop_reason"] and row.get("window_embedding") is not None]
    apart = [row for row in kept if row["content_hash"] not in used]
    if len(apart) < len(kept):
        say(f"reference: {len(kept) - len(apart)} songs are the benchmark's own and are left out")
    return apart


def _measuring(own: Project) -> list[Stage]:
    """Mixes are in the table itself."""
    return [*listening_stages(own), *benchmark_stages(own)]
