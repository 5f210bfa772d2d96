import hashlib
import subprocess
import sys

import numpy as np
import pytest

from tasks.toy.sound.levels import PEAK, VOCALS_RMS
from tasks.toy.sound.synthesis import hz_of
from tasks.toy.world_two.band import play_band
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform
from tests.tasks.toy.world_two.truths import FEATURES, features

PROGRAM = "from tests.tasks.toy.world_two.test_performance import samples_of; print(*samples_of(4, 3))"


def samples_of(*seeds: int) -> list[str]:
    """A hash of both stems of each song, in this order."""
    songs = [perform(compose(seed, FEATURES)) for seed in seeds]
    return [hashlib.sha256(song.vocals_N.tobytes() + song.band_CN.tobytes()).hexdigest() for song in songs]


def test_another_process_and_another_order_give_the_same_samples() -> None:
    here = samples_of(3, 4)
    there = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert here == there.split()[::-1]
    assert here[0] != here[1]


@pytest.mark.slow
def test_voices_sound_where_words_are_and_nowhere_else_on_the_pitch_of_their_notes() -> None:
    off = []
    for seed in (1, 2):
        song = perform(compose(seed, FEATURES))
        sounding = np.abs(song.vocals_N) > 0.02
        inside = np.zeros(len(sounding), bool)
        for word in song.truth.words:
            inside[round(word.start_s * 44100) - 30 : round(word.end_s * 44100) + 30] = True
        assert not (sounding & ~inside).any()
        for note in song.truth.notes:
            if note.end_s - note.start_s > 0.25:
                middle = round((note.start_s + note.end_s) / 2 * 44100)
                part = song.vocals_N[middle - 2048 : middle + 2048]
                likeness = np.fft.irfft(np.abs(np.fft.rfft(part * np.hanning(4096), 16384)) ** 2)[:600]
                period = 100 + int(np.argmax(likeness[100:]))
                off.append(abs(12 * np.log2(44100 / period / hz_of(note.midi))))
    assert len(off) > 20 and np.median(off) < 0.3


@pytest.mark.slow
def test_nothing_clips_and_the_band_is_as_far_below_the_voices_as_composed() -> None:
    score = compose(7, FEATURES)
    song = perform(score)
    assert song.mix_CN.shape == (2, score.num_samples)
    assert np.abs(song.mix_CN).max() <= PEAK + 1e-6
    band_rms = np.sqrt(np.square(play_band(score)).mean())
    assert 20 * np.log10(VOCALS_RMS / band_rms) == pytest.approx(score.vocals_over_band_db, abs=0.01)


@pytest.mark.slow
def test_a_mono_downmix_keeps_the_tones_of_every_chord() -> None:
    """The power at a chord's own pitch classes over that at the others, on left plus right, the voices left out."""
    right = []
    for seed in range(6):
        score = compose(seed, features(part_styles=True))
        mono_N = play_band(score).sum(axis=0)
        for chord in score.chords:
            piece_N = mono_N[round(chord.start_s * 44100) : round(chord.end_s * 44100)]
            power = np.square(np.abs(np.fft.rfft(piece_N * np.hanning(len(piece_N)))))
            hz = np.fft.rfftfreq(len(piece_N), 1 / 44100)
            kept = (hz > 140) & (hz < 700)
            classes = np.rint(12 * np.log2(hz[kept] / 440) + 69).astype(int) % 12
            chroma = np.bincount(classes, np.sqrt(power[kept]), 12)
            third = (chord.root + (3 if chord.quality.startswith("min") else 4)) % 12
            other = (chord.root + (4 if chord.quality.startswith("min") else 3)) % 12
            right.append(chroma[third] > chroma[other])
    assert np.mean(right) > 0.95
