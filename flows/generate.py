"""generate: jamify's manifest in, sung songs out, in jamify's output folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import flow

from flows.models import check_models
from flows.params import Params, load_params
from flows.stages import run_stages
from flows.view import say
from jam_model.checkpoint import weights_hash
from tasks.engine.table import Chain, Table
from tasks.fanout import take_sources
from tasks.generate import Generate
from tasks.models.phonemizer import build_phonemizer
from tasks.models.style_encoder import build_style_encoder
from tasks.request import read_requests, write_songs
from tasks.round import policy_system

COLUMNS = ("title", "take", "seed", "recipe", "asked_duration_s", "duration_s", "audio", "latent_sung")


def run_generate(params: Params, manifest: Path, checkpoint: Path, out: Path, takes: int) -> Path:
    """Sing every row `takes` times; songs that stand already are not sung again. Returns the metadata file."""
    check_models(params, "generate")
    weights = weights_hash(checkpoint)
    encoder, phonemizer = build_style_encoder(params.style), build_phonemizer(params.phonemizer)
    prompts = read_requests(manifest, phonemizer, encoder, params.audio, params.ingest)
    system = policy_system("generate", "generate", weights, params.sampler, prompts)
    table = Table(out / "table")
    table.admit(take_sources(prompts, system, 0, takes, params.round.seed), partition_size=1)
    stage = Generate(params.codec, params.style, {weights: str(checkpoint.resolve())}, "")
    chain = Chain(table, [stage], pythons=params.engine.pythons())
    run_stages([chain], params.engine, out / "receipts")
    songs = [row for row in chain.rows(COLUMNS) if row["drop_reason"] != "source_gone"]
    path = write_songs(out, songs, {"checkpoint": weights})
    say(f"generate: {sum(not song['drop_reason'] for song in songs)} songs in {out / 'generated'}")
    return path


@flow(name="generate", flow_run_name="generate-{out}")
def generate(
    manifest: str,
    checkpoint: str,
    out: str,
    takes: int = 1,
    params: str | None = None,
    settings: Sequence[str] = (),
) -> str:
    """Sing the rows of a jamify manifest; returns the path of ``generation_metadata.json``.

    Args:
        manifest: JSON list of id, audio_path, lrc_path, duration, prompt_path.
        checkpoint: folder with model.safetensors and config.json.
        out: jamify's output folder.
        takes: songs a row, each from its own noise.
        params: overlay over params.yaml.
        settings: ``section.key=value``, each over the overlay.
    """
    loaded = load_params(Path(params) if params else None, list(settings))
    return str(run_generate(loaded, Path(manifest), Path(checkpoint), Path(out), takes))
