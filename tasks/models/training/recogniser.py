"""Trains the recogniser on toy songs of random words, and measures it on songs of the grammar.

    python -m tasks.models.training.recogniser --out tasks/models/embedded/weights/recogniser.safetensors

Beside the weights it writes a receipt (`.json`): the command, the seeds, the sizes and the figures. Training
songs are composed from the plain numbers 1,000,000 on (2,000,000 on for another `--songs-seed` 2, ...); the
songs of `jam toy` come from hashed 64-bit seeds, as the test songs here do, so that the two never meet.

Shape suffixes: B batch, T frames of 10 ms, U frames of 20 ms, M mel bands, V inventory.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tasks.models.embedded.recogniser import SILENCE, Recogniser, RecogniserConfig, level, save_recogniser
from tasks.models.embedded.recogniser_facts import FRAMES_A_SECOND
from tasks.models.phonemizer import EspeakPhonemizer, normalise_words
from tasks.models.training.recogniser_report import measure
from tasks.models.training.recogniser_songs import TrainingSong, training_songs
from tasks.toy.composition import VOCABULARY, song_seed

VARIANT_WEIGHTS = {"clean": 1.0, "separated": 2.0, "mix": 0.7, "codec": 2.0, "codec_noisy": 1.5, "band": 0.3}
CROP_FRAMES = 400
WARP = 0.12  # a crop is played up to this share faster or slower
FRAME_LOSS_WEIGHT = 0.5
WARMUP_STEPS = 50
CONSTANT_SHARE = 0.6  # of the steps at the full learning rate; it then falls to LAST_RATE of it
LAST_RATE = 0.02
IGNORED = -100
OPTIONS = (
    ("seed", 0, "of the initial weights and the crops"),
    ("songs-seed", 1, "of the training songs"),
    ("songs", 360, "training songs"),
    ("test-songs", 40, "songs to measure it on"),
    ("test-seed", 90909, "of the test songs, as in `jam toy --seed`"),
    ("steps", 4600, "of the optimiser"),
    ("batch", 8, "crops of a step"),
    ("learning-rate", 2e-3, "at its top"),
    ("width", 96, "of the net"),
    ("blocks", 5, "of the net"),
    ("workers", 2, "processes that render songs"),
)
"""Of the command line: name, default, meaning."""

log = logging.getLogger(__name__)


def toy_config(width: int, blocks: int) -> RecogniserConfig:
    """The inventory and lexicon of the toy vocabulary, by the phonemizer that everything else uses."""
    phonemizer = EspeakPhonemizer("en-us")
    words = sorted(word for entry in VOCABULARY for word in normalise_words(entry))
    lexicon = {word: tuple(phonemizer.phones([word])) for word in words}
    phones = tuple(sorted({phone for said in lexicon.values() for phone in said}))
    return RecogniserConfig(phones, lexicon, width, blocks)


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

    def _cut(self, song: TrainingSong) -> tuple[int, int, list[int]]:
        """A run of whole words of at most about `CROP_FRAMES`, with some of the pause around it."""
        frames = [(round(w.start_s * FRAMES_A_SECOND), round(w.end_s * FRAMES_A_SECOND)) for w in song.words]
        first_word = last_word = int(self._rng.integers(len(frames)))
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


def train(model: Recogniser, crops: Crops, steps: int, batch: int, learning_rate: float) -> None:
    """AdamW on the sum of the CTC loss and the frame loss. One thread, seeded: the same bytes every time."""
    optimiser = torch.optim.AdamW(model.parameters(), learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    losses = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * rate_at(step, steps)
        drawn = [crops.draw() for _ in range(batch)]
        mel_BTM = torch.nn.utils.rnn.pad_sequence([mel for mel, _, _ in drawn], batch_first=True)
        labels_BT = torch.nn.utils.rnn.pad_sequence([t for _, t, _ in drawn], True, IGNORED)
        ctc_BUV, frames_BTV = model(mel_BTM)
        ctc = F.ctc_loss(
            ctc_BUV.transpose(0, 1),
            torch.tensor([phone for _, _, phones in drawn for phone in phones]),
            torch.tensor([(len(mel) + 1) // 2 for mel, _, _ in drawn]),
            torch.tensor([len(phones) for _, _, phones in drawn]),
            zero_infinity=True,
        )
        frames = F.nll_loss(
            frames_BTV[:, : labels_BT.shape[1]].transpose(1, 2), labels_BT, ignore_index=IGNORED
        )
        loss = ctc + FRAME_LOSS_WEIGHT * frames
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append((ctc.item(), frames.item()))
        if (step + 1) % 200 == 0:
            log.info("step %d  ctc %.3f  frames %.3f", step + 1, *np.mean(losses[-200:], axis=0))


def rate_at(step: int, steps: int) -> float:
    """Share of the learning rate at a step: warm-up, constant, then linear down to `LAST_RATE`."""
    done = step / steps
    falling = 1.0 if done < CONSTANT_SHARE else max(LAST_RATE, (1 - done) / (1 - CONSTANT_SHARE))
    return min(1.0, (step + 1) / WARMUP_STEPS) * falling


def main(arguments: Sequence[str] | None = None) -> None:
    """Render, train, save, measure."""
    parser = argparse.ArgumentParser(prog="python -m tasks.models.training.recogniser", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="weights to write, .safetensors")
    for name, default, meaning in OPTIONS:
        parser.add_argument(f"--{name}", type=type(default), default=default, help=meaning)
    parser.add_argument("--cache", type=Path, help="keeps rendered songs; empty it when the toy songs change")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder:
        options.cache = options.cache or Path(folder)
        _run(options)


def _run(options: argparse.Namespace) -> None:
    start = options.songs_seed * 1_000_000
    songs = training_songs(range(start, start + options.songs), True, options.cache, options.workers)
    tests = training_songs(
        [song_seed(options.test_seed, i) for i in range(options.test_songs)],
        False,
        options.cache,
        options.workers,
    )
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    model = Recogniser(toy_config(options.width, options.blocks))
    began = time.monotonic()
    train(
        model, Crops(songs, model.config, options.seed), options.steps, options.batch, options.learning_rate
    )
    log.info("trained %d steps in %.1f min", options.steps, (time.monotonic() - began) / 60)
    save_recogniser(options.out, model)
    figures = measure(options.out, tests)
    made_by = {k: v for k, v in sorted(vars(options).items()) if k not in ("out", "cache", "workers")}
    command = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in made_by.items())
    receipt = {
        "command": f"python -m tasks.models.training.recogniser --out {options.out.name} {command}",
        "parameters": sum(p.numel() for p in model.parameters()),
        "bytes": options.out.stat().st_size,
        "training_songs": f"compose(n, uniform=True), n = {start} to {start + options.songs - 1}",
        "test_songs": f"jam toy --seed {options.test_seed}, the first {options.test_songs}",
        **asdict(model.config),
        "figures": figures,
    }
    options.out.with_suffix(".json").write_text(json.dumps(receipt, ensure_ascii=False, indent=1) + "\n")
    log.info("%s", json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
