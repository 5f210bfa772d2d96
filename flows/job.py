"""One job of the desk, in a process of its own: its candidates as `jam generate` writes them, then their scores.

``python -m flows.job WORK JOB [--params FILE] [--set section.key=value]...``; the desk starts it (`flows.desk.queue`).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from flows.run.supervisor import supervise

SCORED = ("candidate", "reward", "judge_scores", "reference_words", "transcript", "tail_energy")


def main() -> None:
    """Run the job that the arguments name, and end with its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work")
    parser.add_argument("job")
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--params")
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    sys.exit(supervise(lambda: run(given.work, given.job, given.checkpoint, given.params, given.set)))


def run(work: str, name: str, checkpoint: str, params_file: str | None, overrides: list[str]) -> int:
    """Exit code: 0 done, 1 failed, with the line in the job's ``failed.json``."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from tasks.jobs.store import DONE, FAILED, job_called
    from tasks.storage.lease import WorkHeld, hold

    job = job_called(Path(work), name)
    try:
        with hold(job.out, "desk", lambda line: print(line, flush=True)):
            facts = make(Path(work), name, Path(checkpoint), params_file, overrides)
    except WorkHeld as error:
        print(error, flush=True)
        return 1
    except Exception as error:
        line = f"{type(error).__name__}: " * (not isinstance(error, ValueError)) + " ".join(
            str(error).split()
        )
        print(line, flush=True)
        job.ends(FAILED, {"line": line[:2000]})
        return 1
    job.ends(DONE, facts)
    return 0


def make(
    work: Path, name: str, checkpoint: Path, params_file: str | None, overrides: list[str]
) -> dict[str, Any]:
    """Generate and score what is missing of a job; returns how many songs stand.

    Raises:
        ValueError: the model is another than was asked, or see `flows.generate.run_generate`.
    """
    from flows.generate import run_generate
    from flows.settings.project import Project
    from jam_model.checkpoint import weights_hash
    from tasks.jobs.store import job_called

    job = job_called(work, name)
    if (found := weights_hash(checkpoint)) != job.ask.weights:
        raise ValueError(
            f"checkpoint: {checkpoint} holds {found[:12]}, the job asked for {job.ask.weights[:12]}; ask again"
        )
    settings = [*overrides, f"round.seed={job.ask.seed}", "output.ending=flac", "prompt.style=audio"]
    project = Project.as_run(work, params_file, settings)
    project = Project(project.params, project.work.at(job.out), project.given)
    done = run_generate(project, job.manifest, checkpoint, job.ask.candidates)
    told = score(project, job.ask.weights, checkpoint, job.folder)
    return {"written": done.written, "stood": done.stood, "not_scored": told}


def score(project: Any, weights: str, checkpoint: Path, folder: Path) -> str:
    """Scores of the candidates beside the job, as a preference round scores them; why there are none, where a model lacks."""
    from flows.pipelines.flow_models import check_models
    from flows.pipelines.stages import candidate_stages
    from flows.run.prefect_tasks import run_stages
    from tasks.jobs.store import SCORES
    from tasks.preference.pairing import word_error_rate
    from tasks.storage.files import write_json

    try:
        check_models(project, "dpo")
    except ValueError as error:
        print(f"scores: {error}", flush=True)
        return str(error)
    work = project.work
    pipeline = project.pipeline(work.table, candidate_stages(project, {weights: checkpoint}))
    run_stages([pipeline], project.params.engine, work.receipts)
    found: dict[str, Any] = {}
    for row in pipeline.listed_rows(SCORED):
        if row["drop_reason"]:
            found[str(row["candidate"])] = {"reason": row["drop_reason"]}
            continue
        axes = {f"{one['judge']} {one['axis']}": one["score"] for one in row["judge_scores"]}
        heard = (
            None if row["transcript"] is None else word_error_rate(row["reference_words"], row["transcript"])
        )
        found[str(row["candidate"])] = {"reward": row["reward"], "word errors": heard, **axes}
    write_json(folder / SCORES, found)
    return ""


if __name__ == "__main__":
    main()
