"""Arms differ from the base in one thing; answers are of songs, and say where a curve doubles only where it does."""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest
import torch

from eval.metrics.error_rates import ACOUSTIC_PER
from eval.results.study import answer, in_short
from eval.stats.intervals import Resampling
from flows.console.measured import print_study
from flows.settings.params import load_params
from jam_model.durations.checkpoint import save_durations
from jam_model.durations.config import DurationConfig
from jam_model.durations.network import DurationNet
from jam_model.words import Word
from tasks.benchmark.song_metrics import TextStyles
from tasks.benchmark.system_metrics import Measured, measure
from tasks.models.phonemizer import build_phonemizer
from tasks.prompts.predicted_times import Predictor
from tasks.prompts.prompts import Prompt
from tasks.studies.answers import crossing, pooled, result_of
from tasks.studies.given_times import with_predicted_phones, with_written_times
from tasks.studies.kinds import KINDS, Beside
from tasks.studies.study import Run, Study, sources_of, system_of
from tasks.studies.times import RULES
from tasks.studies.timing_noise import KINDS as NOISES
from tasks.studies.timing_noise import disturbed
from tasks.studies.write import write_study
from tasks.times.trivial_times import usual
from tests.every import every
from tests.tasks.benchmark.test_system_metrics import Letters, row
from tests.tasks.prompts.test_prompts import prompt

PARAMS = load_params()
WORDS = tuple("abcdefgh")
BESIDE = Beside(
    build_phonemizer(PARAMS.models.phonemizer),
    PARAMS.rough_times,
    beats_s={f"song-{number}": np.arange(0.1, 9.5, 0.5).tolist() for number in range(6)},
)
SUNG = [
    replace(one, phones=[[Word(word.text, word.start_s, word.end_s)] for word in one.words])
    for one in (prompt(number, WORDS) for number in range(6))
]


@every("kind", NOISES)
def test_noise_is_none_at_nothing_nested_over_values_and_inside_the_song(kind: str) -> None:
    assert disturbed(SUNG, kind, 0.0, 1) == SUNG
    for before, little, much in zip(
        SUNG, disturbed(SUNG, kind, 0.1, 1), disturbed(SUNG, kind, 0.5, 1), strict=True
    ):
        assert much.words != before.words
        assert [(w.text, w.start_s, w.end_s) for w in much.words] == [
            (phone.text, phone.start_s, phone.end_s) for (phone,) in much.phones or []
        ]
        assert all(0 <= word.start_s <= word.end_s <= 9.0 for word in much.words)
        assert [word.start_s for word in much.words] == sorted(word.start_s for word in much.words)
        if kind == "missing":
            assert set(much.words) <= set(little.words) <= set(before.words)
        elif kind == "extra":
            assert len(before.words) <= len(little.words) <= len(much.words) <= 2 * len(before.words)
        else:
            assert sorted(much.texts) == sorted(before.texts)
            assert (much.texts == before.texts) == (kind != "swapped")


def test_words_move_as_far_as_their_noise_says() -> None:
    def moved(kind: str, value: float) -> np.ndarray:
        after = disturbed(SUNG, kind, value, 1)
        return np.array([w.start_s for p in after for w in p.words]).reshape(6, -1) - np.arange(8.0)

    assert np.abs(moved("jitter", 0.3)).max() <= 0.3 + 1e-9 and np.ptp(moved("jitter", 0.3)) > 0.2
    assert np.allclose(moved("jitter", 0.2), 2 * moved("jitter", 0.1))
    assert np.allclose(moved("late", 0.4), 0.4) and np.allclose(moved("early", 0.4)[:, 1:], -0.4)
    assert np.allclose(moved("slower", 0.1)[0, 1:], 0.1 * (np.arange(1, 8) - 3.75))
    assert np.allclose(moved("faster", 0.1)[0], -0.1 * (np.arange(8.0) - 3.75))


@every("rule", RULES)
def test_rules_for_times_keep_the_words_and_what_is_sung_from_first_to_last(rule: str) -> None:
    study = KINDS["times"](SUNG, PARAMS.sampler, PARAMS.study, BESIDE)
    arm = next(arm for arm in study.arms if arm.name == rule)
    for before, after in zip(SUNG, arm.prompts, strict=True):
        assert after.texts == before.texts
        assert np.isclose(after.words[0].start_s, 0.0) and np.isclose(after.words[-1].end_s, 7.5)
        assert all(a.end_s <= b.start_s + 1e-9 for a, b in zip(after.words, after.words[1:], strict=False))


def test_a_constant_step_is_even_and_a_syllable_step_follows_syllables() -> None:
    words = (Word("a", 0.0, 1.0, "eɪ"), Word("banana", 1.0, 2.0, "bənænə"), Word("b", 2.0, 4.0, "biː"))
    one = replace(SUNG[0], words=words)
    rng = np.random.default_rng(0)
    even = [start_s for _, start_s, _ in RULES["constant"][1](one, usual([one.words]), rng)]
    assert np.allclose(np.diff(even), even[1])
    syllables = [start_s for _, start_s, _ in RULES["per-syllable"][1](one, usual([one.words]), rng)]
    assert np.isclose(syllables[2] - syllables[1], 3 * (syllables[1] - syllables[0]))


@every("kind", KINDS)
def test_arms_have_names_of_their_own_and_runs_their_own_noise(kind: str) -> None:
    params = PARAMS.study.model_copy(update={"window_s": 3.0})
    study = KINDS[kind](SUNG, PARAMS.sampler, params, BESIDE)
    runs = [Run("c0s3", Path("a"), "w", 3), Run("c0s4", Path("a"), "w", 4)]
    sources = sources_of(study, runs)
    assert len({source.song_id for source in sources}) == len(sources) == 2 * 6 * len(study.all_arms)
    assert {(s.facts["seed"], s.facts["system"][-2:]) for s in sources} == {(3, "s3"), (4, "s4")}
    assert all(arm.series in ("", *study.series) for arm in study.arms)


def test_a_curve_doubles_between_two_values_or_not_at_all() -> None:
    rates = np.array([[0.1, 0.15, 0.25, 0.9], [0.1, 0.1, 0.1, 0.19], [0.0, 0.5, 0.5, 0.5]])
    assert np.allclose(crossing([0.0, 1.0, 2.0, 4.0], rates), [1.5, np.inf, np.inf])


def two_arms() -> tuple[Study, list[Run], Measured]:
    """A study whose one disturbed value gets every second letter wrong, in two runs of eight songs."""
    prompts = [
        Prompt(f"s{n}", "t", (Word("ab", 0, 1, "ab"),), np.float32([[1, 0]]), 3.0, None) for n in range(8)
    ]
    params = PARAMS.study.model_copy(update={name: [0.5] for name in ("jitter_s", "offset_s", "stretch")})
    study = KINDS["timing-noise"](prompts, PARAMS.sampler, params, BESIDE)
    study = replace(study, arms=study.arms[:1], series={"jitter": study.series["jitter"]})
    runs = [Run("c0s0", Path("a"), "w", 0), Run("c0s1", Path("a"), "w", 1)]
    heard = {"base": ["ab", "ab", "xb", "ab"] * 2, study.arms[0].name: ["ax", "xb", "xb", "xx"] * 2}
    rows = [
        row(p.song_id, system_of(arm, run), [phones], phones)
        for run in runs
        for arm in study.all_arms
        for p, phones in zip(prompts, heard[arm.name], strict=True)
    ]
    rows[-1] |= {"drop_reason": "silent", "transcript": None, "transcript_phones": None}
    return study, runs, measure(prompts, rows, [], Letters(), TextStyles(), Resampling(200, 1))


def test_answers_count_songs_not_runs_and_a_song_that_failed_in_a_run_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, runs, measured = two_arms()
    result = result_of(study, runs, measured, ["embedded/a@1"])
    level, change = result.rows[0].levels[ACOUSTIC_PER.name], result.rows[0].changes[ACOUSTIC_PER.name]
    assert (level.n, level.n_failed, level.value) == (7, 1, 8 / 14)
    assert result.base.levels["acoustic_per"].value == 0.125
    assert change.value == pytest.approx(6 / 14) and change.n == 7
    (doubling,) = result.doublings
    assert doubling.value == pytest.approx(0.5 / 3) and doubling.most == 0.5
    assert len(result.base.runs[ACOUSTIC_PER.name]) == 2
    (few,) = answer(replace(result, num_songs=4))
    assert few.startswith("4 songs can tell no two arms apart")
    assert "cannot be told" in answer(replace(result, base=result.rows[0]))[1]
    path = write_study(tmp_path, result)
    assert json.loads(path.read_text())["answer"] == answer(result)
    page = path.with_suffix(".html").read_text()
    assert "doubled at 0.17 s" in page and "stand-in, not a result" in page
    print_study(path)
    assert "doubled at 0.17 s" in capsys.readouterr().out


def test_runs_are_pooled_within_a_song() -> None:
    study, runs, measured = two_arms()
    metric = measured.metric(ACOUSTIC_PER.name)
    values = [measured.columns(metric)[system_of(study.base, run)] for run in runs]
    assert [(counts.errors, counts.num_reference) for counts in pooled(metric, values)] == [
        *((0, 4), (0, 4), (2, 4), (0, 4)),
    ] * 2


def test_arms_of_phones_differ_within_words_alone_and_are_told_by_how_fast_words_are_sung(
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    save_durations(tmp_path / "p", DurationNet(DurationConfig("ab", 4, 8, 2, 0, 0.01, 0.3, 0.2)), "card")
    predictor = Predictor(tmp_path / "p", 1.0, 0, PARAMS.models.style_encoder, phones=True)
    words = (Word("ab", 0.0, 0.15, "ab"), Word("ba", 1.0, 4.0, "ba"), Word("a", 5.0, 6.0, "a"))
    two = [Word("a", 0.0, 0.05), Word("b", 0.05, 0.15)], [Word("b", 1.0, 3.5), Word("a", 3.5, 4.0)]
    prompts = [
        Prompt(f"s{n}", "t", words, np.float32([[1, 0]]), 7.0, None, phones=[*two, []]) for n in range(6)
    ]
    beside = replace(
        BESIDE, timed={"P": with_predicted_phones(prompts, predictor)}, trainings=["average_repeat"]
    )
    study = KINDS["phones"](prompts, PARAMS.sampler, PARAMS.study, beside)
    even, predicted, trained = study.arms
    assert all(one.words == words for arm in study.arms for one in arm.prompts)
    assert {one.phones for one in even.prompts} == {None} and trained.prompts == prompts
    for one in predicted.prompts:
        for word, its, known in zip(words, one.phones or (), (*two, []), strict=True):
            assert (
                [phone.text for phone in its] == [phone.text for phone in known] and its != known
            ) or not its
            assert not its or (its[0].start_s, its[-1].end_s) == (word.start_s, word.end_s)
    with pytest.raises(ValueError, match="none of 8 songs has phones"):
        KINDS["phones"](two_arms()[0].base.prompts, PARAMS.sampler, PARAMS.study, BESIDE)

    run = Run("c0s0", Path("a"), "w", 0, {"average_repeat": (Path("b"), "v")})
    assert run.checkpoints == {"w": Path("a"), "v": Path("b")}
    made = {source.facts["system"]: source.facts["checkpoint"] for source in sources_of(study, [run])}
    assert made == {f"{arm.name}-c0s0": "v" if arm is trained else "w" for arm in study.all_arms}
    heard = {"base": "abbaa", "even": "xxbaa", predicted.name: "xbbaa", trained.name: "abbaa"}
    rows = [
        row(one.song_id, system_of(arm, run), ["ab"], heard[arm.name])
        for arm in study.all_arms
        for one in prompts
    ]
    result = result_of(
        study, [run], measure(prompts, rows, [], Letters(), TextStyles(), Resampling(200, 1)), []
    )
    fast, held = "acoustic_per_s_per_syllable_0", "acoustic_per_s_per_syllable_3"
    assert [found.changes[fast].value for found in result.rows] == [1.0, 0.5, 0.0]
    assert [found.changes[held].value for found in result.rows] == [0.0] * 3
    assert result.rows[0].changes["acoustic_per"].value == pytest.approx(0.4)
    assert result.metric(fast).title == "Acoustic PER, below 0.2 seconds a syllable (6 words)"
    told = next(line for line in answer(result) if line.startswith(result.metric(held).title))
    assert "no arm can be told from the base; of a change they would show, 8 times in 10:" in told
    page = write_study(tmp_path, result).with_suffix(".html").read_text()
    assert "12 of 18 words have phones in time" in page and "would see" in page
    short = dict(zip((metric.name for metric in result.metrics), in_short(result), strict=True))
    sentence, rest = short[fast]
    largest, other = (f"{one.title} +{100 * one.changes[fast].value:.1f}" for one in result.rows[:2])
    assert f"against the base: {largest} [" in sentence and sentence.endswith(
        "(n = 6), the largest of 2 changes that can be told."
    )
    assert len(rest) == 1 and rest[0].startswith(f"{other} [")
    sentence, rest = short[held]
    assert "no arm can be told from the base; the largest change is " in sentence and sentence.endswith(
        "(n = 6)."
    )
    assert all(f"<li>{escape(line)}</li>" in page for line in rest) and f"<li>{escape(sentence)}" in page


def test_every_training_is_asked_with_every_kind_of_times_beside_the_songs_themselves() -> None:
    beside = replace(BESIDE, trainings=["quantised", "dequantised"])
    study = KINDS["quantised"](SUNG, PARAMS.sampler, PARAMS.study, beside)
    asked = [(arm.training, arm.name.partition("-")[0]) for arm in study.arms if not arm.is_true]
    kinds = ("continuous", "quantised", "dequantised")
    assert asked == [(t, kind) for t in ("", *beside.trainings) for kind in kinds][1:]
    steps = {round(0.1 + 0.125 * step, 6) for step in range(-1, 80)}
    for arm in study.all_arms:
        for before, one in zip(SUNG, arm.prompts, strict=True):
            starts = [word.start_s for word in one.words]
            assert {*starts} <= steps or not arm.name.startswith("quantised")
            assert one.words == before.words or "quantised" in arm.name
            assert np.abs(np.array(starts) - np.arange(8.0)).max() < 0.17 and one.texts == before.texts
            assert [phone.start_s for (phone,) in one.phones or []] == starts
    others = {name: (Path(name), name) for name in beside.trainings}
    sources = sources_of(study, [Run("c0s0", Path("a"), "w", 0, others)])
    made = {
        source.facts["system"]: (source.facts["checkpoint"], source.facts["recipe"]) for source in sources
    }
    assert made["true-c0s0"] == (None, '{"kind": "copy"}')
    assert made["quantised-2-c0s0"][0] == "dequantised" and made["base-c0s0"][0] == "w"
    few = replace(beside, beats_s={"song-0": [0.1, 0.6], "song-1": [0.1, 0.6], "song-2": [3.0]})
    left = KINDS["quantised"](SUNG, PARAMS.sampler, PARAMS.study, few)
    assert len(left.base.prompts) == 2 and "4 songs left out" in left.notes[1]
    with pytest.raises(ValueError, match="words of 0 of 6 songs fit on beat/4"):
        KINDS["quantised"](SUNG, PARAMS.sampler, PARAMS.study, replace(beside, beats_s={}))


def test_times_that_somebody_wrote_are_an_arm_and_their_repairs_are_counted(tmp_path: Path) -> None:
    for one in SUNG:
        words = [{"word": w.text, "start": w.start_s + 0.5, "end": w.end_s + 0.5} for w in one.words]
        words[1]["end"] = words[2]["start"] + 0.2
        (tmp_path / f"{one.song_id}.json").write_text(json.dumps(words))
    written, told = with_written_times(SUNG, tmp_path)
    assert told == "repaired: words that overlap the next (6)"
    assert [word.start_s for word in written[0].words] == [word.start_s + 0.5 for word in SUNG[0].words]
    study = KINDS["times"](SUNG, PARAMS.sampler, PARAMS.study, replace(BESIDE, timed={"GPT": written}))
    (arm,) = [arm for arm in study.arms if arm.title == "GPT"]
    assert arm.prompts == written
    with pytest.raises(ValueError, match=r"lacks 6 of 6 songs, first song-0\.json"):
        with_written_times(SUNG, tmp_path / "elsewhere")
