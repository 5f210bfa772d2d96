"""How far phones that a rule spreads in their words lie from where they are sung, on songs of world two.

python bench/phone_spread.py [--songs 100] [--heard 20]

By truth alone, without a sound: each word is laid on a grid of its own by a filler, with a letter for each phone, and the start of every
phone but its first is read off (the first begins with the word under all of them). Of the first songs also by ear: the embedded
aligner of world two hears the true vocals, within the words' true times, beside phones of equal lengths; here a word counts where its
phonemes are as many as the voice's phones, as `tasks.times.phones` takes them for each other. AAE is the mean over phones of how far a start is off, with
the 95 % interval over songs (bootstrap).
"""

from __future__ import annotations

import argparse
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from bench.measuring import machine, write_result
from eval.stats.intervals import Resampling, rate
from flows.settings.params import Params, load_params
from jam_model.lyric_grid import SLOTS_A_SECOND, SYMBOLS, Filler, lyric_grid
from jam_model.words import Word
from tasks.models.aligner import build_aligner, spread
from tasks.models.phonemizer import build_phonemizer, phonemized
from tasks.times.phones import given_phones
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.true_song import truth_of
from tasks.toy.world_two.truth import Truth

FILLERS: tuple[Filler, ...] = ("average_sparse", "average_repeat", "sung")
LETTERS = "abdefhijklmnoprstuvw"
SEED, RESAMPLING = 808808, Resampling(2000, 1)
MARGIN_FRAMES = 2
LENGTHS = ((0.2, 0.5), ("below 0.2", "0.2 to 0.5", "0.5 and more"))
Late = dict[tuple[str, str], dict[int, list[float]]]
"""How far starts are off, by (stratum, way to place them) and song."""


def strata_of(truth: Truth) -> list[tuple[str, str, str]]:
    """The strata of each word: all, how its line or its notes go, and the seconds a syllable of it lasts."""
    notes = Counter(note.syllable for note in truth.notes)
    held = {truth.syllables[syllable].word for syllable, count in notes.items() if count > 1}
    found = []
    for number, word in enumerate(truth.words):
        kind = "melisma" if number in held else "fast line" if truth.lines[word.line].fast else "usual"
        length = bisect_right(LENGTHS[0], (word.end_s - word.start_s) / word.num_syllables)
        found.append(("all", kind, f"{LENGTHS[1][length]} s a syllable"))
    return found


def phones_of_words(truth: Truth) -> list[list[tuple[str, float, float]]]:
    """The true phones of each word."""
    inside: list[list[tuple[str, float, float]]] = [[] for _ in truth.words]
    for phone in truth.phones:
        inside[truth.syllables[phone.syllable].word].append((phone.ipa, phone.start_s, phone.end_s))
    return inside


def laid_late_s(word: Word, phones: Sequence[Word], filler: Filler) -> list[float]:
    """How far each phone but the first begins from where it is sung; one that finds no slot begins where its word ends."""
    first = int(word.start_s * SLOTS_A_SECOND) // 4 * 4
    frames = int((word.end_s - word.start_s) * SLOTS_A_SECOND) // 4 + MARGIN_FRAMES
    grid = lyric_grid([word], frames, first // 4, filler=filler, phones=[phones])
    found = []
    for phone in phones[1:]:
        slots = np.flatnonzero(grid == SYMBOLS[phone.text])
        start_s = (first + slots[0]) / SLOTS_A_SECOND if len(slots) else word.end_s
        found.append(abs(float(start_s) - phone.start_s))
    return found


def add_laid(late: Late, song: int, truth: Truth) -> None:
    """A song's phones on grids, by every filler."""
    for word, its, strata in zip(truth.words, phones_of_words(truth), strata_of(truth), strict=True):
        if 2 <= len(its) <= len(LETTERS):
            phones = [Word(letter, *times) for letter, (_, *times) in zip(LETTERS, its, strict=False)]
            lettered = Word("", word.start_s, word.end_s, LETTERS[: len(its)])
            for filler in FILLERS:
                for stratum in strata:
                    late[stratum, filler][song] += laid_late_s(lettered, phones, filler)


def heard_songs(
    params: Params, num_songs: int
) -> Iterator[tuple[Truth, list[Word], dict[str, list[list[Word]]]]]:
    """Songs with their words, and the phones of each: true, heard by the aligner, and at equal lengths."""
    aligner = build_aligner(params.models.aligner.model_copy(update={"weights": "recogniser_two"}))
    phonemizer = build_phonemizer(params.models.phonemizer)
    for number in range(num_songs):
        song = perform(compose(song_seed(SEED, number), params.toy.two))
        plain = [Word(word.text, word.start_s, word.end_s) for word in song.truth.words]
        words = phonemized(plain, phonemizer)[0]
        stated = [Word(*phone) for its in phones_of_words(song.truth) for phone in its]
        heard = aligner.phones(song.vocals_N, words)
        even = [spread(word, [phone.text for phone in its]) for word, its in zip(words, heard, strict=True)]
        yield song.truth, words, {"true": given_phones(stated, words, words), "heard": heard, "even": even}


def add_heard(late: Late, params: Params, num_songs: int) -> dict[str, int]:
    """How far heard and even phones are off; how many words the true phones fit."""
    counts = {"words": 0, "words_without_phones": 0}
    for song, (truth, words, ways) in enumerate(heard_songs(params, num_songs)):
        counts["words"] += len(words)
        counts["words_without_phones"] += sum(not its for its in ways["true"])
        for number, (strata, its) in enumerate(zip(strata_of(truth), ways["true"], strict=True)):
            for way in ("heard", "even"):
                starts = zip(ways[way][number][1:], its[1:], strict=bool(its))
                found = [abs(one.start_s - true.start_s) for one, true in starts]
                for stratum in strata:
                    late[stratum, way][song] += found
    return counts


def told(late: Late) -> dict[str, dict[str, Any]]:
    """The figures of each stratum and way."""
    rows: dict[str, dict[str, Any]] = defaultdict(dict)
    for (stratum, way), songs in sorted(late.items()):
        lists = [song for song in songs.values() if song]
        found = rate([sum(song) for song in lists], [len(song) for song in lists], RESAMPLING)
        every = np.concatenate([np.asarray(song) for song in lists])
        rows[stratum][way] = {
            **{"aae_s": found.value, "low": found.low, "high": found.high, "songs": found.n},
            **{"phones": len(every), "median_s": float(np.median(every))},
            "over_50_ms": float((every > 0.05).mean()),
        }
    return rows


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--songs", type=int, default=100)
    arguments.add_argument("--heard", type=int, default=20)
    asked, params = arguments.parse_args(), load_params()
    laid: Late = defaultdict(lambda: defaultdict(list))
    for song in range(asked.songs):
        add_laid(laid, song, truth_of(compose(song_seed(SEED, song), params.toy.two)))
    by_ear: Late = defaultdict(lambda: defaultdict(list))
    counts = add_heard(by_ear, params, asked.heard)
    record = {"songs": asked.songs, "laid": told(laid), "heard": {**counts, **told(by_ear)}}
    write_result("phone_spread", record | {"seed": SEED, "machine": machine()})


if __name__ == "__main__":
    main()
