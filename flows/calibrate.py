"""calibrate: limits of the quality filter, of detectors and tiers, chosen on songs that someone labelled, written as an overlay of params."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from flows.prepare import run_prepare
from flows.run.lazy_flow import flow
from flows.run.progress import say
from flows.settings.project import Project, writes_work
from tasks.edits.kinds import decided
from tasks.edits.store import all_edits
from tasks.quality.calibrate import (
    choose_limits,
    cross_judged,
    drops_in_words,
    labelled_songs,
    labels_of,
    tier_limits,
)
from tasks.quality.detected import DETECTED
from tasks.storage.files import write_bytes

STAGES = {"ingest", "separate", "transcribe", "align", "phonemize", "check", "aesthetics", "detect"}
"""Of them the last two where they are asked for."""


@writes_work("calibrate")
def run_calibrate(project: Project, out: Path) -> dict[str, Any]:
    """Prepare the songs up to their quality, choose the limits, tell what they find; returns the overlay.

    Raises:
        ValueError: the songs are no manifest, a row has no label, or all labels are alike.
    """
    params = project.params
    labels = labels_of(Path(params.songs.path), params.songs.root)
    pipeline = run_prepare(project, STAGES)
    last = [name for name in pipeline.order if name in STAGES][-1]
    rows = pipeline.rows(["audio", "content_hash", "quality", "detected", "aesthetics"], until=last)
    songs = labelled_songs(rows, labels, decided(all_edits(project.work.root)))
    share, room = params.calibrate.false_drop_share, params.calibrate.room
    limits = choose_limits(songs, share, room=room)
    graded = tier_limits(songs, share, params.tiers.below_a_share)
    for line in drops_in_words(songs, cross_judged(songs, params.filter, share, room)):
        say(line)
    overlay: dict[str, Any] = {"filter": {"calibrated_for": list(params.models.measuring()), **limits}}
    if params.detect.when == "always":
        overlay["detect"] = {"when": "always", **choose_limits(songs, share, DETECTED, room)}
    if graded["b"]:
        overlay |= {"tiers": graded, "aesthetics": {"judges": list(params.aesthetics.judges)}}
    write_bytes(out, yaml.safe_dump(overlay, sort_keys=False).encode())
    counts = [len(limits), *(len(overlay[name]) - 1 for name in ("detect",) if name in overlay)]
    say(f"calibrate: {sum(counts)} limits in {out}; give it as --params")
    return overlay


@flow(name="calibrate", flow_run_name="calibrate-{work_dir}")
def calibrate(
    songs: str, work_dir: str, out: str, params_file: str | None = None, overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """Choose the quality filter's limits on labelled songs.

    Args:
        songs: a manifest whose rows have a `label`, good or bad.
        work_dir: folder for everything this makes; what stands there already is not made again.
        out: the YAML file to write.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    return run_calibrate(Project.at(work_dir, params_file, [*overrides, f"songs.path={songs}"]), Path(out))
