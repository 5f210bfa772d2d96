"""What word times are worth to a model of world two: the same new songs generated with true times and with trivial ones.

python bench/times_worth.py [--checkpoint FOLDER ...] --scratch FILE [--songs 128] [--seeds 5] [--minutes 30]

FOLDER is a model that was trained with params/toy2.yaml; several are trainings of several seeds. Songs are composed here (a seed
of their own), so no model has seen them. Each is generated from the same noise with every arm of bench/trivial_times.py
and read by the ears of world two from the separated vocals: acoustic PER, and how far the starts of recognised words are
off the asked ones. Beside the arms, what limits all: the true mix, and its round trip through both embedded codecs. Without a
checkpoint these alone are measured.

Songs come one after another, all arms of one before the next; FILE keeps what was measured, a line a song, and a run
goes on where it was stopped. Intervals (95 %) draw songs, and runs (trainings and seeds of the noise) where there are several.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.measuring import machine, options_parser, write_result
from bench.trivial_times import ARMS, Usual, rough, usual
from eval.metrics.error_rates import count_errors, normalise
from eval.metrics.word_pairs import Timed
from eval.metrics.word_timing import (
    TimingErrors,
    timed_words,
    timing_difference,
    timing_errors,
    timing_estimate,
)
from eval.stats.intervals import Estimate, Resampling, drawn_counts_BN, percentile_estimate
from flows.settings.params import Params, load_params
from jam_model.checkpoint import load_model, weights_hash
from jam_model.conditions import Conditions, duration_conditions
from jam_model.dit import Jam
from jam_model.lyric_grid import lyric_grid
from jam_model.sampler import sample, song_noise
from jam_model.words import Word, rows_of
from tasks.models.codec import HarmonicCodec, VocoderCodec, build_codec
from tasks.models.phonemizer import build_phonemizer, phonemized
from tasks.models.separator import build_separator
from tasks.models.style_encoder import build_style_encoder
from tasks.models.transcriber import build_transcriber
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.true_song import truth_of
from tasks.toy.world_two.truth import Truth

SEED, USUAL_SEED, USUAL_SONGS = 616161, 7, 200
RESAMPLING = Resampling(10_000, 0)
TRUE, FLOORS = "true", ("true mix", "vocoder round trip", "harmonic round trip")
TRIVIAL = ("constant in beats", "constant a syllable", "marginal draw", "true lengths shuffled", "rough")
ALL = (TRUE, *TRIVIAL, "random")

Row = dict[str, Any]


class Studio:
    """What makes prompts of songs, and what measures them."""

    def __init__(self, params: Params) -> None:
        models = params.models
        self.params = params
        self.codec, self.style = build_codec(models.codec), build_style_encoder(models.style_encoder)
        self.separator = build_separator(models.separator)
        self.phonemizer = build_phonemizer(models.phonemizer)
        self.transcriber = build_transcriber(models.transcriber, params.benchmark.min_confidence)
        self.usual = self._usual()

    def _usual(self) -> Usual:
        features = self.params.toy.two
        return usual([truth_of(compose(song_seed(USUAL_SEED, n), features)) for n in range(USUAL_SONGS)])

    def times(self, truth: Truth, arm: str, number: int) -> list[Word]:
        """The words of an arm with their phonemes, within the song."""
        if arm == "rough":
            words = rough(truth, self.phonemizer, self.params.rough_times)
        else:
            words = ARMS[arm](truth, self.usual, np.random.default_rng([SEED, number, ALL.index(arm)]))
        said, _ = phonemized([word.within(truth.duration_s) for word in words], self.phonemizer)
        return said

    def read(self, asked: Sequence[Word], mix_CN: np.ndarray) -> Row:
        """Phone errors and phones, and how late each recognised word begins."""
        heard = self.transcriber.transcribe(self.separator.separate(mix_CN))
        phones = self.phonemizer.phones(normalise([word.text for word in asked]))
        reference, found = _timed(asked), _timed(heard.words)
        errors = timing_errors(reference, found)
        return {
            "errors": count_errors(phones, heard.phones or []).errors,
            "phones": len(phones),
            "start_s": [round(late_s, 3) for late_s in errors.start_s],
            "words": errors.num_reference,
        }


def measured(number: int, studio: Studio, models: Sequence[Jam], seeds: int) -> dict[str, list[Row]]:
    """A new song in every arm: a row a run, runs being trainings times seeds of the noise; the floors have one."""
    song = perform(compose(song_seed(SEED, number), studio.params.toy.two))
    mix_CN = song.mix_CN.astype(np.float32)
    mean_TC, _ = studio.codec.encode(mix_CN)
    style_S = torch.from_numpy(np.asarray(studio.style.embed_audio(mix_CN), np.float32))[0]
    asked = {arm: studio.times(song.truth, arm, number) for arm in ALL}
    rows: dict[str, list[Row]] = defaultdict(list)
    rows["true mix"].append(studio.read(asked[TRUE], mix_CN))
    for name, codec in (("vocoder", VocoderCodec()), ("harmonic", HarmonicCodec())):
        recoded_CN = codec.decode(codec.encode(mix_CN)[0])
        rows[f"{name} round trip"].append(studio.read(asked[TRUE], recoded_CN))
    for model in models:
        for seed in range(seeds):
            latents = generate(model, studio, number, seed, list(asked.values()), style_S, len(mean_TC))
            for (arm, words), latent_TC in zip(asked.items(), latents, strict=True):
                rows[arm].append(studio.read(words, studio.codec.decode(latent_TC)))
    return dict(rows)


def generate(
    model: Jam,
    studio: Studio,
    number: int,
    seed: int,
    asked: Sequence[Sequence[Word]],
    style_S: torch.Tensor,
    num_frames: int,
) -> np.ndarray:
    """Latents [arms, num_frames, C] of one song, all from one noise."""
    sampler, frames = studio.params.sampler, model.config.max_frames
    tokens = [
        lyric_grid(words, frames, num_latent_frames=num_frames, filler=model.config.filler) for words in asked
    ]
    lasts = duration_conditions(num_frames, frames)
    conditions = Conditions(
        torch.from_numpy(np.stack(tokens)),
        style_S.repeat(len(asked), 1),
        *(torch.full((len(asked),), value) for value in lasts),
    )
    noise_TC = song_noise(seed, f"two-{number}", 0, sampler.num_sampled_frames(num_frames, frames))
    latents = sample(
        model,
        conditions,
        noise_TC.repeat(len(asked), 1, 1),
        sampler.ode_solver,
        sampler.guidance,
        torch.from_numpy(np.asarray(studio.style.negative_style, np.float32)),
    )
    return latents[:, :num_frames].numpy()


def told(songs: Sequence[Mapping[str, Sequence[Row]]]) -> dict[str, Any]:
    """Each arm's PER, start error and share of recognised words, and what it has more than true times."""
    found: dict[str, Any] = {}
    for arm in [arm for arm in (*FLOORS, *ALL) if arm in songs[0]]:
        errors_RN, phones_N = _columns(songs, arm)
        late = [_pooled(song[arm]) for song in songs]
        found[arm] = {
            "acoustic_per": _figures(_rate(errors_RN, phones_N)),
            "per_of_runs": [round(float(errors_N.sum() / phones_N.sum()), 4) for errors_N in errors_RN],
            "start_s_median": _figures(timing_estimate(late, "start", "median", RESAMPLING)),
            "words_recognised": round(
                sum(of.num_matched for of in late) / sum(of.num_reference for of in late), 3
            ),
        }
        if arm in ALL and arm != TRUE:
            true_RN, _ = _columns(songs, TRUE)
            true_late = [_pooled(song[TRUE]) for song in songs]
            found[arm]["per_over_true"] = _figures(_rate(errors_RN - true_RN, phones_N))
            found[arm]["start_over_true_s"] = _figures(
                timing_difference(late, true_late, "start", "median", RESAMPLING)
            )
    trivial = [arm for arm in TRIVIAL if arm in found]
    best = min(trivial, key=lambda arm: found[arm]["acoustic_per"][0]) if trivial else None
    return {"arms": found, "best_trivial": best}


def _rate(errors_RN: np.ndarray, phones_N: np.ndarray) -> Estimate:
    """Errors a phone over songs and runs; both are drawn, runs where there are several."""
    runs, songs = errors_RN.shape
    value = float(errors_RN.sum() / (runs * phones_N.sum()))
    counts_BN = drawn_counts_BN(RESAMPLING, songs)
    counts_BR = np.ones((len(counts_BN), 1))
    if runs > 1:
        counts_BR = drawn_counts_BN(Resampling(RESAMPLING.num_resamples, 1), runs)
    sums_B = ((counts_BR @ errors_RN) * counts_BN).sum(axis=1)
    return percentile_estimate(value, sums_B / (runs * counts_BN @ phones_N), songs, 0)


def _columns(songs: Sequence[Mapping[str, Sequence[Row]]], arm: str) -> tuple[np.ndarray, np.ndarray]:
    """Errors [R, N] and phones [N]."""
    errors_RN = np.array([[row["errors"] for row in song[arm]] for song in songs], float).T
    return errors_RN, np.array([song[arm][0]["phones"] for song in songs], float)


def _pooled(rows: Sequence[Row]) -> TimingErrors:
    """The recognised words of all runs of a song."""
    starts_s = tuple(late_s for row in rows for late_s in row["start_s"])
    return TimingErrors(starts_s, (), sum(row["words"] for row in rows))


def _timed(words: Sequence[Word]) -> list[Timed]:
    return timed_words(rows_of(words))


def _figures(estimate: Estimate) -> list[float | None]:
    return [
        None if value is None else round(value, 4) for value in (estimate.value, estimate.low, estimate.high)
    ]


def kept(scratch: Path, what: Row) -> Iterator[dict[str, list[Row]]]:
    """The songs that a run of the same models and seeds has measured."""
    lines = scratch.read_text().splitlines() if scratch.is_file() else []
    if lines and json.loads(lines[0]) != what:
        raise SystemExit(f"--scratch: {scratch} is of other models or seeds; give another file")
    if not lines:
        scratch.write_text(json.dumps(what) + "\n")
    yield from map(json.loads, lines[1:])


def main() -> None:
    """Measure, and write after each song."""
    parser = options_parser(__doc__)
    parser.add_argument("--checkpoint", type=Path, nargs="*", default=[])
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=5, help="of the noise, for every checkpoint")
    parser.add_argument("--minutes", type=float, help="no song begins later than this")
    parser.add_argument("--name", default="times_worth", help="of the result file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    started = time.monotonic()
    params = load_params(Path(__file__).resolve().parents[1] / "params/toy2.yaml")
    weights = [weights_hash(folder) for folder in given.checkpoint]
    songs = list(kept(given.scratch, {"weights": weights, "seeds": given.seeds}))
    studio = Studio(params)
    models = [load_model(folder).eval().requires_grad_(False) for folder in given.checkpoint]
    for number in range(len(songs), given.songs):
        if given.minutes is not None and time.monotonic() - started > 60 * given.minutes:
            break
        songs.append(measured(number, studio, models, given.seeds))
        with given.scratch.open("a") as file:
            file.write(json.dumps(songs[-1]) + "\n")
        print(f"{len(songs)} songs, {(time.monotonic() - started) / 60:.1f} min", file=sys.stderr, flush=True)
    write_result(
        given.name,
        {
            "songs": len(songs),
            "phones": int(sum(song[FLOORS[0]][0]["phones"] for song in songs)),
            "trainings": len(models),
            "seeds_of_the_noise": given.seeds,
            "weights": [hash_[:12] for hash_ in weights],
            "usual": {
                name: round(getattr(studio.usual, name), 3) for name in ("beats", "syllable_s", "share")
            },
            "columns": ["value", "95 % low", "95 % high"],
            **told(songs),
            "made_by": [studio.transcriber.identity, studio.codec.identity, studio.separator.identity],
            "load": [round(load, 1) for load in os.getloadavg()],
            "machine": machine("numpy"),
        },
    )


if __name__ == "__main__":
    main()
