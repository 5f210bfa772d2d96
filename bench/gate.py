"""What the quality filter finds: good toy songs and bad ones of every kind, through `jam prepare`.

python bench/gate.py --work FOLDER --out bench/results/gate.json
python bench/gate.py --params params/whisper_tiny.yaml --work FOLDER --out FILE

The thresholds are chosen by `jam calibrate` on songs of one seed and reported on songs of another, which
has other words and another order of voices. Then the input times are repaired (`times: align`).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from eval.stats.intervals import proportion
from flows.calibrate import run_calibrate
from flows.prepare import run_prepare
from flows.settings.project import Project
from jam_model.words import Word, words_of
from tasks.toy.composition import SAMPLE_RATE_HZ, VOCABULARY, Chord, Score, compose, song_seed
from tasks.toy.performance import perform

GOOD = "good"
GRID_S = 0.08
DRIFT = 1.03  # a claim made for a recording 3 % faster


@dataclasses.dataclass(frozen=True)
class Case:
    """A song to be sung, and the lyrics it comes with: lines of text, or words with the times they claim."""

    sung: Score
    lines: tuple[str, ...] | None = None
    claim: Callable[[Word], tuple[float, float]] | None = None


def good(score: Score, random: np.random.Generator) -> Case:
    """Its own words at their true times; every other song's are on the grid that the released lyrics have."""
    if random.integers(2):
        return Case(score, claim=lambda word: (word.start_s, word.end_s))
    return Case(score, claim=lambda word: (on_grid(word.start_s), on_grid(word.end_s)))


def other_song(score: Score, random: np.random.Generator) -> Case:
    """The lyrics of another song, that is not in the set."""
    return Case(score, compose(int(random.integers(2**53))).text_lines)


def other_words(score: Score, random: np.random.Generator) -> Case:
    """As many words of the vocabulary, at random."""
    words = [" ".join(random.choice(VOCABULARY) for _ in range(last - first)) for first, last in score.lines]
    return Case(score, tuple(words))


def missing_line(score: Score, random: np.random.Generator) -> Case:
    """One line is sung and not written."""
    gone = random.integers(len(score.lines))
    return Case(score, tuple(line for place, line in enumerate(score.text_lines) if place != gone))


def unwritten_repeat(score: Score, random: np.random.Generator) -> Case:
    """One line is sung twice and written once."""
    return Case(with_repeat(score, int(random.integers(len(score.lines)))), score.text_lines)


def shifted(by_s: float) -> Callable[[Score, np.random.Generator], Case]:
    """Times that are all late by `by_s`."""
    return lambda score, _: Case(score, claim=lambda word: (word.start_s + by_s, word.end_s + by_s))


def drifting(score: Score, _: np.random.Generator) -> Case:
    """Times of another tempo."""
    return Case(score, claim=lambda word: (word.start_s * DRIFT, word.end_s * DRIFT))


KINDS: dict[str, Callable[[Score, np.random.Generator], Case]] = {
    GOOD: good,
    "another song's lyrics": other_song,
    "other words": other_words,
    "a missing line": missing_line,
    "an unwritten repeat": unwritten_repeat,
    "times 0.3 s late": shifted(0.3),
    "times 2 s late": shifted(2.0),
    "times drift by 3 %": drifting,
}
TIMES = tuple(kind for kind in KINDS if kind.startswith("times"))


def on_grid(time_s: float) -> float:
    """The nearest multiple of 80 ms."""
    return round(round(time_s / GRID_S) * GRID_S, 2)


def with_repeat(score: Score, line: int) -> Score:
    """The score with one line generated again after itself; the band plays on."""
    first, last = score.lines[line]
    ends_s = score.notes[last].start_s if last < len(score.notes) else score.duration_s
    span_s = ends_s - score.notes[first].start_s
    again = [dataclasses.replace(n, start_s=n.start_s + span_s) for n in score.notes[first:]]
    notes = (*score.notes[:last], *again)
    size = last - first
    lines = (
        *score.lines[: line + 1],
        *((start + size, end + size) for start, end in score.lines[line:]),
    )
    num_samples = score.num_samples + round(span_s * SAMPLE_RATE_HZ)
    duration_s = num_samples / SAMPLE_RATE_HZ
    bar_s = 4 * 60 / score.bpm
    beats_s = tuple(float(beat) for beat in np.arange(0, duration_s, 60 / score.bpm))
    bars = int(np.ceil(duration_s / bar_s - 1e-9))
    chords = tuple(
        Chord(
            score.chords[bar % len(score.chords)].root,
            score.chords[bar % len(score.chords)].minor,
            bar * bar_s,
            min((bar + 1) * bar_s, duration_s),
        )
        for bar in range(bars)
    )
    return dataclasses.replace(
        score, notes=notes, lines=lines, num_samples=num_samples, beats_s=beats_s, chords=chords
    )


def build(out: Path, seed: int, num_good: int, num_bad: int) -> Path:
    """Render the songs of every kind into `out` and label them in ``manifest.jsonl``; no song is used twice."""
    (out / "songs").mkdir(parents=True, exist_ok=True)
    rows, index = [], 0
    for kind, case_of in KINDS.items():
        for _ in range(num_good if kind == GOOD else num_bad):
            score = compose(song_seed(seed, index))
            name = f"song-{index:04d}"
            ending = write_case(out / "songs", name, case_of(score, np.random.default_rng([seed, index])))
            rows.append(
                {
                    "id": name,
                    "audio_path": f"songs/{name}.flac",
                    "lrc_path": f"songs/{name}.{ending}",
                    "label": "good" if kind == GOOD else "bad",
                    "kind": kind,
                }
            )
            index += 1
    manifest = out / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return manifest


def write_case(folder: Path, name: str, case: Case) -> str:
    """Write a song and its lyrics; returns the ending of the lyrics."""
    song = perform(case.sung)
    soundfile.write(folder / f"{name}.flac", song.mix_CN.T, SAMPLE_RATE_HZ, subtype="PCM_16")
    if case.claim is None:
        assert case.lines is not None
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in case.lines))
        return "txt"
    (folder / f"{name}.true.json").write_text(json.dumps([word.start_s for word in song.words]))
    words = []
    for word in song.words:
        start_s, end_s = case.claim(word)
        words.append(Word(word.text, start_s, end_s).to_json())
    (folder / f"{name}.json").write_text(json.dumps(words))
    return "json"


def measure(
    work: Path, num_good: int, num_bad: int, seeds: tuple[int, int], params: Path | None
) -> dict[str, Any]:
    """Choose the limits on the songs of the first seed, then drop and repair those of the second."""
    chosen_on = build(work / "chosen-on", seeds[0], num_good, num_bad)
    overlay = work / "limits.yaml"
    settings = [f"songs.path={chosen_on}"]
    limits = run_calibrate(Project.at(work / "calibrate", params, settings), overlay)
    if params is not None:
        overlay.write_text(f"over: {params.resolve()}\n{overlay.read_text()}")
    manifest = build(work / "reported", seeds[1], num_good, num_bad)
    gated = prepared(manifest, work / "prepare", "given", overlay)
    repaired = prepared(manifest, work / "prepare", "align", overlay)
    found = {kind: told([row for row in gated if row["kind"] == kind]) for kind in KINDS}
    return {
        "songs_of_a_kind": {"good": num_good, "bad": num_bad},
        "seeds": {"limits chosen on": seeds[0], "reported": seeds[1]},
        "limits": limits["filter"],
        "dropped_with_times_given": found,
        "repaired_with_times_align": {
            kind: repair_of([row for row in repaired if row["kind"] == kind], work / "reported/songs")
            for kind in TIMES
        },
    }


def prepared(manifest: Path, work: Path, times: str, overlay: Path | None = None) -> list[dict[str, Any]]:
    """The rows of the whole pipeline, each with the kind of its song; a flagged song counts as dropped."""
    project = Project.at(work, overlay, [f"songs.path={manifest}", f"align.times={times}"])
    kinds = {row["audio_path"]: row["kind"] for row in map(json.loads, manifest.read_text().splitlines())}
    rows = run_prepare(project).rows(["audio", "words", "flags", "title"])
    for row in rows:
        row["kind"] = kinds[row["audio"]["path"]]
        row["reason"] = row["drop_reason"] or next(iter(row.get("flags") or ()), None)
    return rows


def told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many songs were dropped, with Wilson's interval, and why."""
    reasons = Counter(row["reason"] for row in rows if row["reason"])
    share = proportion(sum(reasons.values()), len(rows))
    return {
        "dropped": sum(reasons.values()),
        "n": share.n,
        "share": share.value,
        "low": share.low,
        "high": share.high,
        "reasons": dict(reasons.most_common()),
    }


def repair_of(rows: list[dict[str, Any]], songs: Path) -> dict[str, Any]:
    """How many songs were kept, and how far their word starts are from the true ones, in ms."""
    errors_ms: list[float] = []
    kept = [row for row in rows if not row["reason"]]
    for row in kept:
        true = json.loads((songs / f"{row['title']}.true.json").read_text())
        pairs = zip(words_of(row["words"]), true, strict=True)
        errors_ms += [1000 * abs(word.start_s - start_s) for word, start_s in pairs]
    share = proportion(len(kept), len(rows))
    return {
        "kept": len(kept),
        "n": share.n,
        "share": share.value,
        "low": share.low,
        "high": share.high,
        "start_error_ms": {
            "median": round(float(np.median(errors_ms)), 1),
            "p90": round(float(np.percentile(errors_ms, 90)), 1),
        },
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--good", type=int, default=100)
    parser.add_argument("--bad", type=int, default=10, help="songs of each kind")
    parser.add_argument("--seeds", type=int, nargs=2, default=(1905, 2012))
    parser.add_argument("--params", type=Path, help="settings that choose other models")
    parser.add_argument("--out", type=Path, default=Path("bench/results/gate.json"))
    given = parser.parse_args()
    result = measure(given.work, given.good, given.bad, tuple(given.seeds), given.params)
    text = json.dumps(result, indent=1)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text + "\n")
    print(text)
