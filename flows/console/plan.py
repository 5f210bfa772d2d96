"""``jam run --plan``: items that would run, on how many songs, how long, on how many GPUs, and what is missing (``print_plan``).

Nothing is written and neither Prefect nor Ray starts; songs are listed and read as `prepare` reads them. Times are
those of earlier runs in the work folder, song by song and step by step, on as many workers as ran then.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from flows.console.why import plain, reported_settings
from flows.pipelines.flow_models import stages_of, unusable_models
from flows.pipelines.needs import AFTER_PREPARE, too_few, too_few_found
from flows.pipelines.stages import prepare_pipeline
from flows.run.progress import say, say_table
from flows.settings.params import Params
from flows.settings.project import Project
from tasks.engine.stage import BadModel
from tasks.engine.table import SOURCES, Table
from tasks.preference.gate import GateParams
from tasks.preference.round_tables import RoundParams
from tasks.songs.columns import SONG_COLUMNS
from tasks.songs.hashes import Hashes
from tasks.songs.listing import admitted_paths, check_place, list_sources
from tasks.upkeep.plan import Item, Plan, fit_item, is_finished, song_item, stage_item
from tasks.upkeep.rates import Pace, paces

COLUMNS = ("flow", "what", "to do", "songs", "worker seconds", "workers", "MB a worker", "seconds")


def plan_lifecycle(project: Project) -> Plan:
    """What ``jam run`` would do now.

    Raises:
        ValueError: params or songs that `jam run` would refuse, too; so where there is no such place of songs.
    """
    params, work = project.params, project.work
    check_place(params.songs.place)
    missing = [str(trouble) for trouble in unusable_models(project, "all")]
    known = paces(work.receipts)
    prepare, short = _prepare_items(project, known)
    missing += [short] if short else []
    train: list[Item] = []
    for name, section in (("pretrain", params.pretrain), ("sft", params.sft)):
        if name == "pretrain" and params.start.sft:
            continue
        recipes = sorted(work.checkpoint(name).glob("*/train.json"))
        before = any(item.runs for item in (*prepare, *train))
        train.append(fit_item(name, section, recipes, not before and is_finished(section, recipes)))
    stands = not any(item.runs for item in (*prepare, *train)) and (
        reported_settings(project) == plain(project.params.decides())
    )
    candidates = _num_generated(params.round, params.gate)
    stages = {
        flow: dict.fromkeys(stage.name for stage in found) for flow, found in stages_of(project).items()
    }
    dpo = [song_item(params.engine, stage, stands, candidates, known) for stage in stages["dpo"]]
    learned = sorted(work.rounds.glob("*/*/*/train.json"))
    runs = params.round.rounds * (2 if params.round.control else 1)
    dpo.append(fit_item("rounds", params.dpo, learned, stands, runs))
    heard = _num_scored_songs(project)
    benchmark = [song_item(params.engine, stage, stands, heard, known) for stage in stages["benchmark"]]
    return Plan({"prepare": prepare, "train": train, "dpo": dpo, "benchmark": benchmark}, missing)


def print_plan(project: Project) -> int:
    """Shows the plan; 0 when everything is there that it needs, else 1.

    Raises:
        ValueError: there is nothing to plan, see `plan_lifecycle`.
    """
    plan = plan_lifecycle(project)
    lines = []
    for flow, items in plan.flows.items():
        for item in items:
            figures = (item.songs, item.worker_s, item.workers, item.memory_mb, item.seconds)
            cells = ["-" if value is None else f"{value:.0f}" for value in figures] if item.runs else []
            lines.append([flow, item.name, item.todo, *cells])
    say_table(COLUMNS, lines, 120)
    if not any(item.runs for items in plan.flows.values() for item in items):
        say("nothing would run")
    else:
        unknown = plan.unknown()
        rest = f", and the time of {', '.join(unknown)}, which is not known yet" if unknown else ""
        known = f"about {plan.seconds():.0f} s, as earlier runs went"
        nothing = f"not known yet: no earlier run here had {', '.join(unknown)}"
        say(f"in all: {known + rest if plan.seconds() or not unknown else nothing}")
        say(f"needs: {_needs(project.params, plan)}")
    for line in plan.missing:
        say(f"missing: {line}")
    return 1 if plan.missing else 0


def _needs(params: Params, plan: Plan) -> str:
    """What is held at once at most: by the shared pool and the own workers of a flow, or by a training."""
    items = [item for items in plan.flows.values() for item in items if item.runs]
    memory = [item.memory_mb * item.workers for item in items if item.memory_mb and item.workers]
    gpus = [
        params.engine.actor_options(item.name)["num_gpus"] * (item.workers or 1) for item in items if item.own
    ]
    fits = [fit.gpus_per_worker * fit.num_workers for fit in (params.pretrain, params.sft, params.dpo)]
    held = f"{max(memory):.0f} MB of memory for the largest stage" if memory else "memory not known yet"
    return f"{held}; {max(sum(gpus), *fits):g} GPUs"


def _prepare_items(project: Project, known: dict[str, Pace]) -> tuple[list[Item], str]:
    """What `prepare` does once the songs are admitted, and which needs of what follows they are too few for; the table
    itself stays as it is.
    """
    params, work = project.params, project.work
    pipeline = prepare_pipeline(project)
    admitted = admitted_paths(pipeline.table.partitions())
    listing = list_sources(params.songs.place, admitted, hashes=Hashes(work.hashes))
    with tempfile.TemporaryDirectory(prefix="jam-plan-") as folder:
        copy = Path(folder) / SOURCES
        copy.mkdir()
        for path in (work.table / SOURCES).glob("part-*.parquet"):
            (copy / path.name).write_bytes(path.read_bytes())
        parts = Table(Path(folder), SONG_COLUMNS).admit(listing.sources, params.engine.partition_size)
        pipeline.partitions = {part.number: part for part in parts}
        try:
            items = [stage_item(params.engine, pipeline, stage, known) for stage in pipeline.stages]
            return items, too_few(params, pipeline, *AFTER_PREPARE)
        except BadModel:  # what a stage is made of cannot be told, so neither can what stands
            found = sum(len(part.sources) for part in parts)
            items = [Item("all stages", "not known before the models are there", None, None)]
            return items, too_few_found(params, found, *AFTER_PREPARE)


def _num_generated(rounds: RoundParams, gate: GateParams) -> int:
    """Songs of all rounds, if none stops them: candidates, and what the gates hear of each policy and its control."""
    candidates = rounds.rounds * rounds.candidates * (rounds.num_prompts + rounds.num_held_out)
    policies = 1 + rounds.rounds * (2 if rounds.control else 1)
    return candidates + policies * gate.num_prompts * gate.candidates


def _num_scored_songs(project: Project) -> int | None:
    """Songs of all systems of the last report; not known before there is one."""
    report = project.work.report("benchmark") / "report.json"
    if not report.exists():
        return None
    return len(json.loads(report.read_text())["system_order"]) * project.params.benchmark.num_songs
