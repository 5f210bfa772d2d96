"""judged: any systems' songs on the songs of any manifest, through the same stages as our own benchmark.

The true songs are heard first: they are the ground-truth row, and say what is asked where the manifest does not. Then
the systems' folders, and checkpoints that sing the manifest. Each is a song table: what stands is not done again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from prefect import flow

from eval.stats.intervals import Resampling
from flows.benchmark import REPORT, finish_report, stands
from flows.pipelines.external_tables import (
    folders_chain,
    reference_rows,
    sung_chain,
    sung_systems,
    truth_chain,
)
from flows.pipelines.listening_answers import standing_preferences
from flows.pipelines.report_inputs import (
    Mixes,
    decided_settings,
    heard_rows,
    report_recipe,
    run_facts,
    singing_rtf,
    text_styles,
)
from flows.run.notify import HOOKS
from flows.run.prefect_tasks import run_stages
from flows.run.progress import few, say
from flows.settings.check_models import check_models
from flows.settings.params import Params, load_params
from flows.settings.work_folder import WorkFolder, writes_work
from tasks.benchmark.external_systems import NAME, TRUTH, Folder, prompt_of, read_folder
from tasks.benchmark.report import ReportText, report_of
from tasks.benchmark.songs import Benchmark, read_benchmark
from tasks.benchmark.system_metrics import measure, windows_of
from tasks.engine.fingerprint import fingerprint
from tasks.models.phonemizer import build_phonemizer
from tasks.models.style_encoder import build_style_encoder
from tasks.prompts.prompts import Prompt, System
from tasks.storage.files import write_json_lines

HEARD_FOR_PROMPTS = ("parent", "duration_s", "timed_words", "style_embedding")


@dataclass(frozen=True)
class Request:
    """What is to be judged: a manifest, folders and checkpoints by system name, and reference songs."""

    manifest: Path
    folders: Mapping[str, Path]
    checkpoints: Mapping[str, Path]
    reference: Path | None

    def __post_init__(self) -> None:
        names = [*self.folders, *self.checkpoints]
        if not names:
            raise ValueError("system: nothing to judge; give --system NAME=DIR or --checkpoint NAME=FOLDER")
        for name in names:
            if not NAME.fullmatch(name) or name == TRUTH or names.count(name) > 1:
                raise ValueError(
                    f"system: name {name!r}; give each its own, of a to z, 0 to 9 and -, and not {TRUTH!r}"
                )


@writes_work("benchmark")
def run_judged(params: Params, work: WorkFolder, request: Request) -> Path:
    """Judge every system, and write the report under ``benchmarks/<name>``; returns its page.

    Raises:
        ValueError: a model cannot be used, or the manifest, a folder or a checkpoint is not what it must be.
    """
    check_models(params, "benchmark")
    started = time.time()
    songs = read_benchmark(request.manifest, params.benchmark.fields, params.ingest)
    folders = [read_folder(name, path) for name, path in request.folders.items()]
    name = params.benchmark.name or request.manifest.stem
    own = WorkFolder(
        work.root / "benchmarks" / (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "songs")
    )
    _tell(songs, request, own)
    phonemizer, encoder = build_phonemizer(params.phonemizer), build_style_encoder(params.style)

    asked = [prompt_of(song, None, phonemizer, encoder, params.benchmark.genres) for song in songs.songs]
    truth = truth_chain(params, own, songs.songs, asked, with_times=bool(request.checkpoints))
    run_stages([truth], params.engine, own.receipts / REPORT)
    heard = {
        row["parent"]: row for row in truth.rows(HEARD_FOR_PROMPTS) if row["drop_reason"] != "source_gone"
    }
    prompts = [
        prompt_of(song, heard.get(song.song_id), phonemizer, encoder, params.benchmark.genres)
        for song in songs.songs
    ]
    chains = [truth]
    if folders:
        chains.append(folders_chain(params, own, folders, prompts))
    sung = sung_systems(params, request.checkpoints, prompts)
    if sung:
        chains.append(sung_chain(params, own, sung, request.checkpoints))
    for chain in chains[1:]:
        run_stages([chain], params.engine, own.receipts / REPORT)

    used = {
        source.facts.get("content_hash")
        for chain in chains
        for p in chain.partitions.values()
        for source in p.sources
    }
    reference = reference_rows(params, work, own, request.reference, used)
    systems = [System(TRUTH, "Ground truth", {}, prompts)]
    systems += [System(folder.name, folder.name, {}, prompts) for folder in folders] + sung
    resampling = Resampling(params.benchmark.num_resamples, params.benchmark.seed)
    names = {system.name for system in systems}
    listening = [one for one in standing_preferences(work, resampling) if {one.left, one.right} <= names]
    settings = {
        **decided_settings(params),
        "weights": {system.name: system.checkpoint for system in sung},
    }
    recipe = report_recipe(
        chains,
        settings,
        reference=sorted(row["song_id"] for row in reference),
        listening=fingerprint([asdict(one) for one in listening]),
    )
    folder = own.report(REPORT)
    if stands(folder, recipe):
        say(f"report: up to date, {folder / 'report.html'}")
        return folder / "report.html"
    measured = measure(
        prompts,
        heard_rows(chains),
        windows_of(reference),
        phonemizer,
        text_styles(prompts, encoder, params.benchmark.genres),
        resampling,
    )
    rtf = singing_rtf(chains[-1], own.receipts / REPORT) if sung else {}
    text = ReportText(
        f"{name} songs, our protocol",
        f"{len(prompts)} songs, {len(systems)} systems",
        _notes(songs, folders, prompts),
    )
    report = report_of(
        measured, systems, params.benchmark, text, Mixes(chains, ""), settings, run_facts(started, rtf)
    )
    return finish_report(replace(report, listening=listening), folder, recipe)


def _tell(songs: Benchmark, request: Request, own: WorkFolder) -> None:
    say(f"benchmark: {len(songs.songs)} songs in {request.manifest}")
    if songs.refused:
        write_json_lines(own.refused, list(songs.refused))
        say(f"benchmark: {len(songs.refused)} rows are no song to judge by (see {own.refused})")
    if missing := songs.without_audio:
        write_json_lines(own.root / "missing.jsonl", [{"id": title} for title in missing])
        say(
            f"benchmark: the true audio of {len(missing)} songs is not here ({few(missing)}; {own.root / 'missing.jsonl'})"
        )


def _notes(songs: Benchmark, folders: Sequence[Folder], prompts: Sequence[Prompt]) -> list[str]:
    notes = []
    if missing := songs.without_audio:
        notes.append(
            f"The true audio of {len(missing)} of {len(songs.songs)} songs is not here: {few(missing)}."
        )
    if songs.refused:
        notes.append(
            f"{len(songs.refused)} rows of the manifest could not be judged by, mostly without lyrics."
        )
    if folders and any(prompt.is_timed for prompt in prompts):
        notes.append(
            "Word times are held against those of the lyrics, or of the true song where lyrics have none, for all "
            "systems alike: also for those that were never asked for times."
        )
    return notes


@flow(name="judged", flow_run_name="judged-{work}", **HOOKS)
def judged(
    manifest: str,
    systems: Sequence[str],
    checkpoints: Sequence[str] = (),
    reference: str | None = None,
    work: str = "data",
    params: str | None = None,
    settings: Sequence[str] = (),
) -> str:
    """Judge folders of audio and checkpoints on a manifest's songs; returns the path of the report.

    Args:
        manifest: a JSON list, JSON lines, CSV, Parquet, or the folder of a data set's snapshot.
        systems: ``NAME=DIR`` each, files named by song id.
        checkpoints: ``NAME=FOLDER`` each, which sing the manifest.
        reference: songs for the Frechet distance; none: the prepared training songs, if there are any.
        work: a work folder; the benchmark lies under ``benchmarks/<name>`` in it.
        params: overlay over params.yaml.
        settings: ``section.key=value``, each over the overlay.
    """
    loaded = load_params(Path(params) if params else None, list(settings))
    request = Request(
        Path(manifest), _named(systems), _named(checkpoints), Path(reference) if reference else None
    )
    return str(run_judged(loaded, WorkFolder.at(work), request))


def _named(pairs: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not equals or not path:
            raise ValueError(f"system: {pair!r} is no NAME=DIR")
        if name in found:
            raise ValueError(f"system: name {name!r} stands twice; give each its own")
        found[name] = Path(path)
    return found
