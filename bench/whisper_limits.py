"""Limits for Whisper's ears: `jam calibrate` on toy songs of world two, good and bad, and what these limits drop of others.

python bench/whisper_limits.py --params params/whisper_tiny_words.yaml --work FOLDER --name whisper_limits_tiny

Whisper lays the words and hears them; the songs are English, 10 to 15 s, without times. Bad ones have the lyrics of another song, or
of another one in every second line. Limits are chosen on songs of one seed and told of songs of another; a second call goes on
where the first one stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import soundfile

from bench.measuring import RESULTS, machine, write_result
from eval.metrics.error_rates import NO_COUNTS, count_errors, normalise
from eval.stats.intervals import proportion
from flows.calibrate import STAGES, run_calibrate
from flows.prepare import run_prepare
from flows.settings.params import load_params
from flows.settings.project import Project
from tasks.quality.calibrate import GOOD, labelled_songs, labels_of, reason_of
from tasks.toy.composition import SAMPLE_RATE_HZ, song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.features import Features
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.score import Score
from tasks.toy.world_two.true_song import truth_of
from tasks.toy.world_two.truth import Truth

SEEDS = {"chosen on": 4106, "told of": 4207}
SWAPPED, MIXED = "another song's lyrics", "every second line another's"
LENGTH_S = (10.0, 15.0)
UNTIMED = ("max_times_offset_s", "max_times_drift", "max_times_spread_s")
"""Limits on times that came with lyrics, which these songs do not have."""


def scores(seed: int, features: Features) -> Iterator[Score]:
    """Songs of these lengths; a slow one that has no form so short is passed over."""
    for number in count():
        with suppress(ValueError):
            yield compose(song_seed(seed, number), features)


def written(truth: Truth) -> list[str]:
    """The lines of its lyrics."""
    return [
        " ".join(word.text for word in truth.words[line.first_word : line.end_word])
        for line in truth.lines
        if line.in_lyrics
    ]


def build(folder: Path, seed: int, counts: dict[str, int]) -> Path:
    """The songs of every kind, labelled; every bad song's other words are of a song that is not in the set."""
    manifest = folder / "manifest.jsonl"
    if manifest.is_file():
        return manifest
    features: Features = load_params().toy.two
    features = features.model_copy(
        update=dict(zip(("min_duration_s", "max_duration_s"), LENGTH_S, strict=True))
    )
    (folder / "songs").mkdir(parents=True, exist_ok=True)
    rows = []
    numbers = scores(seed, features)
    for kind in (kind for kind, songs in counts.items() for _ in range(songs)):
        name = f"song-{len(rows):03d}"
        song = perform(next(numbers))
        lines = written(song.truth)
        if kind != GOOD:
            others = written(truth_of(next(numbers)))
            mixed = [others[place % len(others)] if place % 2 else line for place, line in enumerate(lines)]
            lines = others if kind == SWAPPED else mixed
        soundfile.write(folder / "songs" / f"{name}.flac", song.mix_CN.T, SAMPLE_RATE_HZ, subtype="PCM_16")
        (folder / "songs" / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
        rows.append(
            {
                "id": name,
                "audio_path": f"songs/{name}.flac",
                "lrc_path": f"songs/{name}.txt",
                "label": "good" if kind == GOOD else "bad",
                "kind": kind,
                "sung": " ".join(written(song.truth)),
            }
        )
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return manifest


def project_of(manifest: Path, work: Path, params: Path) -> Project:
    """Its songs, with these settings, in one worker."""
    return Project.at(work, params, [f"songs.path={manifest}", "engine.num_workers=1"])


def found(manifest: Path, work: Path, params: Path, limits: dict[str, Any]) -> dict[str, Any]:
    """What the limits drop of each kind, and word errors of the good songs."""
    project = project_of(manifest, work, params)
    pipeline = run_prepare(project, STAGES)
    rows = list(pipeline.rows(["audio", "content_hash", "quality", "transcript"], until="check"))
    labels = labels_of(manifest, project.params.songs.root)
    songs = labelled_songs(rows, labels)
    held = project.params.filter.model_copy(update=limits)
    by_kind: dict[str, Any] = {}
    for kind in dict.fromkeys(song.kind for song in songs):
        reasons = [reason_of(song, held) for song in songs if song.kind == kind]
        share = proportion(len(reasons) - reasons.count(None), len(reasons))
        by_kind[kind] = {
            "dropped": len(reasons) - reasons.count(None),
            "n": len(reasons),
            "interval": [share.low, share.high],
            "reasons": dict(Counter(reason for reason in reasons if reason)),
        }
    sung = {row["audio_path"]: row["sung"] for row in map(json.loads, manifest.read_text().splitlines())}
    counts = NO_COUNTS
    for row in rows:
        path = next(path for path in sung if row["audio"]["path"].endswith(path))
        counts += count_errors(normalise(sung[path].split()), normalise(row["transcript"] or []))
    return {"kinds": by_kind, "word_error_rate": counts.rate, "words": counts.num_reference}


def main() -> None:
    """Choose, then tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--chosen-on", type=int, nargs=3, default=(24, 8, 8), help="good, swapped, mixed")
    parser.add_argument("--told-of", type=int, nargs=3, default=(30, 10, 0))
    parser.add_argument("--name", required=True)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    counts = {
        name: dict(zip((GOOD, SWAPPED, MIXED), asked, strict=True))
        for name, asked in (("chosen on", options.chosen_on), ("told of", options.told_of))
    }
    sets = {name: build(options.work / name.replace(" ", "-"), SEEDS[name], counts[name]) for name in SEEDS}
    work = options.work / options.name
    overlay = run_calibrate(
        project_of(sets["chosen on"], work / "chosen-on", options.params), work / "limits.yaml"
    )
    limits: dict[str, Any] = {**overlay["filter"], **dict.fromkeys(UNTIMED)}
    told = found(sets["told of"], work / "told-of", options.params, limits)
    result = {"machine": machine("faster-whisper"), "songs": counts, "seeds": SEEDS, "length_s": LENGTH_S}
    write_result(options.name, result | {"limits": limits, "told_of": told}, options.out)


if __name__ == "__main__":
    main()
