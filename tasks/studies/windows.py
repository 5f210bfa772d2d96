"""Windows of the study of long form as files, and prompts that keep the windows before them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from jam_model.controls.known import PAINTING
from jam_model.frames import SAMPLE_RATE_HZ, frames_of_seconds
from tasks.audio.read import array_of, flac_bytes
from tasks.engine.fingerprint import fingerprint
from tasks.engine.table import Source
from tasks.prompts.kept_seconds import painting_of
from tasks.prompts.prompts import Prompt
from tasks.storage.files import write_bytes


def outpainted(prompt: Prompt, kept_s: float, latents: bytes) -> Prompt:
    """The prompt that keeps a song's first seconds; `latents`: of that song, as `generate` writes them."""
    num_frames = frames_of_seconds(prompt.duration_s or 0.0)
    painting = painting_of(((0.0, kept_s),), array_of(latents), num_frames)
    return replace(prompt, controls={**prompt.controls, PAINTING: painting})


def pieces(mix_CN: np.ndarray, edges_s: Sequence[float], rate_hz: int) -> list[np.ndarray]:
    """The windows of a mix [2, N]; one behind its end has no samples."""
    return [
        mix_CN[:, round(start_s * rate_hz) : round(end_s * rate_hz)] for start_s, end_s in pairwise(edges_s)
    ]


def write_windows(
    folder: Path, song_id: str, system: str, mix_CN: np.ndarray, edges_s: Sequence[float]
) -> Iterator[tuple[str, str]]:
    """Writes each window that has sound; its file's name and the hash of its bytes. `system`: a kind and a run, as ``whole-c0s0``."""
    kind, _, run = system.partition("-")
    for place, piece_CN in enumerate(pieces(mix_CN, edges_s, SAMPLE_RATE_HZ)):
        if piece_CN.shape[1]:
            name, data = f"{song_id}-{kind}-{place}-{run}.flac", flac_bytes(piece_CN, SAMPLE_RATE_HZ)
            write_bytes(folder / name, data)
            yield name, hashlib.sha256(data).hexdigest()


def window_source(source: Source, hashes: Mapping[str, str]) -> Source:
    """The row with its window's file; one that was not made names a file that is not there, so that it is counted as failed."""
    name = f"{source.song_id}.flac"
    path = name if name in hashes else f"not-made/{name}"
    facts = {**source.facts, "parent_audio": {"path": path, "bytes": None}}
    return replace(source, identity=fingerprint([source.identity, hashes.get(name)]), facts=facts)
