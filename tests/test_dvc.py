"""DVC over a tiny toy: it and the song table agree on what is fresh, experiments and their metrics compare."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.pipelines.stages import prepare_pipeline, prepare_stages
from flows.settings.params import Params, load_params
from flows.settings.params_files import base_files, lay_over, read_yaml
from flows.settings.project import Project, WorkFolder
from tasks.models.aligner import AlignerParams
from tasks.models.codec import CodecParams
from tasks.models.phonemizer import PhonemizerParams
from tasks.models.separator import SeparatorParams
from tasks.models.style_encoder import StyleParams
from tasks.models.transcriber import TranscriberParams
from tasks.upkeep.status import why

ROOT = Path(__file__).resolve().parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
TAKEN = (
    *("flows", "tasks", "jam_model", "eval", "params", "params.yaml", "dvc.yaml", "requirements.lock"),
    *(".dvcignore", ".gitignore"),
)
TINY = {
    "toy": {"num_songs": 8},
    "group": {"validation_share": 0.2, "benchmark_share": 0.2},
    "fit": {"num_workers": 1},
    "pretrain": {
        "steps": 2,
        "log_every_steps": 1,
        "checkpoint_every_steps": 2,
        "validate_every_steps": 2,
    },
}
MODELS = {
    "separate": SeparatorParams,
    "transcribe": TranscriberParams,
    "align": AlignerParams,
    "phonemize": PhonemizerParams,
    "style": StyleParams,
    "encode": CodecParams,
}


def outs(stage: dict[str, Any], *kinds: str) -> set[str]:
    return {path for kind in kinds for entry in stage.get(kind, []) for path in entry}


def test_a_stage_depends_on_the_columns_it_reads_and_on_the_code_that_carries_its_version() -> None:
    pipeline = prepare_pipeline(Project.at("data"))
    for name, inputs in pipeline.inputs.items():
        deps = set(STAGES[name]["deps"])
        folders = {f"data/table/{other}" for other in inputs}
        assert folders - {"data/table/sources"} <= deps, name
        assert f"{type(pipeline.stages[name]).__module__.replace('.', '/')}.py" in deps
        if kind := MODELS.get(name):
            files = {f"{module.replace('.', '/')}.py" for module in {kind.__module__, *kind.real.values()}}
            assert files <= deps, name
        assert f"data/table/{name}" in outs(STAGES[name], "outs")


def test_results_can_be_compared_between_experiments() -> None:
    for name in ("pack", "pretrain", "sft", "dpo", "benchmark"):
        assert outs(STAGES[name], "metrics"), name
    assert all(outs(STAGES[name], "plots") for name in ("pretrain", "sft", "dpo"))
    for stage in STAGES.values():
        for kind in ("metrics", "plots"):
            for entry in stage.get(kind, []):
                assert all(options.get("cache", True) for options in entry.values()), entry


class DvcProject:
    """A copy of the working tree as a Git and DVC project of its own, with tiny params."""

    def __init__(self, root: Path, bin: Path) -> None:
        self.root = root
        bin.mkdir()
        jam = bin / "jam"
        jam.write_text(f'#!/bin/sh\nexec {sys.executable} -m flows.commands.main "$@"\n')
        jam.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}",
            "PREFECT_HOME": str(bin / "prefect"),
            "DVC_NO_ANALYTICS": "1",
            **{f"GIT_{who}_{what}": "x@y.z" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        root.mkdir()
        for name in TAKEN:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, root / name)
        self.set(TINY)
        self("git", "init", "-q")
        self.dvc("init", "-q")
        self.commit()

    def __call__(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def dvc(self, *arguments: str) -> str:
        return self(sys.executable, "-m", "dvc", *arguments)

    def commit(self) -> None:
        self("git", "add", "-A")
        self("git", "commit", "-q", "-m", "state")

    def set(self, values: dict[str, Any]) -> None:
        """Each section in the file where it stands."""
        for path in (self.root / "params.yaml", *(self.root / "params" / "base").glob("*.yaml")):
            said = read_yaml(path)
            mine = {name: section for name, section in values.items() if name in said}
            if mine:
                path.write_text(yaml.safe_dump(lay_over(said, mine)))

    def changed(self, *targets: str) -> set[str]:
        """Stages that DVC would run."""
        return set(json.loads(self.dvc("status", "--json", *targets)))

    def params(self, *settings: str) -> Params:
        """What the project's files say, with these over them."""
        overlay = self.root.parent / "all.yaml"
        files = (self.root / "params.yaml", *(self.root / "params" / "base").glob("*.yaml"))
        overlay.write_text(yaml.safe_dump({"over": [str(path) for path in files]}))
        return load_params(overlay, settings)

    def stale(self) -> set[str]:
        """Stages of prepare that the table would run."""
        pipeline = prepare_pipeline(Project(self.params(), WorkFolder(self.root / "data")))
        return {stage for stage in pipeline.stages if why(pipeline, stage)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DvcProject:
    """Prepared by one command; DVC told that what stands is what its stages would have made."""
    folder = tmp_path_factory.mktemp("dvc")
    made = DvcProject(folder / "project", folder / "bin")
    made("jam", "toy")
    made("jam", "prepare")
    made.dvc("commit", "--force", "toy", *(stage.name for stage in prepare_stages(load_params())))
    made.commit()
    return made


@pytest.mark.slow
def test_dvc_and_the_table_agree_on_what_is_fresh(project: DvcProject) -> None:
    stages = [stage.name for stage in prepare_stages(load_params())]
    assert project.changed(*stages) == set() == project.stale()
    before = (project.root / "params.yaml").read_text()
    project.set({"engine": {"num_workers": 1, "song_limit_s": 99.0}})
    assert project.changed(*stages) == set() == project.stale()
    project.set({"models": {"aligner": {"filler_penalty": 3.0}}})
    assert "align" in project.changed(*stages) and "align" in project.stale()
    for earlier in stages[: stages.index("align")]:
        assert earlier not in project.changed(*stages) | project.stale()
    (project.root / "params.yaml").write_text(before)
    shard = next((project.root / "data/shards").glob("part-*.tar"))
    hidden = shard.rename(project.root / "hidden.tar")
    assert project.changed(*stages) == {"pack"} == project.stale()
    hidden.rename(shard)
    assert project.changed(*stages) == set() == project.stale()


@pytest.mark.slow
def test_an_experiment_changes_a_number_and_its_metrics_and_plots_are_compared(project: DvcProject) -> None:
    project.dvc("repro", "--single-item", "pretrain")
    project.commit()
    file = "params/base/training.yaml"
    asked = ["pretrain.steps=4", "fit.max_grad_norm=2.0"]  # of the run alone, and shared
    expected = project.params(*asked)
    given = [argument for setting in asked for argument in ("-S", f"{file}:{setting}")]
    said = project.dvc("exp", "run", *given, "--single-item", "pretrain")
    assert "pretrain: 4 of 4 steps" in said
    assert project.params() == expected and expected.pretrain.max_grad_norm == 2.0
    metrics = json.loads(project.dvc("metrics", "diff", "--json"))
    changed = metrics["data/reports/pretrain/metrics.json"]["validation_loss"]
    assert changed["old"] != changed["new"]
    params = json.loads(project.dvc("params", "diff", "--json"))
    assert params[file]["pretrain.steps"].items() >= {"old": 2, "new": 4}.items()
    drawn = json.loads(project.dvc("plots", "diff", "--json", "--targets", "data/reports/pretrain/loss.csv"))
    (plot,) = drawn["data"]["data/reports/pretrain/loss.csv"]
    assert {"HEAD", "workspace"} <= set(plot["revisions"])


@pytest.mark.slow
def test_an_experiment_changes_a_model_in_params_yaml(project: Project) -> None:
    before = (project.root / "params.yaml").read_text()
    asked = "models.aligner.filler_penalty=3.5"
    expected = project.params(asked)
    project.dvc("exp", "run", "-S", asked, "--single-item", "align")
    assert project.params() == expected != load_params()
    (project.root / "params.yaml").write_text(before)


def test_a_stage_names_settings_that_there_are_in_the_file_that_says_them() -> None:
    values = {path.name: read_yaml(path) for path in base_files()}
    for name, stage in STAGES.items():
        for entry in stage["params"]:
            (file, keys), *_ = entry.items() if isinstance(entry, dict) else [("params.yaml", [entry])]
            for key in keys:
                said: Any = values[Path(file).name]
                for part in key.split("."):
                    assert part in said, f"{name}: {file}: {key}"
                    said = said[part]
