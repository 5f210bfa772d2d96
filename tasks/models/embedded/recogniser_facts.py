"""What is known of a recogniser without torch: its frames, where its weights lie, and their revision."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jam_model.frames import SAMPLE_RATE_HZ

FRAME_SAMPLES = 441
FRAMES_A_SECOND = SAMPLE_RATE_HZ // FRAME_SAMPLES
WEIGHTS = Path(__file__).parent / "weights"


def weights_path(weights: str) -> Path:
    """Where `weights` lie: the name of a file shipped with the package, or a path to another one."""
    path = Path(weights) if weights.endswith(".safetensors") else WEIGHTS / f"{weights}.safetensors"
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in WEIGHTS.glob("*.safetensors")))
        raise ValueError(
            f"weights: {weights!r} is no file; name one shipped ({shipped}) or train one with "
            "`python -m tasks.models.training.recogniser --out FILE.safetensors`"
        )
    return path


def weights_revision(weights: str) -> str:
    """The first 8 hex digits of the sha256 of the weights' file, which holds the config as well."""
    return hashlib.sha256(weights_path(weights).read_bytes()).hexdigest()[:8]
