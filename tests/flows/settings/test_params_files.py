"""Params: overlays, --set, and one readable line for every mistake."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from flows.settings import params_files
from flows.settings.params import Params, load_params
from flows.settings.params_files import BASE, base_files, lay_over, read_yaml
from jam_model.config import JAM_0_5
from tasks.engine.stage import stages_in
from tests.every import every


def test_the_base_is_complete_and_typed_and_says_every_setting_once() -> None:
    assert load_params().engine.partition_size > 0
    assert list(read_yaml(BASE)) == ["songs", "toy", "engine", "models"]
    sections = [section for path in base_files() for section in read_yaml(path)]
    assert sorted(sections) == sorted(Params.model_fields), "each section stands in one file"
    for path in base_files()[1:]:
        assert len(path.read_text().splitlines()) <= 110, path


def test_a_section_of_a_stage_has_the_name_of_the_stage() -> None:
    stages = {path.stem for path in (BASE.parent / "tasks" / "stages").glob("*.py")} | {
        *stages_in("tasks.stages")
    }
    prepare = read_yaml(BASE.parent / "params" / "base" / "prepare.yaml")
    assert set(prepare) - {"audio", "calibrate"} <= stages


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project's settings, to be edited."""
    shutil.copytree(BASE.parent / "params", tmp_path / "params")
    monkeypatch.setattr(params_files, "BASE", Path(shutil.copy(BASE, tmp_path)))
    return tmp_path / "params" / "base"


@pytest.mark.parametrize(
    ("file", "key", "value", "reached"),
    [
        ("training", "fit.max_grad_norm", 2.5, {"pretrain", "sft", "dpo"}),  # shared: null in all three
        ("preference", "dpo.max_grad_norm", 2.5, {"dpo"}),  # an override, where null stood
        ("training", "fit.weight_decay", 0.5, {"pretrain", "sft"}),  # shared, but dpo has its own
        ("training", "fit.best_by", "none", {"pretrain", "sft"}),
        ("training", "pretrain.steps", 8, {"pretrain"}),
    ],
)
def test_overlay_edit_set_and_dvc_give_one_resolved_tree(
    base: Path, tmp_path: Path, file: str, key: str, value: object, reached: set[str]
) -> None:
    section, name = key.split(".")
    edited = base / f"{file}.yaml"
    before, text, said = load_params(), edited.read_text(), read_yaml(edited)
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(f"{section}: {{{name}: {value}}}\n")
    trees = [load_params(overlay), load_params(settings=[f"{key}={value}"])]
    edited.write_text(re.sub(rf"(?ms)(^{section}:.*?^  {name}): \S+", rf"\1: {value}", text, count=1))
    trees.append(load_params())
    edited.write_text(text)
    apply_overrides(edited, [f"{key}={value}"])  # what `dvc exp run -S FILE:key=value` does to the file
    trees.append(load_params())
    assert trees == [trees[0]] * 4
    for run in ("pretrain", "sft", "dpo"):
        assert getattr(getattr(trees[0], run), name) == (
            value if run in reached else getattr(getattr(before, run), name)
        ), run
    assert read_yaml(edited) == lay_over(said, {section: {name: value}}), "no other key is written"


def test_each_run_lists_every_shared_key() -> None:
    files = {section: values for path in base_files() for section, values in read_yaml(path).items()}
    for run in ("pretrain", "sft", "dpo"):
        assert list(files[run])[-len(files["fit"]) :] == list(files["fit"]), run


@every(
    ("key", "text", "message"),
    [
        ("engine.idle_worker_s", "1:30", r"is '1:30': input should be a valid number; numbers are decimal"),
        ("engine.dashboard", "no", r"is 'no': input should be a valid boolean; .* truth is true or false"),
        ("engine.partition_size", "010", r"is '010': input should be a valid integer; numbers are decimal"),
        (
            "models.codec.stable_audio.revision",
            "1234567",
            r"is 1234567: .*valid string; in quotes it is text",
        ),
    ],
)
def test_a_value_that_yaml_1_1_would_turn_is_refused_with_file_and_key(
    tmp_path: Path, key: str, text: str, message: str
) -> None:
    section, *inner = key.split(".")
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(f"{section}: " + "".join(f"{{{name}: " for name in inner) + text + "}" * len(inner))
    for where, load in (
        (r"--set \S+", lambda: load_params(settings=[f"{key}={text}", "sft.seed=4"])),
        (str(overlay), lambda: load_params(overlay, ["sft.seed=4"])),
    ):
        with pytest.raises(ValueError, match=rf"^params \({where}\): {key} {message}"):
            load()
    quoted = load_params(settings=["models.codec.stable_audio.revision='1234567'"])
    assert quoted.models.codec.stable_audio.revision == "1234567"


def test_a_mistake_in_a_base_file_names_that_file(base: Path) -> None:
    path = base / "generate.yaml"
    path.write_text(path.read_text().replace("num_steps: 6", "num_steps: many"))
    with pytest.raises(
        ValueError, match=r"params \(params/base/generate.yaml\): sampler.num_steps is 'many'"
    ):
        load_params(settings=["sft.seed=4"])


def test_overlay_and_set_are_laid_over_in_order(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("filter: {min_alignment: 0.11}\nengine: {partition_size: 3}\n")
    params = load_params(overlay, ["filter.min_alignment=0.22"])
    assert params.filter.min_alignment == 0.22
    assert params.engine.partition_size == 3


def test_workers_of_what_is_no_stage_are_refused() -> None:
    """Neither a folder of tasks/ nor a file of tasks/stages is a stage: a stage's name is."""
    for name in ("seperate", "audio", "engine", "bases"):
        with pytest.raises(
            ValueError, match=f"there is no stage '{name}'; give one of adherence, aesthetics, align"
        ):
            load_params(None, [f"engine.stages={{{name}: {{gpus: 4}}}}"])
    for stage in stages_in("tasks.stages"):
        assert load_params(None, [f"engine.stages={{{stage}: {{gpus: 4}}}}"]).engine.stages[stage].gpus == 4


@every(
    ("settings", "message"),
    [
        (["filter.min_algnment=0.3"], "no setting filter.min_algnment; near: filter.min_alignment"),
        (["min_alignment=0.3"], "no setting min_alignment; near: filter.min_alignment"),
        (["alling.min_score=0.3"], "no setting alling; near: align"),
        (
            ["sampler.steps=3"],
            "no setting sampler.steps; near: sampler.num_steps, sampler.sets, pretrain.steps",
        ),
        (["engine.stages.separate.gpu=1"], "near: engine.stages.separate.gpus"),
        (["models.seperator.model=demucs"], "no setting models.seperator; near: models.separator"),
        (["align.zzz=0.3"], "no setting align.zzz; settings there: times, max_offset_s"),
        (["filter.min_alignment=loud"], r"filter.min_alignment is 'loud'"),
        (["align"], "expected section.key=value"),
    ],
)
def test_wrong_setting_is_named_in_one_line(settings: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        load_params(None, settings)
    assert "\n" not in str(caught.value)


def test_misspelt_setting_of_a_file_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("filter: {min_algnment: 0.3}\n")
    said = rf"^params \({overlay}\): there is no setting filter.min_algnment; near: filter.min_alignment"
    with pytest.raises(ValueError, match=said):
        load_params(overlay)


@every("text", ["- a\n- b\n", "a: [", "a: !!python/object/apply:os.system ['true']\n"])
def test_overlay_that_is_no_plain_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.yaml") as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)


@every("name", ["pretrain", "sft", "dpo"])
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
    assert params.models.judge.model == "songeval" and params.models.codec.model == "stable_audio"
    assert params.jam.config(params.sft.max_frames) == replace(JAM_0_5, max_frames=params.sft.max_frames)
