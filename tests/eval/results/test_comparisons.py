"""Every two systems: the family, failures that cannot help, what a worse system looks like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.error_rates import WER, ErrorCounts
from eval.metrics.metric import Corpus
from eval.pages.players import worst_songs
from eval.results.comparisons import Pair, PairTable, family, pair_table
from eval.results.report import Report, System
from eval.results.songs import SongRow, genre_rows
from eval.results.wording import family_line, metric_verdict
from eval.stats.intervals import Estimate, Resampling

DRAWS = Corpus(Resampling(num_resamples=500, seed=2))


def counts(wrong: int | None) -> ErrorCounts | None:
    return None if wrong is None else ErrorCounts(20 - wrong, wrong, 0, 0)


def columns(**wrong: list[int | None]) -> dict[str, list[ErrorCounts | None]]:
    return {name: [counts(one) for one in songs] for name, songs in wrong.items()}


def table_of(**wrong: list[int | None]) -> PairTable:
    table = pair_table(WER, columns(**wrong), DRAWS)
    assert table is not None
    return table


def report_of(**wrong: list[int | None]) -> Report:
    systems = [
        System(name, name.capitalize(), [], {"wer": WER.estimate(values, DRAWS)})
        for name, values in columns(**wrong).items()
    ]
    return Report("t", systems, [WER], pairs=[table_of(**wrong)])


def song_row(system: str, number: int, wrong: int | None, genre: str = "pop") -> SongRow:
    found = {} if wrong is None else {"wer": ErrorCounts(20 - wrong, wrong, 0, 0)}
    scores = {"wer": None if wrong is None else wrong / 20}
    return SongRow(f"song-{number}", f"Song {number}", system, 9.0, scores, genre=genre, counts=found)


def test_a_perfect_copy_is_told_from_one_with_a_fifth_of_its_words_swapped() -> None:
    swapped = [int(n) for n in np.random.default_rng(0).binomial(20, 0.2, 20)]
    report = report_of(copy=[0] * 20, swapped=swapped)
    assert report.systems[0].estimates["wer"].value == 0
    pair = report.pairs[0].pairs[0]
    assert pair.significant and pair.p_value < 0.001 and pair.estimate.above_zero is False
    assert metric_verdict(report, WER).startswith("Copy better than Swapped on WER by ")
    assert metric_verdict(report, WER).endswith("n = 20.")


def test_equal_systems_are_said_to_be_not_told_apart() -> None:
    wrong = [1, 2, 0, 3, 1, 2, 1, 0, 2, 1]
    report = report_of(a=wrong, b=wrong[::-1])
    assert metric_verdict(report, WER) == "No two of the systems are told apart in 1 pair."
    line = family_line(WER, report.pairs[0])
    assert "Family: 1 pair of 2 systems on WER" in line and "Holm" in line and "8 times in 10" in line


def test_the_verdict_names_who_is_better_and_leaves_the_rest_open() -> None:
    line = metric_verdict(report_of(a=[8] * 12, b=[1, 0] * 6, c=[0, 1] * 6), WER)
    assert line.startswith("B better than A on WER by 37.5 points") or line.startswith(
        "C better than A on WER"
    )
    assert line.endswith("the other difference not resolvable.")


def test_failing_cannot_make_a_system_better() -> None:
    honest, failing = [4] * 10, [4] * 5 + [None] * 5
    pair = table_of(honest=honest, failing=failing).pairs[0]
    assert (pair.estimate.value, pair.estimate.n, pair.estimate.n_failed) == (0.0, 5, 5)
    assert pair.failed_as_one is not None
    assert pair.failed_as_one.value == pytest.approx(0.2 - 0.6)
    assert (pair.failed_as_one.n, pair.failed_as_one.n_failed) == (10, 0)


def test_songs_a_system_never_sang_count_as_missing() -> None:
    pair = table_of(a=[1, 1, 1], b=[1, None, None]).pairs[0]
    assert (pair.estimate.n, pair.estimate.n_failed) == (1, 2)


def test_a_family_is_corrected_together_and_untested_pairs_stay_untested() -> None:
    nothing = Estimate(0.0, None, None, 1, 0)
    pairs = [Pair("a", "b", nothing, 0.01), Pair("a", "c", nothing, None), Pair("b", "c", nothing, 0.04)]
    table = PairTable("fad", family(pairs), "swapped")
    assert [pair.corrected for pair in table.pairs] == pytest.approx([0.02, None, 0.04])
    assert table.num_tests == 2


def test_a_large_family_can_still_be_significant() -> None:
    names = [f"s{number:02}" for number in range(15)]
    table = table_of(**{name: [position % 2] * 16 for position, name in enumerate(names)})
    assert table.num_tests == 105
    assert any(pair.significant for pair in table.pairs)


def test_genres_hold_their_own_songs_alone() -> None:
    rows = [
        song_row("a", 0, 2),
        song_row("a", 1, 4),
        song_row("a", 2, 10, "rock"),
        song_row("a", 3, None, "rock"),
    ]
    pop, rock = genre_rows(rows, [WER], DRAWS)
    assert (pop.genre, pop.estimates["wer"].value, pop.estimates["wer"].n) == ("pop", pytest.approx(0.15), 2)
    assert (rock.estimates["wer"].n, rock.estimates["wer"].n_failed) == (1, 1)
    assert genre_rows([replace(row, genre="") for row in rows], [WER], DRAWS) == []


def test_the_worst_takes_follow_the_direction_of_each_metric() -> None:
    rows = [
        SongRow(f"s{n}", "", "a", 1.0, {"wer": n / 20, "judge_mean": n / 4 if n else None}) for n in range(20)
    ]
    worst = worst_songs(rows, [WER])
    assert worst == {("a", f"s{n}") for n in range(10, 20)}
    assert worst_songs(rows, [JUDGE_MEAN]) == {("a", f"s{n}") for n in range(1, 11)}
