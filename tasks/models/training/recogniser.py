"""Trains a recogniser, a program with options: toy songs of words drawn evenly, measured on songs of the grammar of either world.

    python -m tasks.models.training.recogniser --out tasks/models/embedded/weights/recogniser.safetensors
    python -m tasks.models.training.recogniser --world two --out tasks/models/embedded/weights/recogniser_two.safetensors

Beside the weights it writes a receipt (`.json`): the command, the seeds, the sizes and the figures. Training
songs are composed from the plain numbers 1,000,000 on (2,000,000 on for another `--songs-seed` 2, ...); the
songs of `jam toy` come from hashed 64-bit seeds, as the test songs here do, so that the two never meet.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tasks.models.embedded.recogniser import Recogniser, RecogniserConfig, facts_of, save_recogniser
from tasks.models.phonemizer import EspeakPhonemizer, normalise_words
from tasks.models.training.recogniser_cache import training_songs
from tasks.models.training.recogniser_crops import Crops
from tasks.models.training.recogniser_report import measure
from tasks.models.training.recogniser_songs import TrainingSong
from tasks.models.training.recogniser_steps import train
from tasks.models.training.recogniser_strata import measure_strata
from tasks.toy.composition import VOCABULARY, song_seed
from tasks.toy.languages.english import ENGLISH

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
    ("ctc-parts", 1, "frames of the CTC head in 20 ms"),
    ("workers", 2, "processes that render songs"),
)
"""Of the command line: name, default, meaning."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class World:
    """What a recogniser of a world is made of: kinds of songs, words it may write, and how it is measured."""

    to_train: str
    to_measure: str
    vocabulary: tuple[str, ...]
    measured: Callable[[Path, Sequence[TrainingSong]], dict[str, Any]]
    training_songs: str
    test_songs: str


WORLDS = {
    "one": World(
        "uniform",
        "grammar",
        tuple(VOCABULARY),
        measure,
        "compose(n, uniform=True), n = {first} to {last}",
        "jam toy --seed {seed}, the first {songs}",
    ),
    "two": World(
        "two-drawn",
        "two-sung",
        tuple(word.text for word in ENGLISH.vocabulary),
        measure_strata,
        "render_two(n, drawn=True), n = {first} to {last}",
        "render_two(song_seed({seed}, i), drawn=False), the first {songs}",
    ),
}


def toy_config(width: int, blocks: int, world: str = "one", ctc_parts: int = 1) -> RecogniserConfig:
    """The inventory and lexicon of a world's vocabulary, by the phonemizer that everything else uses."""
    phonemizer = EspeakPhonemizer("en-us")
    words = sorted(word for entry in WORLDS[world].vocabulary for word in normalise_words(entry))
    lexicon = {word: tuple(phonemizer.phones([word])) for word in words}
    phones = tuple(sorted({phone for said in lexicon.values() for phone in said}))
    return RecogniserConfig(phones, lexicon, width, blocks, ctc_parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Render, train, save, measure."""
    parser = argparse.ArgumentParser(prog="python -m tasks.models.training.recogniser", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="weights to write, .safetensors")
    for name, default, meaning in OPTIONS:
        parser.add_argument(f"--{name}", type=type(default), default=default, help=meaning)
    parser.add_argument("--world", choices=sorted(WORLDS), default="one", help="whose songs (docs/toy.md)")
    parser.add_argument("--cache", type=Path, help="keeps rendered songs; empty it when the toy songs change")
    parser.add_argument(
        "--checkpoint", type=Path, help="file to go on from and to write; one for each command"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder:
        options.cache = options.cache or Path(folder)
        options.checkpoint = options.checkpoint or Path(folder) / "checkpoint"
        _run(options)


def _run(options: argparse.Namespace) -> None:
    world = WORLDS[options.world]
    start = options.songs_seed * 1_000_000
    songs = training_songs(
        range(start, start + options.songs), world.to_train, options.cache, options.workers
    )
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    model = Recogniser(toy_config(options.width, options.blocks, options.world, options.ctc_parts))
    began = time.monotonic()
    crops = Crops(songs, model.config, options.seed)
    train(model, crops, options.steps, options.batch, options.learning_rate, options.checkpoint)
    log.info("trained to step %d in %.1f min", options.steps, (time.monotonic() - began) / 60)
    save_recogniser(options.out, model)
    test_seeds = [song_seed(options.test_seed, i) for i in range(options.test_songs)]
    tests = training_songs(test_seeds, world.to_measure, options.cache, options.workers)
    figures = world.measured(options.out, tests)
    places = ("out", "cache", "checkpoint", "workers")
    made_by = {key: value for key, value in sorted(vars(options).items()) if key not in places}
    command = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in made_by.items())
    receipt = {
        "command": f"python -m tasks.models.training.recogniser --out {options.out.name} {command}",
        "parameters": sum(p.numel() for p in model.parameters()),
        "bytes": options.out.stat().st_size,
        "training_songs": world.training_songs.format(first=start, last=start + options.songs - 1),
        "test_songs": world.test_songs.format(seed=options.test_seed, songs=options.test_songs),
        **facts_of(model.config),
        "figures": figures,
    }
    options.out.with_suffix(".json").write_text(json.dumps(receipt, ensure_ascii=False, indent=1) + "\n")
    log.info("%s", json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
