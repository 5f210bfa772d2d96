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
from tasks.models.melody import frame_middles_s
from tasks.shards.control_frames import NUM_CHORDS, chord_frames, chord_index, melody_frames
from tasks.shards.write import extra_members
from tasks.stages.chords import Chords
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
    assert chord_index("B:hdim7") == NUM_CHORDS - 1
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
