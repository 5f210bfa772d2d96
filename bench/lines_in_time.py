"""How far words of lyrics with times of lines alone are off: as `jam generate` predicts them within the lines, and by rule.

python bench/lines_in_time.py --scratch FOLDER [--songs 400] [--tests 128] [--seeds 5]

FOLDER holds the predictors of bench/durations.py, or they are trained there. Of every new song each line keeps its start and ends where
the next one begins, as an .lrc says it; no tempo is told. Told is the mean absolute error of word starts in seconds, with 95 % intervals
over songs and seeds, and how much more the rule errs, paired. *Median*: what the first candidate gets; *draw*: any other.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.duration_laws import Song
from bench.duration_songs import Predictors, asked
from bench.durations import ratio_over
from bench.measuring import machine, write_result
from jam_model.durations.in_lines import times_in_lines
from jam_model.durations.network import DurationNet
from jam_model.words import Word
from tasks.lyrics.lyrics import Lyrics
from tasks.models.phonemizer import Phonemizer
from tasks.prompts.rough_times import times_within_lines

RULE = "by rule"


def as_lrc(song: Song) -> Lyrics:
    """The lyrics with times of their lines alone."""
    starts_s, lines = song.timing.starts_s, song.sheet.lines()
    until_s = [*(float(starts_s[first]) for first, _ in lines[1:]), song.sheet.duration_s]
    timed = [
        Word(" ".join(song.texts[first:end]), float(starts_s[first]), end_s)
        for (first, end), end_s in zip(lines, until_s, strict=True)
    ]
    return Lyrics([*song.texts], lines=timed, line_starts=[first for first, _ in lines])


def off_by_rule(song: Song, phonemizer: Phonemizer) -> float:
    """Absolute errors of starts, summed over words."""
    words = times_within_lines(as_lrc(song), song.sheet.duration_s, phonemizer)
    return float(np.abs(np.array([word.start_s for word in words]) - song.timing.starts_s).sum())


def off_predicted(net: DurationNet, song: Song, seed: int, is_median: bool) -> float:
    """The same of predicted times."""
    rooms_s = as_lrc(song).rooms_of_lines(song.sheet.duration_s)
    sheet = replace(song.sheet, bpm=None)
    found = times_in_lines(net, sheet, rooms_s, seed, 1.0, is_median)
    return float(np.abs(found.timing.starts_s - song.timing.starts_s).sum())


def main() -> None:
    """Train what lacks, predict, lay by rule, compare, write."""
    given = asked(__doc__).parse_args()
    torch.set_num_threads(1)
    started = time.process_time()
    predictors = Predictors.of(given)
    tests, nets, words_N = predictors.tests, predictors.nets, predictors.words_N
    off_SN = {
        name: np.array(
            [
                [
                    off_predicted(net, song, 1000 * seed + number, is_median)
                    for number, song in enumerate(tests)
                ]
                for seed, net in enumerate(nets)
            ]
        )
        for name, is_median in (("predicted, median", True), ("predicted, draw", False))
    }
    by_rule_N = np.array([off_by_rule(song, predictors.phonemizer) for song in tests])
    off_SN[RULE] = np.repeat(by_rule_N[None], given.seeds, axis=0)
    write_result(
        "lines_in_time",
        {
            **predictors.told(),
            "columns": ["value", "95 % low", "95 % high"],
            "start_s": {name: ratio_over(of, words_N) for name, of in off_SN.items()},
            "by_rule_over_it": {
                name: ratio_over(off_SN[RULE] - of, words_N) for name, of in off_SN.items() if name != RULE
            },
            "cpu_minutes": round((time.process_time() - started) / 60, 1),
            "load": [round(load, 1) for load in os.getloadavg()],
            "machine": machine("numpy"),
        },
    )


if __name__ == "__main__":
    main()
