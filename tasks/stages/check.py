"""Check: measures how well a song's words, times, vocals and mix fit one another. It judges nothing.

Words laid by an aligner always look tidy, whoever sings. So they are held against a recogniser that has
never seen the lyrics: what is written must be heard, and what is heard must be written.

Shape suffixes: C channels, N samples, T frames of 10 ms, W words.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from eval.metrics.error_rates import count_errors, normalise
from jam_model.words import Word, words_of
from tasks.audio.levels import clipped_share, frame_power, silence_share
from tasks.audio.loudness import loudness_lufs
from tasks.audio.mix import mix_of
from tasks.audio.read import read_bytes
from tasks.engine.song import Song
from tasks.engine.stage import Section, Stage
from tasks.models.aligner import NEAREST
from tasks.models.phonemizer import phones_of
from tasks.quality.measures import MEASURES


class CheckParams(Section):
    """`plausible_score`: a word's least score that counts as found. `min_phone_s`: a word with less time a
    phone is hurried. `silence_db`: a frame of the mix below it is silent, re full scale.
    """

    plausible_score: float
    min_phone_s: float
    silence_db: float


class Check(Stage):
    """The column `quality`: a number for every measure of tasks/quality/measures.py, null where it has none."""

    name = "check"
    version = 1
    reads = frozenset({"audio", "duration_s", "num_lines", "lyrics", "vocals", "transcript", "heard_phones"})
    reads |= {"words", "aligned_words", "alignment_score"}
    writes = frozenset({"quality"})
    packages = ("av", "numpy", "scipy", "soundfile", "soxr", "pyloudnorm", "jiwer")

    def __init__(self, params: CheckParams, songs_root: str) -> None:
        super().__init__(params)
        self.params: CheckParams = params
        self.songs_root = songs_root

    def open(self, song: Song) -> tuple[np.ndarray, np.ndarray]:
        """The mix and the vocals, both at 44.1 kHz."""
        mix_CN = mix_of(song.song_id, song["audio"], self.songs_root)
        return mix_CN, read_bytes(song["vocals"])[0][0]

    def one(self, song: Song) -> Song:
        """The song with its quality.

        Raises:
            SongError: the mix can no longer be read.
        """
        params, words = self.params, words_of(song["words"])
        mix_CN, vocals_N = self.opened(song)
        aligned = None if song["aligned_words"] is None else words_of(song["aligned_words"])
        laid = words if aligned is None else aligned
        measured: dict[str, float | None] = {
            "duration_s": song["duration_s"],
            "num_lines": song["num_lines"],
            **sound(mix_CN, vocals_N, params.silence_db),
            **pace(words, laid, params.min_phone_s),
            "alignment": song["alignment_score"],
            "coverage": float(np.mean([(word.score or 0.0) >= params.plausible_score for word in laid])),
            **agreement(song, words),
            "outside_share": outside_share(vocals_N, laid),
            **times(words, aligned),
        }
        return song.with_columns(quality={name: _number(measured[name]) for name in NAMES})


NAMES = tuple(measure.name for measure in MEASURES)


def sound(mix_CN: np.ndarray, vocals_N: np.ndarray, silence_db: float) -> dict[str, float | None]:
    """What is to be said of the audio without its words."""
    mix_power, vocals_power = _power(mix_CN.mean(axis=0)), _power(vocals_N)
    audible = mix_power > 0 and vocals_power > 0
    return {
        "silence_share": silence_share(mix_CN, silence_db),
        "clipped_share": clipped_share(mix_CN),
        "loudness_lufs": loudness_lufs(mix_CN),
        "vocals_db": 10 * math.log10(vocals_power / mix_power) if audible else None,
    }


def pace(words: Sequence[Word], laid: Sequence[Word], min_phone_s: float) -> dict[str, float | None]:
    """How the words follow one another; the rate is over the time from the first to the last, at least 1 s.

    A word is hurried where its own time, or the time it is laid in, is too short for its phones.
    """
    lengths_W, laid_W = (np.array([word.end_s - word.start_s for word in row]) for row in (words, laid))
    least_W = min_phone_s * np.array([len(phones_of(word.phonemes or "")) for word in words])
    overlaps = sum(after.start_s < before.end_s for before, after in itertools.pairwise(words))
    return {
        "num_words": len(words),
        "words_per_s": len(words) / max(words[-1].end_s - words[0].start_s, 1.0),
        "longest_word_s": float(lengths_W.max()),
        "overlap_share": overlaps / len(words),
        "hurried_share": float((np.minimum(lengths_W, laid_W) < least_W).mean()),
    }


def agreement(song: Song, words: Sequence[Word]) -> dict[str, float | None]:
    """The written against the heard: phones where the recogniser gives some, else words.

    `agreement` is the share of the written that was heard, `unwritten_share` the share of the heard that
    stands opposite nothing written. Null where nobody listened, or where the words are what was heard.
    """
    nothing: dict[str, float | None] = {"agreement": None, "unwritten_share": None}
    if song["transcript"] is None:
        return nothing
    if song["heard_phones"]:
        written = [nearest(phone) for word in words for phone in phones_of(word.phonemes or "")]
        heard = [nearest(phone) for phone in song["heard_phones"]]
    elif song["lyrics"] is None:
        return nothing
    else:
        written, heard = normalise(song["lyrics"]), normalise(song["transcript"])
    counts = count_errors(written, heard)
    return {
        "agreement": counts.hits / len(written) if written else None,
        "unwritten_share": counts.insertions / len(heard) if heard else None,
    }


def nearest(phone: str) -> str:
    """The phone that stands for this one and those like it: no recogniser tells all of them apart."""
    while phone in NEAREST:
        phone = NEAREST[phone]
    return phone


def outside_share(vocals_N: np.ndarray, words: Sequence[Word]) -> float | None:
    """The share of the vocals' energy that no word covers; null for silence."""
    power_T = frame_power(vocals_N)
    outside_T = np.ones(len(power_T), bool)
    for word in words:
        outside_T[round(word.start_s * 100) : round(word.end_s * 100)] = False
    total = float(power_T.sum())
    return float(power_T[outside_T].sum()) / total if total > 0 else None


def times(given: Sequence[Word], laid: Sequence[Word] | None) -> dict[str, float | None]:
    """Given starts minus laid ones: their median, their drift and their median distance from the median.

    The drift is the median slope over pairs of words half a song apart. Words that could not be said are
    left out. Null where no times were given, or none can be checked.
    """
    pairs = [] if laid is None else zip(given, laid, strict=True)
    starts_s = [(claim.start_s, word.start_s) for claim, word in pairs if word.score]
    if not starts_s:
        return dict.fromkeys(("times_offset_s", "times_drift", "times_spread_s"))
    given_W, laid_W = np.array(starts_s).T
    late_W, half = given_W - laid_W, len(laid_W) // 2
    offset_s = float(np.median(late_W))
    steps_s = laid_W[half:] - laid_W[: len(laid_W) - half]
    slopes = (late_W[half:] - late_W[: len(late_W) - half])[steps_s > 0] / steps_s[steps_s > 0]
    return {
        "times_offset_s": offset_s,
        "times_drift": float(np.median(slopes)) if len(slopes) else None,
        "times_spread_s": float(np.median(np.abs(late_W - offset_s))),
    }


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _power(audio_N: np.ndarray) -> float:
    return float(np.square(audio_N, dtype=np.float64).mean())
