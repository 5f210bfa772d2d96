"""Params: overlays, --set, and one readable line for every mistake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flows.load import BASE, load, read_yaml
from flows.params import Params, load_params
from jam_model.config import JAM_0_5


def test_params_file_is_complete_and_typed() -> None:
    params = load_params()
    assert params.engine.partition_size > 0
    assert params.sft.max_frames > 0


def test_overlay_and_set_are_laid_over_in_order(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("align: {min_score: 0.11}\nengine: {partition_size: 3}\n")
    params = load_params(overlay, ["align.min_score=0.22"])
    assert params.align.min_score == 0.22
    assert params.engine.partition_size == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["align.min_scor=0.3"], r"align.min_scor is not a setting; settings there: .*min_score"),
        (["alling.min_score=0.3"], r"alling is not a setting; settings there: .*align"),
        (["align.min_score=loud"], r"align.min_score is 'loud'"),
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
