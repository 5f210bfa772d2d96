"""Does a model with chords, melody, drums and a sketch follow them, and keep words and style? One training, songs of world two.

python bench/all_controls.py --scratch FOLDER [--songs 120] [--new 32] [--pretrain 1500] [--sft 400] [--seeds 1] [--minutes 8]
    [--models four joint base] [--rows none all other]

FOLDER is that of `control_adherence.py`, whose songs and models (`base` without controls, `joint` with chords and melody) are taken where they stand. `four`
is trained here, as `joint` was. Chords and melody are the truth's, drums and sketch are made as `prepare` makes them. Under the guidance over sets of
params/controls.yaml each model generates every new song from one noise, a row a set of controls: none, drums, audio, all, and each of another song
(same key and mode where there is one, the nearest tempo first). What made a condition scores none: librosa hears onsets and beats, the
chroma is that of the true band, chords are read by templates.

adherence = (own - other) / (floor - other), floor the codec's round trip. `alike`: PER and style of rows against rows, paired, with the word of two one-sided tests
(`all_control_scores.py`). FOLDER keeps songs, weights and rows, a few songs at a time: none are begun later than `--minutes`, and the same command goes on.
One training is exploratory.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.all_control_scores import Ears, alike, equal_over_seeds, figures, pooled
from bench.coarse_songs import COARSE, with_coarse
from bench.control_adherence import DROPOUT, GUIDED, HELD_OUT_SEED, TOGETHER, sung
from bench.control_figures import Found
from bench.control_models import crops_of, models_of, whole_of
from bench.control_songs import NAMES, others_of, songs_of
from bench.measuring import RESULTS, machine, options_parser
from bench.toy2_causes import EVENLY, RECIPE
from bench.toy2_songs import Songs, Studio
from bench.toy2_training import conditions_by
from flows.settings.params import Params, load_params
from jam_model import batches
from jam_model.checkpoint import load_model, save_model
from jam_model.dit import Jam
from jam_model.shards import Sample
from tasks.models.beats import LibrosaTracker
from tasks.models.chords import build_chords
from tasks.models.melody import VoicePitch

FOUR = (*NAMES, *COARSE)
ROWS: dict[str, dict[str, tuple[str, ...]]] = {
    "four": {
        "none": (),
        "chords": ("chords",),
        "other chords": ("chords",),
        "melody": ("melody",),
        "other melody": ("melody",),
        "drums": ("drums",),
        "other drums": ("drums",),
        "audio": ("audio",),
        "other audio": ("audio",),
        "all": FOUR,
        "other": FOUR,
    },
    "joint": {"none": (), "both": NAMES},
    "base": {"none": ()},
}
FOURTH = "four"
HEARD_WHOLE = (FOURTH, "floor")
"""Whose songs are scored by all ears; those of the others by words and style alone: the rest stands in control_adherence.json."""
ASKED = {one: (f"other {one}", one) for one in FOUR} | {"all": ("other", "all")}
ALIKE = (
    (("four", "all"), ("four", "none")),
    (("four", "all"), ("base", "none")),
    (("four", "drums"), ("four", "none")),
    (("four", "audio"), ("four", "none")),
    (("four", "other"), ("four", "none")),
    (("joint", "both"), ("joint", "none")),
    (("joint", "both"), ("base", "none")),
)
TAKES_MINUTES = {"crops": 5.0, "whole": 2.0}
"""Of a training: it is begun where as many are left of `--minutes`."""
Given = argparse.Namespace


def four_of(
    params: Params, given: Given, seed: int, songs: Songs, studio: Studio
) -> tuple[Jam, float] | None:
    """The model with all controls and the core minutes it took, a training a piece; None where the minutes came first."""
    budget = f"{given.songs}-{given.pretrain}-{given.sft}-{seed}"
    silence_C = studio.codec.silence_C
    minutes = 0.0
    model: Jam | None = None
    for piece in TAKES_MINUTES:
        folder = given.scratch / f"four-{piece}-{budget}"
        if not (folder / "minutes.json").is_file():
            if time.monotonic() > given.until - 60 * TAKES_MINUTES[piece]:
                return None
            started = time.process_time()
            if model is None:
                model = crops_of(params, FOUR, seed, songs, silence_C)
            else:
                model = whole_of(params, model, seed, songs, silence_C)
            save_model(folder, model)
            (folder / "minutes.json").write_text(json.dumps((time.process_time() - started) / 60))
        model = load_model(folder)
        minutes += json.loads((folder / "minutes.json").read_text())
    assert model is not None
    return model.eval().requires_grad_(False), minutes


class Bench:
    """One seed's songs and rows."""

    def __init__(self, given: Given, seed: int) -> None:
        self.given, self.seed = given, seed
        budget = (f"pretrain.steps={given.pretrain}", f"sft.steps={given.sft}")
        dropout = [f"{section}.{one}" for section in ("pretrain", "sft") for one in DROPOUT]
        self.params = load_params(
            RECIPE, [*EVENLY, *budget, *dropout, *GUIDED, "models.chords.model=templates"]
        )
        self.studio = Studio(self.params)
        self.ears = Ears(self.studio, LibrosaTracker(), VoicePitch(), build_chords(self.params.models.chords))

    def measured(self) -> dict[str, Any] | None:
        """All figures; None where the minutes are over before the last row."""
        given, params = self.given, self.params
        learned, _ = songs_of(params, params.toy.seed, given.songs, self.studio, given.scratch)
        held_out, truths = songs_of(params, HELD_OUT_SEED, given.held_out, self.studio, given.scratch)
        new, truths = held_out[: given.new], truths[: given.new]
        self.new, self.truths, self.other = Songs(new), truths, others_of(truths)
        models: dict[str, tuple[Jam, float]] = {}
        rows: dict[str, dict[str, list[Found]]] = {}
        with patch.object(batches, "conditions_of", conditions_by("held")):
            if FOURTH in given.models:
                parts = [
                    with_coarse(some, params, seed, self.studio, given.scratch, given.until)
                    for some, seed in ((learned, params.toy.seed), (new, HELD_OUT_SEED))
                ]
                if parts[0] is None or parts[1] is None:
                    return None
                self.new = parts[1]
                four = four_of(params, given, self.seed, parts[0], self.studio)
                floor = None if four is None else self.row(None, "floor", "floor")
                if four is None or floor is None:
                    return None
                models[FOURTH], rows[FOURTH] = four, {"floor": floor}
            models |= models_of(params, given, self.seed, learned, self.studio.codec.silence_C)
        for name, said in ((one, row) for one in given.models for row in asked_rows(given, one)):
            found = self.row(models[name][0], name, said)
            if found is None:
                return None
            rows.setdefault(name, {})[said] = found
        same = np.mean([truths[i].key == truths[j].key for i, j in enumerate(self.other)])
        return {
            "songs": len(new),
            "same_key": round(float(same), 3),
            "core_minutes": {name: round(minutes, 2) for name, (_, minutes) in models.items()},
            "models": {name: figures(of, ASKED) for name, of in rows.items()},
            "alike": {
                f"{' '.join(one)} - {' '.join(two)}": alike(rows[one[0]][one[1]], rows[two[0]][two[1]])
                for one, two in ALIKE
                if all(row in rows.get(name, ()) for name, row in (one, two))
            },
            "machine": machine("torch", "numpy", "librosa"),
        }

    def row(self, model: Jam | None, name: str, said: str) -> list[Found] | None:
        """The scores of every new song of one row; None where the minutes are over before the last. No model: the round trip."""
        given = self.given
        path = _row_at(given, name, said, None if model is None else self.seed)
        found: list[Found] = json.loads(path.read_text()) if path.is_file() else []
        while len(found) < len(self.new):
            if time.monotonic() > given.until:
                return None
            some = range(len(found), min(len(found) + TOGETHER, len(self.new)))
            found += self._scored(model, some, name, said)
            path.write_text(json.dumps(found), encoding="utf-8")
        return found

    def _scored(self, model: Jam | None, some: Sequence[int], name: str, said: str) -> list[Found]:
        new, other = self.new, self.other
        names = ROWS[name][said] if model else ()
        whose = other if said.startswith("other") else range(len(new))
        asked = [{one: _asked(new[whose[i]], one, new[i].num_frames) for one in names} for i in some]
        latents = (new[i].mean_TC for i in some)
        if model is not None:
            latents = sung(model, self.params, Songs(new[i] for i in some), asked, self.studio)  # type: ignore[assignment]
        both = [
            {"own": (new[i], self.truths[i]), "others": (new[other[i]], self.truths[other[i]])} for i in some
        ]
        return [
            self.ears.scores(latent_TC, new[i], sides if name in HEARD_WHOLE else {})
            for i, sides, latent_TC in zip(some, both, latents, strict=True)
        ]


def asked_rows(given: Given, name: str) -> list[str]:
    """The rows of a model that were asked for."""
    return [row for row in ROWS[name] if name != FOURTH or row in given.rows]


def _row_at(given: Given, name: str, said: str, seed: int | None) -> Path:
    """Where the scores of a row's songs stand; `seed` None: the round trip's, which are those of all seeds."""
    about = [given.new] if seed is None else [given.songs, given.new, given.pretrain, given.sft, seed]
    return Path(given.scratch) / f"allrow-{name}-{said.replace(' ', '-')}-{'-'.join(map(str, about))}.json"


def over_seeds(given: Given) -> dict[str, Any]:
    """What the seeds say together, where there are two or more."""

    def rows(name: str, said: str) -> list[list[Found]]:
        return [json.loads(_row_at(given, name, said, seed).read_text()) for seed in range(given.seeds)]

    floor = json.loads(_row_at(given, "floor", "floor", None).read_text())
    by_name = {said: rows(FOURTH, said) for said in asked_rows(given, FOURTH)}
    seeds = [
        {"floor": floor} | {said: found[seed] for said, found in by_name.items()}
        for seed in range(given.seeds)
    ]
    asked = {name: of for name, of in ASKED.items() if {name, of[0]} <= {*given.rows}}
    pairs = [
        (one, two)
        for one, two in ALIKE
        if all(name in given.models and row in asked_rows(given, name) for name, row in (one, two))
    ]
    return pooled(seeds, asked) | {
        f"{' '.join(one)} - {' '.join(two)}": equal_over_seeds(rows(*one), rows(*two)) for one, two in pairs
    }


def _asked(song: Sample, name: str, num_frames: int) -> np.ndarray:
    """A control of a song; sound is repeated until `num_frames`, as `jam generate` does."""
    array = song.extras[name]
    return np.resize(array, (num_frames, array.shape[1])) if name in COARSE else array


def main() -> None:
    """Measure each seed that is not there, write, and show."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--held-out", type=int, default=64, help="how many the file of new songs holds")
    parser.add_argument("--new", type=int, default=32, help="how many of them are generated")
    parser.add_argument("--pretrain", type=int, default=1500)
    parser.add_argument("--sft", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--models", nargs="+", choices=ROWS, default=[*ROWS])
    parser.add_argument(
        "--rows", nargs="+", choices=ROWS[FOURTH], default=[*ROWS[FOURTH]], help=f"of `{FOURTH}`"
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="nothing begins later than that")
    parser.add_argument("--out", type=Path, default=RESULTS / "all_controls.json")
    given = parser.parse_args()
    given.until = time.monotonic() + 60 * given.minutes
    given.tune = 400
    torch.set_num_threads(1)
    given.scratch.mkdir(parents=True, exist_ok=True)
    results = json.loads(given.out.read_text()) if given.out.is_file() else {}
    size = f"{given.songs} songs, {given.new} new, steps {given.pretrain}/{given.sft}, guided"
    size += "" if {*given.models} == {*ROWS} else f", {' and '.join(given.models)} alone"
    size += "" if {*given.rows} == {*ROWS[FOURTH]} else f", rows {', '.join(given.rows)}"
    for seed in range(given.seeds):
        if f"seed {seed}" not in results.get(size, {}):
            found = Bench(given, seed).measured()
            if found is None:
                print(f"seed {seed}: the minutes are over; the same command goes on")
                return
            results.setdefault(size, {})[f"seed {seed}"] = found
            given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        told = results[size][f"seed {seed}"]
        for name, model in told["models"].items():
            print(seed, name, json.dumps(model["adherence"]))
        print(seed, json.dumps(told["alike"], indent=1))
    if given.seeds > 1 and FOURTH in given.models:
        results[size][f"{given.seeds} seeds"] = over_seeds(given)
        given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(results[size][f"{given.seeds} seeds"], indent=1))


if __name__ == "__main__":
    main()
