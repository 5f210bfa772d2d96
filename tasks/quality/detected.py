"""What `detect` measures as entries beside `tasks.quality.measures` (loops, adverts, bandwidth, silence) and their limits (`DetectParams`); each formula is in detectors/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pyarrow as pa
from pydantic import create_model

from jam_model.words import words_of
from tasks.engine.stage import Section
from tasks.quality.checked_song import CheckedSong
from tasks.quality.detectors.adverts import adverts_in
from tasks.quality.detectors.heard_loops import looped_words, silent_words
from tasks.quality.detectors.sound import (
    bandwidth_hz,
    flat_share,
    longest_silence_s,
    noise_floor_db,
    spectrum,
)
from tasks.quality.detectors.sound_loops import Span
from tasks.quality.measures import Measure
from tasks.quality.unheard import invented_words


class Heard:
    """A song as the detectors take it: what `check` makes of it, its loops of sound, its spectrum."""

    def __init__(self, song: CheckedSong, loops: list[Span]) -> None:
        self.song, self.loops = song, loops
        self.mix_N = song.mix_CN.mean(axis=0)
        self.power_TF = spectrum(self.mix_N)


def _looped_words(heard: Heard) -> float | None:
    song = heard.song
    return None if song["transcript"] is None else looped_words(song["transcript"], song["lyrics"])


def _invented_words(heard: Heard) -> float | None:
    song = heard.song
    return None if song["transcript"] is None else invented_words(song["transcript"], song["lyrics"])


def _silent_words(heard: Heard) -> float | None:
    song = heard.song
    return silent_words(words_of(song["transcript_times"] or ()), song.vocals_N)


def _detected(name: str, label: str, unit: str, of: Any, setting: str, reason: str) -> Measure:
    return Measure(name, label, unit, of, {setting: reason}, calibrated=True)


DETECTED: tuple[Measure, ...] = (
    _detected(
        "loop_s",
        "sound that repeats itself to the sample",
        "s",
        lambda heard: sum(end_s - start_s for start_s, end_s in heard.loops),
        "max_loop_s",
        "sound_loops",
    ),
    _detected(
        "gap_s",
        "longest silence between sounds",
        "s",
        lambda heard: longest_silence_s(heard.mix_N, heard.song.params.silence_db),
        "max_gap_s",
        "silent_gap",
    ),
    _detected(
        "noise_floor_db",
        "level above 4 kHz that hardly a frame is below, over the song",
        "dB",
        lambda heard: noise_floor_db(heard.power_TF),
        "max_noise_floor_db",
        "noisy",
    ),
    _detected(
        "flat_share",
        "flat at the song's own peak",
        "share of the samples",
        lambda heard: flat_share(heard.song.mix_CN),
        "max_flat_share",
        "clipped",
    ),
    _detected(
        "bandwidth_hz",
        "highest frequency within 80 dB of the strongest",
        "Hz",
        lambda heard: bandwidth_hz(heard.power_TF),
        "min_bandwidth_hz",
        "narrow_band",
    ),
    _detected(
        "looped_words",
        "heard again and again, and not written so",
        "words",
        _looped_words,
        "max_looped_words",
        "recogniser_loops",
    ),
    _detected(
        "invented_words",
        "heard in a row, and written nowhere",
        "words",
        _invented_words,
        "max_invented_words",
        "recogniser_inventions",
    ),
    _detected(
        "silent_words",
        "heard where the vocals are silent",
        "share of what is heard",
        _silent_words,
        "max_silent_words",
        "recogniser_inventions",
    ),
    _detected(
        "adverts",
        "phrases of adverts and credits, heard or written",
        "phrases",
        lambda heard: adverts_in([heard.song["transcript"], heard.song["lyrics"]]),
        "max_adverts",
        "advert",
    ),
)
DETECTED_VALUES = pa.struct([(measure.name, pa.float64()) for measure in DETECTED])
LIMITS = tuple(setting for measure in DETECTED for setting in measure.limits)
_FIELDS: dict[str, Any] = {setting: (float | None, ...) for setting in LIMITS}
_Limits: Any = create_model("DetectLimits", __base__=Section, **_FIELDS)


class DetectParams(_Limits):
    """`when`: ``always`` measures every song, ``never`` none. The rest are limits, by which `filter` drops a song; null: none."""

    when: Literal["never", "always"]

    @property
    def limits(self) -> dict[str, float]:
        """Those that are set, by setting."""
        found = {setting: getattr(self, setting) for setting in LIMITS}
        return {setting: limit for setting, limit in found.items() if limit is not None}

    def decides(self) -> dict[str, Any]:
        """Nothing where nobody measures."""
        return {"when": self.when, **self.limits} if self.when == "always" else {}


def detected_of(heard: Heard) -> Mapping[str, float | None]:
    """Every measure of a song by its name."""
    found = {measure.name: measure.of(heard) for measure in DETECTED}  # type: ignore[arg-type]
    return {name: None if value is None else float(value) for name, value in found.items()}
