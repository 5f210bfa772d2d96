"""How far phones that a rule spreads in their words lie from where they are sung: songs of world two, by their truth alone.

python bench/phone_spread.py [--songs 100]

Nothing is rendered. Each word is laid on a grid
of its own by a filler, with a letter for each phone, and the start of every phone but its first is read off; the first begins with
the word under all fillers. AAE is the mean over phones of how far a start is off, with the 95 % interval over songs (bootstrap).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from bench.measuring import machine, write_result
from eval.stats.intervals import Resampling, rate
from flows.settings.params import load_params
from jam_model.lyric_grid import SLOTS_A_SECOND, SYMBOLS, VOCAL_FILLER, Filler, lyric_grid
from jam_model.words import Word
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.true_song import truth_of
from tasks.toy.world_two.truth import Truth

FILLERS: tuple[Filler, ...] = ("average_sparse", "average_repeat", "sung")
LETTERS = "abdefhijklmnoprstuvw"
SEED, RESAMPLING = 808808, Resampling(2000, 1)
MARGIN_FRAMES = 2


def words_of(truth: Truth) -> Iterator[tuple[str, Word, list[Word]]]:
    """Each word of several phones with its stratum, and a letter for each of its phones."""
    inside: dict[int, list[tuple[float, float]]] = defaultdict(list)
    notes = Counter(note.syllable for note in truth.notes)
    for phone in truth.phones:
        inside[truth.syllables[phone.syllable].word].append((phone.start_s, phone.end_s))
    held = {truth.syllables[syllable].word for syllable, count in notes.items() if count > 1}
    for number, word in enumerate(truth.words):
        times = inside[number]
        if 2 <= len(times) <= len(LETTERS):
            kind = "melisma" if number in held else "fast" if truth.lines[word.line].fast else "usual"
            phones = [Word(letter, *its) for letter, its in zip(LETTERS, times, strict=False)]
            yield kind, Word("", word.start_s, word.end_s, LETTERS[: len(times)]), phones


def late_s(word: Word, phones: list[Word], filler: Filler) -> list[float]:
    """How far each phone but the first begins from where it is sung; one that finds no slot begins where its word ends."""
    first = int(word.start_s * SLOTS_A_SECOND) // 4 * 4
    frames = int((word.end_s - word.start_s) * SLOTS_A_SECOND) // 4 + MARGIN_FRAMES
    grid = lyric_grid([word], frames, first // 4, filler=filler, phones=[phones])
    found = []
    for phone in phones[1:]:
        slots = np.flatnonzero(grid == SYMBOLS[phone.text])
        start_s = (first + slots[0]) / SLOTS_A_SECOND if len(slots) else word.end_s
        found.append(abs(float(start_s) - phone.start_s))
    assert grid.max() >= VOCAL_FILLER
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--songs", type=int, default=100)
    asked = arguments.parse_args()
    features = load_params().toy.two
    late: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    words: dict[str, int] = defaultdict(int)
    for song in range(asked.songs):
        for kind, word, phones in words_of(truth_of(compose(song_seed(SEED, song), features))):
            for stratum in (kind, "all"):
                words[stratum] += 1
                for filler in FILLERS:
                    late[stratum, filler][song] += late_s(word, phones, filler)
    rows = {}
    for stratum, count in words.items():
        rows[stratum] = {"words": count, "fillers": {}}
        for filler in FILLERS:
            songs = late[stratum, filler].values()
            found = rate([sum(song) for song in songs], [len(song) for song in songs], RESAMPLING)
            every = np.concatenate([*map(np.asarray, songs)])
            rows[stratum]["fillers"][filler] = {
                **{"aae_s": found.value, "low": found.low, "high": found.high, "songs": found.n},
                **{"phones": len(every), "median_s": float(np.median(every))},
                "over_50_ms": float((every > 0.05).mean()),
            }
    record = {"songs": asked.songs, "seed": SEED, "strata": rows, "machine": machine()}
    write_result("phone_spread", record)


if __name__ == "__main__":
    main()
