"""sweep: arms (ways of preference training) from every seed side by side, from one first model and one set of pairs; the songs that they generate; their page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.pages.sweep import sweep_html, sweep_json
from flows.pipelines.checkpoints import first_checkpoint
from flows.pipelines.flow_models import check_models
from flows.pipelines.rounds import generate_pairs
from flows.pipelines.runs import remove_superseded
from flows.pipelines.stages import finished_rows, generate_stage, prepare_pipeline
from flows.run.lazy_flow import flow
from flows.run.prefect_tasks import run_as_task, run_stages
from flows.run.progress import progress_bar, say
from flows.settings.project import Project, writes_work
from tasks.models.codec import build_codec
from tasks.preference.round_report import pairs_line
from tasks.preference.round_tables import PREPARED_COLUMNS, GeneratedPairs, round_songs
from tasks.preference.sweep import SONG_COLUMNS, START, Trained, arm_runs, keep_result, row_line, sweep_report
from tasks.prompts.prompts import Prompt, policy_systems, system_sources
from tasks.stages.generated.reward import Reward
from tasks.stages.generated.score import Score
from tasks.stages.style import Style
from tasks.storage.files import write_bytes, write_json
from tasks.trainer.fit_many import fit_all


@writes_work("sweep")
def run_sweep(project: Project) -> Path:
    """Generate, pair, train every arm from every seed, generate again, compare; returns the page.

    Everything lies in ``sweep/``: what of it stands is found, not made.

    Raises:
        ValueError: a model cannot be used, there are too few songs, or no prompt gave a pair.
    """
    params, work = project.params, project.work
    check_models(project, "dpo")
    prepared = finished_rows(prepare_pipeline(project), PREPARED_COLUMNS)
    songs = round_songs(prepared, params.round.num_held_out, params.sweep.num_prompts)
    first, folder = first_checkpoint(project), work.root / "sweep"
    prompts = songs.of_round(1, params.round.num_prompts)
    project.keep_settings("sweep")
    made = generate_pairs(project, folder / "candidates", 1, prompts, first)
    say(f"pair: sweep: {pairs_line(made.learn, made.check)}")
    trained = run_as_task("sweep-train", lambda: train_arms(project, folder, first, made))
    models = {START: first} | {name: facts["checkpoint"] for name, facts in trained.items()}
    rows = generate_songs(project, folder, songs.gate, models)
    sweep = sweep_report(params.dpo, params.sweep, songs, made, trained, rows)
    for row in (*sweep.arms, *sweep.contrasts):
        say(f"sweep: {row_line(row)}")
    write_json(folder / "sweep.json", sweep_json(sweep))
    page = folder / "sweep.html"
    write_bytes(page, sweep_html(sweep).encode())
    say(f"sweep: {page}")
    return page


def train_arms(project: Project, folder: Path, first: Path, made: GeneratedPairs) -> Trained:
    """Every arm from every seed, side by side; each result also stands in ``results/<arm>-s<seed>.json``."""
    params = project.params
    silence_C = build_codec(params.models.codec).silence_C
    runs = arm_runs(params.dpo, params.sweep.seeds, folder, first, made, silence_C)
    with progress_bar("sweep", "runs") as show:
        done = fit_all(list(runs.values()), params.engine, show)
    for run in runs.values():
        remove_superseded(run.out.parent, run.out)
    return {
        name: keep_result(folder, name, run, facts)
        for (name, run), facts in zip(runs.items(), done, strict=True)
    }


def generate_songs(
    project: Project, folder: Path, prompts: Sequence[Prompt], models: Mapping[str, Path]
) -> list[dict[str, Any]]:
    """Every model generates the same prompts from the same noise; only what the comparison needs is measured."""
    params = project.params
    systems = policy_systems(models, params.sampler, prompts)
    stages = [
        generate_stage(project, {str(system.checkpoint): models[system.name] for system in systems}),
        Score(params.models.judge),
        Reward(params.reward, params.models.judge),
        Style(params.models.style_encoder),
    ]
    pipeline = project.pipeline(folder / "songs", stages, system_sources(systems, params.sweep.seed))
    run_stages([pipeline], params.engine, project.work.receipts / "sweep-songs")
    return pipeline.listed_rows([*SONG_COLUMNS, "made_by"])


@flow(name="sweep", flow_run_name="sweep-{work_dir}")
def sweep(work_dir: str = "data", params_file: str | None = None, overrides: Sequence[str] = ()) -> str:
    """Sweep in a work folder with a fine-tuned model; returns the path of the page.

    Args:
        work_dir: a work folder with shards and a fine-tuned checkpoint.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    return str(run_sweep(Project.at(work_dir, params_file, overrides)))
