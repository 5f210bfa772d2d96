"""Controls of prompts reach the model that knows them, and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jam_model.checkpoint import save_model
from jam_model.config import JAM_0_5, JamConfig
from jam_model.dit import Jam
from jam_model.words import Word
from tasks.audio.read import npy_bytes
from tasks.benchmark.control_rows import control_columns, control_systems, with_own_controls
from tasks.engine.song import Song
from tasks.prompts.asked_controls import check_asked
from tasks.prompts.prompts import Prompt, System, system_sources
from tasks.stages.generated.asked import conditions_of

KNOWS = replace(JAM_0_5, max_frames=40, controls=("chords", "melody"))


def test_controls_travel_as_columns_decide_the_row_and_are_refused_by_a_checkpoint_that_lacks_them(
    tmp_path: Path,
) -> None:
    words, style = (Word("love", 0.1, 0.6, "lˈʌv"),), np.zeros((1, 512), np.float32)
    prompts = [Prompt(name, name, words, style, 1.0, None) for name in ("a", "b")]
    bare = system_sources([System("s", "s", {}, prompts)], 1)
    rows = [
        {
            "song_id": prompt.song_id,
            "duration_s": 1.0,
            "chords": [{"label": label, "start_s": 0.0, "end_s": 1.0, "score": 1.0}],
        }
        for prompt, label in zip(prompts, ("C", "A:min"), strict=True)
    ]
    own = with_own_controls(prompts, rows, ["chords"])
    systems = [
        *control_systems(
            ("each", "all", "other"), own, lambda name, title, given: System(name, title, {}, given)
        )
    ]
    drums = [
        {**row, "sketch": npy_bytes(np.zeros((21, 64))), "drums": npy_bytes(np.full((21, 64), n))}
        for n, row in enumerate(rows)
    ]
    struck = [{**row, "beats_s": None, "drum_onsets_s": [0.5 + n]} for n, row in enumerate(drums)]
    known = {"chords", "drums", "sketch", "drum_onsets_s", "beats_s"}
    assert control_columns(["audio", "drums"], dict.fromkeys(known))[:2] == ["sketch", "drums"]
    with pytest.raises(ValueError, match=r"benchmark\.controls asks for sketch, which no stage"):
        control_columns(["audio"], {"chords": None})
    sung = control_systems(
        ("each", "all", "other"), with_own_controls(prompts, struck, ["audio", "drums"]), lambda *one: one
    )
    told = {name: (title, given[0].rhythm, sorted(given[0].controls)) for name, title, given in sung}
    assert told == {
        "control-audio": ("Trained, asked for its sketch", {}, ["audio"]),
        "control-drums": ("Trained, asked for its drums", {"asked_onsets_s": [0.5]}, ["drums"]),
        "controls-all": ("Trained, asked for its sketch and drums", {"asked_onsets_s": [0.5]}, ["audio", "drums"]),
        "controls-other": (
            "Trained, asked for another song's sketch and drums", {"asked_onsets_s": [1.5]}, ["audio", "drums"],
        ),
    }  # fmt: skip
    assert [system.name for system in systems] == ["control-chords", "controls-all", "controls-other"]
    assert [set(prompt.controls["chords"].tolist()) for prompt in systems[1].prompts] == [{1.0}, {22.0}]
    assert [set(prompt.controls["chords"].tolist()) for prompt in systems[2].prompts] == [{22.0}, {1.0}]
    asked = system_sources([System("s", "s", {}, own)], 1)
    assert asked[0].identity != bare[0].identity and "control_chords" not in bare[0].facts
    assert system_sources([System("s", "s", {}, own)], 1)[0].identity == asked[0].identity
    song = Song("a", asked[0].facts)
    told = conditions_of(song, 21, KNOWS, "it")
    assert told.controls and told.controls_given and [*told.controls] == ["chords"]
    assert told.controls["chords"][0].tolist() == [1] * 21 + [0] * 19
    assert conditions_of(Song("a", bare[0].facts), 21, KNOWS, "it").controls is None
    with pytest.raises(ValueError, match=r"chords asked of runs/x, which knows none; .* jam\.controls"):
        conditions_of(song, 21, replace(KNOWS, controls=()), "runs/x")
    save_model(tmp_path, Jam(JamConfig(16, 1, 2, 2, 16, 1, 8, 4, 32, 63, True)))
    with pytest.raises(ValueError, match=r"controls: chords asked of .*, which knows none"):
        check_asked(["chords"], tmp_path)
    with pytest.raises(ValueError, match="control melody has shape"):
        system_sources(
            [System("s", "s", {}, [replace(prompts[0], controls={"melody": np.zeros((4, 2))})])], 1
        )
