"""Params: overlays, --set, and one readable line for every mistake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flows.settings.params import Params, load_params
from flows.settings.params_files import BASE, load, read_yaml
from jam_model.config import JAM_0_5


def test_params_file_is_complete_and_typed() -> None:
    params = load_params()
    assert params.engine.partition_size > 0
    assert params.sft.max_frames > 0


def test_overlay_and_set_are_laid_over_in_order(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("filter: {min_alignment: 0.11}\nengine: {partition_size: 3}\n")
    params = load_params(overlay, ["filter.min_alignment=0.22"])
    assert params.filter.min_alignment == 0.22
    assert params.engine.partition_size == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["filter.min_alignmen=0.3"],
            r"filter.min_alignmen is not a setting; settings there: .*min_alignment",
        ),
        (["alling.min_score=0.3"], r"alling is not a setting; settings there: .*align"),
        (["filter.min_alignment=loud"], r"filter.min_alignment is 'loud'"),
        (["align"], "expected section.key=value"),
    ],
)
def test_wrong_setting_is_named_in_one_line(settings: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        load(Params, None, settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", "a: !!python/object/apply:os.system ['true']\n"])
def test_overlay_that_is_no_plain_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.yaml") as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["pretrain", "sft", "dpo"])
def test_the_published_recipes_load_and_build_the_released_sizes(name: str) -> None:
    params = load_params(BASE.parent / "params" / f"jam_{name}.yaml")
    section = getattr(params, name)
    section.rule()
    assert params.jam.config(section.max_frames) == replace(JAM_0_5, max_frames=section.max_frames)


def test_a_recipe_lies_over_the_one_it_names(tmp_path: Path) -> None:
    (tmp_path / "under.yaml").write_text("sft: {steps: 3, seed: 4}\n")
    top = tmp_path / "top.yaml"
    top.write_text("over: under.yaml\nsft: {steps: 5}\n")
    params = load_params(top)
    assert (params.sft.steps, params.sft.seed) == (5, 4)
    (tmp_path / "under.yaml").write_text("over: top.yaml\n")
    with pytest.raises(ValueError, match="lies over itself"):
        load_params(top)


def test_an_overlay_may_lie_over_several_the_later_ones_on_top(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("sft: {steps: 3, seed: 4}\n")
    (tmp_path / "two.yaml").write_text("sft: {steps: 7}\n")
    top = tmp_path / "top.yaml"
    top.write_text("over: [one.yaml, two.yaml]\n")
    params = load_params(top)
    assert (params.sft.steps, params.sft.seed) == (7, 4)


def test_the_full_overlay_joins_the_real_models_and_the_published_recipes() -> None:
    params = load_params(BASE.parent / "params" / "full.yaml")
    assert params.judge.model == "songeval" and params.codec.model == "stable_audio"
    assert params.jam.config(params.sft.max_frames) == replace(JAM_0_5, max_frames=params.sft.max_frames)
