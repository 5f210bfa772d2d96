"""How much audio each model gets through on this machine: 30 s of a song, with the model loaded and warm, as a worker has it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.audio.limits import AudioParams
from tasks.audio.read import read_audio
from tasks.models.aligner import build_aligner
from tasks.models.base import EMBEDDED, ModelChoice
from tasks.models.beats import NONE, build_beats
from tasks.models.chords import build_chords
from tasks.models.codec import build_codec
from tasks.models.description.segmenter import LABELS, build_segmenter
from tasks.models.judge import build_judge
from tasks.models.melody import build_melody
from tasks.models.separator import build_separator
from tasks.models.style_encoder import build_style_encoder
from tasks.models.transcriber import build_transcriber
from tasks.models.voice_activity import build_voice_activity

EXCERPT_S, WARM_S = 30.0, 3.0
WORD, WORDS_PER_S = ("love", "lˈʌv"), 1.5
"""What the aligner is asked to place: how long it takes depends on how many words there are, hardly on which."""
Run = Callable[[np.ndarray], object]


def excerpt(path: Path, audio: AudioParams) -> np.ndarray:
    """30 s from the middle of a song, float32 [2, N] at 44.1 kHz.

    Raises:
        ValueError: the file is not there, cannot be read, or is shorter.
    """
    if not path.is_file():
        raise ValueError(f"--measure: {path} is no file; give a song of {EXCERPT_S:g} s or more")
    try:
        mix_CN, _ = read_audio(path, audio)
    except ValueError as error:
        raise ValueError(f"--measure: {path}: {error}") from error
    length, wanted = mix_CN.shape[1], round(EXCERPT_S * SAMPLE_RATE_HZ)
    if length < wanted:
        lasts = f"lasts {length / SAMPLE_RATE_HZ:.1f} s"
        raise ValueError(f"--measure: {path} {lasts}; give a song of {EXCERPT_S:g} s or more")
    start = (length - wanted) // 2
    return mix_CN[:, start : start + wanted]


def minutes_a_minute(kind: str, choice: ModelChoice, mix_CN: np.ndarray, threads: int) -> float | None:
    """Minutes of audio that the chosen model of a kind takes in a minute on so many threads; None where it hears none.

    Raises:
        ValueError: the model cannot be loaded, or cannot take this sound.
    """
    import torch

    build = BUILD.get(kind)
    if (
        build is None
        or choice.model in (NONE, LABELS)
        or (kind == "voice_activity" and choice.model == EMBEDDED)
    ):
        return None
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        run = build(choice)
        run(mix_CN[:, : round(WARM_S * SAMPLE_RATE_HZ)])
        started = time.perf_counter()
        run(mix_CN)
        return EXCERPT_S / (time.perf_counter() - started)
    finally:
        torch.set_num_threads(before)


def _transcribing(choice: Any) -> Run:
    model = build_transcriber(choice)
    return lambda mix_CN: model.transcribe(_vocals(mix_CN))


def _aligning(choice: Any) -> Run:
    model = build_aligner(choice)

    def run(mix_CN: np.ndarray) -> object:
        count = round(WORDS_PER_S * mix_CN.shape[1] / SAMPLE_RATE_HZ)
        return model.align(_vocals(mix_CN), [WORD] * count)

    return run


def _following(choice: Any) -> Run:
    model = build_melody(choice)
    return lambda mix_CN: model.track(_vocals(mix_CN))


def _vocals(mix_CN: np.ndarray) -> np.ndarray:
    """The mix in place of vocals: as long, and as much work."""
    return np.ascontiguousarray(mix_CN.mean(axis=0))


BUILD: Mapping[str, Callable[[Any], Run]] = {
    "separator": lambda choice: build_separator(choice).separate,
    "transcriber": _transcribing,
    "guard_transcriber": _transcribing,
    "voice_activity": lambda choice: build_voice_activity(choice).voiced_s,
    "beats": lambda choice: build_beats(choice).track,
    "chords": lambda choice: build_chords(choice).recognise,
    "melody": _following,
    "aligner": _aligning,
    "style_encoder": lambda choice: build_style_encoder(choice).embed_audio,
    "codec": lambda choice: build_codec(choice).encode,
    "judge": lambda choice: build_judge(choice).score,
    "sections": lambda choice: build_segmenter(choice).segment,
}
"""The kinds that hear audio; the phonemizer reads words."""
