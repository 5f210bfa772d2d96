"""Training the duration predictor: rows of a table become songs, a stopped run goes on to the same weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.words import Word, rows_of
from tasks.training.duration_songs import hash_of_songs, timed_songs
from tasks.training.durations import train_durations

SETTINGS = ("steps=12", "batch_size=3", "checkpoint_every_steps=5", "validate_every_steps=4", "width=16")


def row(number: int) -> dict[str, Any]:
    """A kept song of two lines whose second words last twice as long."""
    random = np.random.default_rng(number)
    words, at_s = [], 0.5
    for place in range(4):
        length_s = float((0.2, 0.4)[place % 2] * random.uniform(0.9, 1.1))
        words.append(Word("moon", at_s, at_s + length_s, "muːn"))
        at_s += length_s + 0.1 * place
    lines = [{"text": "moon moon"}, {"text": "moon moon"}]
    labels = [{"before": 2, "text": "Chorus"}]
    split = "validation" if number % 4 == 0 else "train"
    shares = {
        "kept": number != 5,
        "split": split,
        "duration_s": 5.0,
        "style_embedding": [[0.0] * 3, [1.0] * 3],
    }
    lyrics = {"lyrics": ["moon"] * 4, "lyrics_lines": lines, "lyrics_labels": labels}
    return {"song_id": f"s{number:02}", "words": rows_of(words), **shares, **lyrics}


def test_a_stopped_training_goes_on_to_the_same_weights_and_learns(tmp_path: Path) -> None:
    params = load_params(None, [f"durations.{setting}" for setting in SETTINGS]).durations
    rows = [row(number) for number in range(16)]
    train, validation = (timed_songs(rows, split, styled=True) for split in ("train", "validation"))
    assert len(train) == 11 and len(validation) == 4
    sheet = train[0].sheet
    assert sheet.line_starts == [0, 2] and sheet.breaks == [2] and sheet.bpm is None
    assert sheet.style_S is not None and sheet.style_S.tolist() == [0.0] * 3
    other = replace(train[0], sheet=replace(sheet, breaks=[]))
    assert hash_of_songs([train[0]]) != hash_of_songs([other])
    whole = train_durations(train, validation, params, tmp_path / "whole")
    assert train_durations(train, validation, params, tmp_path / "parts", stop_at=7) is None
    parts = train_durations(train, validation, params, tmp_path / "parts")
    assert whole is not None and parts is not None
    assert whole.weights == parts.weights and whole.figures == parts.figures
    lines = (tmp_path / "whole" / "log.jsonl").read_text().splitlines()
    assert len(lines) == 3
    learned = train_durations(train, validation, params.model_copy(update={"steps": 60}), tmp_path / "longer")
    assert learned is not None and learned.figures["validation_nats"] < whole.figures["validation_nats"]
    with pytest.raises(ValueError, match="no validation song"):
        train_durations(train, [], params, tmp_path / "none")
