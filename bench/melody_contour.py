"""Is the contour of a melody followed where its pitches are not? A model of `control_adherence.py`, asked for each song's melody and for another song's.

python bench/melody_contour.py --scratch FOLDER --model FOLDER/joint-... [--songs 64] [--processor-s 115]

Songs and others as there, under the guidance over sets of params/controls.yaml, each pair of songs from one noise, chords not asked. Pitch is heard by the embedded tracker in the separated vocals; conditions are the
truth's. `own - swapped`: against the song's own melody, asked for it less asked for the other's, song by song. `swapped, to what was asked`: the other's melody as far as it is followed under
words that are not its own. FOLDER keeps each song's scores: the same command goes on, and ends with what there is once its processor seconds are over.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.control_adherence import GUIDED, HELD_OUT_SEED, TOGETHER, sung
from bench.control_songs import others_of, songs_of
from bench.controls import sung_midi
from bench.floor_measures import TrueSong
from bench.measuring import RESULTS, machine, options_parser
from bench.scores import chroma_cosine
from bench.toy2_causes import EVENLY, RECIPE, RESAMPLING
from bench.toy2_songs import Songs, Studio
from eval.metrics.controls.contour import contour_scores
from eval.metrics.controls.melody import melody_scores
from eval.stats.intervals import mean
from flows.settings.params import load_params
from jam_model.checkpoint import load_model
from tasks.models.melody import VoicePitch
from tasks.models.separator import Separator

Scores = dict[str, float | None]


@dataclass(frozen=True)
class Ears:
    """What hears a song: the codec's decoder, the separator, the tracker."""

    studio: Studio
    separator: Separator
    tracker: VoicePitch

    def scores(self, latent_TC: np.ndarray, truth: TrueSong) -> Scores:
        """Of one song against one melody."""
        melody = self.tracker.track(self.separator.separate(self.studio.codec.decode(latent_TC)))
        frames = min(len(melody.midi_T), len(latent_TC))
        true_T, midi_T, voiced_T = sung_midi(truth, frames), melody.midi_T[:frames], melody.voiced_T[:frames]
        shares, contour = melody_scores(true_T, midi_T, voiced_T), contour_scores(true_T, midi_T)
        return {
            "raw pitch, 50 cents": shares.raw_pitch,
            "raw chroma, 50 cents": shares.raw_chroma,
            "within 3 semitones": contour.within,
            "median distance, semitones": contour.median_away,
            "correlation": contour.correlation,
            "chroma cosine": chroma_cosine(_chroma(true_T), _chroma(np.where(voiced_T, midi_T, np.nan))),
        }


def _chroma(midi_T: np.ndarray) -> np.ndarray:
    """The pitch class of each frame, [T, 12]; none where there is no pitch."""
    classes_TP = np.zeros((len(midi_T), 12))
    there = np.flatnonzero(np.isfinite(midi_T))
    classes_TP[there, np.rint(midi_T[there]).astype(int) % 12] = 1
    return classes_TP


def figures(songs: list[dict[str, Scores]]) -> dict[str, dict[str, list[Any]]]:
    """Each score of each row with its interval over songs, and the paired difference."""
    told: dict[str, dict[str, list[Any]]] = {}
    for score in songs[0]["own"]:
        values = {
            row: [song[row][score] for song in songs] for row in ("round", "own", "swapped", "swapped_to_its")
        }
        pairs = zip(values["own"], values["swapped"], strict=True)
        values["own - swapped"] = [a - b for a, b in pairs if a is not None and b is not None]
        told[score] = {
            row: _told([one for one in of_row if one is not None]) for row, of_row in values.items()
        }
    return told


def _told(values: list[float]) -> list[Any]:
    found = mean(values, RESAMPLING)
    return [*(None if v is None else round(v, 3) for v in (found.value, found.low, found.high)), found.n]


def main() -> None:
    """Sing and hear what is not there, write, and show."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=64)
    parser.add_argument("--processor-s", type=float, default=float("inf"))
    parser.add_argument("--out", type=Path, default=RESULTS / "melody_contour.json")
    given = parser.parse_args()
    torch.set_num_threads(1)
    params = load_params(RECIPE, [*EVENLY, *GUIDED])
    studio = Studio(params)
    ears = Ears(studio, studio.separator, VoicePitch())
    new, truths = songs_of(params, HELD_OUT_SEED, given.songs, studio, given.scratch)
    other = others_of(truths)
    model = load_model(given.model).eval().requires_grad_(False)
    path = given.scratch / f"contour-{given.model.name}.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    while len(done) < len(new) and time.process_time() < given.processor_s:
        some = range(len(done), min(len(done) + TOGETHER, len(new)))
        rows = [
            list(
                sung(
                    model,
                    params,
                    Songs(new[i] for i in some),
                    [{"melody": new[j].extras["melody"]} for j in asked],
                    studio,
                )
            )
            for asked in (list(some), [other[i] for i in some])
        ]
        for i, own_TC, swapped_TC in zip(some, *rows, strict=True):
            done.append(
                {
                    "own": ears.scores(own_TC, truths[i]),
                    "swapped": ears.scores(swapped_TC, truths[i]),
                    "swapped_to_its": ears.scores(swapped_TC, truths[other[i]]),
                    "round": ears.scores(new[i].mean_TC, truths[i]),
                }
            )
        path.write_text("".join(json.dumps(one) + "\n" for one in done), encoding="utf-8")
    result = {
        "model": given.model.name,
        "songs": len(done),
        "scores": figures(done),
        "machine": machine("torch", "numpy"),
    }
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["scores"], indent=1))


if __name__ == "__main__":
    main()
