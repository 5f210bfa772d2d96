"""Commands that only read start at once: what computes is not imported by what looks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HEAVY = (
    "torch",
    "ray",
    "prefect",
    "pandas",
    "scipy",
    "transformers",
    "whisperx",
    "librosa",
    "numba",
    "soundfile",
    "av",
)
ASKED = """
import json, sys
from pathlib import Path
import flows.commands.main, flows.console.look, flows.console.measured, flows.console.plan
import flows.console.rounds, flows.console.upkeep
import flows.dpo, flows.lifecycle, flows.prepare, flows.train
from flows.pipelines.flow_models import check_models, stages_of
from flows.pipelines.stages import prepare_pipeline
from flows.settings.project import Project
from tasks.engine.fingerprint import fingerprint, stage_cache_key
project = Project.at(sys.argv[1])
check_models(project, "all")
stages = {id(stage): stage for found in stages_of(project).values() for stage in found}.values()
fingerprints = [fingerprint(stage_cache_key(stage)) for stage in stages]
assert not prepare_pipeline(project).partitions
print(json.dumps([len(fingerprints), sorted(sys.modules)]))
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, set[str]]:
    """How many fingerprints a process took, and what it imported for them and for every command that only reads."""
    work = tmp_path_factory.mktemp("work")
    said = subprocess.run([sys.executable, "-c", ASKED, str(work)], cwd=ROOT, capture_output=True, text=True)
    assert not said.returncode, said.stderr
    count, modules = json.loads(said.stdout)
    return count, set(modules)


@pytest.mark.parametrize("package", HEAVY)
def test_commands_that_read_and_the_settings_and_fingerprints_of_stages_need_no(
    package: str, started: tuple[int, set[str]]
) -> None:
    count, modules = started
    assert count > 20 and package not in modules
