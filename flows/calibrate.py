"""calibrate: limits for the gate from songs that someone labelled, written as params to lay over the others."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from prefect import flow

from eval.stats.intervals import proportion
from flows.pipelines.prepare_stages import songs_root_of
from flows.prepare import run_prepare
from flows.run.notify import HOOKS
from flows.run.progress import say
from flows.settings.check_models import measuring_models
from flows.settings.params import Params, load_params
from flows.settings.work_folder import WorkFolder, writes_work
from tasks.quality.calibrate import GOOD, Labelled, choose_limits, cross_judged
from tasks.songs.manifest import manifest_rows
from tasks.storage.files import write_bytes

LABELS = (GOOD, "bad")


@writes_work("calibrate")
def run_calibrate(params: Params, work: WorkFolder, out: Path) -> dict[str, Any]:
    """Prepare the songs up to their quality, choose the limits, tell what they find; returns the overlay.

    Raises:
        ValueError: the songs are no manifest, a row has no label, or all labels are alike.
    """
    labels = labels_of(Path(params.songs.path), songs_root_of(params))
    songs = labelled_songs(params, work, labels)
    share = params.calibrate.false_drop_share
    limits = choose_limits(songs, share)
    for line in told(songs, cross_judged(songs, params.filter, share)):
        say(line)
    overlay = {"filter": {"calibrated_for": list(measuring_models(params)), **limits}}
    write_bytes(out, yaml.safe_dump(overlay, sort_keys=False).encode())
    say(f"calibrate: {len(limits)} limits in {out}; give it as --params")
    return overlay


def labels_of(manifest: Path, songs_root: str) -> dict[str, tuple[bool, str]]:
    """Whether the song at each audio path (relative to the root) is good, and its kind.

    Raises:
        ValueError: see `run_calibrate`.
    """
    if not manifest.is_file():
        raise ValueError(
            f"songs: {manifest} is no manifest; give JSON lines with `audio_path`, `label` and perhaps `kind`"
        )
    labels = {}
    for number, row in enumerate(manifest_rows(manifest), start=1):
        label = row.get("label") if isinstance(row, dict) else None
        if label not in LABELS:
            raise ValueError(f"{manifest.name}:{number}: label is {label!r}; give one of {', '.join(LABELS)}")
        path = os.path.realpath(manifest.parent / str(row.get("audio_path")))
        labels[os.path.relpath(path, songs_root)] = (label == GOOD, str(row.get("kind") or label))
    return labels


def labelled_songs(
    params: Params, work: WorkFolder, labels: Mapping[str, tuple[bool, str]]
) -> list[Labelled]:
    """The songs of the manifest with what `check` measured."""
    stages = {"ingest", "separate", "transcribe", "align", "phonemize", "check"}
    chain = run_prepare(params, work, stages)
    songs = []
    for row in chain.rows(["audio", "quality"], until="check"):
        label = labels.get(row["audio"]["path"])
        if label is not None:
            songs.append(Labelled(row["song_id"], *label, row.get("quality"), row["drop_reason"]))
    return songs


def told(songs: Sequence[Labelled], judged: Mapping[str, str | None]) -> list[str]:
    """A line a kind: how many are dropped, with the interval, and for which reasons."""
    lines = []
    for kind in dict.fromkeys(song.kind for song in sorted(songs, key=lambda song: not song.good)):
        reasons = [judged[song.song_id] for song in songs if song.kind == kind]
        found = [reason for reason in reasons if reason is not None]
        share = proportion(len(found), len(reasons))
        listed = ", ".join(f"{reason} {found.count(reason)}" for reason in sorted(set(found)))
        lines.append(
            f"{kind}: {len(found)} of {share.n} dropped ({share.value:.1%}, 95 % interval "
            f"{share.low:.1%} to {share.high:.1%})" + (f"; {listed}" if listed else "")
        )
    return ["each song judged by limits chosen on the other half:", *lines]


@flow(name="calibrate", flow_run_name="calibrate-{work}", **HOOKS)
def calibrate(
    songs: str, work: str, out: str, params: str | None = None, settings: Sequence[str] = ()
) -> dict[str, Any]:
    """Choose the gate's limits on labelled songs.

    Args:
        songs: a manifest whose rows have a `label`, good or bad.
        work: folder for everything this makes; what stands there already is not made again.
        out: the YAML file to write.
        params: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        settings: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    loaded = load_params(Path(params) if params else None, [*settings, f"songs.path={songs}"])
    return run_calibrate(loaded, WorkFolder.at(work), Path(out))
