"""Is a model better that learned from songs of tier A than one from as many hours drawn at random?

OMP_NUM_THREADS=1 python bench/tiers.py --scratch FOLDER [--songs 240] [--held-out 24] [--seeds 3] [--pretrain 800] [--sft 250]

Songs of world two, one of nine clean and the others with a fault of the sound or of the words, through `jam prepare` with
detectors and the embedded judge, and no limit that drops. Limits of the tiers are chosen by `jam calibrate`'s rule on songs of another
seed whose faults are known. Each seed trains twice from the same weights and on equally many steps: on the songs of tier A, and on
songs drawn at random from all for training until they last as long. Held-out songs are clean and prepared alike; each is
generated from one noise, and the ears of its world read the separated vocals. A training of a seed that stands in FOLDER is not done again. Told are the acoustic PER of both, and the difference
with its interval over seeds and songs (95 %), whichever way it falls. The judge that chose does not measure.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.measuring import machine, write_result
from bench.toy2_causes import RECIPE, read, sung, trained
from bench.toy2_songs import Songs, Studio
from bench.toy2_training import Grid
from flows.pipelines.stages import prepare_pipeline
from flows.prepare import run_prepare
from flows.settings.params import Params
from flows.settings.project import Project
from jam_model.shard_index import TRAIN
from jam_model.shards import Shards
from jam_model.words import PHONES
from tasks.quality.calibrate import GOOD, Labelled, tier_limits
from tasks.quality.measures import MEASURES
from tasks.quality.tiers import graded_values
from tasks.toy.params import is_rendered, render

KINDS = ("noise", "clipping", "coding", "silence", "loop", "other_song", "other_words", "missing_line")
SEEDS = {"choosing": 81_001, "training": 81_002, "held_out": 81_003}
DRAWS, FALSE_DROPS, BELOW_A = 10_000, 0.01, 0.2
GRID: Grid = "even"
OPEN = (
    *("detect.when=always", "aesthetics.judges=[embedded]"),
    *("group.benchmark_share=0.0", "group.validation_share=0.0"),
    *("group.min_validation_songs=0", "group.min_benchmark_songs=0"),
    *(f"filter.{setting}=null" for measure in MEASURES for setting in measure.limits),
)


def prepared(name: str, count: int, faults: Sequence[str], scratch: Path) -> Project:
    """The work folder of a set of songs, which is rendered and prepared where it does not stand."""
    out = scratch / name
    own = [f"toy.out={out / 'toy'}", f"toy.num_songs={count}", f"toy.seed={SEEDS[name]}"]
    own += [f"toy.two.faults=[{', '.join(faults)}]", f"songs.path={out / 'toy' / 'songs'}"]
    project = Project.at(str(out / "work"), str(RECIPE), [*OPEN, *own])
    if not is_rendered(project.params.toy):
        render(project.params.toy)
    run_prepare(project)
    return project


def graded(project: Project, faults: Sequence[str]) -> list[Labelled]:
    """The kept songs, with what was measured and the fault that each has by its number."""
    turns = ("", *faults)
    rows = prepare_pipeline(project).rows(["title", "quality", "detected", "aesthetics"])
    found = []
    for row in rows:
        if not row["drop_reason"]:
            kind = turns[int(row["title"].split("-")[2]) % len(turns)]
            found.append(Labelled(row["song_id"], not kind, kind or GOOD, graded_values(row)))
    return found


def songs_in(project: Project, ids: set[str] | None = None) -> Songs:
    """The songs of its shards, in their order, or of these ids alone."""
    shards = Shards(project.work.shards, TRAIN, extras=(PHONES,))
    return Songs(
        shards[number] for number, place in enumerate(shards.places) if ids is None or place.song_id in ids
    )


def drawn(songs: Songs, num_frames: int, seed: int) -> Songs:
    """Songs at random until they last as long; the last one only where that is nearer."""
    found, total = Songs(), 0
    for number in np.random.default_rng(seed).permutation(len(songs)).tolist():
        longer = total + songs[number].num_frames
        if longer > num_frames and longer - num_frames > num_frames - total:
            continue
        found.append(songs[number])
        total = longer
        if total >= num_frames:
            break
    return found


def difference(errors_ASN: np.ndarray, phones_N: np.ndarray) -> dict[str, float]:
    """PER of tier A less that of the random songs, with its interval over seeds and songs."""
    rng = np.random.default_rng(0)
    _, seeds, songs = errors_ASN.shape
    values = []
    for _ in range(DRAWS):
        of_seeds, of_songs = rng.integers(seeds, size=seeds), rng.integers(songs, size=songs)
        some = errors_ASN[:, of_seeds][:, :, of_songs].sum(axis=(1, 2)) / (phones_N[of_songs].sum() * seeds)
        values.append(some[0] - some[1])
    whole = errors_ASN.sum(axis=(1, 2)) / (phones_N.sum() * seeds)
    low, high = np.quantile(values, (0.025, 0.975))
    return {"value": float(whole[0] - whole[1]), "low": float(low), "high": float(high)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=240)
    parser.add_argument("--held-out", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pretrain", type=int, default=800)
    parser.add_argument("--sft", type=int, default=250)
    args = parser.parse_args()
    torch.set_num_threads(1)
    choosing = prepared("choosing", args.songs // 2, KINDS, args.scratch)
    training = prepared("training", args.songs, KINDS, args.scratch)
    held_out = songs_in(prepared("held_out", args.held_out, (), args.scratch))
    limits = tier_limits(graded(choosing, KINDS), FALSE_DROPS, BELOW_A)
    tiers = training.params.tiers.model_copy(update=limits)
    labelled = graded(training, KINDS)
    of_tier = {song.song_id: tiers.tier_of(song.quality or {}) for song in labelled}
    best = songs_in(training, {song_id for song_id, tier in of_tier.items() if tier == "A"})
    if not best:
        sys.exit(f"no song of {len(labelled)} is in tier A by {limits}; give more songs")
    everyone, num_frames = songs_in(training), sum(song.num_frames for song in best)
    studio, errors, phones = Studio(training.params), [], []
    for seed in range(args.seeds):
        for name, songs in (("A", best), ("random", drawn(everyone, num_frames, seed))):
            stands = args.scratch / f"{name}-{seed}-{args.pretrain}-{args.sft}-{len(songs)}.json"
            if not stands.is_file():
                params = with_steps(training.params, args.pretrain, args.sft, seed)
                model, _ = trained(params, GRID, songs, studio.codec.silence_C)
                stands.write_text(
                    json.dumps(read(held_out, sung(model, params, GRID, held_out, studio), studio))
                )
            counts = json.loads(stands.read_text())
            errors.append([count for count, _ in counts])
            phones = [count for _, count in counts]
            print(
                f"seed {seed}, {name}: {len(songs)} songs, PER {sum(errors[-1]) / sum(phones):.3f}",
                flush=True,
            )
    table_ASN = np.array(errors).reshape(args.seeds, 2, -1).swapaxes(0, 1)
    kinds = {kind: sum(song.kind == kind for song in labelled) for kind in (GOOD, *KINDS)}
    in_a = {kind: sum(s.kind == kind and of_tier[s.song_id] == "A" for s in labelled) for kind in kinds}
    result = {
        "songs": kinds,
        "in_tier_a": in_a,
        "limits": limits,
        "per": {
            name: (table_ASN[arm].sum(axis=1) / sum(phones)).tolist()
            for arm, name in enumerate(("A", "random"))
        },
        "a_less_random": difference(table_ASN, np.array(phones)),
        "steps": [args.pretrain, args.sft],
        "machine": machine(),
    }
    write_result("tiers", result)


def with_steps(params: Params, pretrain: int, sft: int, seed: int) -> Params:
    """The recipe with so many steps, begun and read by this seed."""
    sections = {"pretrain": (pretrain, 2 * seed), "sft": (sft, 2 * seed + 1)}
    update = {
        name: getattr(params, name).model_copy(update={"steps": steps, "seed": own})
        for name, (steps, own) in sections.items()
    }
    return params.model_copy(update=update)


if __name__ == "__main__":
    main()
