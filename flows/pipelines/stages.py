"""Which stages run, in order, with the models that params choose: of `prepare`, to generate and measure songs, for candidates and gates; their pipelines and finished rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.results.plural import counted
from flows.run.progress import say
from flows.settings.last_runs import FOLDER, MAX_TOLD
from flows.settings.params import Params
from flows.settings.project import Project
from jam_model.checkpoint import load_config
from jam_model.part_styles.parts import PART_STYLES
from jam_model.training_facts import check_guidance, read_facts
from tasks.edits.kinds import for_pipeline
from tasks.edits.store import all_edits
from tasks.engine.pipeline import Pipeline
from tasks.engine.stage import Stage, writers_of
from tasks.engine.table import Source
from tasks.models.base import EMBEDDED
from tasks.models.beats import NONE
from tasks.models.description.describer import NEVER
from tasks.quality.limits import set_aside
from tasks.songs.columns import SONG_COLUMNS
from tasks.songs.listing import root_of
from tasks.stages.align import Align
from tasks.stages.beats import Beats
from tasks.stages.check import Check
from tasks.stages.chords import Chords
from tasks.stages.coarse import Drums, Sketch
from tasks.stages.dedup_features import DedupFeatures
from tasks.stages.description.caption import Caption
from tasks.stages.description.describe import Describe
from tasks.stages.description.part_caption import PartCaption
from tasks.stages.description.part_style import PartStyle
from tasks.stages.description.sections import Sections
from tasks.stages.encode import Encode
from tasks.stages.filter import Filter
from tasks.stages.generated.adherence import Adherence
from tasks.stages.generated.align_transcript import AlignTranscript
from tasks.stages.generated.generate import Generate
from tasks.stages.generated.measure_levels import MeasureLevels
from tasks.stages.generated.phrasing import Phrasing
from tasks.stages.generated.reward import Reward, RewardParams, Term
from tasks.stages.generated.score import Score
from tasks.stages.given_phones import GivenPhones
from tasks.stages.graded.aesthetics import Aesthetics
from tasks.stages.graded.detect import Detect
from tasks.stages.graded.tier import Tier
from tasks.stages.group import COMPARED, STYLE, Group
from tasks.stages.ingest import Ingest
from tasks.stages.melody import Melody
from tasks.stages.pack import Pack
from tasks.stages.phonemize import Phonemize
from tasks.stages.phones import Phones
from tasks.stages.separate import Separate, SeparateParams
from tasks.stages.style import Style
from tasks.stages.transcribe import Transcribe, TranscribeParams
from tasks.stages.voice import Voice
from tasks.storage.object_store import place_of
from tasks.upkeep.status import changes, unfinished


def prepare_stages(params: Params) -> list[Stage]:
    """The stages of `prepare`, in order; those of controls, of description, `voice`, `beats`, `phones` and those that grade songs are
    among them where they are asked for.
    """
    listens = params.models.voice_activity.model != EMBEDDED
    mine = params.mine if params.mine.when == "always" else None
    aside = params.filter.uncalibrated == "set_aside" and set_aside(params.filter, params.models.measuring())
    keeper = Filter(params.filter, listens, params.detect, mine, aside)
    heard: list[Stage] = [
        Ingest(params.ingest, params.audio, params.models.phonemizer),
        Separate(params.separate, params.models.separator),
        Transcribe(params.transcribe, params.models.transcriber),
        *([Voice(params.models.voice_activity)] if listens else []),
        *control_stages(params),
        Align(params.align, params.models.aligner, params.models.phonemizer),
    ]
    return [
        *heard,
        *description_stages(params, heard),
        Phonemize(params.phonemize, params.models.phonemizer),
        *([GivenPhones(params.phones, params.ingest)] if params.phones.times == "given" else []),
        *([Phones(params.phones, params.models.aligner)] if params.phones.times == "aligner" else []),
        Style(params.models.style_encoder),
        *([PartStyle(params.models.style_encoder)] if PART_STYLES in params.pack.extras else []),
        *caption_stages(params),
        Encode(params.models.codec),
        DedupFeatures(params.dedup_features),
        Check(params.check),
        *([Aesthetics(params.aesthetics, params.models.judge)] if params.aesthetics.judges else []),
        *([Detect(params.check)] if params.detect.when == "always" else []),
        Group(params.group, params.dedup_features.max_shingles, keeper),
        keeper,
        *([Tier(params.tiers)] if params.tiers.chosen else []),
        Pack(params.pack),
    ]


def control_stages(params: Params) -> list[Stage]:
    """Who hears controls in a song, as far as somebody is chosen."""
    models, of_sound = params.models, (params.models.separator, params.models.codec)
    return [
        *([Beats(models.beats)] if models.beats.model != NONE else []),
        *([Chords(models.chords)] if models.chords.model != NONE else []),
        *([Melody(models.melody, models.voice_activity)] if models.melody.model != NONE else []),
        *([Drums(params.drums, *of_sound)] if params.drums.model != NONE else []),
        *([Sketch(params.sketch, *of_sound)] if params.sketch.model != NONE else []),
    ]


def description_stages(params: Params, heard: Sequence[Stage]) -> list[Stage]:
    """Who tells the parts of a song and its facts, of what the stages before have `heard`, where they are asked for."""
    written = {name for stage in heard for name in stage.writes}
    if params.separate.stems != "four":
        written -= {"stems"}
    return [
        *([Sections(params.sections, params.ingest)] if params.sections.model != NONE else []),
        *([Describe(params.describe, written)] if params.describe.when != NEVER else []),
    ]


def caption_stages(params: Params) -> list[Stage]:
    """Who writes a line about a song, and one about each of its parts, where they are asked for."""
    if params.caption.model == NONE:
        return []
    encoder, has_facts = params.models.style_encoder, params.describe.when != NEVER
    by_part = [PartCaption(params.caption, encoder, params.describe)] if params.caption.by_part else []
    return [Caption(params.caption, encoder, has_facts), *by_part]


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
        edits=for_pipeline(all_edits(work.root)),
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


def finished_rows(pipeline: Pipeline, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of the partitions that are through all of `prepare`, kept and dropped; says how many songs are not.

    Raises:
        ValueError: there are songs, and none is through with these settings.
    """
    waiting = {*unfinished(pipeline)}
    if waiting:
        if len(waiting) == len(pipeline.partitions):
            raise ValueError(none_through(pipeline))
        count = sum(len(pipeline.partitions[number].sources) for number in waiting)
        say(
            f"prepare: {counted(count, 'song')} not yet through its stages, left out; `jam prepare` goes on with them"
        )
    return pipeline.rows(columns, numbers=[number for number in pipeline.partitions if number not in waiting])


def none_through(pipeline: Pipeline) -> str:
    """Why a table of songs gives no row: they went through `prepare` with other settings, or never to its end."""
    work, last = pipeline.table.root.parent, pipeline.order[-1]
    songs = counted(sum(len(part.sources) for part in pipeline.partitions.values()), "song")
    if not any((pipeline.table.root / last).glob("part-*")):
        return f"songs: {songs} in {work}, none through the stages of prepare; run `jam prepare --work {work}` to its end"
    found, kept = changes(pipeline), work / FOLDER / "prepare.json"
    if found.code and not found.settings and not found.asked:
        return (
            f"songs: {songs} in {work}, prepared with these settings by other code ({_few(found.code)}); run `jam prepare` with the "
            "same settings again, which makes anew what that code makes and what is made from it, or use the code of then"
        )
    again = f" (`--params {kept}` does)" if isinstance(kept, os.PathLike) and kept.is_file() else ""
    asked = [f"never ran: {name}" for name in found.asked]
    other = f" ({_few([*found.settings, *asked])})" if found.settings or asked else ""
    code = f" and by other code ({_few(found.code)})" if found.code else ""
    return (
        f"songs: {songs} in {work}, prepared with other settings{other}{code}; give those settings again{again}, or run "
        "`jam prepare` with these"
    )


def _few(lines: Sequence[str]) -> str:
    """The first ones, and how many more there are."""
    more = [f"and {len(lines) - MAX_TOLD} more"] if len(lines) > MAX_TOLD else []
    return "; ".join([*lines[:MAX_TOLD], *more])


def generate_stage(project: Project, checkpoints: Mapping[str, Path]) -> Generate:
    """Samples from `checkpoints`, given by the hash of their weights.

    Raises:
        ValueError: a checkpoint never learned what the sampler's guidance asks of it.
    """
    params = project.params
    for path in checkpoints.values():
        encoder, controls = params.models.style_encoder.identity(), load_config(path).controls
        check_guidance(read_facts(path), params.sampler.guidance, encoder, bool(controls))
    where = {weights: str(path.resolve()) for weights, path in checkpoints.items()}
    return Generate(params.models.codec, params.models.style_encoder, where)


def listening_pipeline(
    project: Project,
    table_folder: Path,
    sources: Sequence[Source],
    checkpoints: Mapping[str, Path],
    more: Sequence[Stage] = (),
    songs_root: str = "",
) -> Pipeline:
    """Generate every song and measure it; then `more`."""
    stages = [generate_stage(project, checkpoints), *listening_stages(project), *more]
    return project.pipeline(table_folder, stages, sources, songs_root=songs_root)


def listening_stages(project: Project) -> list[Stage]:
    """Separate, transcribe every song to its end, embed and score."""
    params = project.params
    always = TranscribeParams(when="always", min_confidence=params.benchmark.min_confidence)
    return [
        Separate(SeparateParams(stems="vocals"), params.models.separator),
        Transcribe(always, params.models.transcriber),
        Style(params.models.style_encoder),
        Score(params.models.judge),
    ]


def benchmark_stages(project: Project) -> list[Stage]:
    """What the benchmark measures beyond: word times, levels, and, where they are asked for, how a voice moves and the beats that it is
    held against, how far songs follow their controls, and a second judge.
    """
    params, models = project.params, project.params.models
    moves, second = params.phrasing.when != "never", params.benchmark.second_judge
    terms = (Term(score=second, weight=1.0),) if second is not None else ()
    return [
        AlignTranscript(models.aligner, models.phonemizer),
        MeasureLevels(params.check),
        *([Phrasing(params.phrasing)] if moves else []),
        *([Beats(models.beats)] if moves and models.beats.model != NONE else []),
        *(
            [Adherence(params.adherence, models.chords, models.melody, models.beats)]
            if params.adherence.hears
            else []
        ),
        *([Reward(RewardParams(terms=terms), models.judge)] if terms else []),
    ]


def gate_stages(project: Project) -> list[Stage]:
    """What a gate measures beyond: the reward."""
    return [Reward(project.params.reward, project.params.models.judge)]


def candidate_stages(project: Project, checkpoints: Mapping[str, Path]) -> list[Stage]:
    """Generate the songs of a round, score and transcribe them."""
    params = project.params
    return [
        generate_stage(project, checkpoints),
        Score(params.models.judge),
        Reward(params.reward, params.models.judge),
        Separate(SeparateParams(stems="vocals"), params.models.separator),
        Transcribe(TranscribeParams(when="always", min_confidence=0.0), params.models.guard_transcriber),
    ]
