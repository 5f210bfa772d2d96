"""Chords and melody of a song are heard where somebody is asked, and stand in its sample a number a latent frame."""

from __future__ import annotations

import io

import numpy as np
import pytest

from eval.metrics.controls.chords import chord_accuracy, majmin
from eval.metrics.controls.melody import melody_scores
from flows.pipelines.stages import prepare_stages
from flows.settings.params import load_params
from jam_model.frames import HOP_SAMPLES
from tasks.audio.read import array_of, flac_bytes
from tasks.engine.song import Song
from tasks.models.beats import Beats
from tasks.models.coarse_latents import band_passed, blurred, percussive
from tasks.models.embedded.onsets import flux_onsets
from tasks.models.melody import frame_middles_s
from tasks.shards.control_frames import QUALITIES, chord_frames, chord_index, melody_frames
from tasks.shards.played import spans_of
from tasks.shards.write import extra_members
from tasks.stages.chords import Chords
from tasks.stages.coarse import Drums
from tasks.stages.generated.adherence import (
    Adherence,
    AdherenceParams,
    beat_values,
    chord_values,
    melody_values,
)
from tasks.stages.melody import Melody
from tasks.toy.composition import Score
from tasks.toy.performance import perform
from tests.tasks.models.sung import scores as toy_scores

HEARD = load_params(settings=["models.chords.model=templates", "models.melody.model=embedded"])


def heard(mix_CN: np.ndarray, vocals_N: np.ndarray) -> Song:
    columns = {
        "audio": {"path": None, "bytes": flac_bytes(mix_CN, 44_100)},
        "vocals": flac_bytes(vocals_N, 44_100),
    }
    song = Chords(HEARD.models.chords).one(Song("tiny", columns, content_hash="0"))
    return Melody(HEARD.models.melody, HEARD.models.voice_activity).one(song)


def sung_midi(score: Score, num_frames: int) -> np.ndarray:
    middles_s = frame_middles_s(num_frames)
    midi_T = np.full(num_frames, np.nan)
    for note in score.notes:
        midi_T[(middles_s >= note.start_s) & (middles_s < note.start_s + note.duration_s)] = note.midi
    return midi_T


@pytest.mark.slow
def test_of_toy_songs_most_chords_and_pitches_are_heard_and_a_louder_voice_changes_no_chord() -> None:
    right, overall = [], []
    for score in toy_scores(1):
        song = perform(score)
        vocals_N, mix_CN = 0.5 * song.vocals_N, 0.5 * song.mix_CN
        found = heard(mix_CN, vocals_N)
        rows = [(row["start_s"], row["end_s"], row["label"]) for row in found["chords"]]
        truth = [(chord.start_s, chord.end_s, chord.name) for chord in score.chords]
        right.append(chord_accuracy(truth, rows, majmin))
        melody_T2 = array_of(found["melody"])
        assert len(melody_T2) == mix_CN.shape[1] // HOP_SAMPLES
        midi_T = melody_T2[:, 0]
        true_T = sung_midi(score, len(midi_T))
        overall.append(melody_scores(true_T, midi_T, np.isfinite(midi_T)).overall)
        louder = heard(mix_CN + 0.3 * vocals_N, 1.3 * vocals_N)
        same = chord_accuracy(
            rows, [(r["start_s"], r["end_s"], r["label"]) for r in louder["chords"]], majmin
        )
        assert same is not None and same > 0.97
    assert np.mean(right) > 0.85 and np.mean(overall) > 0.75, (right, overall)


def test_silence_has_no_chord_and_no_pitch_and_where_nobody_is_asked_there_is_no_stage() -> None:
    silent = heard(np.zeros((2, 3 * HOP_SAMPLES + 5), np.float32), np.zeros(3 * HOP_SAMPLES + 5, np.float32))
    (row,) = silent["chords"]
    assert (
        row["label"] == "N"
        and row["start_s"] == 0.0
        and row["end_s"] == pytest.approx((3 * HOP_SAMPLES + 5) / 44_100)
    )
    assert np.isnan(array_of(silent["melody"])[:, 0]).all()
    names = [[stage.name for stage in prepare_stages(params)] for params in (load_params(), HEARD)]
    assert names[1] == [*names[0][:3], "chords", "melody", *names[0][3:]]
    assert "chords" not in load_params().models.decides() and HEARD.models.decides()["melody"] == {
        "model": "embedded"
    }
    for kind in ("chords", "melody"):
        with pytest.raises(ValueError, match=f"pack.extras asks for {kind}, but models.{kind}.model is none"):
            load_params(settings=[f"pack.extras=[{kind}]"])


def test_a_sample_holds_the_index_of_each_frames_chord_and_the_bin_of_its_pitch() -> None:
    assert [chord_index(label) for label in ("N", "C:maj", "B:min", "C:9", "C:sus4(b7)", "D/3")] == [
        0,
        1,
        24,
        25,
        97,
        3,
    ]
    assert chord_index("B:hdim7") == 12 * len(QUALITIES)
    with pytest.raises(ValueError, match="holds none of maj"):
        chord_index("C:5")
    frame_s = HOP_SAMPLES / 44_100
    rows = [
        {"label": "C:maj", "start_s": 0.0, "end_s": 1.6 * frame_s, "score": 0.9},
        {"label": "F:maj/3", "start_s": 1.6 * frame_s, "end_s": 3 * frame_s, "score": 0.8},
    ]
    melody_T2 = np.array([[43.2, 1], [np.nan, 0], [95.4, 1], [42.4, 1]], np.float32)
    assert chord_frames(rows, 4).tolist() == [1, 1, 6, 0]
    assert melody_frames(melody_T2, 4).tolist() == [1, 0, 53, 0]
    with pytest.raises(ValueError, match="prepare again"):
        melody_frames(melody_T2, 5)
    file = io.BytesIO()
    np.save(file, melody_T2)
    song = Song("tiny", {"chords": rows, "melody": file.getvalue()}, content_hash="0")
    members = extra_members(song, ["chords", "melody"], 4)
    assert {name: array_of(data).tolist() for name, data in members.items()} == {
        "chords.npy": [1, 1, 6, 0],
        "melody.npy": [1, 0, 53, 0],
    }
    assert all(array_of(data).dtype == np.float32 for data in members.values())


def test_a_song_is_scored_against_what_it_was_asked_for_by_another_than_who_made_that() -> None:
    chords_T = np.repeat([1.0, 0.0, 18.0, 37.0], 10)  # C, none, F minor, Cmaj7
    truth = spans_of(chords_T)
    assert [label for *_, label in truth] == ["C:maj", "N", "F:min", "C:maj7"]
    rows = [{"start_s": start, "end_s": end, "label": label} for start, end, label in truth]
    assert chord_values(chords_T, rows) == {"chord_majmin": 1.0, "chord_sevenths": 1.0, "chord_iou": 1.0}
    rows[3]["label"] = "C"
    told = chord_values(chords_T, rows)
    assert (told["chord_majmin"], told["chord_sevenths"], told["chord_iou"]) == pytest.approx(
        (1.0, 0.75, 0.6)
    )
    melody_T = np.repeat([0.0, 18.0], 10)  # nobody, then middle C
    midi_T, voiced_T = np.repeat([50.0, 60.4], 10), np.repeat([False, True], 10)
    same = {
        "melody_raw_pitch": 1.0,
        "melody_overall": 1.0,
        "melody_contour": None,
    }  # ten frames tell no contour
    assert melody_values(melody_T, midi_T, voiced_T) == same
    wide_T = np.arange(1.0, 41.0)
    lower = melody_values(wide_T, 0.5 * wide_T + 30, np.ones(40, bool))
    assert lower["melody_contour"] == pytest.approx(1.0) and lower["melody_raw_pitch"] == pytest.approx(0.0)
    assert beat_values([0.0, 0.5, 1.0, 1.5], Beats((0.02, 1.02), None)) == {
        "beat_f1": pytest.approx(2 / 3), "tempo_accuracy_1": 0.0, "tempo_accuracy_2": 1.0,
    }  # fmt: skip
    assert [*beat_values([], Beats((0.5,), None)).values()] == [None, None, None]
    assert [*beat_values([0.0, 0.5], Beats((), None)).values()] == [0.0, 0.0, 0.0]
    assert melody_values(0 * melody_T, midi_T, voiced_T)["melody_raw_pitch"] is None
    asked = AdherenceParams(chords="templates", melody="none", beats="none", onsets="librosa")
    with pytest.raises(ValueError, match=r"adherence\.chords is templates, which also makes the condition"):
        Adherence(asked, HEARD.models.chords, HEARD.models.melody, HEARD.models.beats)
    silent = load_params()
    stage = Adherence(asked, silent.models.chords, silent.models.melody, silent.models.beats)
    assert stage.models == ("embedded/chord-templates@1", "librosa/onset-detect@1")
    song = Song("plain", {"audio": None, "vocals": None})  # of a table in which nobody asks for anything
    assert set(stage.one(song).columns[name] for name in stage.writes) == {None}


def test_drums_and_a_sketch_are_blurred_latents_in_a_sample_of_who_asks_for_them() -> None:
    random = np.random.default_rng(0)
    clicks_N = np.zeros(44_100, np.float32)
    clicks_N[::11_025] = 0.9
    tone_N = 0.3 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100).astype(np.float32)
    struck_CN = percussive(np.stack([clicks_N + tone_N] * 2))
    kept = [float(np.abs(np.fft.rfft(side)[440]) / np.abs(np.fft.rfft(tone_N)[440])) for side in struck_CN]
    assert max(kept) < 0.2 and struck_CN.max() > 0.5
    heard_s = flux_onsets(np.pad(np.stack([clicks_N + 0.1 * tone_N] * 2), ((0, 0), (4_410, 0))))
    np.testing.assert_allclose(heard_s, [0.1, 0.35, 0.6, 0.85], atol=0.025)
    assert flux_onsets(np.zeros((2, 44_100), np.float32)) == []
    low_CN = band_passed(struck_CN, (200.0, 800.0))
    assert (low_CN**2).sum() < (struck_CN**2).sum()
    latent_TC = random.standard_normal((8, 64)).astype(np.float32)
    for window, starts in ((1, range(8)), (3, (0, 3, 6)), (20, (0,))):
        coarse_TC = blurred(latent_TC, window)
        assert coarse_TC.shape == (8, 64) and {
            *np.flatnonzero(np.any(np.diff(coarse_TC, axis=0), 1) + 0) + 1
        } | {0} == {*starts}
    np.testing.assert_allclose(blurred(latent_TC, 3)[:3], [latent_TC[:3].mean(axis=0)] * 3, atol=1e-6)
    np.testing.assert_allclose(blurred(latent_TC, 3)[7], (2 * latent_TC[6] + latent_TC[7]) / 3, atol=1e-6)
    asked = load_params(
        settings=["drums.model=percussive", "sketch.model=band", "pack.extras=[drums,sketch]"]
    )
    stages = {stage.name: stage for stage in prepare_stages(asked)}
    columns = {
        "audio": {"path": None, "bytes": flac_bytes(np.stack([tone_N] * 2), 44_100)},
        "vocals": flac_bytes(0.5 * tone_N, 44_100),
    }
    song = Song("tiny", columns, content_hash="0")
    for name in ("drums", "sketch"):
        song = stages[name].one(song)
    assert song["drum_onsets_s"] == flux_onsets(percussive(np.stack([0.5 * tone_N] * 2)))
    members = extra_members(song, ("drums", "sketch"), 21)
    assert {suffix: np.load(io.BytesIO(data)).shape for suffix, data in members.items()} == {
        "drums.npy": (21, 64),
        "audio.npy": (21, 64),
    }
    with pytest.raises(ValueError, match="prepare again"):
        extra_members(song, ("drums",), 20)
    stem = Drums(asked.drums.model_copy(update={"model": "stem"}), asked.models.separator, asked.models.codec)
    with pytest.raises(
        ValueError, match=r"needs a separator that knows drums; embedded/mid-side-pitch@1 has vocals"
    ):
        stem.one(song)
    with pytest.raises(ValueError, match=r"pack\.extras asks for drums, but drums\.model is none"):
        load_params(settings=["pack.extras=[drums]"])
