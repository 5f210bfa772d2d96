"""prepare: songs listed and admitted; separated, timed, phonemized, encoded, grouped, filtered and packed into shards, with the guard that a run was not cut short."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from eval.results.plural import counted
from flows.pipelines.flow_models import check_caption_key, check_models
from flows.pipelines.hash_songs import hash_songs
from flows.pipelines.likeness import hear_songs, unlike_toy_songs
from flows.pipelines.needs import AFTER_PREPARE, COLUMNS, too_few_kept
from flows.pipelines.stages import prepare_pipeline
from flows.run.lazy_flow import flow
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.project import Project, writes_work
from tasks.engine.pipeline import Pipeline
from tasks.engine.table import GONE, Table
from tasks.quality.limits import is_calibrated, set_aside
from tasks.quality.remarks import KINDS, phones_line, remark_lines
from tasks.shards.data_card import finish_shards
from tasks.songs.columns import SONG_COLUMNS
from tasks.songs.folder import refusals_in, told_refusals
from tasks.songs.hashes import Hashes
from tasks.songs.listing import admitted_paths, list_sources
from tasks.stages.filter import Filter
from tasks.stages.group import Group
from tasks.stages.pack import Pack
from tasks.storage.files import remove_tree, write_json, write_json_lines
from tasks.storage.object_store import place_of
from tasks.upkeep.takedown import without_forgotten


def admit_songs(project: Project) -> int:
    """List the songs and let the table take them in; what is no song goes to ``ingest.jsonl``.

    Raises:
        ValueError: there is no such folder or manifest, or nothing in it can be taken as a song.
    """
    params, work = project.params, project.work
    table, hashes = Table(work.table, SONG_COLUMNS), Hashes(work.hashes, partial(hash_songs, project))
    before = table.partitions()
    listing = list_sources(params.songs.place, admitted_paths(before), hashes=hashes)
    hashes.write(work.hashes)
    if work.listing.is_dir():
        remove_tree(work.listing)
    if not listing.sources and not before:
        reasons = ", ".join(sorted({refusal["reason"] for refusal in listing.refused})) or "it is empty"
        raise ValueError(f"songs: nothing in {params.songs.path} can be taken as a song ({reasons})")
    listing = without_forgotten(listing, work.root)
    table.admit(listing.sources, params.engine.partition_size)
    write_json_lines(work.refused, listing.refused)
    work.edits.mkdir(parents=True, exist_ok=True)  # DVC asks for what its stages depend on
    return len(listing.sources)


@writes_work("prepare")
def run_prepare(project: Project, only: set[str] | None = None) -> Pipeline:
    """Admit the songs, run the stages, write the shards' index."""
    params, work = project.params, project.work
    check_models(project, "prepare")
    check_caption_key(project, only)
    count = admit_songs(project)
    check_caption_key(project, only)  # of the songs that came in
    project.keep_settings("prepare")
    say(f"prepare: {counted(count, 'song')} in {params.songs.path}")
    pipeline = prepare_pipeline(project, params.songs.root)
    guarded = pipeline.references.get(Group.name)
    if guarded is not None and (only is None or Group.name in only):
        prepare_guarded(project, guarded)
    hear_songs(project, pipeline)
    models = params.models.measuring()
    if (only is None or Filter.name in only) and not is_calibrated(params.filter, models):
        then = "they drop no song, and mark those beyond them; " if set_aside(params.filter, models) else ""
        say(
            f"filter: its limits are uncalibrated for {' and '.join(models)}; {then}`jam calibrate` chooses them"
        )
    run_stages([pipeline], params.engine, work.receipts / "prepare", only)
    if only is None or Pack.name in only:
        weights = params.tiers.weights if params.tiers.chosen else None
        figures = finish_shards(pipeline, Pack.name, unlike_toy_songs(project), weights)
        kept, count = figures["songs_kept"], figures["songs_in"]
        say(f"prepare: {kept} of {counted(count, 'song')} kept, {count - kept} dropped")
        for line in remark_lines({kind: figures[kind] for kind in KINDS}):
            say(f"prepare: {line}")
        if params.phones.times == "given" and (told := phones_line(pipeline.rows(["words_without_phones"]))):
            say(f"prepare: {told}")
        if refused := refusals_in(work.refused):
            say(
                f"prepare: {counted(len(refused), 'file')} beside them not taken as songs: {told_refusals(refused)}; "
                f"all in {work.refused}"
            )
        counts = {name: figures[name] for name in ("songs_in", "songs_kept", "kept_hours")}
        write_json(work.report("prepare") / "metrics.json", counts)
        if short := too_few_kept(params, pipeline.rows(COLUMNS), *AFTER_PREPARE):
            say(f"prepare: what follows asks for more: {short}")
    return pipeline


def is_prepared(project: Project) -> bool:
    """Whether everything of the songs admitted so far stands."""
    pipeline = prepare_pipeline(project)
    return bool(pipeline.partitions) and not any(map(pipeline.missing, pipeline.stages))


def prepare_guarded(project: Project, guarded: Pipeline) -> None:
    """Admit the songs of `group.benchmark_manifest` and run what they are compared by.

    Raises:
        ValueError: there is no such manifest, or something in it is no song.
    """
    params = project.params
    manifest = params.group.benchmark_manifest or ""
    listing = list_sources(place_of(manifest, "group.benchmark_manifest"))
    if not listing.sources or listing.refused:
        reasons = ", ".join(f"{refusal['path']} {refusal['reason']}" for refusal in listing.refused[:3])
        raise ValueError(
            f"group.benchmark_manifest: {manifest} names what is no song "
            f"({reasons or 'it is empty'}); every song of it must be there to be kept out of training"
        )
    guarded.table.admit(listing.sources, params.engine.partition_size)
    run_stages([guarded], params.engine, project.work.receipts / "guarded")
    dropped = [row["drop_reason"] for row in guarded.rows() if row["drop_reason"] not in (None, GONE)]
    if dropped:
        say(
            f"group: {len(dropped)} songs of {manifest} can only be compared by their bytes "
            f"({', '.join(sorted(set(dropped)))})"
        )


@flow(name="prepare", flow_run_name="prepare-{work_dir}")
def prepare(
    songs: str, work_dir: str = "data", params_file: str | None = None, overrides: Sequence[str] = ()
) -> int:
    """Prepare a folder (or manifest) of songs.

    Args:
        songs: folder with audio and lyrics side by side, also in tar shards, or a prefix in a store, or a manifest.
        work_dir: folder for everything this makes; what stands there already is not made again.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    pipeline = run_prepare(Project.at(work_dir, params_file, [*overrides, f"songs.path={songs}"]))
    return sum(len(part.sources) for part in pipeline.partitions.values())
