"""Check measures; each number here can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from jam_model.words import Word, words_of
from tasks.audio.read import flac_bytes
from tasks.engine.columns import QUALITY
from tasks.engine.song import Song
from tasks.quality.measures import MEASURES
from tasks.stages.check import Check, CheckParams, agreement, outside_share, pace, sound, times
from tests.tasks.tiny import RATE_HZ, timed

WORDS = timed(("moon", 0.0, 0.4, "mˈuːn"), ("light", 0.5, 1.0, "laɪt"))
PARAMS = CheckParams(plausible_score=0.5, min_phone_s=0.03, silence_db=-60.0)


def tone_N(seconds: float, level: float) -> np.ndarray:
    time_N = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (level * np.sin(2 * np.pi * 1000 * time_N)).astype(np.float32)


def stereo_CN(*parts_N: np.ndarray) -> np.ndarray:
    return np.stack([np.concatenate(parts_N)] * 2)


def heard(phones: list[str], **columns: Any) -> Song:
    facts = {"transcript": [], "lyrics": ["moon"], "words": WORDS, "heard_phones": phones}
    return Song("tiny", {**facts, **columns})


def agreed_on(song: Song) -> dict[str, float | None]:
    return agreement(song, words_of(song["words"]))


def lined_up(count: int) -> list[Word]:
    return [Word(f"w{i}", float(i), i + 0.5, score=1.0) for i in range(count)]


def test_the_column_holds_every_measure_and_no_other() -> None:
    assert QUALITY.names == [measure.name for measure in MEASURES]


def test_a_song_gets_every_measure() -> None:
    mix_CN = stereo_CN(tone_N(1.0, 0.5))
    words = [WORDS[0], {**WORDS[1], "score": 0.4}]
    columns = {
        "audio": {"path": None, "bytes": flac_bytes(mix_CN, RATE_HZ)},
        "vocals": flac_bytes(mix_CN[0], RATE_HZ),
        "duration_s": 1.0,
        "num_lines": 2,
        "words": words,
        "aligned_words": None,
        "alignment_score": 0.7,
    }
    song = heard(["m", "u", "n"], **columns)
    quality = Check(PARAMS, "").one(song)["quality"]
    assert list(quality) == QUALITY.names
    assert (quality["coverage"], quality["alignment"], quality["num_lines"]) == (0.5, 0.7, 2.0)
    assert quality["outside_share"] == pytest.approx(0.1, abs=0.01)
    assert quality["times_offset_s"] is None
    assert quality["agreement"] == 0.5
    moved = [{**word, "start_s": word["start_s"] + 0.2, "score": 0.9} for word in words]
    given = Check(PARAMS, "").one(song.with_columns(aligned_words=moved))["quality"]
    assert given["times_offset_s"] == pytest.approx(-0.2)
    assert given["coverage"] == 1.0, "the laid words are the ones with a place"


def test_loudness_silence_and_clipping_are_of_the_mix() -> None:
    measured = sound(stereo_CN(tone_N(2.0, 0.1), np.zeros(RATE_HZ * 2)), tone_N(2.0, 0.1), -60.0)
    assert measured["silence_share"] == pytest.approx(0.5, abs=0.01)
    assert measured["clipped_share"] == 0.0
    tone = sound(stereo_CN(tone_N(2.0, 0.1)), tone_N(2.0, 0.1), -60.0)
    assert tone["loudness_lufs"] == pytest.approx(-20.0, abs=0.1)  # two channels of -23, as BS.1770 has it
    square_N = np.sign(tone_N(1.0, 1.0)).astype(np.float32)
    assert sound(stereo_CN(square_N), square_N, -60.0)["clipped_share"] > 0.9


def test_the_level_of_the_vocals_is_against_the_mix() -> None:
    mix_N = tone_N(1.0, 0.5)
    assert sound(stereo_CN(mix_N), 0.1 * mix_N, -60.0)["vocals_db"] == pytest.approx(-20.0)


def test_silence_has_no_loudness_and_no_level() -> None:
    silence_N = np.zeros(RATE_HZ, np.float32)
    measured = sound(stereo_CN(silence_N), silence_N, -60.0)
    assert (measured["silence_share"], measured["loudness_lufs"], measured["vocals_db"]) == (1.0, None, None)
    assert outside_share(silence_N, [Word("moon", 0, 1)]) is None
    short_N = tone_N(0.1, 0.5)
    assert sound(stereo_CN(short_N), short_N, -60.0)["loudness_lufs"] is None


def test_pace_counts_words_overlaps_and_words_too_short_to_be_said() -> None:
    times_s = ((0.0, 0.5, "həl"), (0.4, 0.45, "sɪ"), (2.0, 4.0, "m"), (4.0, 4.0, "l"))
    words = [Word("la", start_s, end_s, phonemes) for start_s, end_s, phonemes in times_s]
    measured = pace(words, words, 0.03)
    assert measured == {
        "num_words": 4,
        "words_per_s": 1.0,
        "longest_word_s": 2.0,
        "overlap_share": 0.25,
        "hurried_share": 0.5,
    }
    laid = [replace(words[0], end_s=0.05), *words[1:]]
    assert pace(words, laid, 0.03)["hurried_share"] == 0.75, "laid in too little time"


@pytest.mark.parametrize(
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
    found = agreed_on(heard(phones))
    assert found == {"agreement": pytest.approx(agreed), "unwritten_share": pytest.approx(unwritten)}


def test_phones_that_no_recogniser_tells_apart_agree() -> None:
    assert agreed_on(heard(["s"], words=timed(("z", 0.0, 1.0, "z"))))["agreement"] == 1.0


def test_words_are_compared_where_no_phones_are_heard() -> None:
    song = heard([], transcript=["Moon", "light", "again"], lyrics=["moon", "light"])
    assert agreed_on(song) == {"agreement": 1.0, "unwritten_share": pytest.approx(1 / 3)}
    nothing = {"agreement": None, "unwritten_share": None}
    assert agreed_on(heard([], transcript=["moon"], lyrics=None)) == nothing, "the words are what was heard"
    assert agreed_on(heard([], transcript=None)) == nothing, "nobody listened"
    assert agreed_on(heard([], transcript=[])) == {"agreement": 0.0, "unwritten_share": None}


@pytest.mark.parametrize(
    ("slope", "offset_s", "drift"), [(1.0, 0.3, 0.0), (1.03, 0.0, 0.03), (0.97, -0.1, -0.03)]
)
def test_claimed_times_have_an_offset_a_drift_and_a_spread(
    slope: float, offset_s: float, drift: float
) -> None:
    laid = [replace(word, start_s=word.start_s + 1, end_s=word.end_s + 2) for word in lined_up(11)]
    given = [replace(word, start_s=slope * word.start_s + offset_s) for word in laid]
    found = times(given, laid)
    assert found["times_offset_s"] == pytest.approx(offset_s + 6 * (slope - 1))
    assert found["times_drift"] == pytest.approx(drift)
    assert found["times_spread_s"] == pytest.approx(3 * abs(slope - 1))


def test_one_misheard_word_moves_no_measure_of_the_times_and_unsayable_words_are_left_out() -> None:
    given = lined_up(11)
    laid = [*given[:3], replace(given[3], start_s=3.4), *given[4:]]
    laid[7] = replace(laid[7], start_s=7.4, score=0.0)
    assert set(times(given, laid).values()) == {0.0}
    assert times(given[:1], laid[:1])["times_drift"] is None
    unplaced = [replace(word, score=0.0) for word in laid]
    assert set(times(given, unplaced).values()) == set(times(given, None).values()) == {None}
