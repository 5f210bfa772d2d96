import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tasks.toy.band import play_band
from tasks.toy.composition import GENRES, VOCABULARY, compose
from tasks.toy.performance import perform
from tasks.toy.sound import espeak
from tasks.toy.sound.levels import PEAK, VOCALS_RMS
from tasks.toy.sound.singers import sing_notes
from tasks.toy.voice import sing
from tests.every import every
from tests.tasks.toy.said import pronunciations

SCORES = {score.genre: score for score in map(compose, range(40))}


def test_singing_does_not_depend_on_what_was_sung_before() -> None:
    first, second = SCORES["pop"], SCORES["rock"]
    alone = sing(first)
    sing(second)
    again = sing(first)
    assert np.array_equal(alone.vocals_N, again.vocals_N)
    assert alone.phones == again.phones


def test_another_process_sings_and_plays_the_same_samples() -> None:
    program = (
        "import hashlib\n"
        "from tasks.toy.performance import perform\n"
        "from tasks.toy.composition import compose\n"
        "for seed in (3, 4):\n"
        "    done = perform(compose(seed))\n"
        "    print(hashlib.sha256(done.vocals_N.tobytes() + done.band_CN.tobytes()).hexdigest())\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert len(set(runs[0].split())) == 2


def test_threads_sing_the_same_as_one_thread() -> None:
    scores = list(SCORES.values())
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(sing, scores))
    for score, take in zip(scores, together, strict=True):
        assert np.array_equal(take.vocals_N, sing(score).vocals_N)


@every("genre", GENRES)
def test_words_and_phones_nest_in_their_notes(genre: str) -> None:
    score = SCORES[genre]
    take = sing(score)
    tolerance_s = 2 / espeak.RATE_HZ
    assert [word.text for word in take.words] == list(score.words)
    for note, word in zip(score.notes, take.words, strict=True):
        assert abs(word.start_s - note.start_s) < tolerance_s
        assert word.start_s + 0.05 < word.end_s <= note.start_s + note.duration_s + tolerance_s
    for index, word in enumerate(take.words):
        phones = [phone for phone in take.phones if phone.word == index]
        assert phones[0].start_s == word.start_s
        assert phones[-1].end_s == pytest.approx(word.end_s, abs=1e-9)
        assert all(a.end_s == b.start_s for a, b in itertools.pairwise(phones))


@every("genre", GENRES)
def test_sung_phones_are_the_words_pronunciations(genre: str) -> None:
    score = SCORES[genre]
    sung = [phone.ipa.strip("ˈˌ") for phone in sing(score).phones]
    assert sung == [phone for word in score.words for phone in pronunciations()[word]]


def test_every_word_of_the_vocabulary_has_a_pronunciation_of_its_own() -> None:
    assert set(pronunciations()) == set(VOCABULARY)
    assert len({tuple(phones) for phones in pronunciations().values()}) == len(VOCABULARY)


@every("genre", GENRES)
def test_the_voice_sounds_where_the_words_are_and_nowhere_else(genre: str) -> None:
    take = sing(SCORES[genre])
    sounding = np.abs(take.vocals_N) > 0.02
    inside = np.zeros(len(sounding), bool)
    for word in take.words:
        first, last = round(word.start_s * 44100), round(word.end_s * 44100)
        inside[max(first - 20, 0) : last + 20] = True
        assert sounding[first : first + 2205].any()
    assert not (sounding & ~inside).any()


def test_the_voice_holds_the_pitch_of_its_note() -> None:
    score = SCORES["folk"]
    take = sing(score)
    off = []
    for note, word in zip(score.notes, take.words, strict=True):
        middle = round((word.start_s * 0.7 + word.end_s * 0.3) * 44100)
        part = take.vocals_N[middle : middle + 4096]
        spectrum = np.fft.rfft(part * np.hanning(4096), 32768)
        likeness = np.fft.irfft(np.abs(spectrum) ** 2)[:1100]
        shortest = 150
        period = shortest + int(np.argmax(likeness[shortest:]))
        off.append(abs(12 * np.log2(44100 / period / 440) + 69 - note.midi))
    assert np.median(off) < 0.3


@every("genre", GENRES)
def test_levels_are_as_composed_and_nothing_clips(genre: str) -> None:
    score = SCORES[genre]
    band_CN = play_band(score)
    band_rms = np.sqrt((band_CN**2).mean())
    assert 20 * np.log10(VOCALS_RMS / band_rms) == pytest.approx(score.vocals_over_band_db, abs=0.01)
    performance = perform(score)
    assert performance.mix_CN.shape == (2, score.num_samples)
    assert np.abs(performance.mix_CN).max() <= PEAK + 1e-6


@every("genre", GENRES)
def test_only_the_mono_genre_has_a_band_without_width(genre: str) -> None:
    band_CN = play_band(SCORES[genre])
    side_N = band_CN[0] - band_CN[1]
    if GENRES[genre].mono_band:
        assert not side_N.any()
    else:
        assert (side_N**2).mean() > 0.2 * (band_CN**2).mean()


def test_unknown_voice_is_a_value_error_and_the_next_song_is_still_sung() -> None:
    with pytest.raises(ValueError, match="no-such-voice"):
        sing_notes("no-such-voice", [("love", 0.5, 57)])
    assert sing(SCORES["pop"]).vocals_N.any()
