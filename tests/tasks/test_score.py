"""Score writes the judge's axes."""

from __future__ import annotations

from pathlib import Path

from flows.params import load_params
from tasks.score import Score
from tests.tasks.tiny import given, write_song


def test_score_writes_five_axes(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    song = Score(load_params().judge, str(tmp_path)).one(given("a.wav"))
    assert len(song["scores"]) == 5 and all(1 < score < 5 for score in song["scores"])
