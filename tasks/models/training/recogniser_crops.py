"""Crops of training songs, augmented (power, mel, warp): what the recogniser sees of a song in one step.

Shape suffixes: T frames of 10 ms, M mel bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.models.embedded.recogniser import SILENCE, RecogniserConfig, level
from tasks.models.embedded.recogniser_facts import FRAMES_A_SECOND
from tasks.models.training.recogniser_songs import TrainingSong

VARIANT_WEIGHTS = {"clean": 1.0, "separated": 2.0, "mix": 0.7, "codec": 2.0, "codec_noisy": 1.5, "band": 0.3}
CROP_FRAMES = 400
WARP = 0.12  # a crop is played up to this share faster or slower
FAST_CROPS = 3.0  # how often a crop begins in a fast line, over any other of as many words


class Crops:
    """Draws augmented crops of whole words from songs: features, frame labels and phone targets."""

    def __init__(self, songs: Sequence[TrainingSong], config: RecogniserConfig, seed: int) -> None:
        self._songs = songs
        self._rng = np.random.default_rng(seed)
        self._number = {phone: i + 1 for i, phone in enumerate(config.phones)}
        self._variants = list(VARIANT_WEIGHTS)
        weights = np.array(list(VARIANT_WEIGHTS.values()))
        self._chances = weights / weights.sum()

    def draw(self) -> tuple[Tensor, Tensor, list[int]]:
        """Features [T, M], labels [T] and the phones' numbers of one crop."""
        rng = self._rng
        song = self._songs[int(rng.integers(len(self._songs)))]
        variant = self._variants[rng.choice(len(self._variants), p=self._chances)]
        mel_TM = level(self._augmented(song.power[variant].astype(np.float32)))
        labels_T = song.labels(self._number, len(mel_TM))
        if variant == "band":
            first = int(rng.integers(max(len(mel_TM) - CROP_FRAMES, 1)))
            end, phones = first + CROP_FRAMES // 2, list[int]()
            labels_T = np.full_like(labels_T, SILENCE)
        else:
            first, end, phones = self._cut(song)
        crop_TM, crop_T = mel_TM[first:end], labels_T[first:end]
        warped = np.linspace(0, len(crop_TM) - 1, round(len(crop_TM) * rng.uniform(1 - WARP, 1 + WARP)))
        frames = warped.round().astype(int)
        return torch.from_numpy(crop_TM[frames]), torch.from_numpy(crop_T[frames]), phones

    @property
    def state(self) -> dict[str, Any]:
        """Where its random numbers stand."""
        return dict(self._rng.bit_generator.state)

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._rng.bit_generator.state = state

    def _first_word(self, song: TrainingSong) -> int:
        if not song.strata:
            return int(self._rng.integers(len(song.words)))
        weights = np.array([FAST_CROPS if "pace fast" in of_word else 1.0 for of_word in song.strata])
        return int(self._rng.choice(len(weights), p=weights / weights.sum()))

    def _cut(self, song: TrainingSong) -> tuple[int, int, list[int]]:
        """A run of whole words of at most about `CROP_FRAMES`, with some of the pause around it."""
        frames = [(round(w.start_s * FRAMES_A_SECOND), round(w.end_s * FRAMES_A_SECOND)) for w in song.words]
        first_word = last_word = self._first_word(song)
        while last_word + 1 < len(frames) and frames[last_word + 1][1] - frames[first_word][0] <= CROP_FRAMES:
            last_word += 1
        before = frames[first_word - 1][1] if first_word else 0
        after = frames[last_word + 1][0] if last_word + 1 < len(frames) else len(song.power["clean"])
        first = max(before, frames[first_word][0] - int(self._rng.integers(60)), 0)
        end = max(min(after, frames[last_word][1] + int(self._rng.integers(60))), frames[last_word][1])
        phones = [self._number[p.phone] for p in song.phones if first_word <= p.word <= last_word]
        return first, end, phones

    def _augmented(self, power_TM: np.ndarray) -> np.ndarray:
        """Gain, tilt, a noise floor, noise on the features and masked bands."""
        rng = self._rng
        num_mels = power_TM.shape[1]
        power_TM = power_TM + np.float32(rng.normal(0, 0.5))
        power_TM = power_TM + (np.linspace(-1, 1, num_mels) * rng.normal(0, 0.7)).astype(np.float32)
        if rng.random() < 0.5:
            power_TM = np.logaddexp(power_TM, np.float32(rng.uniform(-5, 1)))
        if rng.random() < 0.3:
            power_TM = power_TM + rng.uniform(0, 1) * rng.standard_normal(power_TM.shape, np.float32)
        for _ in range(2):
            if rng.random() < 0.5:
                low = int(rng.integers(num_mels - 4))
                power_TM[:, low : low + int(rng.integers(1, 7))] = power_TM.mean()
        return power_TM.astype(np.float32)
