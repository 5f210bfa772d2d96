"""`jam durations` on a prepared folder: its words are learned once, and `jam generate` finds the predictor there."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.durations import run_durations
from flows.pipelines.predictor import predictor_of
from flows.run.standing import stands
from flows.settings.project import Project
from tasks.lyrics.lyrics import Lyrics
from tasks.models.phonemizer import build_phonemizer
from tests.flows.prepared import prepare, toy_songs

SPLIT = ("group.validation_share=0.3", "group.benchmark_share=0.2", "group.min_validation_songs=2")
SMALL = (
    "durations.steps=6",
    "durations.batch_size=2",
    "durations.width=16",
    "durations.validate_every_steps=3",
)


@pytest.mark.slow
def test_a_prepared_folder_is_learned_once_and_generate_draws_from_it(tmp_path: Path) -> None:
    work = tmp_path / "W"
    prepare(toy_songs(tmp_path / "toy", 10), str(work), *SPLIT)
    project = Project.at(work, None, [*SPLIT, *SMALL])
    assert predictor_of(project, project.work, phones=False) is None
    result = run_durations(project)
    assert stands(lambda: run_durations(project))
    assert not stands(lambda: run_durations(Project.at(work, None, [*SPLIT, *SMALL, "durations.seed=1"])))
    predictor = predictor_of(project, project.work, phones=False)
    assert predictor is not None and predictor.folder == result.checkpoint
    lyrics = Lyrics(["moon", "light", "over", "me"], line_starts=[0, 2])
    phonemizer = build_phonemizer(project.params.models.phonemizer)
    times = [
        predictor.times(lyrics, 100.0, 8.0, phonemizer, "bright pop, 100 bpm, female voice", candidate)
        for candidate in (0, 0, 1)
    ]
    assert times[0] == times[1] != times[2] and times[0].duration_s == 8.0
    assert predictor.times(lyrics, None, None, phonemizer, "pop", 0).duration_s > 0
