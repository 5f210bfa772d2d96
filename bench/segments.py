"""Parts of toy songs of world two as the embedded segmenter hears them and as labels place them, beside trivial cuts; 100 songs that nothing else uses.

python bench/segments.py --songs 100 --seed 240991

The segmenter's settings were chosen on songs 0 to 49 of the set 240117. Trivial cuts know what nobody tells them: `uniform` and `random` how many parts the
song has, `eight bars` its true tempo, metre and first downbeat. `labels`: the true labels at the true words' times. Start and end of
a song are left out on both sides (mir_eval.segment.detection, trimmed); a song of one part has no boundary score.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measuring import RESULTS, machine, options_parser, write_result
from bench.scores import COARSE_S, FINE_S, boundary_hits, label_accuracy
from bench.scores import pairwise as pairwise_scores
from eval.stats.intervals import Estimate, Resampling, mean, paired_mean_difference
from flows.settings.params import load_params
from jam_model.words import Word
from tasks.lyrics.lyrics import Label
from tasks.models.description.segmenter import NoveltySegmenter
from tasks.times.sections import sections_of_labels
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.truth import Truth

Parts = list[tuple[float, float, str]]
TUNED_ON, RESAMPLING = 240117, Resampling(num_resamples=2000, seed=240)
BARS = 8


def true_parts(truth: Truth) -> Parts:
    """The parts of a song."""
    return [(part.start_s, part.end_s, part.label) for part in truth.parts]


def cut(bounds_s: list[float], label: str = "verse") -> Parts:
    """Parts between bounds, all of one label: trivial cuts know no names."""
    return [(a, b, label) for a, b in pairwise(bounds_s)]


def placed(truth: Truth) -> Parts:
    """The true labels before their parts' first words, at the true words' times; parts without words too."""
    sung = [line for line in truth.lines if line.in_lyrics]
    words = [word for line in sung for word in truth.words[line.first_word : line.end_word]]
    first = {
        line.part: sum(o.end_word - o.first_word for o in sung[:n])
        for n, line in reversed([*enumerate(sung)])
    }
    labels, before = [], len(words)
    for number in reversed(range(len(truth.parts))):
        before = first.get(number, before)
        labels.append(Label(before, truth.parts[number].label))
    timed = [Word(word.text, word.start_s, word.end_s) for word in words]
    found = sections_of_labels(labels[::-1], timed, truth.duration_s)
    return [(one.start_s, one.end_s, one.label) for one in found]


def ways(truth: Truth, mix_CN: np.ndarray, draw: np.random.Generator) -> dict[str, Parts]:
    """The parts of a song by each way."""
    inner, end_s = len(truth.parts) - 1, truth.parts[-1].end_s
    bar_s = truth.beats_per_bar * 60 / truth.tempo_bpm
    bars_s = np.arange(0, end_s - 0.01, BARS * bar_s).tolist()
    heard = NoveltySegmenter().segment(mix_CN)
    return {
        "embedded": [(span.start_s, span.end_s, span.label) for span in heard],
        "labels": placed(truth),
        "uniform": cut(np.linspace(0, end_s, inner + 2).tolist()),
        "random": cut([0.0, *np.sort(draw.uniform(0, end_s, inner)).tolist(), end_s]),
        "eight bars": cut([*bars_s, end_s]),
    }


def scores_of(true: Parts, found: Parts) -> dict[str, float | None]:
    """All scores of one song by one way."""
    bounds, its = [true[0][0], *(b for _, b, _ in true)], [found[0][0], *(b for _, b, _ in found)]
    fine, coarse = (boundary_hits(bounds, its, window_s) for window_s in (FINE_S, COARSE_S))
    return {
        "f_fine": fine.f,
        "precision_fine": fine.precision,
        "recall_fine": fine.recall,
        "f_coarse": coarse.f,
        "pairwise_f": pairwise_scores(true, found).f,
        "label_accuracy": label_accuracy(true, found),
    }


def told(estimate: Estimate) -> dict[str, float | int | None]:
    """Value, interval and n."""
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "n_failed": estimate.n_failed,
    }


def run(num_songs: int, seed: int, tell: Callable[[str], None]) -> dict[str, object]:
    """Means with intervals over songs, and how much the segmenter is above each trivial cut."""
    features = load_params().toy.two
    rows: dict[str, list[dict[str, float | None]]] = {}
    exact = same_names = 0
    for number in range(num_songs):
        song = perform(compose(song_seed(seed, number), features))
        true = true_parts(song.truth)
        for name, parts in ways(song.truth, song.mix_CN, np.random.default_rng([seed, number])).items():
            rows.setdefault(name, []).append(scores_of(true, parts))
            if name == "labels":
                same_names += [part[2] for part in parts] == [part[2] for part in true]
        exact += len(true) == 1
        tell(f"{number + 1} of {num_songs}")
    kinds = list(rows["embedded"][0])
    table = {
        name: {kind: told(mean([row[kind] for row in of], RESAMPLING)) for kind in kinds}
        for name, of in rows.items()
    }
    above = {
        name: {
            kind: told(
                paired_mean_difference(
                    [row[kind] for row in rows["embedded"]], [row[kind] for row in of], RESAMPLING
                )
            )
            for kind in ("f_fine", "f_coarse")
        }
        for name, of in rows.items()
        if name not in ("embedded", "labels")
    }
    return {
        "songs": num_songs,
        "seed": seed,
        "tuned_on": {"set": TUNED_ON, "songs": 50},
        "songs_of_one_part": exact,
        "songs_whose_label_sequence_is_exact": same_names,
        "scores": table,
        "embedded_above": above,
        "machine": machine(),
    }


if __name__ == "__main__":
    parser = options_parser(__doc__)
    parser.add_argument("--songs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=240991)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    write_result(
        "segments", run(given.songs, given.seed, lambda line: print(line, file=sys.stderr)), given.out
    )
