"""Measures a recogniser on songs it has never seen, in all, by variant and voice: word and phone errors, and how far its times are off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.models.embedded.ctc_decode import WordLoop, edits, greedy_phones
from tasks.models.embedded.forced_alignment import align_phones
from tasks.models.embedded.recogniser import level, load_recogniser
from tasks.models.embedded.recogniser_facts import FRAMES_A_SECOND
from tasks.models.phonemizer import normalise_words
from tasks.models.training.recogniser_songs import VARIANTS, TrainingSong

WORD_PENALTY = 1.5
FILLER_PENALTY = 4.0
ALIGNED_VARIANT = "separated"


def measure(weights: Path, songs: Sequence[TrainingSong]) -> dict[str, Any]:
    """Corpus WER and PER of every variant (each voice apart too), and word time errors in ms on separated
    vocals: the median and the 90th percentile of starts, the same of ends, each voice apart.
    """
    model = load_recogniser(str(weights))
    config = model.config
    said = {word: config.ids(phones) for word, phones in config.lexicon.items()}
    loop = WordLoop(said, WORD_PENALTY)
    rates: dict[str, dict[str, float]] = {}
    errors_s: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for variant in VARIANTS:
        if variant == "band":
            continue
        counts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(4))
        for song in songs:
            heard = model.hear(level(song.power[variant].astype(np.float32)))
            words = [word for entry in song.words for word in normalise_words(entry.text)]
            phones = [phone for word in words for phone in said[word]]
            found = np.array(
                [
                    edits(words, loop.decode(heard.ctc_UV)),
                    len(words),
                    edits(phones, greedy_phones(heard.ctc_UV)),
                    len(phones),
                ]
            )
            counts["all"] += found
            counts[song.voice] += found
            if variant == ALIGNED_VARIANT:
                spans = align_phones(heard.frames_TV, [said[word] for word in words], FILLER_PENALTY)
                for span, word in zip(spans, song.words, strict=True):
                    error = (
                        span.first / FRAMES_A_SECOND - word.start_s,
                        span.end / FRAMES_A_SECOND - word.end_s,
                    )
                    errors_s["all"].append(error)
                    errors_s[song.voice].append(error)
        rates[variant] = {"per": round(counts["all"][2] / counts["all"][3], 4)} | {
            f"wer {voice}": round(count[0] / count[1], 4) for voice, count in sorted(counts.items())
        }
    return {
        "rates": rates,
        "times_ms": {voice: _times_ms(pairs) for voice, pairs in sorted(errors_s.items())},
    }


def _times_ms(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    start_ms, end_ms = 1000 * np.array(pairs).T
    return {
        "words": len(pairs),
        "start bias": round(float(np.median(start_ms)), 1),
        "start median": round(float(np.median(np.abs(start_ms))), 1),
        "start p90": round(float(np.percentile(np.abs(start_ms), 90)), 1),
        "end bias": round(float(np.median(end_ms)), 1),
        "end median": round(float(np.median(np.abs(end_ms))), 1),
        "end p90": round(float(np.percentile(np.abs(end_ms), 90)), 1),
    }
