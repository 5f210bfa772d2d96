"""Hear: validation songs are sung as far as the model reaches, and the phones nobody hears are counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flows.pipelines.runs import validation_by_ear_of
from flows.settings.params import load_params
from jam_model.dit import Jam
from jam_model.frames import SAMPLE_RATE_HZ, seconds_of_frames
from jam_model.shards import Sample
from jam_model.words import Word
from tasks.benchmark.report import heard_songs
from tasks.models.transcriber import Transcript
from tasks.trainer import ray_train as fitting
from tasks.trainer.heard import forget_heard, kept_songs
from tasks.trainer.loop import run_steps
from tasks.training import validation_by_ear as hear
from tasks.training.hear import Hearing, HearParams
from tasks.training.train import FlowObjective, train
from tasks.training.validation_by_ear import ValidationByEar
from tests.jam_model.test_shards import members_of, write_folder
from tests.tasks.stages.generated.test_generate import TINY
from tests.tasks.training.test_train import ALONE, ENCODER, JAM, PARAMS, SILENCE, changed

WORDS = (Word("", 0.1, 0.5, "stˈeɪ_"), Word("", 0.6, 1.0, "mˈun_"), Word("", 1.4, 1.9, "lˈʌv_"))
CPU = torch.device("cpu")


@dataclass
class Reader:
    """Hears the same words in every song, and remembers how long the vocals were."""

    words: list[str]
    heard_samples: list[int]

    def transcribe(self, vocals_N: np.ndarray) -> Transcript:
        self.heard_samples.append(len(vocals_N))
        return Transcript([Word(word, 0.0, 0.1) for word in self.words], None, "en")


def song(words: tuple[Word, ...], num_frames: int = 40) -> Sample:
    array_TC = np.ones((num_frames, 64), np.float32)
    return Sample("a", array_TC, array_TC, np.ones((1, 512), np.float32), words)


@pytest.fixture
def by_ear() -> ValidationByEar:
    params = load_params(None, ["sft.validation_per_songs=2"])
    found = validation_by_ear_of(params.sft, params)
    assert found is not None
    return replace(found, sampler=found.sampler.model_copy(update={"num_steps": 1}))


def heard(
    by_ear: ValidationByEar, monkeypatch: pytest.MonkeyPatch, words: list[str], songs: list[Sample]
) -> Any:
    reader = Reader(words, [])
    monkeypatch.setattr(hear, "build_transcriber", lambda params: reader)
    return by_ear.figures(Jam(TINY).eval(), songs, 0, CPU), reader.heard_samples


def test_words_that_are_heard_count_and_those_after_the_last_frame_are_not_asked_for(
    by_ear: ValidationByEar, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures, num_samples = heard(by_ear, monkeypatch, ["stay", "moon"], [song(WORDS)])
    assert figures == {"num_heard_songs": 1, "validation_per": 0.0}
    assert num_samples == [round(seconds_of_frames(TINY.max_frames) * SAMPLE_RATE_HZ)]


def test_word_that_is_not_heard_costs_its_phones(
    by_ear: ValidationByEar, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures, _ = heard(by_ear, monkeypatch, ["stay"], [song(WORDS)])
    assert figures["validation_per"] == pytest.approx(3 / 6)


def test_nothing_asked_is_nothing_measured(by_ear: ValidationByEar, monkeypatch: pytest.MonkeyPatch) -> None:
    figures, num_samples = heard(by_ear, monkeypatch, ["stay"], [song(WORDS[2:]), song(())])
    assert figures == {"num_heard_songs": 0} and num_samples == []


def test_step_that_is_heard_best_gives_the_weights(
    by_ear: ValidationByEar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rates = iter([0.4, 0.2, 0.3, 0.2])
    monkeypatch.setattr(
        ValidationByEar, "figures", lambda *_: {"num_heard_songs": 1, "validation_per": next(rates)}
    )
    monkeypatch.setattr(
        fitting, "_run_on_ray", lambda objective, params, out: run_steps(objective, params, out, ALONE)
    )
    splits = {f"s{n}": "train" if n < 3 else "validation" for n in range(4)}
    shards = write_folder(tmp_path / "shards", [{f"s{n}": members_of(n, 12) for n in range(4)}], splits)
    params = changed(
        best_by="validation_per",
        validation_per_songs=1,
        validate_every_steps=2,
        checkpoint_every_steps=2,
        condition_dropout_rule="independent",
        style_condition_dropout=0.1,
        lyrics_condition_dropout=0.1,
    )
    found = train(params, JAM, shards, np.array(SILENCE), ENCODER, None, tmp_path / "out", by_ear=by_ear)
    assert found.figures["validation_per"] == 0.2
    lines = (tmp_path / "out" / "validation.jsonl").read_text().splitlines()
    assert ['"validation_per": 0.4' in lines[0], '"validation_per": 0.2' in lines[1]] == [True, True]
    assert (tmp_path / "out" / "best" / "model.safetensors").is_file()


def test_songs_heard_on_the_way_change_no_weight_and_stand_once_after_a_kill(
    by_ear: ValidationByEar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ValidationByEar, "sung", lambda self, *_: torch.randn(2, 9000).mul(0.1).numpy())
    monkeypatch.setattr(ValidationByEar, "scores", lambda *_: {"per": 0.5, "style_similarity": None})
    splits = {f"s{n}": "train" if n < 3 else "validation" for n in range(5)}
    shards = write_folder(tmp_path / "shards", [{f"s{n}": members_of(n, 12) for n in range(5)}], splits)
    params = changed(trackers=("tensorboard",))
    silent = FlowObjective(params, JAM.config(16), None, str(shards), SILENCE, ENCODER)
    loud = replace(silent, hearing=Hearing(HearParams(every_steps=2, num_songs=1), by_ear))
    outs = [tmp_path / name for name in ("silent", "loud", "killed")]
    for out in outs:
        out.mkdir()
    run_steps(silent, params, outs[0], ALONE)
    run_steps(loud, params, outs[1], ALONE)
    run_steps(loud, params, outs[2], ALONE, stop_at=5)  # step 4 is heard, the newest checkpoint is of step 3
    assert [song.step for song in kept_songs(outs[2])] == [2, 4]
    forget_heard(outs[2], 3)
    assert [song.step for song in kept_songs(outs[2])] == [2]
    run_steps(loud, params, outs[2], ALONE)
    for name in ("model.safetensors", "done.json"):
        assert len({(out / name).read_bytes() for out in outs}) == 1
    for out in outs[1:]:
        kept = kept_songs(out)
        assert [(song.step, song.song_id) for song in kept] == [(2, "s3"), (4, "s3"), (6, "s3")]
        assert all(song.file is not None and song.file.stat().st_size > 100 for song in kept)
        assert kept[0].scores == {"per": 0.5, "style_similarity": None}
    assert kept_songs(outs[0]) == []
    assert [song.step for song in heard_songs("sft", outs[1])] == [2, 4, 6]


def test_hearing_is_refused_where_it_cannot_be(by_ear: ValidationByEar, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs validation_per_songs above 0"):
        changed(best_by="validation_per", validate_every_steps=2).rule()
    shards = write_folder(tmp_path / "shards", [{"s0": members_of(0, 12)}])
    given = (JAM, shards, np.array(SILENCE), ENCODER, None, tmp_path / "out")
    with pytest.raises(ValueError, match="validation_per_songs is 1, but nobody"):
        train(changed(validation_per_songs=1), *given)
    never = changed(validation_per_songs=1, style_condition_dropout=0.0, lyrics_condition_dropout=0.0)
    with pytest.raises(ValueError, match="never trained for"):
        train(never, *given, by_ear=by_ear)


def test_recipe_of_a_run_says_who_listened(by_ear: ValidationByEar) -> None:
    quieter = replace(
        by_ear, transcriber_params=by_ear.transcriber_params.model_copy(update={"word_penalty": 9.0})
    )
    assert by_ear.facts() != quieter.facts()
    assert any("recogniser" in model for model in by_ear.facts()["models"])
    assert FlowObjective(PARAMS, JAM.config(16), None, "", SILENCE, ENCODER).by_ear is None
