"""Can the phone that is sung be read from a control? A small net on frames of world two, songs it has not seen, beside controls of other songs.

python bench/control_phones.py --scratch FOLDER [--learned 48] [--new 16] [--seeds 1] [--controls NAME ...] [--minutes 8]

FOLDER is that of `control_adherence.py` and `all_controls.py`. The net reads the frame and REACH frames on either side: a narrow layer a frame, as wide as the model's own for that
control (`narrow`) or, of sound, 32 (`free`), then 64 hidden units over all; its answer is a phone, or that nobody is heard. Truth is the token of the frame's middle
where phones lie as they are sung; ends of words, which are no phone, are left out.

Three questions of the same net, each a share of right answers over the frames of a song: is there a voice; is it a vowel, where there is one; which vowel or
which consonant, where it is known which of both (`phone`). Chance is the same net learned and asked with every song's control from another song,
repeated or cut to its length; and who always says what is usual, with no control at all. Differences are paired, song by song, over the mean of the seeds. `band with the voice` is the song's own latents, blurred as a sketch is:
what a control that holds words looks like.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.coarse_songs import COARSE, TRUE, with_coarse
from bench.control_adherence import HELD_OUT_SEED
from bench.control_readers import CONTROLS, LEFT_OUT, NOBODY, QUESTIONS, VOWELS, phones_sung, read, widths
from bench.control_songs import songs_of
from bench.measuring import RESULTS, machine, options_parser, rounded
from bench.toy2_causes import EVENLY, RECIPE, RESAMPLING
from bench.toy2_songs import Studio
from eval.stats.intervals import mean, paired_mean_difference
from flows.settings.params import Params, load_params
from jam_model.shards import Sample

_told = partial(rounded, digits=4)


def commonest(songs: Sequence[Sample], new: Sequence[Sample]) -> np.ndarray:
    """Shares of right answers [songs, questions] of who always says what is usual in `songs`."""
    every = np.concatenate([phones_sung(song) for song in songs])
    is_vowel = np.isin(every, [*VOWELS])
    usual = {True: _most(every[is_vowel]), False: _most(every[(every > NOBODY) & ~is_vowel])}
    sung, vowel = bool((every > NOBODY).mean() > 0.5), bool(is_vowel[every > NOBODY].mean() > 0.5)
    rows = []
    for song in new:
        phones_T = phones_sung(song)
        known_T, sung_T = phones_T[phones_T != LEFT_OUT], phones_T[phones_T > NOBODY]
        vowel_T = np.isin(sung_T, [*VOWELS])
        said_T = np.where(vowel_T, usual[True], usual[False])
        rows.append(
            (((known_T > NOBODY) == sung).mean(), (vowel_T == vowel).mean(), (said_T == sung_T).mean())
        )
    return np.array(rows, float)


def _most(values: np.ndarray) -> int:
    return int(np.bincount(values).argmax())


def figures(own: np.ndarray, others: np.ndarray, usual: np.ndarray) -> dict[str, Any]:
    """Shares [seeds, songs, questions] with their intervals over songs, and what the own control has more than both kinds of chance."""
    told = {}
    for place, name in enumerate(QUESTIONS):
        ones, twos = own[..., place].mean(axis=0), others[..., place].mean(axis=0)
        told[name] = {
            "own": _told(mean(ones.tolist(), RESAMPLING)),
            "another song's": _told(mean(twos.tolist(), RESAMPLING)),
            **{
                f"own - {said}": _told(paired_mean_difference(ones.tolist(), chance.tolist(), RESAMPLING))
                for said, chance in (("another song's", twos), ("the usual", usual[:, place]))
            },
        }
    return told


def shares(rows: Sequence[Mapping[str, float | None]]) -> list[list[float]]:
    """Of each song, NaN where a question cannot be asked."""
    return [[np.nan if row[name] is None else float(row[name] or 0.0) for name in QUESTIONS] for row in rows]


def sets_of(given: argparse.Namespace, params: Params, until: float) -> list[Sequence[Sample]] | None:
    """The songs that are learned and the new ones; None where the minutes are over before their drums and sketches are made."""
    studio, sets = Studio(params), []
    is_coarse = any(CONTROLS[name][0] in (*COARSE, *TRUE) for name in given.controls)
    for seed, count, used in (
        (params.toy.seed, given.songs, given.learned),
        (HELD_OUT_SEED, given.held_out, given.new),
    ):
        samples, _ = songs_of(params, seed, count, studio, given.scratch)
        some: Sequence[Sample] | None = samples[:used]
        if is_coarse:
            some = with_coarse(samples[:used], params, seed, studio, given.scratch, until)
        if some is None:
            return None
        sets.append(some)
    return sets


def read_all(
    given: argparse.Namespace, sets: Sequence[Sequence[Sample]], params: Params, until: float
) -> dict[str, Any] | None:
    """Shares of right answers of every control, width, side and seed; None where the minutes are over before the last."""
    path = given.scratch / f"phones-{given.learned}-{given.new}.json"
    done: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    for seed, name, own in product(range(given.seeds), given.controls, (True, False)):
        for kind, width in widths(CONTROLS[name][1]).items():
            key = f"{name}/{kind}/{own}/{seed}"
            if key not in done:
                if time.monotonic() > until:
                    return None
                done[key] = shares(read(name, width, *sets, params, seed, own))
                path.write_text(json.dumps(done), encoding="utf-8")
    return done


def main() -> None:
    """Read what is not there, write, and show."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=120, help="how many the file of songs holds")
    parser.add_argument("--learned", type=int, default=48, help="how many of them the net learns")
    parser.add_argument("--controls", nargs="+", choices=CONTROLS, default=[*CONTROLS])
    parser.add_argument("--held-out", type=int, default=64, help="how many the file of new songs holds")
    parser.add_argument("--new", type=int, default=16, help="how many of them are asked")
    parser.add_argument("--seeds", type=int, default=1, help="of the net and of who has whose control")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="nothing begins later than that")
    parser.add_argument("--out", type=Path, default=RESULTS / "control_phones.json")
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    torch.set_num_threads(1)
    params = load_params(RECIPE, [*EVENLY])
    sets = sets_of(given, params, until)
    done = None if sets is None else read_all(given, sets, params, until)
    if sets is None or done is None:
        print("the minutes are over; the same command goes on")
        return
    found: dict[str, dict[str, Any]] = {}
    usual = commonest(*sets)
    for name in given.controls:
        for kind in widths(CONTROLS[name][1]):
            sides = [
                [done[f"{name}/{kind}/{own}/{seed}"] for seed in range(given.seeds)] for own in (True, False)
            ]
            found.setdefault(name, {})[kind] = figures(*(np.array(side, float) for side in sides), usual)
    result = {
        "seeds": given.seeds,
        "columns": ["share", "95 % low", "95 % high", "songs"],
        "always the usual": {
            name: _told(mean(column.tolist(), RESAMPLING))
            for name, column in zip(QUESTIONS, usual.T, strict=True)
        },
        "read": found,
        "machine": machine("torch", "numpy"),
    }
    results = json.loads(given.out.read_text()) if given.out.is_file() else {}
    results[f"{given.learned} songs learned, {given.new} new"] = result
    given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["always the usual"]))
    for name, kinds in found.items():
        for kind, questions in kinds.items():
            print(
                name, kind, {question: told["own - another song's"] for question, told in questions.items()}
            )


if __name__ == "__main__":
    main()
