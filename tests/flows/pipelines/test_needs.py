"""Songs that each flow needs: told from the number found before anything is prepared, exactly after it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.console.plan_training import plan_train
from flows.pipelines.flow_inputs import check_inputs
from flows.pipelines.needs import AFTER_PREPARE, needs_of, too_few_found, too_few_kept, too_few_packed
from flows.settings.params import Params, load_params
from flows.settings.project import Project, WorkFolder
from flows.train import run_train
from tasks.dedup.sides import BENCHMARK, TRAIN, VALIDATION

SMALL = Path("params/small.yaml")


@pytest.fixture(scope="module")
def defaults() -> Params:
    return load_params()


@pytest.fixture(scope="module")
def small() -> Params:
    return load_params(SMALL)


def rows(**counts: int) -> list[dict[str, Any]]:
    return [
        {"split": split, "drop_reason": None, "lyrics": ["la"]}
        for split, count in counts.items()
        for _ in range(count)
    ]


def test_six_songs_are_too_few_for_the_defaults_and_each_setting_that_asks_for_more_is_named(
    defaults: Params,
) -> None:
    line = too_few_found(defaults, 6, *AFTER_PREPARE)
    assert "songs: 6 found" in line and "params/small.yaml" in line
    assert (
        "at least 534 by benchmark.num_songs (32 benchmark songs with lyrics), 240 by gate.num_prompts"
        in line
    )
    assert "27 by round.num_prompts (24 train songs)" in line
    assert not too_few_found(defaults, 534, *AFTER_PREPARE)


def test_six_songs_are_enough_for_the_small_settings_and_four_are_not(small: Params) -> None:
    assert not too_few_found(small, 6, *AFTER_PREPARE)
    assert "at least 5 by round.num_prompts" in too_few_found(small, 4, *AFTER_PREPARE)
    assert not too_few_kept(small, rows(train=3, validation=1, benchmark=2), *AFTER_PREPARE)


def test_a_side_that_gets_no_song_is_never_filled(defaults: Params) -> None:
    group = defaults.group.model_copy(update={"validation_share": 0.0})
    line = too_few_found(defaults.model_copy(update={"group": group}), 10**6, *AFTER_PREPARE)
    assert "at least no number by pretrain.best_by" in line and "num_songs" not in line


def test_kept_songs_are_counted_without_the_dropped_and_those_nobody_wrote_lyrics_for(small: Params) -> None:
    found = rows(train=2, validation=1, benchmark=2)
    found[0]["drop_reason"] = "silent"
    found[-1]["lyrics"] = None
    assert too_few_kept(small, found, *AFTER_PREPARE).startswith(
        "songs: too few were kept: round.num_prompts asks for 2 train songs, 1 kept; "
        "benchmark.num_songs asks for 2 benchmark songs with lyrics, 1 kept; "
    )


def test_validation_songs_are_a_need_of_training_only_where_its_best_step_is_chosen_by_them(
    defaults: Params,
) -> None:
    assert {need.side for need in needs_of(defaults, "train")} == {TRAIN, VALIDATION}
    last = {
        name: getattr(defaults, name).model_copy(update={"best_by": "none"}) for name in ("pretrain", "sft")
    }
    assert {need.side for need in needs_of(defaults.model_copy(update=last), "train")} == {TRAIN}
    assert {need.side for need in needs_of(defaults, "benchmark")} == {BENCHMARK}


def test_training_without_shards_or_without_training_songs_says_so_before_it_begins(
    defaults: Params, tmp_path: Path
) -> None:
    work = WorkFolder(tmp_path / "W")
    with pytest.raises(ValueError, match=r"no shards in .*; run `jam prepare --songs DIR --work "):
        run_train(Project(defaults, work))
    assert not work.root.exists(), "a refused command leaves nothing behind"
    work.shards.mkdir(parents=True)
    (work.shards / "index.json").write_text('{"shards": []}')
    (work.shards / "ids.jsonl").write_text('{"id": "a", "split": "validation", "duration": 3.0}\n')
    assert "pretrain asks for 1 train song, 0 kept" in too_few_packed(defaults, work.shards)
    with pytest.raises(ValueError, match="0 kept"):
        run_train(Project(defaults, work))
    apart = defaults.model_copy(update={"sft": defaults.sft.model_copy(update={"log_every_steps": 9})})
    for refused in (run_train, plan_train, partial(check_inputs, flow="all")):
        with pytest.raises(
            ValueError, match=r"^sft\.checkpoint_every_steps \d+ is no multiple of log_every_st"
        ):
            refused(Project(apart, work))
