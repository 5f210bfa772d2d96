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
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from torch import nn

from bench.coarse_songs import COARSE, TRUE, with_coarse
from bench.control_adherence import HELD_OUT_SEED
from bench.control_songs import songs_of
from bench.measuring import RESULTS, machine
from bench.toy2_causes import EVENLY, RECIPE, RESAMPLING
from bench.toy2_songs import Studio
from bench.toy2_training import held
from eval.stats.intervals import mean, paired_mean_difference
from flows.settings.params import Params, load_params
from jam_model.controls.known import KNOWN
from jam_model.lyric_grid import SLOTS_PER_FRAME, SONG_FILLER, SYMBOLS, VOCAL_FILLER, WORD_BOUNDARY
from jam_model.shards import Sample
from tasks.models.coarse_latents import blurred

CONTROLS = {
    "chords": ("chords", "chords"),
    "melody": ("melody", "melody"),
    "drums": ("drums", "drums"),
    "sketch": ("audio", "audio"),
    "sketch of the true band": ("true audio", "audio"),
    "band with the voice": ("with voice", "audio"),
}
"""What is read: the array of a song, and the control whose width it has."""
REACH, HIDDEN, FREE = 4, 64, 32
EPOCHS, BATCH, RATE = 4, 1024, 3e-3
VOWELS = frozenset(SYMBOLS[letter] for letter in "aeiouæɐɑɔəɛɝɪʊʌ" if letter in SYMBOLS)
NOBODY, LEFT_OUT, LONG = 0, -1, "ː"
QUESTIONS = ("sung", "vowel", "phone")
Frames = tuple[torch.Tensor, torch.Tensor]
"""What a net reads of every frame of one song, [T, 2 REACH + 1, F] or [T, 2 REACH + 1], and what is sung there [T]."""


class Reader(nn.Module):
    """A narrow layer a frame, a hidden layer over the frames around."""

    def __init__(self, name: str, width: int, classes: int) -> None:
        super().__init__()
        control = KNOWN[name]
        self.narrow = (nn.Embedding if control.is_index else nn.Linear)(control.size, width)
        self.hidden = nn.Linear(width * (2 * REACH + 1), HIDDEN)
        self.out = nn.Linear(HIDDEN, classes)

    def forward(self, around: torch.Tensor) -> torch.Tensor:
        """Logits [T, classes]."""
        return self.out(torch.relu(self.hidden(self.narrow(around).flatten(1))))


def phones_sung(song: Sample) -> np.ndarray:
    """The token that is sung in the middle of each frame [T]; `NOBODY`, `LEFT_OUT` at the ends of words."""
    tokens_L = held(song.extras["sung"])
    places_L = np.where(tokens_L == SYMBOLS[LONG], 0, np.arange(len(tokens_L)))
    tokens_L = tokens_L[np.maximum.accumulate(places_L)]
    tokens_T = tokens_L[SLOTS_PER_FRAME // 2 :: SLOTS_PER_FRAME][: song.num_frames]
    coarseT = np.where(tokens_T == SONG_FILLER, NOBODY, tokens_T)
    left_out = (tokens_T == SYMBOLS[WORD_BOUNDARY]) | (tokens_T == VOCAL_FILLER)
    return np.where(left_out, LEFT_OUT, coarseT)


def array_of(song: Sample, name: str, params: Params) -> np.ndarray:
    """The control of a song, [T] or [T, 64]."""
    if name == "with voice":
        return blurred(song.mean_TC, params.sketch.window_frames)
    return song.extras[name]


def frames_of(song: Sample, array: np.ndarray, scale: tuple[np.ndarray, np.ndarray] | None) -> Frames:
    """A song with this control, repeated or cut to its length."""
    phones_T = phones_sung(song)
    rows = np.resize(array, (len(phones_T), *array.shape[1:]))
    if scale is not None:
        rows = (rows - scale[0]) / scale[1]
    padded = np.pad(rows, [(REACH, REACH), *[(0, 0)] * (rows.ndim - 1)], mode="edge")
    around = np.stack([padded[first : first + len(rows)] for first in range(2 * REACH + 1)], axis=1)
    return torch.from_numpy(around).to(torch.int64 if scale is None else torch.float32), torch.from_numpy(
        phones_T
    )


def learned(reader: Reader, songs: Sequence[Frames], seed: int) -> Reader:
    """The reader after EPOCHS over the frames of all songs."""
    around, phones = (torch.cat(parts) for parts in zip(*songs, strict=True))
    kept = torch.nonzero(phones != LEFT_OUT)[:, 0]
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(reader.parameters(), RATE, weight_decay=0.01)
    for _ in range(EPOCHS):
        for some in kept[torch.randperm(len(kept), generator=generator)].split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(reader(around[some]), phones[some]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return reader


@torch.no_grad()
def answers(reader: Reader, song: Frames, classes: Sequence[bool]) -> dict[str, float | None]:
    """The share of right answers to each question, of one song; `classes`: which of them are vowels."""
    around, phones = song
    shares_TP = reader(around).softmax(dim=1)
    is_vowel_P = torch.tensor(classes)
    is_phone_P = torch.ones_like(is_vowel_P).index_fill(0, torch.tensor(NOBODY), False)
    known_T, sung_T = phones != LEFT_OUT, phones > NOBODY
    says_sung_T = shares_TP[:, NOBODY] < 0.5
    vowel_T = shares_TP[:, is_vowel_P].sum(dim=1) > shares_TP[:, is_phone_P & ~is_vowel_P].sum(dim=1)
    true_vowel_T = is_vowel_P[phones.clamp(min=0)]
    among_TP = torch.where(true_vowel_T[:, None], is_vowel_P, is_phone_P & ~is_vowel_P)
    phone_T = torch.where(among_TP, shares_TP, -1.0).argmax(dim=1)
    right = {
        "sung": (says_sung_T == sung_T, known_T),
        "vowel": (vowel_T == true_vowel_T, sung_T),
        "phone": (phone_T == phones, sung_T),
    }
    return {
        name: float(hit_T[of_T].float().mean()) if of_T.any() else None
        for name, (hit_T, of_T) in right.items()
    }


def read(
    name: str,
    width: int,
    songs: Sequence[Sample],
    new: Sequence[Sample],
    params: Params,
    seed: int,
    own: bool,
) -> list[dict[str, float | None]]:
    """The answers of each new song, by a net that learned `songs`, all with their own control or all with another song's."""
    array_name, control = CONTROLS[name]
    arrays = [[array_of(song, array_name, params) for song in some] for some in (songs, new)]
    scale = None
    if not KNOWN[control].is_index:
        every = np.concatenate(arrays[0])
        scale = every.mean(axis=0), every.std(axis=0) + 1e-6
    order = [_whose(len(some), own, seed) for some in (songs, new)]
    frames = [
        [frames_of(song, of[whose], scale) for song, whose in zip(some, places, strict=True)]
        for some, of, places in zip((songs, new), arrays, order, strict=True)
    ]
    torch.manual_seed(seed)
    reader = learned(Reader(control, width, len(SYMBOLS)), frames[0], seed)
    classes = [number in VOWELS for number in range(len(SYMBOLS))]
    return [answers(reader.eval(), song, classes) for song in frames[1]]


def widths(control: str) -> dict[str, int]:
    """How wide the layer a frame is, by what it is called."""
    known = KNOWN[control]
    return {"narrow": known.width} if known.is_index else {"narrow": known.width, "free": FREE}


def _whose(count: int, own: bool, seed: int) -> list[int]:
    """Which song's control each song has: its own, or one that is never its own."""
    if own:
        return list(range(count))
    order = np.random.default_rng([seed, count]).permutation(count)
    whose = np.empty(count, int)
    whose[order] = np.roll(order, 1)
    return whose.tolist()


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


def _told(estimate: Any) -> list[Any]:
    known = (estimate.value, estimate.low, estimate.high)
    return [*(None if value is None else round(float(value), 4) for value in known), estimate.n]


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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
