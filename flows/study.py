"""study: one question to a trained model (`KINDS`: times, phones, quantised, long-form ...), answered by generating the same prompts again while one thing changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.stats.intervals import Resampling
from flows.pipelines.checkpoints import any_checkpoint, kept_checkpoint, whole_or_nothing
from flows.pipelines.flow_models import check_models
from flows.pipelines.long_form import LongForm, paints
from flows.pipelines.predictor import predictor_of
from flows.pipelines.stages import benchmark_stages, finished_rows, listening_pipeline, prepare_pipeline
from flows.run.lazy_flow import flow
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.params import Params
from flows.settings.project import Project, writes_work
from jam_model.shard_index import BEATS
from tasks.benchmark.report_inputs import measured_rows
from tasks.benchmark.song_metrics import TextStyles
from tasks.benchmark.system_metrics import Measured, measure, windows_of
from tasks.benchmark.systems import benchmark_prompts
from tasks.models.beats import NONE
from tasks.models.phonemizer import Phonemizer, build_phonemizer
from tasks.prompts.prompts import PROMPT_COLUMNS, Prompt, prompts_of
from tasks.studies.answers import result_of
from tasks.studies.given_times import with_predicted_phones, with_predicted_times, with_written_times
from tasks.studies.kinds import KINDS, LONG_FORM, PHONES, QUANTISED, TAKE_TRAININGS, TIMES, Beside
from tasks.studies.long_form import longest, measured_in_windows
from tasks.studies.study import check_lays_phones, runs_of, sources_of
from tasks.studies.write import write_study


@writes_work("study")
def run_study(
    project: Project, kind: str, checkpoints: Sequence[Path] = (), written: Sequence[str] = ()
) -> Path:
    """Generate the benchmark's songs in every arm and run, listen, and write the page; returns the JSON file beside it.

    `checkpoints`: of the base, or ``NAME=FOLDER`` of another training, for studies that take some. `written`: ``NAME=FOLDER`` of
    times that somebody wrote, for the study of times.

    Raises:
        ValueError: a model cannot be used, there is no such study, too few benchmark songs, or times that cannot be used.
    """
    if kind not in KINDS:
        raise ValueError(f"study: {kind!r} is none of {', '.join(KINDS)}")
    if written and kind != TIMES:
        raise ValueError(
            f"times: the study {kind} takes none; leave out --times, or put the question {TIMES}"
        )
    params, work = project.params, project.work
    check_models(project, "benchmark")
    songs_root = project.songs_root
    pipeline = prepare_pipeline(project, songs_root)
    columns = [*PROMPT_COLUMNS, "window_embedding", *([BEATS] if kind == QUANTISED else [])]
    if kind == QUANTISED and params.models.beats.model == NONE:
        raise ValueError(
            "study: models.beats.model is none; prepare with librosa or beat_this, whose beats words are moved to"
        )
    rows = finished_rows(pipeline, columns)
    prompts = _prompts(kind, rows, params)
    unnamed, named = _by_name(kind, checkpoints)
    with whole_or_nothing(work):
        others = {name: [any_checkpoint(place, params, work) for place in of] for name, of in named.items()}
        places = [any_checkpoint(place, params, work) for place in unnamed] or [kept_checkpoint(work)]
        runs = runs_of(places, params.benchmark.seed, params.study.noise_seeds, others)
    project.keep_settings("study")
    phonemizer = build_phonemizer(params.models.phonemizer)
    timed: dict[str, Sequence[Prompt]] = {}
    if kind == TIMES:
        timed = _timed(project, prompts, phonemizer, written)
    elif kind == PHONES:
        check_lays_phones(runs)
        timed = _with_phones(project, prompts)
    beats_s = {row["song_id"]: row[BEATS] or () for row in rows} if kind == QUANTISED else {}
    has_painting = kind == LONG_FORM and paints(runs)
    beside = Beside(phonemizer, params.rough_times, timed, list(others), beats_s, has_painting)
    study = KINDS[kind](prompts, params.sampler, params.study, beside)
    folder = work.root / "study" / kind
    if kind == LONG_FORM:
        songs = LongForm(project, prompts, runs, folder, songs_root, has_painting)
        sources, songs_root = songs.windows(study), str(songs.windows_root)
    else:
        sources = sources_of(study, runs)
    pipeline = listening_pipeline(
        project,
        folder / "table",
        sources,
        {weights: path for run in runs for weights, path in run.checkpoints.items()},
        benchmark_stages(project),
        songs_root,
    )
    run_stages([pipeline], params.engine, work.receipts / f"study-{kind}")
    heard = measured_rows([pipeline])
    learned = [row for row in rows if row["split"] == "train" and not row["drop_reason"]]
    resampling = Resampling(params.benchmark.num_resamples, params.study.seed)
    reference = windows_of(learned)

    def measuring(asked: Sequence[Prompt], of: Sequence[Mapping[str, Any]]) -> Measured:
        return measure(asked, of, reference, phonemizer, TextStyles(), resampling)

    measured = (
        measured_in_windows(study, runs, heard, measuring)
        if kind == LONG_FORM
        else measuring(study.base.prompts, heard)
    )
    made_by = sorted({made for row in heard for made in row["made_by"]})
    page = write_study(work.report(f"study-{kind}"), result_of(study, runs, measured, made_by))
    say(f"study: {page.with_suffix('.html')}")
    return page


@flow(name="study", flow_run_name="study-{kind}-{work_dir}")
def study(
    kind: str,
    work_dir: str = "data",
    checkpoints: Sequence[str] = (),
    params_file: str | None = None,
    overrides: Sequence[str] = (),
    written: Sequence[str] = (),
) -> str:
    """Put a question to a checkpoint, or to several trainings of one; returns the path of ``study.json``.

    Args:
        kind: one of the studies of `tasks.studies.kinds`.
        work_dir: a work folder with prepared songs.
        checkpoints: checkpoints, or folders that hold one, each a run of its own; none: the kept one of the work folder; NAME=FOLDER
            of another training, for phones and quantised.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
        written: word times that somebody wrote, each NAME=FOLDER with a file of JSON a song, for the study of times.
    """
    project = Project.at(work_dir, params_file, overrides)
    return str(run_study(project, kind, [Path(place) for place in checkpoints], written))


def _prompts(kind: str, rows: Sequence[Mapping[str, Any]], params: Params) -> list[Prompt]:
    """The benchmark's songs that are asked for: the longest of them, where their length is the question."""
    if kind == LONG_FORM:
        written = [row for row in rows if row["lyrics"] is not None]
        return longest(prompts_of(written, "benchmark"), params.study)
    section = params.benchmark.model_copy(update={"num_songs": params.study.num_songs})
    return benchmark_prompts(rows, section)[0]


def _by_name(kind: str, checkpoints: Sequence[Path]) -> tuple[list[Path], dict[str, list[Path]]]:
    """Checkpoints without a name, and those of each name."""
    unnamed: list[Path] = []
    named: dict[str, list[Path]] = {}
    for given in checkpoints:
        name, equals, folder = str(given).partition("=")
        if not equals or given.exists():
            unnamed.append(given)
            continue
        if kind not in TAKE_TRAININGS:
            raise ValueError(
                f"checkpoint: {given}: the study {kind} takes no names; give the folder alone, or put one of the questions "
                f"{', '.join(TAKE_TRAININGS)}"
            )
        if not (name and folder):
            raise ValueError(f"checkpoint: {str(given)!r} is no NAME=FOLDER of a training")
        named.setdefault(name, []).append(Path(folder))
    return unnamed, named


def _with_phones(project: Project, prompts: Sequence[Prompt]) -> dict[str, Sequence[Prompt]]:
    """Prompts with phones by the duration predictor of the work folder, if one stands."""
    predictor = predictor_of(project, project.work, phones=True)
    if predictor is None:
        return {}
    name = f"Phones by the duration predictor {predictor.folder.name}"
    return {name: with_predicted_phones(prompts, predictor)}


def _timed(
    project: Project, prompts: Sequence[Prompt], phonemizer: Phonemizer, written: Sequence[str]
) -> dict[str, Sequence[Prompt]]:
    """Prompts by the duration predictor of the work folder, if one stands, and with the times that somebody wrote."""
    found: dict[str, Sequence[Prompt]] = {}
    if predictor := predictor_of(project, project.work, phones=True):
        name = f"Times by the duration predictor {predictor.folder.name}"
        found[name] = with_predicted_times(prompts, predictor, phonemizer)
    for given in written:
        name, equals, folder = given.partition("=")
        if not (equals and name and Path(folder).is_dir()):
            raise ValueError(f"times: {given!r} is no NAME=FOLDER of a folder that is there")
        found[name], told = with_written_times(prompts, Path(folder))
        say(f"study: {name}: {told}")
    return found
