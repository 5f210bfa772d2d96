"""A song with bad lines keeps its good ones: what is masked, what is left, and when nothing is worth keeping."""

from __future__ import annotations

from typing import Any

import pytest

from flows.settings.params import load_params
from tasks.engine.song import Song, SongError
from tasks.quality.checked_song import CheckedSong
from tasks.quality.detected import DETECTED_VALUES
from tasks.quality.lines import line_bounds
from tasks.quality.mining import MineParams, without_masks
from tasks.stages.filter import Filter
from tests.tasks.stages.test_filter import GOOD, PARAMS
from tests.tasks.stages.test_filter import song as filtered
from tests.tasks.tiny import timed

MINE = MineParams(
    when="always", min_line_alignment=0.3, max_line_missed=0.5, min_left_share=0.5, min_left_s=5.0
)


def line(start_s: float, alignment: float = 0.9, missed: float = 0.0) -> dict[str, Any]:
    measured = {"alignment": alignment, "coverage": float(alignment > 0.3), "missed": missed}
    return {"text": "moon", "num_words": 4, "start_s": start_s, "end_s": start_s + 3.0, **measured}


def song(*lines: dict[str, Any], quality: dict[str, Any] | None = None, **columns: Any) -> Song:
    more = {"line_fits": list(lines), "unwritten_stretches": [], "sound_loops": [], **columns}
    return filtered(quality={**GOOD, **(quality or {})}, **more)


def test_a_song_with_bad_lines_keeps_its_good_ones_and_a_person_outweighs_that() -> None:
    limits, detect = PARAMS.model_copy(update={"max_outside_share": 0.2}), load_params().detect
    mining = Filter(limits, mine=MINE)
    bad, poor = line(5.0, alignment=0.1, missed=0.9), {"alignment": 0.5, "agreement": 0.5, "unheard_run": 4.0}
    halved = song(line(0.0), bad, line(10.0), line(15.0), quality=poor)
    with pytest.raises(SongError, match="words_unheard"):
        Filter(limits).one(halved)
    kept = mining.one(halved)
    assert kept["masked"] == [{"start_s": 5.0, "end_s": 8.0}] and kept["flags"] == ["mined"]
    assert without_masks(kept["masked"], 20.0) == pytest.approx(17.0, abs=0.1)
    whole = mining.one(song(line(0.0), line(5.0)))
    assert whole["masked"] == [] and whole["flags"] == [], "nothing is bad: as without mining"

    stretch = {"start_s": 8.5, "end_s": 9.5, "share": 0.3}
    loop = {"start_s": 9.0, "end_s": 9.9}
    sung = mining.one(
        song(
            line(0.0),
            line(12.0),
            quality={"outside_share": 0.4},
            unwritten_stretches=[stretch],
            sound_loops=[loop],
        )
    )
    assert sung["masked"] == [{"start_s": 8.5, "end_s": 9.9}] and sung["flags"] == ["mined"]
    strict = detect.model_copy(update={"max_loop_s": 0.5, "max_looped_words": 2.0, "max_gap_s": 2.0})
    columns: dict[str, Any] = {
        "sound_loops": [loop],
        "detected": dict.fromkeys(DETECTED_VALUES.names) | {"loop_s": 0.9, "looped_words": 6.0},
    }
    with pytest.raises(SongError, match="sound_loops"):
        Filter(limits, detect=strict).one(song(line(0.0), line(12.0), **columns))
    assert Filter(limits, detect=strict, mine=MINE).one(song(line(0.0), line(12.0), **columns))["flags"] == [
        "mined"
    ]
    heard = {"detected": dict.fromkeys(DETECTED_VALUES.names) | {"invented_words": 6.0}}
    invents = Filter(limits, detect=detect.model_copy(update={"max_invented_words": 2.0}), mine=MINE)
    with pytest.raises(SongError, match="recogniser_inventions"):
        invents.one(song(line(0.0), line(12.0), **heard))
    assert invents.one(song(line(0.0), line(12.0), **heard, unwritten_stretches=[stretch]))["kept"]
    columns["detected"]["gap_s"] = 3.0
    with pytest.raises(SongError, match="silent_gap"):
        Filter(limits, detect=strict, mine=MINE).one(song(line(0.0), line(12.0), **columns))
    with pytest.raises(SongError, match="times_disagree"):
        mining.one(song(line(0.0), bad, line(10.0), quality={"times_offset_s": 2.0}))
    with pytest.raises(SongError, match=r"too_little_left .*1 of 3 lines are good \(33% of the words\)"):
        mining.one(song(line(0.0), bad, line(10.0, missed=0.8), quality=poor))
    with pytest.raises(SongError, match="words_unheard"):
        mining.one(song(line(0.0), bad, quality=poor, split="validation"))
    by_hand = Song("tiny", halved.columns, edited={"decision": "approve", "reason": "heard it"})
    assert mining.one(by_hand)["masked"] == [] and "mined" not in mining.one(by_hand)["flags"]
    joined = mining.one(song(line(0.0), bad, line(10.0), line(15.0), unheard_runs=[run(7.0, 9.0)]))
    assert joined["masked"] == [{"start_s": 5.0, "end_s": 9.0}], "seconds that were masked anyway stay so"

    words = timed(("we", 0.0, 0.3), ("go", 0.4, 0.9), ("home", 1.3, 1.6))
    checked = CheckedSong({"words": words}, *[None] * 2, load_params().check)  # type: ignore[arg-type]
    assert line_bounds(checked.words, None) == [(0, 2), (2, 3)], "a pause ends a line where none has a time"
    assert line_bounds(checked.words, timed(("we", 0.0, 0.3), ("go home", 0.4, 1.6))) == [(0, 1), (1, 3)]


def run(start_s: float, end_s: float) -> dict[str, Any]:
    return {"text": "moon", "num_words": 3, "weight": 3.0, "start_s": start_s, "end_s": end_s}
