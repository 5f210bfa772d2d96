"""Generated songs as files: jamify's output folder (`write_songs`), with `generation_metadata.json` and the settings.

``generated/<id>[_k].mp3`` the song, levelled; ``cfm_latents/<id>[_k].pt`` its latents [T, 64], T the frames of the
song; ``generation_metadata.json`` a list with one object a song: jamify's fields as far as they exist here, and ours.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from jam_model.conditions import duration_conditions
from tasks.audio.loudness import levelled
from tasks.audio.mix import Ending, encoded
from tasks.audio.read import array_of, read_bytes
from tasks.engine.fingerprint import canonical, fingerprint
from tasks.engine.stage import Section
from tasks.storage.files import write_bytes, write_json

METADATA, CONFIG = "generation_metadata.json", "generation_config.yaml"
SONG_COLUMNS = (
    "parent", "title", "candidate", "seed", "recipe", "reference_duration_s", "duration_s", "audio", "generated_latent",
)  # fmt: skip


class OutputParams(Section):
    """How songs are written: `ending` mp3, flac or wav; `lufs` for the whole mix; `peak`: no sample beyond it."""

    ending: Ending
    lufs: float = Field(ge=-70, le=0)
    peak: float = Field(gt=0, le=1)


def write_config(root: Path, weights: str, seed: int, sections: Mapping[str, Section]) -> None:
    """``generation_config.yaml``: the checkpoint by its hash, and of these sections what decides values."""
    decided = {name: section.decides() for name, section in sections.items()}
    text = yaml.safe_dump({"checkpoint": weights, "seed": seed, **decided}, sort_keys=False)
    write_bytes(root / CONFIG, text.encode())


def write_songs(
    root: Path, params: OutputParams, songs: Sequence[Mapping[str, Any]], max_frames: int
) -> tuple[Path, int]:
    """Writes what is missing of jamify's folder at `root`, and the metadata of all; returns its path and how many songs
    were written. A song whose files stand, made from the same audio, is not written again.

    Args:
        songs: rows of the generate table with `SONG_COLUMNS`. A dropped one has no files and its reason
            in the metadata.
        max_frames: of the model, the unit of `duration_rel`.
    """
    path, written = root / METADATA, 0
    before = json.loads(path.read_text()) if path.is_file() else []
    known = {row["generated_audio_path"]: row for row in before if not row["drop_reason"]}
    rows = [_facts(song, params, max_frames) for song in songs]
    for song, row in zip(songs, rows, strict=True):
        if row["drop_reason"]:
            continue
        earlier = known.get(row["generated_audio_path"], {})
        files = [root / row["generated_audio_path"], root / row["cfm_latent_path"]]
        if earlier.get("made_from") == row["made_from"] and all(file.is_file() for file in files):
            row["lufs"] = earlier["lufs"]
        else:
            row["lufs"] = _write(song, params, *files)
            written += 1
    rows.sort(key=lambda row: (row["sample_id"], row["generation_index"]))
    write_json(path, rows)
    return path, written


def _facts(song: Mapping[str, Any], params: OutputParams, max_frames: int) -> dict[str, Any]:
    recipe = json.loads(song["recipe"])
    row = {
        "sample_id": song["title"],
        "generation_index": song["candidate"],
        "original_duration": song["reference_duration_s"],
        "sample_kwargs": recipe["sampler"],
        "latent_type": "cfm_sampled",
        "seed": song["seed"],
        "weights_sha256": recipe["weights"],
        "output": params.model_dump(mode="json"),
        "made_by": song["made_by"],
        "drop_reason": song["drop_reason"],
    }
    if song["drop_reason"]:
        return row
    name = song["title"] + (f"_{song['candidate']}" if song["candidate"] else "")
    num_frames = len(array_of(song["generated_latent"]))
    start_time, duration_abs, duration_rel = duration_conditions(num_frames, max_frames)
    audio_hash = hashlib.sha256(song["audio"]["bytes"]).hexdigest()
    return row | {
        "generated_audio_path": f"generated/{name}.{params.ending}",
        "cfm_latent_path": f"cfm_latents/{name}.pt",
        "generated_duration": song["duration_s"],
        "trimmed_duration": song["duration_s"],
        "start_time": start_time,
        "duration_abs": duration_abs,
        "duration_rel": duration_rel,
        "made_from": fingerprint(canonical({"audio": audio_hash, "output": row["output"]})),
    }


def _write(song: Mapping[str, Any], params: OutputParams, audio: Path, latent: Path) -> float | None:
    """Both files; returns the loudness reached."""
    import torch

    mix_CN, _ = read_bytes(song["audio"]["bytes"])
    level = levelled(mix_CN, params.lufs, params.peak)
    write_bytes(audio, encoded(level.mix_CN, params.ending))
    latents = io.BytesIO()
    torch.save(torch.from_numpy(array_of(song["generated_latent"]).copy()), latents)
    write_bytes(latent, latents.getvalue())
    return None if level.lufs is None else round(level.lufs, 2)
