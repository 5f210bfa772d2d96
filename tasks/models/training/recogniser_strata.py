"""Measures a recogniser on songs of world two by stratum: pace, melisma, part, voice, backing, vocabulary.

Every error belongs to a word or phone of the reference: a substitution or deletion to its own, an insertion to the next
one (to the last where none follows). So the errors of a stratum and its words add up to those of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.models.embedded.ctc_decode import WordLoop, greedy_phones
from tasks.models.embedded.forced_alignment import phone_frames
from tasks.models.embedded.recogniser import level, load_recogniser
from tasks.models.embedded.recogniser_facts import FRAMES_A_SECOND
from tasks.models.phonemizer import normalise_words
from tasks.models.training.recogniser_report import FILLER_PENALTY, WORD_PENALTY
from tasks.models.training.recogniser_songs import TrainingSong

HEARD = {"true": "clean", "separated": "separated", "mix": "mix", "round trip": "codec"}
"""What a report calls a variant."""

TIMED = ("true", "separated")


def measure_strata(weights: Path, songs: Sequence[TrainingSong]) -> dict[str, Any]:
    """Rates and counts of every variant of `HEARD` by stratum; of those `TIMED`, phone starts as well, in ms."""
    model = load_recogniser(str(weights))
    said = {word: model.config.ids(phones) for word, phones in model.config.lexicon.items()}
    loop = WordLoop(said, WORD_PENALTY)
    rates: dict[str, Any] = {}
    starts: dict[str, Any] = {}
    for name, variant in HEARD.items():
        counts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(4))
        late_ms: dict[str, list[float]] = defaultdict(list)
        for song in songs:
            heard = model.hear(level(song.power[variant].astype(np.float32)))
            words = [normalise_words(word.text)[0] for word in song.words]
            owner = [place for place, word in enumerate(words) for _ in said[word]]
            phones = [phone for word in words for phone in said[word]]
            wrong_words = edits_by_place(words, loop.decode(heard.ctc_UV))
            wrong_phones = edits_by_place(phones, greedy_phones(heard.ctc_UV))
            of_word = np.bincount(owner, wrong_phones, len(words))
            for place, strata in enumerate(song.strata):
                found = np.array([wrong_words[place], 1, of_word[place], len(said[words[place]])])
                for stratum in ("all", *strata):
                    counts[stratum] += found
            if name in TIMED:
                spans = phone_frames(heard.frames_TV, [said[word] for word in words], FILLER_PENALTY)
                told = [first / FRAMES_A_SECOND for of_phones in spans for first, _ in of_phones]
                for place, told_s, true_s in zip(owner, told, true_starts(song, len(phones)), strict=True):
                    for stratum in ("all", *song.strata[place]):
                        late_ms[stratum].append(1000 * (told_s - true_s))
        rates[name] = {stratum: _rates(found) for stratum, found in sorted(counts.items())}
        if name in TIMED:
            starts[name] = {stratum: _late(of) for stratum, of in sorted(late_ms.items())}
    return {"songs": len(songs), "rates": rates, "phone_starts_ms": starts}


def true_starts(song: TrainingSong, num_phones: int) -> list[float]:
    """When every phone begins, in seconds. Raises ValueError where the singer has other phones than the lexicon."""
    if len(song.phones) != num_phones:
        raise ValueError(
            f"song {song.seed}: its truth has {len(song.phones)} phones and the lexicon {num_phones}; "
            "leave out words that the voices say otherwise"
        )
    return [phone.start_s for phone in song.phones]


def edits_by_place(
    reference: Sequence[int] | Sequence[str], hypothesis: Sequence[int] | Sequence[str]
) -> np.ndarray:
    """How many of the least edits belong to each place of the reference, [len(reference)], which is not empty."""
    costs = np.zeros((len(reference) + 1, len(hypothesis) + 1), int)
    costs[:, 0] = np.arange(len(reference) + 1)
    steps = np.arange(len(hypothesis) + 1)
    costs[0] = steps
    heard_array = np.array(hypothesis)
    for place, one in enumerate(reference, start=1):
        kept = costs[place - 1, 1:] + 1
        if len(hypothesis):
            kept = np.minimum(costs[place - 1, :-1] + (heard_array != one), kept)
        row = np.concatenate([[place], kept]) - steps
        costs[place] = np.minimum.accumulate(row) + steps
    wrong = np.zeros(len(reference))
    place, heard = len(reference), len(hypothesis)
    while place or heard:
        here = costs[place, heard]
        same = place and heard and reference[place - 1] == hypothesis[heard - 1]
        if place and heard and here == costs[place - 1, heard - 1] + (not same):
            wrong[place - 1] += not same
            place, heard = place - 1, heard - 1
        elif place and here == costs[place - 1, heard] + 1:
            wrong[place - 1] += 1
            place -= 1
        else:
            wrong[min(place, len(reference) - 1)] += 1
            heard -= 1
    return wrong


def _rates(found: np.ndarray) -> dict[str, float]:
    wrong_words, words, wrong_phones, phones = found
    return {
        "wer": round(wrong_words / words, 4),
        "per": round(wrong_phones / phones, 4),
        "words": int(words),
        "phones": int(phones),
    }


def _late(late_ms: Sequence[float]) -> dict[str, float]:
    off_ms = np.abs(late_ms)
    return {
        "bias": round(float(np.median(late_ms)), 1),
        "median": round(float(np.median(off_ms)), 1),
        "p90": round(float(np.percentile(off_ms, 90)), 1),
        "phones": len(late_ms),
    }
