"""Recordings whose word times people marked, through `jam prepare`: what is dropped and why, word times, the transcript, speed, memory.

python bench/recordings.py --data FOLDER --params stand-ins= --params mine=mine.yaml [--times given]

FOLDER is a copy of f90/jamendolyrics: `mp3`, `lyrics`, `annotations/words` and JamendoLyrics.csv; songs whose MP3 is not there are passed
over (its public repository holds ten: French, Spanish and German). Each `--params NAME=FILE` is a run of its own, an empty FILE the
defaults. `--times given` writes the marked times into the lyrics, as a data set with times has them. Told are each song's fate, AAE, PCO
and PCS of its words (as docs/metrics.md has them) where the aligner was asked, word errors where the transcriber was, and of each stage minutes
of audio a worker's minute and peak memory. Ten songs rank nothing within 50 ms. No name of a song is written, only its language and a number.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from scipy.stats import rankdata

from bench.measuring import RESULTS, machine, options_parser, write_result
from bench.start import HERE, jam
from eval.metrics.error_rates import count_errors
from eval.metrics.lyrics_alignment import absolute_error, percentage_correct, percentage_correct_segments
from eval.metrics.words import normalise_words
from flows.pipelines.stages import finished_rows, prepare_pipeline
from flows.settings.params import Params, load_params
from flows.settings.project import Project
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.engine.resource_usage import Meter
from tasks.models.aligner import build_aligner, for_song
from tasks.models.separator import build_separator

CODES = {"French": "fr", "German": "de", "Spanish": "es"}
COLUMNS = ["title", "words", "unchecked", "transcript", "language", "lyrics_language", "quality"]
FAR_S, LOW = 1.0, 0.05
"""A word that is farther off lies elsewhere; and a score of nothing, chosen on French 4."""
Truth = dict[str, tuple[str, list[str], list[float]]]
"""File name without its end: (label, written words, their starts in seconds)."""


def truths(data: Path) -> Truth:
    """The songs that are there, in the order of their names."""
    with (data / "JamendoLyrics.csv").open(encoding="utf-8", newline="") as file:
        languages = {Path(row["Filepath"]).stem: row["Language"] for row in csv.DictReader(file)}
    found: Truth = {}
    counts: dict[str, int] = defaultdict(int)
    for path in sorted((data / "mp3").glob("*.mp3")):
        words = (data / "lyrics" / f"{path.stem}.txt").read_text(encoding="utf-8").split()
        with (data / "annotations" / "words" / f"{path.stem}.csv").open(newline="") as file:
            starts_s = [float(row["word_start"]) for row in csv.DictReader(file)]
        if len(words) != len(starts_s):
            raise ValueError(
                f"{path.stem}: {len(words)} words and {len(starts_s)} times; take both from one version"
            )
        counts[languages[path.stem]] += 1
        found[path.stem] = (f"{languages[path.stem]} {counts[languages[path.stem]]}", words, starts_s)
    return found


def lay_out(data: Path, songs: Path, truth: Truth, given: bool) -> None:
    """A folder of songs as people have it."""
    songs.mkdir(parents=True)
    for stem, (_, words, starts_s) in truth.items():
        shutil.copyfile(data / "mp3" / f"{stem}.mp3", songs / f"{stem}.mp3")
        if given:
            ends_s = [*starts_s[1:], starts_s[-1] + 0.5]
            rows = [
                {"word": word, "start": start_s, "end": max(end_s, start_s + 0.02)}
                for word, start_s, end_s in zip(words, starts_s, ends_s, strict=True)
            ]
            (songs / f"{stem}.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        else:
            shutil.copyfile(data / "lyrics" / f"{stem}.txt", songs / f"{stem}.txt")


def told(row: dict[str, Any], label: str, words: Sequence[str], starts_s: Sequence[float]) -> dict[str, Any]:
    """What became of a song."""
    found: dict[str, Any] = {
        "song": label,
        "dropped": row["drop_reason"],
        "by": row["dropped_by"],
        "read_as": row["lyrics_language"],
        "heard_as": row["language"],
        "words": len(words),
        "vocals_db": (row["quality"] or {}).get("vocals_db"),
    }
    placed = row["words"]
    if placed and len(placed) == len(words) and not row["unchecked"]:
        found |= errors(starts_s, [word["start_s"] for word in placed])
    if row["transcript"] is not None:
        asked = [part for word in words for part in normalise_words(word)]
        heard = [part for word in row["transcript"] for part in normalise_words(word)]
        found |= {"heard": len(heard), "wer": count_errors(asked, heard).rate}
    return found


def errors(marked_s: Sequence[float], laid_s: Sequence[float]) -> dict[str, float]:
    """Errors of word starts; docs/metrics.md. `late_s`: the median of laid minus marked."""
    marked_N, laid_N = np.array(marked_s), np.array(laid_s)
    mean_s, median_s = absolute_error(marked_N, laid_N)
    return {
        "aae_s": mean_s,
        "median_s": median_s,
        "pco": percentage_correct(marked_N, laid_N),
        "pcs": percentage_correct_segments(marked_N, laid_N),
        "late_s": float(np.median(laid_N - marked_N)),
    }


def lay_all(data: Path, truth: Truth, params: Params, over: str, kept: Path) -> dict[str, Any]:
    """Errors of each song and their medians over songs; times of songs that lie in `kept` are taken from there."""
    from faster_whisper.audio import decode_audio

    kept.mkdir(parents=True, exist_ok=True)
    separator, aligner = build_separator(params.models.separator), build_aligner(params.models.aligner)
    songs = []
    for stem, (label, words, starts_s) in truth.items():
        path = kept / f"{label}.json"
        if not path.is_file():
            sides = decode_audio(str(data / "mp3" / f"{stem}.mp3"), SAMPLE_RATE_HZ, split_stereo=True)
            mix_CN = np.stack(sides).astype(np.float32)
            sound_N = separator.separate(mix_CN) if over == "vocals" else mix_CN.mean(axis=0)
            meter = Meter()
            laid = for_song(aligner, CODES[label.split()[0]]).align(sound_N, [(word, "") for word in words])
            minutes = len(sound_N) / SAMPLE_RATE_HZ / 60
            row = {
                "minutes": minutes,
                "seconds_a_minute": meter.seconds() / minutes,
                "peak_memory_mb": meter.peak_memory_mb(),
                "starts": [word.start_s for word in laid],
                "scores": [word.score or 0.0 for word in laid],
            }
            path.write_text(json.dumps(row))
        row = json.loads(path.read_text())
        laid_s, scores = row.pop("starts"), row.pop("scores")
        by_score = separation(starts_s, laid_s, scores)
        songs.append({"song": label, "words": len(words), **errors(starts_s, laid_s), **by_score, **row})
    medians = {
        key: float(np.median([song[key] for song in songs if song[key] is not None]))
        for key in songs[0]
        if key != "song"
    }
    return {"songs": songs, "medians": medians}


def separation(
    marked_s: Sequence[float], laid_s: Sequence[float], scores: Sequence[float]
) -> dict[str, float | None]:
    """How well scores tell words that lie more than a second off: the AUC, None where all words or none are; their share; and the
    share of the words that score less than `LOW`, and of these those that are so far off.
    """
    far_N = np.abs(np.array(laid_s) - np.array(marked_s)) > FAR_S
    score_N = np.array(scores)
    ranks_N = rankdata(score_N)[~far_N]
    near, far = len(ranks_N), int(far_N.sum())
    low_N = score_N < LOW
    return {
        "score": float(score_N.mean()),
        "far": far / len(far_N),
        "auc": float((ranks_N.sum() - near * (near + 1) / 2) / (near * far)) if near and far else None,
        "low": float(low_N.mean()),
        "far_of_low": float(far_N[low_N].mean()) if low_N.any() else None,
        "low_of_far": float(low_N[far_N].mean()) if far else None,
    }


def stages(work: Path) -> dict[str, dict[str, float]]:
    """Of each stage: minutes of audio in a minute of its workers, and the most memory that one held in MB."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for path in sorted((work / "receipts" / "prepare").glob("*/*.json")):
        receipt = json.loads(path.read_text())
        own = sums[path.parent.name]
        own[0] += receipt["audio_s"]
        own[1] += receipt["working_s"]
        own[2] = max(own[2], receipt["peak_memory_mb"] or 0.0)
    return {
        name: {"audio_minutes_a_minute": audio_s / working_s, "peak_memory_mb": memory}
        for name, (audio_s, working_s, memory) in sums.items()
        if working_s > 0
    }


def main() -> None:
    """Prepare the songs once for each of the params and write what became of them."""
    parser = options_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--params", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--times", choices=("none", "given"), default="none")
    parser.add_argument("--lay", nargs="+", choices=("vocals", "mix"), default=[])
    parser.add_argument("--scratch", type=Path, help="kept; a second call goes on there")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    truth = truths(options.data)
    with tempfile.TemporaryDirectory() as folder:
        here = options.scratch or Path(folder)
        if options.lay:
            laid = {
                f"{name} on {over}": lay_all(
                    options.data, truth, load_params(Path(params)), over, here / f"{name}-on-{over}"
                )
                for name, _, params in (entry.partition("=") for entry in options.params)
                for over in options.lay
            }
            write_result("recordings_laid", {"machine": machine("faster-whisper"), "runs": laid}, options.out)
            return
        songs = here / f"songs-{options.times}"
        if not songs.is_dir():
            lay_out(options.data, songs, truth, options.times == "given")
        runs = {}
        for name, _, params in (entry.partition("=") for entry in options.params):
            work = here / name
            asked = ["--params", params] if params else []
            jam(HERE, ["prepare", "--songs", str(songs), "--work", str(work), *asked], os.environ)
            project = Project.at(str(work), Path(params) if params else None, [f"songs.path={songs}"])
            rows = {row["title"]: row for row in finished_rows(prepare_pipeline(project), COLUMNS)}
            by_song = [told(rows[stem], *truth[stem]) for stem in truth if stem in rows]
            runs[name] = {"songs": by_song, "stages": stages(work)}
            write_result(f"recordings_{options.times}", {"machine": machine(), "runs": runs}, options.out)


if __name__ == "__main__":
    main()
