"""The stages of `prepare` in order, and the pipeline they make over the table of a work folder."""

from __future__ import annotations

from flows.settings.params import Params
from flows.settings.project import Project
from tasks.engine.pipeline import Pipeline, writers_of
from tasks.engine.stage import Stage
from tasks.songs.columns import SONG_COLUMNS
from tasks.songs.listing import root_of
from tasks.stages.align import Align
from tasks.stages.check import Check
from tasks.stages.dedup_features import DedupFeatures
from tasks.stages.encode import Encode
from tasks.stages.filter import Filter
from tasks.stages.group import COMPARED, STYLE, Group
from tasks.stages.ingest import Ingest
from tasks.stages.pack import Pack
from tasks.stages.phonemize import Phonemize
from tasks.stages.separate import Separate
from tasks.stages.style import Style
from tasks.stages.transcribe import Transcribe
from tasks.storage.object_store import place_of


def prepare_stages(params: Params) -> list[Stage]:
    """The stages of `prepare`, in order."""
    keeper = Filter(params.filter)
    return [
        Ingest(params.ingest, params.audio),
        Separate(params.separate, params.models.separator),
        Transcribe(params.transcribe, params.models.transcriber),
        Align(params.align, params.models.aligner, params.models.phonemizer),
        Phonemize(params.phonemize, params.models.phonemizer),
        Style(params.models.style_encoder),
        Encode(params.models.codec),
        DedupFeatures(params.dedup_features),
        Check(params.check),
        Group(params.group, params.dedup_features.max_shingles, keeper),
        keeper,
        Pack(params.pack),
    ]


def prepare_pipeline(project: Project, songs_root: str = "") -> Pipeline:
    """The pipeline of `prepare` over the table of a work folder."""
    work = project.work
    guarded = guarded_pipeline(project)
    return project.pipeline(
        work.table,
        prepare_stages(project.params),
        shards=work.shards,
        columns=SONG_COLUMNS,
        songs_root=songs_root,
        references={} if guarded is None else {Group.name: guarded},
    )


def guarded_pipeline(project: Project) -> Pipeline | None:
    """The songs of `group.benchmark_manifest` in a table of their own, as far as they are compared; None: none given."""
    manifest = project.params.group.benchmark_manifest
    if manifest is None:
        return None
    root = root_of(place_of(manifest, "group.benchmark_manifest"))
    stages = writers_of(prepare_stages(project.params), COMPARED | {STYLE})
    return project.pipeline(project.work.guarded, stages, columns=SONG_COLUMNS, songs_root=root)


def prepared_pipeline(project: Project) -> Pipeline:
    """The prepared table of a work folder.

    Raises:
        ValueError: nothing has been prepared there.
    """
    pipeline, root = prepare_pipeline(project), project.work.root
    if not pipeline.partitions:
        raise ValueError(f"work: no song table in {root}; run `jam prepare --songs DIR --work {root}` first")
    return pipeline
