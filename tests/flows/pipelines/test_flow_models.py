"""The models each flow needs are those it builds, looked up before anything long begins."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from flows.pipelines.flow_models import BESIDE, check_caption_key, stages_of, unusable_models
from flows.prepare import run_prepare
from flows.settings.project import Project
from tasks.engine.source_code import NO_VALUES, closure, tree_of
from tasks.engine.stage import BadModel
from tasks.models.chosen import KINDS
from tests.every import every

MODULES = {
    "train": "flows.train",
    "generate": "flows.generate",
    "dpo": "flows.dpo",
    "benchmark": "flows.benchmark",
}


def project_with(*overrides: str) -> Project:
    return Project.at("W", None, overrides)


def with_model(kind: str, model: str, validation_per_songs: int = 2) -> Project:
    heard = [f"{run}.validation_per_songs={validation_per_songs}" for run in ("pretrain", "sft")]
    project = project_with(*heard)
    chosen = getattr(project.params.models, kind).model_copy(update={"model": model})
    models = project.params.models.model_copy(update={kind: chosen})
    return replace(project, params=project.params.model_copy(update={"models": models}))


@every(
    ("kind", "model"),
    [("separator", "demucs"), ("guard_transcriber", "whisper"), ("phonemizer", "deep_phonemizer")],
)
def test_training_needs_what_listens_while_it_trains(kind: str, model: str) -> None:
    (trouble,) = unusable_models(with_model(kind, model), "train")
    assert str(trouble).startswith(f"models.{kind}.{model}")
    assert not list(unusable_models(with_model(kind, model, 0), "train"))


def test_a_model_is_told_once_whatever_stages_need_it() -> None:
    (trouble,) = unusable_models(with_model("phonemizer", "deep_phonemizer"), "all")
    assert str(trouble).startswith("models.phonemizer.deep_phonemizer")


def test_what_settings_alone_tell_to_end_a_run_late_is_told_first() -> None:
    """Genres that the report's encoder cannot read, rounds of shorter songs than fine-tuning."""
    project = project_with("models.style_encoder.model=world_two", "sft.max_frames=320")
    genres, lengths = map(str, unusable_models(project, "all"))
    assert genres.startswith("benchmark.genres: embedded/world-two-style@1 cannot read")
    assert "--set benchmark.genres=[" in genres and lengths.endswith("set dpo.max_frames=320")


@pytest.mark.parametrize("flow", MODULES)
def test_what_a_flow_builds_beside_its_stages_is_looked_up(flow: str) -> None:
    """Calls of a builder in the flow itself and in what it imports of flows, stages left out."""
    passed_over = (*NO_VALUES, "tasks", "jam_model", "eval", "flows.settings", "flows.run")
    built = {
        node.func.id.removeprefix("build_")
        for module in closure([MODULES[flow]], passed_over)
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id.startswith("build_")
    }
    project = project_with()
    inside = [section for stage in stages_of(project)[flow] for section in stage.sections]
    in_stages = {kind for kind in KINDS if any(getattr(project.params.models, kind) is one for one in inside)}
    assert built <= {*BESIDE[flow], *in_stages} <= set(KINDS)


def test_a_second_judge_is_a_stage_of_the_benchmark() -> None:
    project = project_with("benchmark.second_judge=audiobox")
    assert "reward" in [stage.name for stage in stages_of(project)["benchmark"]]
    assert "reward" not in [stage.name for stage in stages_of(project_with())["benchmark"]]


def test_the_key_of_an_endpoint_is_looked_for_before_any_stage_starts_and_only_where_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "A_KEY_OF_NOBODY"
    monkeypatch.delenv(name, raising=False)
    (tmp_path / "songs").mkdir()
    asked = (
        f"songs.path={tmp_path / 'songs'}",
        f"caption.endpoint.key_variable={name}",
        "caption.model=endpoint",
    )
    project = Project.at(str(tmp_path / "work"), None, asked)
    with pytest.raises(BadModel, match=f"caption.endpoint.key_variable names {name}, which is not set"):
        run_prepare(project)
    assert not project.work.table.exists()
    check_caption_key(project, {"separate"})
    for other in (
        "caption.model=facts",
        "caption.endpoint.key_variable=null",
        "engine.address=auto",
        f"engine.stages.caption.env={{{name}: k}}",
    ):
        check_caption_key(Project.at(str(tmp_path / "work"), None, (*asked, other)))
    monkeypatch.setenv(name, "k")
    check_caption_key(project)
