"""Songs of world two as lyrics and their true times, composed and never rendered, and predictors that are trained on them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.duration_laws import Song
from flows.settings.params import Params, load_params
from jam_model.durations.checkpoint import load_durations
from jam_model.durations.network import DurationNet
from jam_model.durations.sheet import Sheet, timing_of
from jam_model.words import Word
from tasks.engine.fingerprint import fingerprint
from tasks.languages.phones import phones_of
from tasks.models.phonemizer import Phonemizer, build_phonemizer
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.true_song import truth_of
from tasks.toy.world_two.truth import Truth
from tasks.trainer.run_folder import finished_run
from tasks.training.duration_params import DurationParams
from tasks.training.duration_songs import TimedSong, hash_of_songs
from tasks.training.durations import VERSION, train_durations

TRAIN_SEED, VALIDATION_SEED, TEST_SEED = 515151, 525252, 535353
VALIDATION_SONGS = 48


def sides_of(
    train: int, tests: int, params: Params, phonemizer: Phonemizer
) -> tuple[list[Song], list[Song], list[Song]]:
    """Songs to learn from, to choose the best step by, and to ask."""
    return (
        songs_of(TRAIN_SEED, train, params, phonemizer),
        songs_of(VALIDATION_SEED, VALIDATION_SONGS, params, phonemizer),
        songs_of(TEST_SEED, tests, params, phonemizer),
    )


def asked(description: str | None) -> argparse.ArgumentParser:
    """What every bench of trained predictors is asked with."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=400)
    parser.add_argument("--tests", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=5)
    return parser


@dataclass(frozen=True)
class Predictors:
    """A predictor a seed, the songs that they learned from, and those to ask."""

    params: Params
    phonemizer: Phonemizer
    train: list[Song]
    tests: list[Song]
    nets: list[DurationNet]

    @classmethod
    def of(cls, given: argparse.Namespace) -> Predictors:
        """Those of the recipe of world two, trained where `given.scratch` has none."""
        params = load_params(Path(__file__).resolve().parents[1] / "params/toy2.yaml")
        phonemizer = build_phonemizer(params.models.phonemizer)
        train, validation, tests = sides_of(given.songs, given.tests, params, phonemizer)
        sections = [params.durations.model_copy(update={"seed": seed}) for seed in range(given.seeds)]
        nets = [trained(section, train, validation, given.scratch, []) for section in sections]
        return cls(params, phonemizer, train, tests, nets)

    @property
    def words_N(self) -> np.ndarray:
        """How many words each song to ask has."""
        return np.array([song.sheet.num_words for song in self.tests], float)

    def told(self) -> dict[str, Any]:
        """How much was learned from and asked, as results say it."""
        return {
            "songs": len(self.train),
            "tests": len(self.tests),
            "words": int(self.words_N.sum()),
            "lines": sum(len(song.sheet.lines()) for song in self.tests),
            "trainings": len(self.nets),
        }


def songs_of(seed: int, count: int, params: Params, phonemizer: Phonemizer) -> list[Song]:
    """New songs, as lyrics would be given and as they were sung."""
    songs = []
    for number in range(count):
        score = compose(song_seed(seed, number), params.toy.two)
        songs.append(_song(truth_of(score), score, phonemizer))
    return songs


def _song(truth: Truth, score: Any, phonemizer: Phonemizer) -> Song:
    lines = [line for line in truth.lines if line.in_lyrics]
    numbers = [number for line in lines for number in range(line.first_word, line.end_word)]
    words = [truth.words[number] for number in numbers]
    texts = [word.text for word in words]
    said = [one.phonemes for one in phonemizer.phonemize(texts)]
    phones: dict[int, list[Word]] = {number: [] for number in numbers}
    for phone in truth.phones:
        number = truth.syllables[phone.syllable].word
        if number in phones:
            phones[number].append(Word(phone.ipa, phone.start_s, phone.end_s))
    starts = np.cumsum([0, *(line.end_word - line.first_word for line in lines)]).tolist()
    parts = [line.part for line in lines]
    sheet = Sheet(
        said,
        [
            tuple(phone.text for phone in phones[number]) or tuple(phones_of(ipa))
            for number, ipa in zip(numbers, said, strict=True)
        ],
        starts[:-1],
        [start for start, part, before in zip(starts[1:], parts[1:], parts, strict=False) if part != before],
        truth.duration_s,
        truth.tempo_bpm,
    )
    timing = timing_of(
        [Word(word.text, word.start_s, word.end_s) for word in words], [phones[n] for n in numbers]
    )
    return Song(sheet, timing, texts, score)


def trained(
    section: DurationParams,
    train: Sequence[Song],
    validation: Sequence[Song],
    scratch: Path,
    figures: list[dict[str, Any]],
) -> DurationNet:
    """A predictor of these settings, trained below `scratch`; its figures are added to `figures`."""
    sides = [
        [TimedSong(str(number), song.sheet, song.timing) for number, song in enumerate(songs)]
        for songs in (train, validation)
    ]
    key = [section.decides(), *map(hash_of_songs, sides), VERSION]
    out = scratch / f"seed-{section.seed}-{fingerprint(key)}"
    result = finished_run(out) or train_durations(*sides, section, out)
    assert result is not None, "it was not stopped"
    figures.append({name: round(value, 4) for name, value in result.figures.items()})
    return load_durations(out)
