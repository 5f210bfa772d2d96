"""Runs our model on parity inputs and writes what it computes; it does not judge.

python tests/parity.py META.json INPUTS.npz OUTPUT.npz     velocities, lyric embedding, samples
python tests/parity.py LYRICS.json OUTPUT.json             token grids and duration conditions
"""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from jam_model.checkpoint import build_model
from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import Guidance, JamConfig, ODESolver
from jam_model.dit import Jam
from jam_model.lyric_grid import SONG_FILLER, VOCAL_FILLER, lyric_grid
from jam_model.sampler import sample
from jam_model.words import Word

RELEASED_HEADS = 32
"""The released code never passes `heads` on, so LlamaConfig's default holds whatever the YAML says."""
RELEASED_WIDTH = 512


def released_config(dit: dict[str, Any]) -> JamConfig:
    """Our config of a jamify `dit` section, with the released code's defaults."""
    if dit.get("long_skip_connection"):
        raise ValueError("long_skip_connection is true; no released model has it, and neither has ours")
    return JamConfig(
        dim=dit["dim"],
        depth=dit.get("depth", 8),
        heads=RELEASED_HEADS,
        ff_mult=dit.get("ff_mult", 4),
        text_dim=dit.get("text_dim", RELEASED_WIDTH),
        text_layers=dit["conv_layers"],
        style_dim=RELEASED_WIDTH,
        latent_channels=dit.get("mel_dim", 100),
        max_frames=dit.get("max_frames", 2048),
        num_text_embeddings=dit.get("text_num_embeds", 256),
        use_implicit_duration=dit.get("use_implicit_duration", False),
    )


def named_weights(shapes: dict[str, list[int]], salt: str) -> dict[str, torch.Tensor]:
    """Each tensor drawn from a generator seeded by its name."""
    weights = {}
    for key, shape in shapes.items():
        generator = np.random.default_rng(zlib.crc32(f"{salt}/{key}".encode()))
        normal = generator.standard_normal(shape, dtype=np.float32)
        around_one = key.endswith("norm.weight")
        weights[key] = torch.from_numpy(
            (1 + 0.1 * normal if around_one else 0.05 * normal).astype(np.float32)
        )
    return weights


def run_model(meta: dict[str, Any], inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    model = build_model(released_config(meta["dit"]), named_weights(meta["state_dict"], meta["salt"])).eval()
    conditions = Conditions(
        *(inputs[f"in_{name}"] for name in ("text", "style", "start_time", "duration_abs", "duration_rel"))
    )
    with torch.no_grad():
        outputs = run_velocities(model, conditions, inputs)
        interval = tuple(meta.get("cfg_range") or (0.0, 1.0))
        guidances = {}
        if meta.get("dual_cfg"):
            style_guidance_scale, lyrics_guidance_scale = meta["dual_cfg"]
            guidances["sample_dual"] = Guidance(style_guidance_scale, lyrics_guidance_scale, interval, "dual")
            guidances["sample_dual_fixed"] = Guidance(
                style_guidance_scale, lyrics_guidance_scale, interval, "dual_fixed"
            )
        if "single_cfg_strength" in meta:
            strength = meta["single_cfg_strength"]
            strength = strength if strength >= 1e-5 else 0.0  # below, the released code does not guide
            guidances["sample_single"] = Guidance(1 + strength, 1 + strength, interval, "dual")
        integration = ODESolver(meta["steps"] - 1)
        for name, guidance in guidances.items():
            outputs[name] = sample(
                model, conditions, inputs["noise"], integration, guidance, inputs["in_negative_style"]
            )
    return outputs


def run_velocities(
    model: Jam, conditions: Conditions, inputs: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    x_BTC, reference_BTC = inputs["in_x"], inputs.get("in_cond")
    time_B = inputs["in_time"].expand(len(x_BTC))
    dropped = torch.zeros(len(x_BTC), dtype=torch.bool)
    return {
        "velocity_full": model(x_BTC, time_B, conditions, reference_BTC=reference_BTC),
        "velocity_drop_text": model(x_BTC, time_B, conditions, keep_lyrics_B=dropped),
        "velocity_drop_prompt": model(
            x_BTC, time_B, conditions, keep_style_B=dropped, reference_BTC=reference_BTC
        ),
        "lyric_embedding": model.lyric_embedding(conditions, padding_bias=False),
    }


def run_lyrics(meta: dict[str, Any]) -> dict[str, Any]:
    fillers = (meta.get("vocal_filler_id", VOCAL_FILLER), meta.get("song_filler_id", SONG_FILLER))
    kind = (meta.get("upsample_factor", 4), meta.get("filler", "average_sparse"), *fillers)
    if kind != (4, "average_sparse", VOCAL_FILLER, SONG_FILLER):
        raise ValueError(f"lyrics of {kind}; ours are (4, 'average_sparse', {VOCAL_FILLER}, {SONG_FILLER})")
    return {"cases": [run_case(case, meta["vocabulary"]) for case in meta["cases"]]}


def run_case(case: dict[str, Any], vocabulary: dict[str, int]) -> dict[str, Any]:
    total, max_frames, start_frame = case["num_latent_frames"], case["max_frames"], case["crop_start_frame"]
    words = [Word("", word["start"], word["end"], word["phoneme"]) for word in case["words"]]
    tokens = lyric_grid(words, max_frames, start_frame, total, vocabulary)
    num_frames = min(start_frame + max_frames, total) - start_frame
    durations = duration_conditions(num_frames, max_frames, start_frame, total)
    names = ("start_time", "duration_abs", "duration_rel")
    return {"tokens": tokens.tolist(), **dict(zip(names, durations, strict=True))}


def main(arguments: list[str]) -> None:
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    meta = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    if len(arguments) == 2:
        Path(arguments[1]).write_text(json.dumps(run_lyrics(meta)), encoding="utf-8")
        return
    with np.load(arguments[1], allow_pickle=False) as file:
        inputs = {name: torch.from_numpy(file[name]) for name in file.files}
    outputs = run_model(meta, inputs)
    arrays: dict[str, Any] = {name: tensor.numpy() for name, tensor in outputs.items()}
    np.savez(arguments[2], **arrays)


if __name__ == "__main__":
    main(sys.argv[1:])
