"""Tiers: which song is in which, how often each is trained on, what the data card says, and limits that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.order import EndlessOrder
from jam_model.shard_index import IDS_NAME, weights_in
from tasks.quality.calibrate import Labelled, tier_limits
from tasks.quality.tiers import graded_values
from tasks.shards.grades import grade_lines, grades, tier_of
from tasks.training.recipe import weights_recipe
from tasks.training.train import FlowObjective
from tests.tasks.stages.test_filter import GOOD

CHOSEN = [
    "detect.when=always",
    "aesthetics.judges=[embedded]",
    "tiers.a={min_embedded.clarity: 4.0}",
    "tiers.b={max_loop_s: 1.0, min_agreement: 0.8}",
]


def row(clarity: float, loop_s: float | None, **more: Any) -> dict[str, Any]:
    judged = [{"judge": "embedded", "axis": "clarity", "score": clarity}]
    return {"quality": GOOD, "detected": {"loop_s": loop_s}, "aesthetics": judged, "duration_s": 36.0, **more}


def test_a_tier_says_how_often_a_song_is_trained_on_and_the_card_what_is_in_each(tmp_path: Path) -> None:
    tiers = load_params(settings=CHOSEN).tiers
    rows = [row(4.5, 0.0), row(3.0, 0.0), row(4.5, 2.0), row(4.5, None)]
    found = [tiers.tier_of(graded_values(one)) for one in rows]
    assert found == ["A", "B", "C", "A"], "what was not measured breaks no limit"
    graded = [{**one, "tier": tier} for one, tier in zip(rows, found, strict=True)]
    listed = [{"id": f"s{number}", **tier_of(one, tiers.weights)} for number, one in enumerate(graded)]
    (tmp_path / IDS_NAME).write_text("\n".join(json.dumps(one) for one in listed))
    weights = np.array(list(weights_in(tmp_path).values()))
    assert weights.tolist() == [1.0, 0.5, 0.1, 1.0] and tier_of(rows[0], None) == {}
    order = EndlessOrder([4], 7, 8, weights)
    read = np.bincount([order[position] for position in range(2600)])
    assert read.tolist() == pytest.approx([1000, 500, 100, 1000], abs=2)
    assert [order[place] for place in (2599, 0)] == [EndlessOrder([4], 7, 8, weights)[p] for p in (2599, 0)]
    asked = SimpleNamespace(params=load_params().pretrain)
    places = [SimpleNamespace(song_id=song_id) for song_id in ("s1", "s9")]
    shards: Any = SimpleNamespace(folder=tmp_path, places=places)
    assert FlowObjective._weights(asked, shards).tolist() == [0.5, 1.0]  # type: ignore[arg-type, union-attr]
    recipe = weights_recipe(tmp_path)
    (tmp_path / IDS_NAME).write_text('{"id": "s1", "weight": 0.4}')
    assert recipe != weights_recipe(tmp_path) and weights_recipe(tmp_path / "none") == {}
    (tmp_path / IDS_NAME).write_text('{"id": "s0", "weight": 2}')
    with pytest.raises(ValueError, match="not a song with its id"):
        weights_in(tmp_path)

    card = grades([{**one, "flags": ["mined"], "masked": [{"start_s": 0.0, "end_s": 6.0}]} for one in graded])
    assert card["tiers"]["A"] == {"songs": 2, "hours": 0.02} and card["mined"]["songs"] == 4
    assert card["mined"]["seconds"] == pytest.approx(120, abs=0.5) and card["aesthetics"] == {
        "embedded.clarity": [4.125, 4.5, 4.5]
    }
    text = "\n".join(grade_lines(card))
    assert "| A | 2 | 0.02 |" in text and "4 songs kept for good lines alone" in text
    assert grades([{"duration_s": 1.0}]) == {} and grade_lines({}) == []

    songs = [Labelled(f"g{n}", True, "good", graded_values(row(4 + n / 100, 0.0))) for n in range(10)]
    songs += [Labelled(f"b{n}", False, "loop", graded_values(row(1.0, 4.0))) for n in range(4)]
    limits = tier_limits(songs, 0.0, 0.2)
    assert limits["b"]["max_loop_s"] == 2.0 and limits["b"]["min_embedded.clarity"] == pytest.approx(2.5)
    assert limits["a"]["min_embedded.clarity"] == pytest.approx(4.01), (
        "at most two of ten good songs are below"
    )

    assert not {"tiers", "detect", "mine", "aesthetics"} & load_params().decides().keys()
    for settings, told in (
        (["tiers.a={min_taste: 1.0}"], "limits no measure"),
        (["tiers.b={max_loop_s: 1.0}"], "detect.when is never"),
        (["tiers.b={min_songeval.clarity: 1.0}"], "aesthetics.judges lacks it"),
        (["mine.when=always"], "mine needs what detectors measure"),
        (["mine.when=always", "detect.when=always"], "pack.extras lacks masked"),
        (["drums.model=stem"], "drums.model is stem, which needs a separator that knows drums"),
        (["aesthetics.judges=[embedded, embedded]"], "name each once"),
    ):
        with pytest.raises(ValueError, match=told):
            load_params(settings=settings)
