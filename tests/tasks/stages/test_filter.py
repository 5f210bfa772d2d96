"""Filter keeps a song or drops it with the first reason that holds; a benchmark song it only flags."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.engine.song import Song, SongError
from tasks.quality.limits import FilterParams, is_calibrated, set_aside
from tasks.quality.measures import MEASURES
from tasks.stages.filter import Filter
from tests.every import every

UNLIMITED: dict[str, Any] = {
    **dict.fromkeys(FilterParams.model_fields),
    "calibrated_for": ("a@1", "r@1"),
    "uncalibrated": "apply",
    "mask": False,
}
PARAMS = FilterParams(
    calibrated_for=("a@1", "r@1"),
    uncalibrated="apply",
    min_duration_s=2.0,
    max_duration_s=60.0,
    max_silence_share=0.5,
    max_clipped_share=0.01,
    min_loudness_lufs=-40.0,
    max_loudness_lufs=-5.0,
    min_vocals_db=-6.0,
    min_lines=2,
    min_words=2,
    max_words_per_s=3.0,
    max_word_s=8.0,
    max_overlap_share=0.25,
    languages=("en", "de"),
    mask=False,
    min_alignment=0.6,
    min_coverage=0.7,
    min_agreement=0.7,
    max_unheard_run=1.75,
    max_unwritten_share=0.1,
    max_outside_share=0.2,
    max_times_offset_s=0.1,
    max_times_drift=0.01,
    max_times_spread_s=0.05,
    max_hurried_share=0.1,
)
GOOD: dict[str, float | None] = {
    "duration_s": 10.0,
    "silence_share": 0.1,
    "clipped_share": 0.0,
    "loudness_lufs": -14.0,
    "vocals_db": -2.0,
    "num_lines": 4.0,
    "num_words": 20.0,
    "words_per_s": 2.0,
    "longest_word_s": 1.0,
    "overlap_share": 0.0,
    "hurried_share": 0.0,
    "alignment": 0.9,
    "coverage": 1.0,
    "agreement": 0.95,
    "unheard_run": 1.0,
    "unwritten_share": 0.02,
    "outside_share": 0.05,
    "times_offset_s": 0.01,
    "times_drift": 0.001,
    "times_spread_s": 0.01,
}


def song(split: str = "train", language: str | None = "en", **columns: Any) -> Song:
    facts = {
        "duplicate_of": None,
        "near_benchmark": None,
        "unheard_runs": [],
        "hurried_words": [],
        "duration_s": 20.0,
        "style_embedding": [[0.0]],
        "num_frames": 1,
    }
    return Song("tiny", {**facts, "quality": GOOD, "language": language, "split": split, **columns})


def reason(**columns: Any) -> str:
    with pytest.raises(SongError) as error:
        Filter(PARAMS).one(song(**columns))
    assert error.value.song_id == "tiny" and error.value.detail
    return error.value.reason


def test_filter_keeps_a_good_song_without_flags_and_a_person_overrules_limits_of_measures_alone() -> None:
    kept = Filter(PARAMS).one(song())
    assert (kept["kept"], kept["flags"]) == (True, [])
    quiet = {"quality": {**GOOD, "loudness_lufs": -41.0}}
    approved = {"decision": "approve", "reason": "a whisper"}
    kept = Filter(PARAMS).one(replace(song(**quiet), edited=approved))
    assert (kept["kept"], kept["flags"]) == (True, ["too_quiet"])
    for columns, why in (({"duplicate_of": "other"}, "near_duplicate"), ({"language": "fr"}, "language")):
        with pytest.raises(SongError) as error:
            Filter(PARAMS).one(replace(song(**quiet, **columns), edited=approved))
        assert error.value.reason == why
    for split in ("train", "benchmark"):
        with pytest.raises(SongError) as error:
            Filter(PARAMS).one(replace(song(split), edited={"decision": "reject", "reason": "out of tune"}))
        assert (error.value.reason, error.value.detail) == ("rejected_by_hand", "out of tune")


@pytest.mark.parametrize(
    ("expected", "measure", "value"),
    [
        ("duration_short", "duration_s", 1.9),
        ("duration_long", "duration_s", 60.1),
        ("silent", "silence_share", 0.6),
        ("clipped", "clipped_share", 0.02),
        ("too_quiet", "loudness_lufs", -41.0),
        ("too_loud", "loudness_lufs", -4.0),
        ("no_vocals", "vocals_db", -9.0),
        ("lines_few", "num_lines", 1.0),
        ("words_few", "num_words", 1.0),
        ("words_fast", "words_per_s", 3.1),
        ("word_long", "longest_word_s", 8.5),
        ("words_overlap", "overlap_share", 0.5),
        ("low_alignment", "alignment", 0.5),
        ("low_coverage", "coverage", 0.6),
        ("low_agreement", "agreement", 0.6),
        ("words_unheard", "unheard_run", 2.0),
        ("unwritten_singing", "unwritten_share", 0.2),
        ("unwritten_singing", "outside_share", 0.3),
        ("times_disagree", "times_offset_s", 0.3),
        ("times_disagree", "times_offset_s", -0.3),
        ("times_disagree", "times_drift", -0.03),
        ("times_disagree", "times_spread_s", 0.06),
        ("words_hurried", "hurried_share", 0.3),
    ],
)
def test_filter_drops_a_song_beyond_a_limit_with_its_reason(
    expected: str, measure: str, value: float
) -> None:
    assert reason(quality={**GOOD, measure: value}) == expected
    assert Filter(FilterParams(**UNLIMITED)).one(song(quality={**GOOD, measure: value}))["kept"]


def test_a_drop_for_words_that_were_not_heard_names_them_and_their_place() -> None:
    runs = [
        {"text": "oh", "num_words": 1, "weight": 1.0, "start_s": 3.0, "end_s": 3.5},
        {"text": "la la", "num_words": 2, "weight": 2.0, "start_s": 5.0, "end_s": 6.0},
        {"text": "produced by x y", "num_words": 4, "weight": 4.0, "start_s": 12.34, "end_s": 13.0},
    ]
    with pytest.raises(SongError) as error:
        Filter(PARAMS).one(song(quality={**GOOD, "unheard_run": 4.0}, unheard_runs=runs))
    assert str(error.value.detail) == (
        "'produced by x y' (4 words near 12.3 s) was not heard; nor was 1 more run (at 5.0 s); "
        "at most 1.75 words in a row may be missed"
    )
    kept = Filter(FilterParams(**UNLIMITED)).one(
        song(quality={**GOOD, "unheard_run": 4.0}, unheard_runs=runs)
    )
    assert kept["kept"]


MISSED = [
    {"text": "produced by", "num_words": 2, "weight": 2.0, "start_s": 5.0, "end_s": 6.0},
    {"text": "oh", "num_words": 1, "weight": 1.0, "start_s": 2.0, "end_s": 2.2},
]


def test_on_request_words_that_were_not_heard_are_masked_and_other_reasons_still_drop() -> None:
    unheard = {**GOOD, "unheard_run": 2.0}
    masking = Filter(PARAMS.model_copy(update={"mask": True}))
    kept = masking.one(song(quality=unheard, unheard_runs=MISSED))
    assert (kept["masked"], kept["flags"]) == ([{"start_s": 5.0, "end_s": 6.0}], [])
    assert Filter(PARAMS).one(song())["masked"] == masking.one(song())["masked"] == []
    dropped: list[tuple[str, dict[str, Any]]] = [
        ("words_hurried", {"quality": {**unheard, "hurried_share": 1.0}}),
        ("words_unheard", {"split": "validation"}),
        ("words_unheard", {"duration_s": 6.5, "unheard_runs": [{**MISSED[0], "start_s": 0.5}]}),
    ]
    for expected, columns in dropped:
        with pytest.raises(SongError) as error:
            masking.one(song(**{"quality": unheard, "unheard_runs": MISSED, **columns}))
        assert error.value.reason == expected
    flagged = masking.one(song("benchmark", quality=unheard, unheard_runs=MISSED))
    assert (flagged["flags"], flagged["masked"]) == (["words_unheard"], [])


def hurried(text: str, missed: float | None) -> dict[str, Any]:
    return {"text": text, "start_s": 3.82, "end_s": 3.9, "num_phones": 9, "missed": missed}


def test_extra_words_are_not_called_hurried_and_hurried_ones_are_named() -> None:
    def told(filter: Filter, *rows: dict[str, Any], split: str = "train") -> str:
        with pytest.raises(SongError) as error:
            filter.one(song(split, quality={**GOOD, "hurried_share": len(rows) / 20}, hurried_words=[*rows]))
        return f"{error.value.reason}: {error.value.detail}"

    strict = Filter(PARAMS.model_copy(update={"max_hurried_share": 0.04}))
    extra, fast = hurried("subscribe", 0.6), hurried("tonight", 0.1)
    assert told(strict, extra, extra) == (
        "words_unheard: 'subscribe' (0.08 s for 9 phones near 3.8 s) was not heard and has no room to be sung; "
        "nor was 1 more such word"
    )
    assert told(strict, fast, extra) == (
        "words_hurried: words too short for their phones: 0.1 share of words, at most 0.04: "
        "'tonight' (0.08 s for 9 phones near 3.8 s), 'subscribe' (0.08 s for 9 phones near 3.8 s)"
    )
    assert told(strict, hurried("tonight", None)).startswith("words_hurried: ")
    masking = Filter(PARAMS.model_copy(update={"max_hurried_share": 0.04, "mask": True}))
    kept = masking.one(song(quality={**GOOD, "hurried_share": 0.05}, hurried_words=[extra]))
    assert kept["masked"] == [{"start_s": 3.82, "end_s": 3.9}]
    assert told(masking, extra, split="validation").startswith("words_unheard: ")


def test_every_measure_has_a_song_here_and_every_limit_a_setting() -> None:
    assert GOOD.keys() == {measure.name for measure in MEASURES}
    settings = {setting for measure in MEASURES for setting in measure.limits}
    assert (
        settings | {"calibrated_for", "uncalibrated", "languages", "mask"} == FilterParams.model_fields.keys()
    )


def test_limits_set_aside_drop_no_song_and_mark_it_and_all_others_hold() -> None:
    params = PARAMS.model_copy(update={"uncalibrated": "set_aside", "mask": True})
    assert set_aside(params, ("a@1", "r@2")) and not set_aside(params, ("a@1", "r@1"))
    assert not set_aside(PARAMS, ("a@1", "r@2")) and "uncalibrated" not in PARAMS.decides()
    keeper = Filter(params, set_aside=True)
    run = {"first": 2, "words": ["a", "b", "c"], "weight": 3.0, "start_s": 3.0, "end_s": 5.0}
    beyond = {**GOOD, "alignment": 0.1, "unheard_run": 3.0, "hurried_share": 0.5}
    kept = keeper.one(song(quality=beyond, unheard_runs=[run]))
    assert kept["flags"] == ["uncalibrated", "words_unheard", "low_alignment", "words_hurried"]
    assert kept["masked"] == [] and keeper.one(song())["flags"] == []
    with pytest.raises(SongError, match="too_quiet"):
        keeper.one(song(quality={**beyond, "loudness_lufs": -60.0}))
    assert keeper.facts != Filter(params).facts


def test_what_cannot_be_measured_drops_nobody() -> None:
    kept = Filter(PARAMS).one(song(quality=dict.fromkeys(GOOD), language=None))
    assert kept["kept"] is True


def test_other_languages_and_songs_near_others_are_dropped() -> None:
    assert reason(language="fr") == "language"
    assert reason(duplicate_of="other") == "near_duplicate"
    assert reason(near_benchmark="sacred") == "in_benchmark"
    assert reason(split="validation", near_benchmark="sacred") == "in_benchmark"


def test_the_first_reason_in_order_is_the_one_a_song_is_dropped_for() -> None:
    quality = {**GOOD, "hurried_share": 1.0, "agreement": 0.1, "silence_share": 0.9}
    assert reason(quality=quality, duplicate_of="other") == "silent"


def test_a_benchmark_song_is_flagged_and_never_dropped() -> None:
    quality = {**GOOD, "unwritten_share": 0.5, "outside_share": 0.5, "agreement": 0.1}
    kept = Filter(PARAMS).one(song("benchmark", "fr", quality=quality, duplicate_of="x", near_benchmark="y"))
    assert kept["kept"] is True
    assert kept["flags"] == ["low_agreement", "unwritten_singing", "language", "near_duplicate"]


def test_limits_are_calibrated_only_for_the_models_they_name() -> None:
    assert is_calibrated(PARAMS, ("a@1", "r@1"))
    assert not is_calibrated(PARAMS, ("a@2", "r@1"))


@every(
    "heard_by,level,least,expected",
    [
        (["net"], -9.0, -6.0, None),
        (["recogniser"], None, -6.0, None),
        ([], -2.0, -6.0, None),
        (
            [],
            -9.0,
            -6.0,
            "vocals over the mix: -9 dB, at least -6; 0.1 s of voice in the mix, 1 words transcribed",
        ),
        ([], None, -6.0, "0.1 s of voice in the mix, 1 words transcribed"),
        ([], -2.0, None, "0.1 s of voice in the mix, 1 words transcribed"),
    ],
)
def test_a_song_has_no_vocals_only_where_the_level_the_net_and_the_recogniser_hear_none(
    heard_by: list[str], level: float | None, least: float | None, expected: str | None
) -> None:
    voted = Filter(PARAMS.model_copy(update={"min_vocals_db": least}), has_voters=True)
    assert voted.reads > Filter(PARAMS).reads
    heard = song(voice_s=0.1, voice_heard_by=heard_by, transcript=["you"])
    heard = heard.with_columns(quality={**GOOD, "vocals_db": level})
    if expected is None:
        assert voted.one(heard)["kept"]
        return
    with pytest.raises(SongError) as error:
        voted.one(heard)
    assert (error.value.reason, error.value.detail) == ("no_vocals", expected)
