"""generate: lyrics or jamify's manifest in, sung songs out, in jamify's output folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import yaml
from prefect import flow

from flows.run.notify import HOOKS
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.check_models import check_models
from flows.settings.params import Params, load_params
from jam_model.checkpoint import load_config, weights_hash
from jam_model.training_facts import check_guidance, read_facts
from tasks.engine.pipeline import Chain
from tasks.engine.table import Table
from tasks.models.phonemizer import build_phonemizer
from tasks.models.style_encoder import build_style_encoder, style_encoder_identity
from tasks.prompts.columns import PROMPTED_COLUMNS
from tasks.prompts.output_folder import SONG_COLUMNS, OutputFolder
from tasks.prompts.prompts import policy_system, take_sources
from tasks.prompts.read_prompts import read_requests
from tasks.prompts.rough_times import rough_times
from tasks.songs.lyrics import decode_text
from tasks.stages.generate import Generate
from tasks.storage.files import write_bytes, write_json

CONFIG = "generation_config.yaml"


def run_generate(params: Params, manifest: Path, checkpoint: Path, out: Path, takes: int) -> Path:
    """Sing every row `takes` times; what stands already is neither sung nor written again. Returns the metadata file."""
    check_models(params, "generate")
    weights, config = weights_hash(checkpoint), load_config(checkpoint)
    check_guidance(read_facts(checkpoint), params.sampler.guidance, style_encoder_identity(params.style))
    encoder, phonemizer = build_style_encoder(params.style), build_phonemizer(params.phonemizer)
    prompts = read_requests(manifest, phonemizer, encoder, params.audio, params.ingest)
    system = policy_system("generate", "generate", weights, params.sampler, prompts)
    table = Table(out / "table", PROMPTED_COLUMNS)
    table.admit(take_sources(prompts, system, 0, takes, params.round.seed), partition_size=1)
    stage = Generate(params.codec, params.style, {weights: str(checkpoint.resolve())})
    chain = Chain(table, [stage], pythons=params.engine.pythons())
    run_stages([chain], params.engine, out / "receipts")
    songs = [row for row in chain.rows(SONG_COLUMNS) if row["drop_reason"] != "source_gone"]
    path, written = OutputFolder(out, params.output).write(songs, config.max_frames)
    write_bytes(out / CONFIG, config_text(params, weights).encode())
    standing = sum(not song["drop_reason"] for song in songs) - written
    say(f"generate: {written} songs written to {out / 'generated'}, {standing} stood already")
    return path


def config_text(params: Params, weights: str) -> str:
    """How the songs were made, as YAML: the checkpoint by its hash, and the sections of params that decide."""
    sections = {
        "sampler": params.sampler,
        "codec": params.codec,
        "style": params.style,
        "output": params.output,
    }
    decided = {name: section.decides() for name, section in sections.items()}
    return yaml.safe_dump({"checkpoint": weights, "seed": params.round.seed, **decided}, sort_keys=False)


def manifest_of(
    params: Params,
    manifest: Path | None,
    lyrics: Path | None,
    style: str | None,
    bpm: float | None,
    duration_s: float | None,
    out: Path,
) -> Path:
    """The manifest that is asked for: the given one, or one written for the lyrics and style of a single song.

    Raises:
        ValueError: neither or both are given, lyrics without a style, or see `write_request`.
    """
    if manifest is not None and lyrics is None:
        return manifest
    if manifest is not None or lyrics is None:
        raise ValueError("generate: give --manifest, or --lyrics with --style; one of the two")
    if style is None:
        raise ValueError("style: --lyrics needs --style, such as --style 'bright pop, female voice'")
    return write_request(params, lyrics, style, bpm, duration_s, out)


def write_request(
    params: Params, lyrics: Path, style: str, bpm: float | None, duration_s: float | None, out: Path
) -> Path:
    """Lyrics and a style text as a manifest of one row under ``<out>/request``; returns its path.

    Plain text gets rough word times in an editable .json, whose path is said. Times that were edited there
    are never written over.

    Raises:
        ValueError: text without a tempo, times without a length, or edited times stand in the way.
    """
    folder = out / "request"
    timed = lyrics
    if lyrics.suffix.lower() == ".txt":
        if bpm is None:
            raise ValueError(f"bpm: {lyrics} has no word times; give --bpm, or a .json with times")
        text = decode_text(lyrics.read_bytes())
        rough = rough_times(text, bpm, build_phonemizer(params.phonemizer), params.rough_times)
        duration_s = duration_s or rough.duration_s
        timed = folder / f"{lyrics.stem}.json"
        if timed.is_file() and json.loads(timed.read_text(encoding="utf-8")) != rough.to_json():
            raise ValueError(
                f"lyrics: {timed} holds other times than {lyrics} at {bpm:g} bpm would get; sing them with "
                f"--lyrics {timed} --duration SECONDS, or remove the file"
            )
        write_json(timed, rough.to_json())
        say(f"word times: {timed} (edit them, then sing them with --lyrics {timed})")
    if duration_s is None:
        raise ValueError(f"duration: {lyrics} does not say how long the song is; give --duration in seconds")
    prompt = folder / f"{lyrics.stem}.style.txt"
    write_bytes(prompt, (style + "\n").encode())
    row = {
        "id": lyrics.stem,
        "lrc_path": str(timed.resolve()),
        "prompt_path": str(prompt.resolve()),
        "duration": duration_s,
    }
    manifest = folder / f"{lyrics.stem}.manifest.json"
    write_json(manifest, [row])
    return manifest


@flow(name="generate", flow_run_name="generate-{out}", **HOOKS)
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
        params: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        settings: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    loaded = load_params(Path(params) if params else None, list(settings))
    return str(run_generate(loaded, Path(manifest), Path(checkpoint), Path(out), takes))
