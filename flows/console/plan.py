"""``jam run --plan``: what would run, on how many songs, how long and with what, and what is missing.

Nothing is written and neither Prefect nor Ray starts; songs are listed and read as `prepare` reads them. Times are
those of earlier runs in the work folder, song by song and step by step, on as many workers as ran then.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from flows.pipelines.prepare_stages import prepare_chain
from flows.pipelines.report_inputs import decided_settings
from flows.run.progress import say
from flows.settings.check_models import unusable_models
from flows.settings.params import Params
from flows.settings.work_folder import WorkFolder
from tasks.engine.pipeline import Chain
from tasks.engine.stage import BadModel
from tasks.engine.table import SOURCES, Table
from tasks.songs.columns import SONG_COLUMNS
from tasks.songs.hashes import Hashes
from tasks.songs.listing import list_sources
from tasks.storage.object_store import place_of
from tasks.trainer.params import FitParams
from tasks.upkeep.rates import Pace, paces

UP_TO_DATE = "up to date"
SUNG = ("generate", "score", "reward", "separate", "transcribe")  # stages of a round's takes
HEARD = (
    "generate",
    "separate",
    "transcribe",
    "place",
    "style",
    "score",
    "gauge",
)  # stages of the benchmark's songs


@dataclass(frozen=True)
class Item:
    """Something that would run, or stands. None: not known, never 0.

    `own`: on workers of its own, beside the stages of the shared pool.
    """

    name: str
    todo: str
    songs: int | None = 0
    worker_s: float | None = 0.0
    workers: int | None = None
    memory_mb: float | None = None
    own: bool = False

    @property
    def runs(self) -> bool:
        """There is something to do."""
        return self.todo != UP_TO_DATE

    @property
    def seconds(self) -> float | None:
        """On its workers together; 0 when it stands."""
        if not self.runs:
            return 0.0
        return self.worker_s / self.workers if self.worker_s is not None and self.workers else None


@dataclass(frozen=True)
class Plan:
    """The flows in order with their items, and what keeps them from running."""

    flows: dict[str, list[Item]]
    missing: list[str]

    def seconds(self) -> float:
        """Of all items whose time is known: what shares a pool one after another, the others beside it."""
        return sum(_beside(items) for items in self.flows.values())

    def unknown(self) -> list[str]:
        """What would run and has never run here."""
        items = (item for items in self.flows.values() for item in items)
        return list(dict.fromkeys(item.name for item in items if item.seconds is None))


def plan_lifecycle(params: Params, work: WorkFolder) -> Plan:
    """What ``jam run`` would do now.

    Raises:
        ValueError: params or songs that `jam run` would refuse, too.
    """
    missing = [str(trouble) for trouble in unusable_models(params, "all")]
    if not place_of(params.songs.path, "songs").exists():
        missing.append(f"songs: {params.songs.path} is neither a folder nor a manifest; give --songs")
        return Plan({}, missing)
    known = paces(work.receipts)
    prepare = _prepare_items(params, work, known)
    train: list[Item] = []
    for name, section in (("pretrain", params.pretrain), ("sft", params.sft)):
        recipes = sorted(work.checkpoint(name).glob("*/train.json"))
        before = any(item.runs for item in (*prepare, *train))
        train.append(_fit_item(name, section, recipes, not before and _finished(section, recipes)))
    stands = not any(item.runs for item in (*prepare, *train)) and _reported(params, work)
    takes = _num_takes(params)
    dpo = [_song_item(params, stage, stands, takes, known) for stage in SUNG]
    learned = sorted(work.rounds.glob("*/*/*/train.json"))
    runs = params.round.rounds * (2 if params.round.control else 1)
    dpo.append(_fit_item("rounds", params.dpo, learned, stands, runs))
    heard = _num_heard(params, work)
    benchmark = [_song_item(params, stage, stands, heard, known) for stage in HEARD]
    return Plan({"prepare": prepare, "train": train, "dpo": dpo, "benchmark": benchmark}, missing)


def print_plan(params: Params, work: WorkFolder) -> int:
    """Shows the plan; 0 when everything is there that it needs, else 1."""
    plan = plan_lifecycle(params, work)
    columns = ("to do", "songs", "worker seconds", "workers", "MB a worker", "seconds")
    grid = Grid("flow", "what", *columns, box=None, pad_edge=False)
    for flow, items in plan.flows.items():
        for item in items:
            figures = (item.songs, item.worker_s, item.workers, item.memory_mb, item.seconds)
            cells = ["-" if value is None else f"{value:.0f}" for value in figures] if item.runs else []
            grid.add_row(flow, item.name, item.todo, *cells)
    Console(width=None if Console().is_terminal else 120).print(grid)
    if not any(item.runs for items in plan.flows.values() for item in items):
        say("nothing would run")
    else:
        unknown = plan.unknown()
        rest = f", and the time of {', '.join(unknown)}, which is not known yet" if unknown else ""
        say(f"in all: about {plan.seconds():.0f} s, as earlier runs went{rest}")
        say(f"needs: {_needs(params, plan)}")
    for line in plan.missing:
        say(f"missing: {line}")
    return 1 if plan.missing else 0


def _needs(params: Params, plan: Plan) -> str:
    """What is held at once at most: by the shared pool and the own workers of a flow, or by a training."""
    items = [item for items in plan.flows.values() for item in items if item.runs]
    memory = [item.memory_mb * item.workers for item in items if item.memory_mb and item.workers]
    gpus = [params.engine.outfit(item.name).gpus * (item.workers or 1) for item in items if item.own]
    fits = [fit.gpus_per_worker * fit.num_workers for fit in (params.pretrain, params.sft, params.dpo)]
    held = f"{max(memory):.0f} MB of memory for the largest stage" if memory else "memory not known yet"
    return f"{held}; {max(sum(gpus), *fits):g} GPUs"


@contextmanager
def _as_admitted(params: Params, work: WorkFolder) -> Iterator[Chain]:
    """The chain of `prepare` as it will be once the songs are admitted; the table itself stays as it is."""
    chain = prepare_chain(params, work)
    standing = [source for part in chain.table.partitions() for source in part.sources]
    known = [source.facts["audio"]["path"] for source in standing if not source.facts.get("refused")]
    listing = list_sources(place_of(params.songs.path, "songs"), known, hashes=Hashes(work.hashes))
    with tempfile.TemporaryDirectory(prefix="jam-plan-") as folder:
        copy = Path(folder) / SOURCES
        copy.mkdir()
        for path in (work.table / SOURCES).glob("part-*.parquet"):
            (copy / path.name).write_bytes(path.read_bytes())
        admitted = Table(Path(folder), SONG_COLUMNS).admit(listing.sources, params.engine.partition_size)
        chain.partitions = {part.number: part for part in admitted}
        yield chain


def _prepare_items(params: Params, work: WorkFolder, known: dict[str, Pace]) -> list[Item]:
    with _as_admitted(params, work) as chain:
        try:
            return [_stage_item(params, chain, stage, known) for stage in chain.stages]
        except BadModel:  # what a stage is made of cannot be told, so neither can what stands
            return [Item("all stages", "not known before the models are there", None, None)]


def _stage_item(params: Params, chain: Chain, stage: str, known: dict[str, Pace]) -> Item:
    numbers = chain.missing(stage)
    if not numbers:
        return Item(stage, UP_TO_DATE)
    songs = sum(len(chain.partitions[number].sources) for number in numbers)
    return _timed(params, stage, f"{len(numbers)} of {len(chain.partitions)} partitions", songs, known)


def _timed(params: Params, stage: str, todo: str, songs: int | None, known: dict[str, Pace]) -> Item:
    pace, own = known.get(stage), stage in params.engine.stages
    if pace is None:
        return Item(stage, todo, songs, None, own=own)
    asked = params.engine.stages[stage].workers if own else params.engine.num_workers
    worker_s = None if songs is None else songs * pace.song_s
    return Item(stage, todo, songs, worker_s, asked or pace.workers, pace.memory_mb, own)


def _fit_item(name: str, section: FitParams, recipes: Sequence[Path], stands: bool, runs: int = 1) -> Item:
    """A training, or several; `recipes`: those of earlier runs, whose logs say how long a step took."""
    if stands:
        return Item(name, UP_TO_DATE)
    step_s = None
    for recipe in recipes:
        log = recipe.parent / "log.jsonl"
        if log.is_file() and (lines := log.read_text().splitlines()):
            last = json.loads(lines[-1])
            step_s = last["seconds"] / last["step"]
    steps = runs * section.steps
    worker_s = None if step_s is None else step_s * steps * section.num_workers
    return Item(name, f"{steps} steps", None, worker_s, section.num_workers)


def _finished(section: FitParams, recipes: Sequence[Path]) -> bool:
    """A run of this section stands."""
    settings = json.loads(section.model_dump_json())
    return any(
        (recipe.parent / "done.json").is_file() and json.loads(recipe.read_text())["params"] == settings
        for recipe in recipes
    )


def _song_item(params: Params, stage: str, stands: bool, songs: int | None, known: dict[str, Pace]) -> Item:
    """A stage over songs that are only known once they are sung: at most so many."""
    return Item(stage, UP_TO_DATE) if stands else _timed(params, stage, "what is new", songs, known)


def _reported(params: Params, work: WorkFolder) -> bool:
    """The report that stands was made with these settings."""
    recipe = work.report("benchmark") / "recipe.json"
    if not recipe.exists():
        return False
    asked = json.loads(json.dumps(decided_settings(params)))
    then = json.loads(recipe.read_text())["settings"]
    return {name: value for name, value in then.items() if name != "weights"} == asked


def _num_takes(params: Params) -> int:
    """Songs of all rounds, if none stops them: takes, and what the gates hear of each policy and its control."""
    rounds, gate = params.round, params.gate
    takes = rounds.rounds * rounds.takes * (rounds.num_prompts + rounds.num_held_out)
    policies = 1 + rounds.rounds * (2 if rounds.control else 1)
    return takes + policies * gate.num_prompts * gate.takes


def _num_heard(params: Params, work: WorkFolder) -> int | None:
    """Songs of all systems of the last report; not known before there is one."""
    report = work.report("benchmark") / "report.json"
    if not report.exists():
        return None
    return len(json.loads(report.read_text())["system_order"]) * params.benchmark.num_songs


def _beside(items: Sequence[Item]) -> float:
    shared = sum(item.seconds or 0.0 for item in items if not item.own)
    return max([shared, *(item.seconds or 0.0 for item in items if item.own)])
