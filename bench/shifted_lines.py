"""Are line stamps that are off by a constant found, and at what cost? Toy songs by `jam prepare`, with LRC shifted early and late.

python bench/shifted_lines.py [--scratch FOLDER]

Eight songs: six of `jam toy`, and two made of seven others in a row, of which one, the chorus, comes four times. Each is prepared
with its lines' stamps as they are and moved by each of `SHIFTS_S` (a stamp before the song's start becomes 0, as a file can
hold no other). Told are the songs kept, what was said of their lines, and how far word starts are from the true ones.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import soundfile

from bench.measuring import RESULTS, machine, options_parser, write_result
from bench.start import HERE, jam
from flows.pipelines.stages import finished_rows, prepare_pipeline
from flows.settings.project import Project
from tasks.toy.render import render_songs

SHIFTS_S = (0.0, -3.0, -0.8, -0.5, 0.5, 0.8, 3.0)
SHORT, SEED = 6, 90125
ORDER = (0, 1, 2, 1, 3, 1, 1)
"""Of four toy songs: verse, chorus, verse, chorus, verse, chorus, chorus."""

Line = tuple[float, str]
Made = tuple[np.ndarray, list[Line], list[float]]
"""A mix [N, 2], its lines with their starts, and the starts of its words."""


def toy_songs(folder: Path, count: int) -> list[Made]:
    """Toy songs with their true times."""
    render_songs(folder, count, SEED, "all", ("wav",), 2, stems=False)
    found = []
    for path in sorted((folder / "songs").glob("*.wav")):
        mix_NC, _ = soundfile.read(path, dtype="float32")
        lines = [
            stamped(line)
            for line in path.with_suffix(".lrc").read_text().splitlines()
            if line.startswith("[0")
        ]
        words = json.loads(path.with_suffix(".json").read_text())
        found.append((mix_NC, lines, [word["start"] for word in words]))
    return found


def stamped(line: str) -> Line:
    """A line of an LRC file."""
    minutes, seconds = line[1:9].split(":")
    return 60 * int(minutes) + float(seconds), line[10:].strip()


def joined(parts: list[Made]) -> Made:
    """Songs one behind the other."""
    lines: list[Line] = []
    starts_s: list[float] = []
    at_s = 0.0
    for mix_NC, own, words in parts:
        lines += [(start_s + at_s, text) for start_s, text in own]
        starts_s += [start_s + at_s for start_s in words]
        at_s += len(mix_NC) / 44_100
    return np.concatenate([part[0] for part in parts]), lines, starts_s


def write(folder: Path, songs: dict[str, Made], late_s: float) -> None:
    """The songs with every line's stamp so much late."""
    folder.mkdir(parents=True)
    for name, (mix_NC, lines, _) in songs.items():
        soundfile.write(folder / f"{name}.flac", mix_NC, 44_100)
        stamps = [(max(0.0, start_s + late_s), text) for start_s, text in lines]
        text = "\n".join(f"[{int(at_s // 60):02}:{at_s % 60:05.2f}]{line}" for at_s, line in stamps)
        (folder / f"{name}.lrc").write_text(f"{text}\n")


def prepared(songs: Path, work: Path) -> list[dict[str, Any]]:
    """The rows after `jam prepare`; see `bench.start.jam` for what it raises."""
    jam(HERE, ["prepare", "--songs", str(songs), "--work", str(work)], os.environ)
    project = Project.at(str(work), None, [f"songs.path={songs}"])
    return finished_rows(prepare_pipeline(project), ["title", "words", "claim_offset_s", "claim_remark"])


def told(rows: list[dict[str, Any]], songs: dict[str, Made]) -> dict[str, Any]:
    """What became of the songs of one shift."""
    late_s = []
    for row in rows:
        if row["drop_reason"] is None:
            starts_s = [word["start_s"] for word in row["words"]]
            true_s = songs[row["song_id"].rsplit("-", 1)[0]][2]
            late_s += (
                list(np.abs(np.subtract(starts_s, true_s))) if len(starts_s) == len(true_s) else [np.inf]
            )
    return {
        "songs": len(rows),
        "kept": sum(row["drop_reason"] is None for row in rows),
        "dropped": {row["song_id"]: row["drop_reason"] for row in rows if row["drop_reason"]},
        "offsets_s": [row["claim_offset_s"] for row in rows],
        "words": len(late_s),
        "word_start_median_ms": round(1e3 * float(np.median(late_s)), 1),
        "word_start_p95_ms": round(1e3 * float(np.quantile(late_s, 0.95)), 1),
    }


def main() -> None:
    """Measure every shift and write the result."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        here = options.scratch or Path(folder)
        made = toy_songs(here / "toy", SHORT + 8)
        songs = {f"short-{number}": song for number, song in enumerate(made[:SHORT])}
        songs |= {
            f"chorus-{number}": joined([made[SHORT + 4 * number + part] for part in ORDER])
            for number in range(2)
        }
        found = {}
        for late_s in SHIFTS_S:
            write(here / f"songs{late_s:+g}", songs, late_s)
            rows = prepared(here / f"songs{late_s:+g}", here / f"work{late_s:+g}")
            found[f"{late_s:+g}"] = told(rows, songs)
            write_result(
                "shifted_lines", {"machine": machine(), "seed": SEED, "shifts_s": found}, options.out
            )


if __name__ == "__main__":
    main()
