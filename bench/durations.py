"""What a predictor of word times knows beyond trivial laws, on songs of world two that are composed and never rendered.

python bench/durations.py --scratch FOLDER [--songs 400] [--tests 128] [--seeds 5] [--steps 800]

Each seed trains on the same songs, in FOLDER, where a stopped training goes on and a finished one is found; tests are songs that no training saw. Told are the nats a word (gap and length, densities a
second) and the mean error of word starts of the predictor (the median of 16 draws) against each trivial law of
bench/duration_laws.py, all in songs of one length, the tempo exact; then with the tempo hidden; the share of the way from the
best trivial law to the world's own law on the words of which that says something; gaps and lengths of draws beside the truth;
and whether candidates differ as the truth differs: two draws of a song from one another as the truth from a draw.
Intervals (95 %) draw songs and seeds.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.duration_laws import Song, oracle_nats, trivial_laws
from bench.duration_songs import TEST_SEED, VALIDATION_SONGS, asked, sides_of, trained
from bench.measuring import machine, write_result
from bench.trivial_times import rough
from eval.stats.intervals import Resampling, drawn_counts_BN, percentile_estimate
from flows.settings.params import Params, load_params
from jam_model.durations.draw import draw_times, median_times
from jam_model.durations.network import DurationNet
from jam_model.durations.sheet import Timing, batch_of
from jam_model.durations.total import fit_total
from tasks.models.phonemizer import Phonemizer, build_phonemizer
from tasks.toy.world_two.true_song import truth_of

DRAWS = 16
RESAMPLING = Resampling(10_000, 0)
ARMS = ("constant", "per syllable", "marginal", "shuffled")
QUANTILES = (0.1, 0.5, 0.9)


@torch.no_grad()
def net_nats(net: DurationNet, song: Song, has_tempo: bool = True) -> np.ndarray:
    """Of each word's gap, length and shares [3, W]."""
    sheet = song.sheet if has_tempo else replace(song.sheet, bpm=None)
    nats = net(batch_of([sheet], [song.timing], net.config.symbols, net.config.style_dim))
    return np.stack([of[0].double().numpy() for of in nats])


def start_errors(timing: Timing, song: Song) -> np.ndarray:
    """How far each start is off [W]."""
    return np.abs(timing.starts_s - song.timing.starts_s)


def scaled_median(net: DurationNet, song: Song, seed: int, tail_s: float) -> Timing:
    """The median of draws, each scaled by one factor to end where the trivial laws do: a usual end before the song's."""
    drawn = draw_times(net, song.sheet, seed, 1.0, DRAWS)
    ends_s = song.sheet.duration_s - tail_s
    starts_s = np.median([ends_s / of.ends_s[-1] * of.starts_s for of in drawn], axis=0)
    return Timing(np.diff(starts_s, prepend=0.0), np.zeros(len(starts_s)))


def ratio_over(values_SN: np.ndarray, words_N: np.ndarray) -> list[float]:
    """A mean a word with its interval over songs (columns) and seeds (rows), both drawn."""
    seeds, songs = values_SN.shape
    counts_BN = drawn_counts_BN(RESAMPLING, songs)
    counts_BS = np.ones((len(counts_BN), 1))
    if seeds > 1:
        counts_BS = drawn_counts_BN(Resampling(RESAMPLING.num_resamples, 1), seeds)
    sums_B = ((counts_BS @ values_SN) * counts_BN).sum(axis=1) / (seeds * counts_BN @ words_N)
    value = float(values_SN.sum() / (seeds * words_N.sum()))
    estimate = percentile_estimate(value, sums_B, songs, 0)
    return [round(number, 4) for number in (value, estimate.low or 0.0, estimate.high or 0.0)]


def compared(
    nets: Sequence[DurationNet],
    tests: Sequence[Song],
    train: Sequence[Song],
    params: Params,
    phonemizer: Phonemizer,
) -> dict[str, Any]:
    """All figures; S seeds, N songs."""
    laws = trivial_laws(train, params.durations.slot_s)
    words_N = np.array([song.sheet.num_words for song in tests], float)
    law_nats = {name: [law.nats(song) for song in tests] for name, law in laws.items()}
    net_of = [[net_nats(net, song) for song in tests] for net in nets]
    nats_SN = np.array([[of[:2].sum() for of in row] for row in net_of])
    hidden_SN = np.array([[net_nats(net, song, False)[:2].sum() for song in tests] for net in nets])
    shares_SN = np.array([[of[2].sum() for of in row] for row in net_of])
    medians = [
        [median_times(net, song.sheet, seed, DRAWS) for song in tests] for seed, net in enumerate(nets)
    ]
    starts_SN = np.array(
        [
            [start_errors(timing, song).sum() for timing, song in zip(row, tests, strict=True)]
            for row in medians
        ]
    )
    scaled_SN = np.array(
        [
            [start_errors(scaled_median(net, song, seed, laws[ARMS[0]].tail_s), song).sum() for song in tests]
            for seed, net in enumerate(nets)
        ]
    )
    late_N = {}
    for place, (name, law) in enumerate(laws.items()):
        late_N[name] = np.array(
            [
                start_errors(law.times(song, np.random.default_rng([TEST_SEED, number, place])), song).sum()
                for number, song in enumerate(tests)
            ]
        )
    late_N["rough"] = np.array([_rough_error(song, phonemizer, params) for song in tests])
    found: dict[str, Any] = {
        "predictor": {
            "nats": ratio_over(nats_SN, words_N),
            "nats_of_seeds": [round(float(row.sum() / words_N.sum()), 4) for row in nats_SN],
            "gap_nats": ratio_over(np.array([[of[0].sum() for of in row] for row in net_of]), words_N),
            "length_nats": ratio_over(np.array([[of[1].sum() for of in row] for row in net_of]), words_N),
            "shares_nats": ratio_over(shares_SN, words_N),
            "nats_without_tempo": ratio_over(hidden_SN, words_N),
            "start_s": ratio_over(starts_SN, words_N),
            "start_s_scaled": ratio_over(scaled_SN, words_N),
        }
    }
    for name in (*ARMS, "rough"):
        row: dict[str, Any] = {"start_s": ratio_over(late_N[name][None], words_N)}
        row["start_s_over_predictor"] = ratio_over(late_N[name][None] - starts_SN, words_N)
        row["start_s_over_scaled"] = ratio_over(late_N[name][None] - scaled_SN, words_N)
        if name in law_nats:
            of_law_N = np.array([of.sum() for of in law_nats[name]])
            row["nats"] = ratio_over(of_law_N[None], words_N)
            row["nats_over_predictor"] = ratio_over(of_law_N[None] - nats_SN, words_N)
        found[name] = row
    best = min(ARMS, key=lambda name: found[name]["nats"][0])
    nearest = min((*ARMS, "rough"), key=lambda name: found[name]["start_s"][0])
    return {
        "arms": found,
        "best_trivial": {"nats": best, "start_s": nearest},
        "oracle": _oracle(tests, law_nats, net_of, params),
        "distributions": _distributions(nets, tests, words_N),
    }


def _oracle(
    tests: Sequence[Song],
    law_nats: dict[str, list[np.ndarray]],
    net_of: list[list[np.ndarray]],
    params: Params,
) -> dict[str, Any]:
    """Nats a word on the words of which the world's own law says something, and the share of the way to it."""
    oracle = np.concatenate([oracle_nats(song, params.toy.two) for song in tests], axis=1)
    told: dict[str, Any] = {}
    for place, what in enumerate(("gap", "length")):
        is_told = ~np.isnan(oracle[place])
        of_law = {
            name: float(np.concatenate([of[place] for of in nats])[is_told].mean())
            for name, nats in law_nats.items()
        }
        of_net = [float(np.concatenate([of[place] for of in row])[is_told].mean()) for row in net_of]
        world, best = float(oracle[place][is_told].mean()), min(of_law, key=lambda name: of_law[name])
        told[what] = {
            "words": int(is_told.sum()),
            "of_words": len(is_told),
            "world": round(world, 4),
            "best_trivial": [best, round(of_law[best], 4)],
            "predictor_of_seeds": [round(value, 4) for value in of_net],
            "share_of_the_way": [
                round((of_law[best] - value) / (of_law[best] - world), 4) for value in of_net
            ],
        }
    return told


def _distributions(nets: Sequence[DurationNet], tests: Sequence[Song], words_N: np.ndarray) -> dict[str, Any]:
    """Draws of every net beside the truth, fitted to the song as `jam generate` does; two a song."""
    slot_s = nets[0].config.slot_s
    gaps, lengths, of_gaps, of_all = [], [], [], []
    apart = {
        name: np.zeros((len(nets), len(tests))) for name in ("length", "length_true", "start", "start_true")
    }
    for seed, net in enumerate(nets):
        for number, song in enumerate(tests):
            fits = [
                fit_total(timing, song.sheet.duration_s, [len(phones) for phones in song.sheet.phones])
                for timing in draw_times(net, song.sheet, 1000 * seed + number, 1.0, 2)
            ]
            one, other = (fit.timing for fit in fits)
            of_gaps += [fit.of_gaps < 1 for fit in fits]
            of_all += [fit.of_all < 1 for fit in fits]
            gaps += [one.gaps_s, other.gaps_s]
            lengths += [one.lengths_s, other.lengths_s]
            true = song.timing
            for name, first, second in (("", one, other), ("_true", true, one)):
                apart[f"length{name}"][seed, number] = np.abs(
                    np.log(first.lengths_s / second.lengths_s)
                ).sum()
                apart[f"start{name}"][seed, number] = np.abs(first.starts_s - second.starts_s).sum()
    true_gaps = np.concatenate([song.timing.gaps_s for song in tests])
    true_lengths = np.concatenate([song.timing.lengths_s for song in tests])
    drawn_gaps, drawn_lengths = np.concatenate(gaps), np.concatenate(lengths)
    return {
        "quantiles": list(QUANTILES),
        "gap_s": {"true": _quantiles(true_gaps), "drawn": _quantiles(drawn_gaps)},
        "length_s": {"true": _quantiles(true_lengths), "drawn": _quantiles(drawn_lengths)},
        "no_gap_share": {
            "true": round(float((true_gaps < slot_s).mean()), 4),
            "drawn": round(float((drawn_gaps < slot_s).mean()), 4),
        },
        "log_length_apart": {
            "two_draws": ratio_over(apart["length"], words_N),
            "truth_and_draw": ratio_over(apart["length_true"], words_N),
        },
        "start_s_apart": {
            "two_draws": ratio_over(apart["start"], words_N),
            "truth_and_draw": ratio_over(apart["start_true"], words_N),
        },
        "draws_whose_gaps_gave_way": round(float(np.mean(of_gaps)), 4),
        "draws_whose_words_gave_way": round(float(np.mean(of_all)), 4),
    }


def _quantiles(values: np.ndarray) -> list[float]:
    return [round(float(value), 3) for value in np.quantile(values, QUANTILES)]


def _rough_error(song: Song, phonemizer: Phonemizer, params: Params) -> float:
    words = rough(truth_of(song.score), phonemizer, params.rough_times)
    return float(np.abs(np.array([word.start_s for word in words]) - song.timing.starts_s).sum())


def main() -> None:
    """Compose, train, measure, write."""
    parser = asked(__doc__)
    parser.add_argument("--steps", type=int, help="of each training; none: durations.steps")
    parser.add_argument("--name", default="durations", help="of the result file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    started, used = time.monotonic(), time.process_time()
    params = load_params(Path(__file__).resolve().parents[1] / "params/toy2.yaml")
    phonemizer = build_phonemizer(params.models.phonemizer)
    train, validation, tests = sides_of(given.songs, given.tests, params, phonemizer)
    nets: list[DurationNet] = []
    figures: list[dict[str, Any]] = []
    for seed in range(given.seeds):
        section = params.durations.model_copy(
            update={"seed": seed, "steps": given.steps or params.durations.steps}
        )
        nets.append(trained(section, train, validation, given.scratch, figures))
        print(
            f"seed {seed}: {figures[-1]}, {(time.monotonic() - started) / 60:.1f} min",
            file=sys.stderr,
            flush=True,
        )
    write_result(
        given.name,
        {
            "songs": given.songs,
            "validation_songs": VALIDATION_SONGS,
            "tests": given.tests,
            "words": sum(song.sheet.num_words for song in tests),
            "trainings": given.seeds,
            "weights": sum(weight.numel() for weight in nets[0].parameters()),
            "validation_of_trainings": figures,
            "columns": ["value", "95 % low", "95 % high"],
            **compared(nets, tests, train, params, phonemizer),
            "settings": params.durations.decides() | ({"steps": given.steps} if given.steps else {}),
            "minutes": round((time.monotonic() - started) / 60, 1),
            "cpu_minutes": round((time.process_time() - used) / 60, 1),
            "load": [round(load, 1) for load in os.getloadavg()],
            "machine": machine("numpy"),
        },
    )


if __name__ == "__main__":
    main()
