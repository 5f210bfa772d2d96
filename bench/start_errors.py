"""Where the errors of predicted word starts arise, and which single guess of them errs least, on the songs of bench/durations.py.

python bench/start_errors.py --scratch FOLDER [--songs 400] [--tests 128] [--seeds 5] [--draws 128]

FOLDER holds the predictors of bench/durations.py, or they are trained there. Three tables, each a mean absolute error of word starts
in seconds, 95 % intervals over songs and seeds, and paired against each trivial law:

- where: the mean course with the truth in place of one part of it (the first gap, gaps before lines, within lines, lengths).
- guesses: single times made of draws. *Conditioned* draws weigh what the usual end behind their last word makes them weigh.
- within lines: how far words lie from the start of their line, where all lines' starts are known, as an .lrc has them. The predictor
  may be told them too (*told*): every line begins at its start, and courses weigh as likely as they make the next one. So may the
  trivial laws: each line pressed to end before the next, or filled up to a usual rest before it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.duration_laws import FIRST, LINE, WITHIN, Law, Song, Trivial, kernels, trivial_laws
from bench.duration_songs import TEST_SEED, Predictors, asked
from bench.durations import ratio_over
from bench.measuring import machine, write_result
from jam_model.durations.draw import MAX_GAP_S, MAX_LENGTH_S, draw_paths
from jam_model.durations.network import DurationNet, Past
from jam_model.durations.sheet import Timing, batch_of

LEAST_TAIL_S = 0.01
UNLIKELY = -60.0
"""Log weight of a course that runs into the next line."""
Errors = dict[str, np.ndarray]
"""Sums over the words of a song by what they are of [seeds, songs]."""


def courses(net: DurationNet, song: Song, seed: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaps and lengths of draws [D, W]."""
    config = net.config
    batch = batch_of([song.sheet], None, config.symbols, config.style_dim)
    gaps, lengths = draw_paths(net, song.sheet, batch, seed, 1.0, draws)
    return gaps.double().numpy(), lengths.double().numpy()


def end_weights(gaps: np.ndarray, lengths: np.ndarray, song: Song, tail: Law) -> np.ndarray:
    """How much each course weighs by what it leaves behind its last word; they add up to 1 [D]."""
    left_s = song.sheet.duration_s - (gaps + lengths).sum(axis=1)
    nats = tail.nats(np.maximum(left_s, LEAST_TAIL_S))
    logs = np.where(left_s > 0, -nats, UNLIKELY + np.minimum(left_s, 0.0))
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def median(values_DW: np.ndarray, weights_D: np.ndarray | None = None) -> np.ndarray:
    """Of each column, by weights where there are any [W]."""
    if weights_D is None:
        return np.asarray(np.median(values_DW, axis=0))
    order = np.argsort(values_DW, axis=0)
    sums = np.cumsum(weights_D[order], axis=0)
    middle = (sums >= 0.5 * sums[-1]).argmax(axis=0)
    return np.asarray(np.take_along_axis(values_DW, order, 0)[middle, np.arange(values_DW.shape[1])])


def off(starts_s: np.ndarray, song: Song) -> float:
    """Absolute errors of starts, summed over words."""
    return float(np.abs(starts_s - song.timing.starts_s).sum())


def off_in_lines(starts_s: np.ndarray, song: Song) -> float:
    """The same from each line's own first word on."""
    true_s = song.timing.starts_s
    return sum(
        float(np.abs((starts_s[a:b] - starts_s[a]) - (true_s[a:b] - true_s[a])).sum())
        for a, b in song.sheet.lines()
    )


def in_lines(starts_DW: np.ndarray, song: Song) -> np.ndarray:
    """The median over draws of how long after its line's start each word begins, as starts from the true ones on [W]."""
    return np.concatenate(
        [
            song.timing.starts_s[a] + median(starts_DW[:, a:b] - starts_DW[:, a : a + 1])
            for a, b in song.sheet.lines()
        ]
    )


@torch.no_grad()
def told_lines(net: DurationNet, song: Song, seed: int, draws: int) -> np.ndarray:
    """Starts of words where the starts of lines are known: the median over courses, drawn anew at every line by how likely they
    made it begin there [W].
    """
    sheet, config = song.sheet, net.config
    batch = batch_of([sheet], None, config.symbols, config.style_dim)
    context = net.read_words(batch).expand(draws, -1, -1)
    generator = torch.Generator().manual_seed(seed)
    total_s, beat_s = batch.total_s.expand(draws)[:, None], batch.beat_s.expand(draws)[:, None]
    past, state = Past(*(torch.zeros(draws, 1) for _ in Past._fields)), None
    found: list[np.ndarray] = []
    starts: list[torch.Tensor] = []
    firsts = {a for a, _ in sheet.lines()}
    for place in range(sheet.num_words):
        left = batch.syllables_left[:, place].expand(draws)[:, None]
        seen, state = net.seen(context[:, place : place + 1], past, total_s, left, beat_s, state)
        law = net.gap_law(seen, past.free_s, beat_s)
        if place in firsts:
            known_s = torch.full_like(past.free_s, float(song.timing.starts_s[place]))
            gap_s = (known_s - past.free_s).clamp(min=0.0)
            late_s = (past.free_s - known_s).clamp(min=0.0)
            logs = torch.where(late_s > 0, UNLIKELY - late_s, law.log_density(gap_s))[:, 0]
            weights = torch.softmax(logs.double(), 0)
            if starts:
                found.append(median(torch.cat(starts, 1).double().numpy(), weights.numpy()))
            kept = torch.multinomial(weights, draws, replacement=True, generator=generator)
            seen, state, gap_s = seen[kept], state[:, kept], gap_s[kept]
            start_s, starts = known_s, [known_s]
        else:
            gap_s = law.draw(1.0, generator).clamp(max=MAX_GAP_S)
            start_s = past.free_s + gap_s
            starts.append(start_s)
        length_s = net.length_law(seen, gap_s, start_s, beat_s).draw(1.0, generator)
        length_s = length_s.clamp(config.slot_s, MAX_LENGTH_S)
        past = Past(start_s + length_s, start_s, gap_s, length_s)
    return np.concatenate([*found, median(torch.cat(starts, 1).double().numpy())])


def of_predictor(
    net: DurationNet, song: Song, seed: int, draws: int, tail: Law, end_s: float
) -> dict[str, float]:
    """Every error of one song; `end_s`: where a usual song's last word ends."""
    gaps, lengths = courses(net, song, seed, draws)
    starts, ends_s = np.cumsum(gaps + lengths, axis=1) - lengths, (gaps + lengths).sum(axis=1)[:, None]
    weights = end_weights(gaps, lengths, song, tail)
    gap_s, length_s = weights @ gaps, weights @ lengths
    each = Timing(np.median(gaps, axis=0), np.median(lengths, axis=0))
    true, kinds = song.timing, song.kinds()

    def with_true(*parts: int, is_length: bool = False) -> float:
        known = np.where(np.isin(kinds, parts), true.gaps_s, gap_s)
        return off(Timing(known, true.lengths_s if is_length else length_s).starts_s, song)

    return {
        "where/as predicted": with_true(),
        "where/the first gap true": with_true(FIRST),
        "where/gaps before lines true": with_true(LINE),
        "where/gaps within lines true": with_true(WITHIN),
        "where/lengths true": with_true(is_length=True),
        "where/the first gap and those before lines true": with_true(FIRST, LINE),
        "where/gaps within lines and lengths true": with_true(WITHIN, is_length=True),
        "guesses/median of draws": off(median(starts), song),
        "guesses/mean of draws": off(starts.mean(axis=0), song),
        "guesses/median of draws scaled to a usual end": off(median(starts * (end_s / ends_s)), song),
        "guesses/median of conditioned draws": off(median(starts, weights), song),
        "guesses/mean of conditioned draws": off(weights @ starts, song),
        "guesses/median of each gap and length, scaled": off(each.starts_s * (end_s / each.ends_s[-1]), song),
        "within lines/predictor": off_in_lines(in_lines(starts, song), song),
        "within lines/predictor, told": off_in_lines(told_lines(net, song, seed, draws), song),
    }


def of_laws(laws: Mapping[str, Trivial], song: Song, number: int) -> dict[str, float]:
    """Errors of the trivial laws: scaled to the song as ever, and within lines also as they are."""
    found = {}
    for place, (name, law) in enumerate(laws.items()):
        times = [
            law.times(song, np.random.default_rng([TEST_SEED, number, place]), fill) for fill in (True, False)
        ]
        found[f"guesses/{name}"] = off(times[0].starts_s, song)
        found[f"within lines/{name}"] = off_in_lines(times[0].starts_s, song)
        found[f"within lines/{name}, not scaled"] = off_in_lines(times[1].starts_s, song)
        rest_s = float(np.median(law.gaps[LINE] * law.gap_units(song)[0]))
        for told, is_filled in (("told, pressed", False), ("told, filled", True)):
            found[f"within lines/{name}, {told}"] = off_in_lines(
                in_budgets(times[1], song, rest_s, is_filled), song
            )
    return found


def in_budgets(times: Timing, song: Song, rest_s: float, is_filled: bool) -> np.ndarray:
    """Starts of words from the true starts of their lines on, each line scaled to end before the next one: a usual rest before it
    (`is_filled`), or where it must [W].
    """
    lines = list(song.sheet.lines())
    limits_s = [*(float(song.timing.starts_s[a]) for a, _ in lines[1:]), song.sheet.duration_s]
    found = []
    for (a, b), limit_s in zip(lines, limits_s, strict=True):
        start_s = float(song.timing.starts_s[a])
        room, takes_s = limit_s - start_s, float(times.ends_s[b - 1] - times.starts_s[a])
        scale = max(room - rest_s, 0.5 * room) / takes_s if is_filled else min(1.0, room / takes_s)
        found.append(start_s + scale * (times.starts_s[a:b] - times.starts_s[a]))
    return np.concatenate(found)


def compared(errors: Errors, trivial: Sequence[str], words_N: np.ndarray) -> dict[str, Any]:
    """Every error with its interval, and how much more each trivial one errs, paired."""
    found: dict[str, Any] = {}
    for name, values_SN in errors.items():
        table = name.partition("/")[0]
        others = (
            [] if table == "where" or name in trivial else [one for one in trivial if one.startswith(table)]
        )
        found[name] = {
            "start_s": ratio_over(values_SN, words_N),
            **{f"{other} over it": ratio_over(errors[other] - values_SN, words_N) for other in others},
        }
    return found


def summed(of: Callable[[int, int], Mapping[str, float]], seeds: int, songs: int) -> Errors:
    """What `of` says of each seed and song."""
    rows = [[of(seed, number) for number in range(songs)] for seed in range(seeds)]
    return {name: np.array([[song[name] for song in row] for row in rows]) for name in rows[0][0]}


def main() -> None:
    """Train what lacks, draw, compare, write."""
    parser = asked(__doc__)
    parser.add_argument("--draws", type=int, default=128)
    given = parser.parse_args()
    torch.set_num_threads(1)
    started = time.process_time()
    predictors = Predictors.of(given)
    train, tests, nets, words_N = predictors.train, predictors.tests, predictors.nets, predictors.words_N
    laws = trivial_laws(train, predictors.params.durations.slot_s)
    tail = kernels(np.array([max(song.tail_s, LEAST_TAIL_S) for song in train]))
    usual_s = laws["constant"].tail_s

    def predicted(seed: int, number: int) -> dict[str, float]:
        song = tests[number]
        end_s = song.sheet.duration_s - usual_s
        return of_predictor(nets[seed], song, 1000 * seed + number, given.draws, tail, end_s)

    trivial = summed(lambda _, number: of_laws(laws, tests[number], number), 1, len(tests))
    for name, values in trivial.items():
        print(name, ratio_over(values, words_N), file=sys.stderr, flush=True)
    errors = summed(predicted, given.seeds, len(tests))
    errors |= {name: np.repeat(values, given.seeds, axis=0) for name, values in trivial.items()}
    write_result(
        "start_errors",
        {
            **predictors.told(),
            "draws": given.draws,
            "columns": ["value", "95 % low", "95 % high"],
            "errors": compared(errors, list(trivial), words_N),
            "cpu_minutes": round((time.process_time() - started) / 60, 1),
            "load": [round(load, 1) for load in os.getloadavg()],
            "machine": machine("numpy"),
        },
    )


if __name__ == "__main__":
    main()
