"""generate: lyrics or jamify's manifest in, songs out, in jamify's output folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.pipelines.flow_models import check_models
from flows.pipelines.stages import generate_stage
from flows.run.lazy_flow import flow
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.params import Params
from flows.settings.project import Project
from jam_model.checkpoint import load_config, weights_hash
from tasks.engine.table import Table
from tasks.models.phonemizer import build_phonemizer
from tasks.models.style_encoder import build_style_encoder
from tasks.prompts.jamify_manifest import SongRequest, read_requests, write_request
from tasks.prompts.output_folder import SONG_COLUMNS, write_config, write_songs
from tasks.prompts.prompts import PROMPTED_COLUMNS, candidate_sources, policy_system


def run_generate(project: Project, manifest: Path, checkpoint: Path, candidates: int) -> Path:
    """Generate every row `candidates` times; what stands already is neither generated nor written again. Returns the metadata file.

    The project's work folder is jamify's output folder.
    """
    params, work = project.params, project.work
    check_models(project, "generate")
    weights, config = weights_hash(checkpoint), load_config(checkpoint)
    stage = generate_stage(project, {weights: checkpoint})
    encoder, phonemizer = (
        build_style_encoder(params.models.style_encoder),
        build_phonemizer(params.models.phonemizer),
    )
    prompts = read_requests(manifest, phonemizer, encoder, params.audio, params.ingest)
    system = policy_system("generate", "generate", weights, params.sampler, prompts)
    sources = candidate_sources(prompts, system, 0, candidates, params.round.seed)
    Table(work.table, PROMPTED_COLUMNS).admit(sources, partition_size=1)
    pipeline = project.pipeline(work.table, [stage])
    run_stages([pipeline], params.engine, work.receipts)
    songs = pipeline.listed_rows(SONG_COLUMNS)
    path, written = write_songs(work.root, params.output, songs, config.max_frames)
    sections = {
        "sampler": params.sampler,
        "codec": params.models.codec,
        "style": params.models.style_encoder,
        "output": params.output,
    }
    write_config(work.root, weights, params.round.seed, sections)
    standing = sum(not song["drop_reason"] for song in songs) - written
    say(f"generate: {written} songs written to {work.root / 'generated'}, {standing} stood already")
    return path


def manifest_of(params: Params, manifest: Path | None, request: SongRequest | None, out: Path) -> Path:
    """The manifest that is asked for: the given one, or one written for a single song under ``<out>/request``.

    Raises:
        ValueError: neither or both are given, or see `write_request`.
    """
    if manifest is not None and request is None:
        return manifest
    if manifest is not None or request is None:
        raise ValueError("generate: give --manifest, or --lyrics with --style; one of the two")
    written, timed = write_request(
        request, params.models.phonemizer, params.rough_times, params.ingest, out / "request"
    )
    if timed != request.lyrics:
        say(f"word times: {timed} (edit them, then generate with --lyrics {timed})")
    return written


@flow(name="generate", flow_run_name="generate-{out}")
def generate(
    manifest: str,
    checkpoint: str,
    out: str,
    candidates: int = 1,
    params_file: str | None = None,
    overrides: Sequence[str] = (),
) -> str:
    """Generate the rows of a jamify manifest; returns the path of ``generation_metadata.json``.

    Args:
        manifest: JSON list of id, audio_path, lrc_path, duration, prompt_path.
        checkpoint: folder with model.safetensors and config.json.
        out: jamify's output folder.
        candidates: songs a row, each from its own noise.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    project = Project.at(out, params_file, overrides)
    return str(run_generate(project, Path(manifest), Path(checkpoint), candidates))
