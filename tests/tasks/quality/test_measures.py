"""Every measure on songs where each number can be worked out by hand; all that hangs on the list of measures."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from flows.settings.params import load_params
from tasks.quality.checked_song import CheckedSong, CheckParams
from tasks.quality.hurried import hurried_rows
from tasks.quality.limits import FilterParams
from tasks.quality.measures import MEASURES, QUALITY, Measure, quality_of
from tests.every import every
from tests.tasks.tiny import RATE_HZ, timed

WORDS = timed(("moon", 0.0, 0.4, "mˈuːn"), ("light", 0.5, 1.0, "laɪt"))
PARAMS = CheckParams(plausible_score=0.5, min_phone_s=0.03, silence_db=-60.0)
OF = {measure.name: measure.of for measure in MEASURES}


def tone_N(seconds: float, level: float) -> np.ndarray:
    time_N = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (level * np.sin(2 * np.pi * 1000 * time_N)).astype(np.float32)


def stereo_CN(*parts_N: np.ndarray) -> np.ndarray:
    return np.stack([np.concatenate(parts_N)] * 2)


def sounding(mix_CN: np.ndarray, vocals_N: np.ndarray | None = None, **columns: Any) -> CheckedSong:
    return CheckedSong(columns, mix_CN, mix_CN[0] if vocals_N is None else vocals_N, PARAMS)


def worded(**columns: Any) -> CheckedSong:
    return sounding(stereo_CN(tone_N(0.1, 0.5)), **columns)


def heard(phones: list[str], **columns: Any) -> dict[str, float | None]:
    facts = {"transcript": [], "lyrics": ["moon"], "words": WORDS, "transcript_phones": phones}
    song = worded(**{**facts, **columns})
    return {name: OF[name](song) for name in ("agreement", "unwritten_share")}


def times(given: list[dict[str, Any]], laid: list[Any] | None) -> dict[str, float | None]:
    song = worded(words=given, aligned_words=laid)
    return {name: OF[name](song) for name in ("times_offset_s", "times_drift", "times_spread_s")}


def test_the_column_and_the_settings_are_those_of_the_measures() -> None:
    assert QUALITY.names == [measure.name for measure in MEASURES]
    limits = [setting for measure in MEASURES for setting in measure.limits]
    assert FilterParams.model_fields.keys() == {
        *limits,
        "languages",
        "mask",
        "calibrated_for",
        "uncalibrated",
    }
    assert len(limits) == len(set(limits)) and all(limit.startswith(("min_", "max_")) for limit in limits)


def test_another_entry_is_a_column_a_setting_and_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    left = Measure(
        "left_share", "in the left channel", "share", lambda song: 0.9, {"max_left_share": "one_sided"}
    )
    monkeypatch.setattr("tasks.quality.measures.MEASURES", (left,))
    spec = importlib.util.find_spec("tasks.quality.limits")
    assert spec and spec.loader
    limits = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(limits)
    params = limits.FilterParams(
        max_left_share=0.8, languages=None, mask=False, calibrated_for=(), uncalibrated="apply"
    )
    quality = quality_of(sounding(stereo_CN(tone_N(0.1, 0.5))))
    assert quality == {"left_share": 0.9}
    found = limits.broken_limits(quality, params)
    assert found == {"one_sided": "in the left channel: 0.9 share, at most 0.8"}


def test_a_limit_of_a_count_is_whole_and_every_limit_must_be_given() -> None:
    with pytest.raises(ValueError, match=r"filter\.min_words"):
        load_params(settings=["filter.min_words=2.5"])
    with pytest.raises(ValueError, match=r"min_coverage\n.*Field required"):
        FilterParams(
            **{
                **dict.fromkeys(FilterParams.model_fields.keys() - {"min_coverage"}),
                "calibrated_for": (),
                "uncalibrated": "apply",
                "mask": False,
            }
        )
    with pytest.raises(ValueError, match=r"max_dullness\n.*Extra inputs"):
        FilterParams(**dict.fromkeys(FilterParams.model_fields), max_dullness=0.1)


def test_a_song_gets_every_measure_as_a_number() -> None:
    columns = {
        "duration_s": 1.0,
        "num_lines": 2,
        "words": WORDS,
        "aligned_words": None,
        "alignment_score": 0.7,
    }
    song = {
        "transcript": None,
        "lyrics": None,
        "transcript_phones": None,
        **columns,
    }
    quality = quality_of(sounding(stereo_CN(tone_N(1.0, 0.5)), **song))
    assert list(quality) == QUALITY.names
    assert {type(value) for value in quality.values()} == {float, type(None)}


def test_loudness_silence_and_clipping_are_of_the_mix() -> None:
    half = sounding(stereo_CN(tone_N(2.0, 0.1), np.zeros(RATE_HZ * 2)), tone_N(2.0, 0.1))
    assert OF["silence_share"](half) == pytest.approx(0.5, abs=0.01)
    assert OF["clipped_share"](half) == 0.0
    tone = sounding(stereo_CN(tone_N(2.0, 0.1)))
    assert OF["loudness_lufs"](tone) == pytest.approx(
        -20.0, abs=0.1
    )  # two channels of -23, as BS.1770 has it
    square = sounding(stereo_CN(np.sign(tone_N(1.0, 1.0)).astype(np.float32)))
    assert (OF["clipped_share"](square) or 0) > 0.9


def test_the_level_of_the_vocals_is_against_the_mix() -> None:
    mix_N = tone_N(1.0, 0.5)
    assert OF["vocals_db"](sounding(stereo_CN(mix_N), 0.1 * mix_N)) == pytest.approx(-20.0)


def test_silence_has_no_loudness_and_no_level() -> None:
    silence = sounding(
        stereo_CN(np.zeros(RATE_HZ, np.float32)), words=timed(("moon", 0, 1)), aligned_words=None
    )
    assert OF["silence_share"](silence) == 1.0
    assert {OF[name](silence) for name in ("loudness_lufs", "vocals_db", "outside_share")} == {None}
    assert OF["loudness_lufs"](sounding(stereo_CN(tone_N(0.1, 0.5)))) is None


def test_pace_counts_words_overlaps_and_words_too_short_to_be_said() -> None:
    words = timed(
        ("hello", 0.0, 0.5, "həl"),
        ("silver", 0.4, 0.45, "sɪ"),
        ("moon", 2.0, 4.0, "m"),
        ("la", 4.0, 4.0, "l"),
    )
    measured = {
        "num_words": 4,
        "words_per_s": 1.0,
        "longest_word_s": 2.0,
        "overlap_share": 0.25,
        "hurried_share": 0.5,
    }
    kept = worded(words=words, aligned_words=None, transcript=None)
    assert {name: OF[name](kept) for name in measured} == measured
    laid = [{**words[0], "end_s": 0.05}, *words[1:]]
    assert OF["hurried_share"](worded(words=words, aligned_words=laid, transcript=None)) == 0.75, (
        "laid in too little time"
    )
    written = {
        "lyrics": ["hello", "silver", "moon", "la"],
        "transcript": [],
        "transcript_phones": list("həlml"),
    }
    assert OF["hurried_share"](worded(words=words, aligned_words=laid, **written)) == 0.5, (
        "silver is not heard at all"
    )


def test_hurried_words_are_named_with_the_shorter_time_and_what_was_missed_of_them() -> None:
    words = timed(("hello", 0.0, 0.5, "həl"), ("silver", 0.5, 1.0, "sɪlvɚ"))
    laid = [words[0], {**words[1], "end_s": 0.55}]
    song = {"lyrics": ["hello", "silver"], "transcript": [], "transcript_phones": list("həlsɪ")}
    (row,) = hurried_rows(worded(words=words, aligned_words=laid, **song))
    assert (row["text"], row["start_s"], row["end_s"], row["num_phones"]) == ("silver", 0.5, 0.55, 5)
    assert row["missed"] == pytest.approx(0.6)
    (row,) = hurried_rows(worded(words=words, aligned_words=laid, transcript=None))
    assert row["missed"] is None


@every(
    ("phones", "agreed", "unwritten"),
    [
        (["m", "u", "n", "l", "aɪ", "t"], 1.0, 0.0),
        (["m", "u", "n"], 0.5, 0.0),
        (["m", "u", "n", "l", "aɪ", "t", "s", "ɪ"], 1.0, 0.25),
        (["m", "u", "n", "l", "aɪ", "ɾ"], 5 / 6, 0.0),  # a tap is a d here, and no t
        (["k", "k", "k", "k", "k", "k"], 0.0, 0.0),
    ],
)
def test_phones_agree_as_far_as_what_is_written_is_heard(
    phones: list[str], agreed: float, unwritten: float
) -> None:
    assert heard(phones) == {"agreement": pytest.approx(agreed), "unwritten_share": pytest.approx(unwritten)}


def test_phones_that_no_recogniser_tells_apart_agree() -> None:
    assert heard(["s"], words=timed(("z", 0.0, 1.0, "z")))["agreement"] == 1.0


def test_words_are_compared_where_no_phones_are_heard() -> None:
    found = heard([], transcript=["Moon", "light", "again"], lyrics=["moon", "light"])
    assert found == {"agreement": 1.0, "unwritten_share": pytest.approx(1 / 3)}
    nothing = {"agreement": None, "unwritten_share": None}
    assert heard([], transcript=["moon"], lyrics=None) == nothing, "the words are what was heard"
    assert heard([], transcript=None) == nothing, "nobody listened"
    assert heard([], transcript=[]) == {"agreement": 0.0, "unwritten_share": None}


@every(("slope", "offset_s", "drift"), [(1.0, 0.3, 0.0), (1.03, 0.0, 0.03), (0.97, -0.1, -0.03)])
def test_claimed_times_have_an_offset_a_drift_and_a_spread(
    slope: float, offset_s: float, drift: float
) -> None:
    laid = timed(*((f"w{i}", float(i + 1), i + 2.5) for i in range(11)))
    given = [{**word, "start_s": slope * word["start_s"] + offset_s} for word in laid]
    found = times(given, laid)
    assert found["times_offset_s"] == pytest.approx(offset_s + 6 * (slope - 1))
    assert found["times_drift"] == pytest.approx(drift)
    assert found["times_spread_s"] == pytest.approx(3 * abs(slope - 1))


def test_words_that_have_the_aligners_times_say_nothing_of_the_given_ones() -> None:
    laid = timed(*((f"w{i}", float(i), i + 0.5) for i in range(11)))
    given = [{**word, "start_s": word["start_s"] + (0.2 if i < 4 else 0.0)} for i, word in enumerate(laid)]
    kept = [word if i < 4 else None for i, word in enumerate(laid)]
    assert times(given, kept)["times_offset_s"] == pytest.approx(0.2)
    assert times(given, laid)["times_offset_s"] == 0.0


def test_one_misheard_word_moves_no_measure_of_the_times_and_unsayable_words_are_left_out() -> None:
    laid = timed(*((f"w{i}", float(i), i + 0.5) for i in range(11)))
    given = [dict(word) for word in laid]
    laid[3]["start_s"] = 3.4
    laid[7].update(start_s=7.4, score=0.0)
    assert set(times(given, laid).values()) == {0.0}
    assert times(given[:1], laid[:1])["times_drift"] is None
    unplaced = [{**word, "score": 0.0} for word in laid]
    assert set(times(given, unplaced).values()) == set(times(given, None).values()) == {None}
