"""cluster/, .github/ and what goes along to a cluster: dry checks of the files, held to the lock and to params."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray._private.runtime_env.packaging import _zip_files
from ray.autoscaler._private.util import prepare_config, validate_config

from flows.settings.params import Params, load_params
from tests.flows.prefect_server import until

ROOT = Path(__file__).resolve().parents[1]
CLUSTER = ROOT / "cluster"
RAY = re.search(r"^ray==(\S+)$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)[1]  # type: ignore[index]
FOLDERS = ("flows", "tasks", "jam_model", "eval")


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    made = yaml.safe_load((CLUSTER / "rayjob.yaml").read_text())
    assert (made["apiVersion"], made["kind"]) == ("ray.io/v1", "RayJob")
    return made["spec"]


@pytest.fixture(scope="module")
def params() -> Params:
    return load_params(ROOT / "params" / "cluster.yaml")


def containers(group: dict[str, Any], kind: str = "containers") -> list[dict[str, Any]]:
    return group["template"]["spec"].get(kind, [])


def test_the_cluster_runs_the_ray_of_the_lock(job: dict[str, Any]) -> None:
    assert job["rayClusterSpec"]["rayVersion"] == RAY
    assert f"rayproject/ray:{RAY}-py311" in (CLUSTER / "Dockerfile").read_text()


def test_the_gpu_group_grows_from_nothing_and_goes_when_idle(job: dict[str, Any], params: Params) -> None:
    cluster = job["rayClusterSpec"]
    assert cluster["enableInTreeAutoscaling"] is True
    assert cluster["autoscalerOptions"]["idleTimeoutSeconds"] > 0
    groups = {group["groupName"]: group for group in cluster["workerGroupSpecs"]}
    for group in groups.values():
        assert 0 == group["minReplicas"] == group["replicas"] < group["maxReplicas"]
        for container in containers(group):
            limits, requests = container["resources"]["limits"], container["resources"]["requests"]
            assert limits == requests, "Ray takes a node's size from its limits"
    gpus = {
        name: containers(group)[0]["resources"]["limits"].get("nvidia.com/gpu")
        for name, group in groups.items()
    }
    assert gpus == {"cpu": None, "gpu": "1"}
    most = groups["gpu"]["maxReplicas"]
    for section in (params.pretrain, params.sft, params.dpo):
        assert section.num_workers * section.gpus_per_worker <= most, "a training would wait for ever"
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0", "no stage runs beside the driver"


def test_the_job_is_a_command_of_ours_with_params_that_load(job: dict[str, Any], params: Params) -> None:
    words = job["entrypoint"].split()
    overlay = Path(words[words.index("--params") + 1])
    assert (
        words[:2] == ["jam", "run"]
        and f"WORKDIR {overlay.parents[1]}\n" in (CLUSTER / "Dockerfile").read_text()
    )
    assert (ROOT / "params" / overlay.name).is_file()
    assert params.engine.address == "auto" and params.engine.num_workers
    assert job["shutdownAfterJobFinishes"] is True and job["backoffLimit"] > 0
    assert yaml.safe_load(job["runtimeEnvYAML"])["env_vars"] == {"WDS_SECURE": "1"}


def test_weights_are_fetched_once_a_node_by_one_at_a_time(job: dict[str, Any]) -> None:
    for group in job["rayClusterSpec"]["workerGroupSpecs"]:
        volumes = {volume["name"]: volume for volume in group["template"]["spec"]["volumes"]}
        assert "hostPath" in volumes["weights"], "a node's own, not a pod's"
        fetching = containers(group, "initContainers")
        assert [one["args"] for one in fetching] == [
            ["flock /weights/.lock jam doctor --download --params params/cluster.yaml"]
        ]
        mounted = {mount["name"] for mount in containers(group)[0]["volumeMounts"]}
        assert mounted <= volumes.keys() and {"shared", "weights"} <= mounted


def test_the_cloud_cluster_is_one_that_ray_up_accepts() -> None:
    config = yaml.safe_load((CLUSTER / "aws.yaml").read_text())
    validate_config(prepare_config(config))
    for name, kind in config["available_node_types"].items():
        assert name == config["head_node_type"] or kind["min_workers"] == 0 < kind["max_workers"]
    assert not re.search(r"(?i)secret|AKIA|password", (CLUSTER / "aws.yaml").read_text())


def test_the_slurm_script_is_shell_and_asks_to_be_told_before_its_end() -> None:
    script = CLUSTER / "slurm.sh"
    subprocess.run(["bash", "-n", script], check=True)
    text = script.read_text()
    lead_s = int(re.search(r"^#SBATCH --signal=B:TERM@(\d+)$", text, re.MULTILINE)[1])  # type: ignore[index]
    waited_s = int(re.search(r"^ckpt_wait_s=(\d+)", text, re.MULTILINE)[1])  # type: ignore[index]
    assert waited_s < lead_s
    assert "trap save_and_stop TERM" in text and "#SBATCH --requeue" in text


STUBS = {
    "scontrol": '[ "$1" != show ] || echo one two | tr " " "\\n"; echo "scontrol $*" >> "$SAID"',
    "srun": 'while [[ "$1" == -* ]]; do shift; done; exec "$@"',
    "ray": 'echo "ray $*" >> "$SAID"; [ "$1" != start ] || exec sleep 60',
    "hostname": "echo 10.0.0.1",
    "jam": 'echo "jam $*" >> "$SAID"; [ "$1" = run ] || exit 0; trap "echo stopped >> $SAID; exit 143" TERM\n'
    "while true; do sleep 0.1; done",
}


def test_the_slurm_script_asks_trainings_for_a_checkpoint_before_it_ends_the_driver(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name, body in STUBS.items():
        stub = tmp_path / "bin" / name
        stub.write_text(f"#!/bin/bash\n{body}\n")
        stub.chmod(0o755)
    said = tmp_path / "said"
    going, done = tmp_path / "W/checkpoints/sft/1", tmp_path / "W/checkpoints/pretrain/2"
    for run in (going, done):
        run.mkdir(parents=True)
        (run / "train.json").touch()
    (done / "done.json").touch()
    environment = {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "SAID": str(said),
        "SLURM_JOB_NODELIST": "[one,two]",
        "SLURM_JOB_ID": "17",
        "SLURM_CPUS_PER_TASK": "4",
    }
    command = ["bash", str(CLUSTER / "slurm.sh"), "songs", str(tmp_path / "W")]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True) as script:
        try:
            until("the driver", lambda: said.is_file() and "jam run" in said.read_text())
            script.send_signal(signal.SIGTERM)
            until("the question", (going / "checkpoint-now").exists)
            assert "stopped" not in said.read_text() and not (done / "checkpoint-now").exists()
            (going / "checkpoint-now").unlink()  # as a training does that has written one
            assert script.wait(60) == 143
        finally:
            os.killpg(script.pid, signal.SIGKILL)
    lines = said.read_text().splitlines()
    assert lines.index("stopped") < lines.index("scontrol requeue 17")
    assert "ray start --block --address=10.0.0.1:20017 --num-cpus=4" in lines


def test_a_working_dir_takes_the_four_folders_and_leaves_songs_and_environments(tmp_path: Path) -> None:
    for name in (*FOLDERS, "params", "data", "data/raw", ".venv", ".venv/lib", ".git", "tests", "build"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "file.py").write_text("x")
    (tmp_path / "params.yaml").write_text("x")
    (tmp_path / ".rayignore").write_text((ROOT / ".rayignore").read_text())
    archive = tmp_path.parent / "taken.zip"
    _zip_files(str(tmp_path), [], str(archive), include_gitignore=True)
    with zipfile.ZipFile(archive) as packed:
        taken = set(packed.namelist())
    assert {f"{name}/file.py" for name in (*FOLDERS, "params")} | {"params.yaml"} <= taken
    assert not {path for path in taken if path.split("/")[0] in ("data", ".venv", ".git", "tests", "build")}


def test_the_workflow_does_what_ci_run_does_with_pinned_actions() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = workflow["jobs"]["ci"]["steps"]
    made = [step["run"] for step in steps if step.get("run", "").startswith("make ")]
    assert made == re.findall(r"^make \w+$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    actions = [step["uses"] for step in steps if "uses" in step]
    assert actions and all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", action) for action in actions)
    upload = next(step for step in steps if "upload-artifact" in step.get("uses", ""))
    basetemp = re.search(r"--basetemp=(\S+)", (ROOT / "Makefile").read_text())[1]  # type: ignore[index]
    assert upload["with"]["path"].startswith(f"{basetemp}/house0/W/")
    assert workflow["permissions"] == {"contents": "read"}
