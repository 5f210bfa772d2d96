"""Score writes the judge's axes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.settings.params import load_params
from tasks.engine.song import SongError
from tasks.stages.generated.score import Score, scored
from tests.tasks.tiny import given, write_song


def test_score_writes_five_axes(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    song = Score(load_params().models.judge).one(given("a.wav", root=tmp_path))
    assert len(song["scores"]) == 5 and all(1 < score < 5 for score in song["scores"])


class Broken:
    """A judge that cannot score."""

    def __init__(self, score: float | Exception) -> None:
        self.answer = score

    def score(self, mix_CN: np.ndarray) -> np.ndarray:
        if isinstance(self.answer, Exception):
            raise self.answer
        return np.array([3.0, self.answer])


@pytest.mark.parametrize("answer", [ValueError("too short"), RuntimeError("shapes"), float("nan")])
def test_song_that_the_judge_cannot_score_is_dropped_with_the_reason(answer: float | Exception) -> None:
    with pytest.raises(SongError) as raised:
        scored(Broken(answer), np.zeros((2, 10), np.float32), "a")  # type: ignore[arg-type]
    assert (raised.value.song_id, raised.value.reason) == ("a", "judge_failed")
