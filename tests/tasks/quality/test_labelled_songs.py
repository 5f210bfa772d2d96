"""calibrate reads labels from the manifest and tells what the gate would drop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.settings.params import load_params
from tasks.quality.calibrate import Labelled, drops_in_words, labels_of
from tasks.quality.limits import is_calibrated
from tests.every import every


def manifest(folder: Path, *rows: object) -> Path:
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_labels_belong_to_the_audio_whatever_the_path_is_relative_to(tmp_path: Path) -> None:
    path = manifest(
        tmp_path,
        {"audio_path": "songs/a.wav", "label": "good"},
        {"audio_path": str(tmp_path / "songs/b.wav"), "label": "bad", "kind": "noise"},
        {"audio_path": "./songs/../c.wav", "label": "bad"},
    )
    assert labels_of(path, str(tmp_path)) == {
        "songs/a.wav": (True, "good"),
        "songs/b.wav": (False, "noise"),
        "c.wav": (False, "bad"),
    }


@every("row", [{"audio_path": "a.wav"}, {"audio_path": "a.wav", "label": "so-so"}, "a.wav"])
def test_a_row_without_a_label_is_named(tmp_path: Path, row: object) -> None:
    with pytest.raises(ValueError, match=r"manifest.jsonl:2: label is .* good, bad"):
        labels_of(manifest(tmp_path, {"audio_path": "b.wav", "label": "bad"}, row), str(tmp_path))


def test_a_folder_has_no_labels(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no manifest"):
        labels_of(tmp_path, str(tmp_path))


def test_the_limits_of_params_yaml_are_for_the_models_of_params_yaml() -> None:
    params = load_params()
    assert is_calibrated(params.filter, params.models.measuring())


def test_what_is_told_is_a_line_a_kind_with_its_interval() -> None:
    songs = [Labelled(f"g{i}", True, "good", None) for i in range(4)]
    songs += [Labelled(f"b{i}", False, "noise", None) for i in range(2)]
    judged = {song.song_id: None if song.good else "low_agreement" for song in songs}
    assert drops_in_words(songs[::-1], judged)[1:] == [
        "good: 0 of 4 dropped (0.0%, 95 % interval 0.0% to 49.0%)",
        "noise: 2 of 2 dropped (100.0%, 95 % interval 34.2% to 100.0%); low_agreement 2",
    ]
