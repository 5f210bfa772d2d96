"""What a person asks a song to follow (`ControlRequest`), as the arrays that a model takes: chords as text, a melody (MIDI), drums and a sketch as files.

`ControlRequest` is what a row of a manifest or a command line says; `controls_of` makes an array of each, a row a latent frame of the song. Chords are
repeated from their first bar, sounds from their first sample, until the song ends; behind the end of a melody there is none. A melody is read
from notes (`tasks.lyrics.tune`), or followed in a sound by who `models.melody` chooses: a voice or an instrument alone. `keep` names seconds of the
song `keep_from` that stay (`tasks.prompts.kept_seconds`).

Shapes: C 2 channels, N samples, T latent frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ, frames_of_seconds, seconds_of_frames
from tasks.audio.limits import AudioParams
from tasks.audio.read import read_audio
from tasks.engine.song import Refused
from tasks.lyrics.parts.decode import decode_text
from tasks.lyrics.tune import Tone, has_notes, melody_in
from tasks.models.coarse_latents import CoarseParams, coarse_latents
from tasks.models.codec import CodecParams, build_codec
from tasks.models.melody import NONE, MelodyParams, build_melody, frame_middles_s
from tasks.models.separator import SeparatorParams, build_separator
from tasks.prompts.chord_text import MAX_CHARS, ChordText, chords_in
from tasks.prompts.kept_seconds import Spans, check_within, mask_of, painting_of, spans_in
from tasks.shards.control_frames import chord_index, melody_frames
from tasks.storage.files import first_bytes

FILES = ("melody", "drums", "like", "keep_from")
FIELDS = ("chords", "keep", *FILES)
"""Of a manifest's row, and of the command line."""


@dataclass(frozen=True)
class ControlRequest:
    """`chords` with its tempo `bpm`; files of a melody, of drums, of a song to sound like; seconds to `keep` of the song `keep_from`. None: not
    asked."""

    chords: ChordText | None = None
    bpm: float | None = None
    melody: Path | None = None
    drums: Path | None = None
    like: Path | None = None
    keep: Spans | None = None
    keep_from: Path | None = None

    @property
    def names(self) -> list[str]:
        """The controls that are asked for, by the model's names."""
        return [name for name, value in self._values().items() if value is not None]

    def _values(self) -> dict[str, Any]:
        return {
            "chords": self.chords,
            "melody": self.melody,
            "drums": self.drums,
            "audio": self.like,
            "painting": self.keep,
        }


NOTHING_ASKED = ControlRequest()


@dataclass(frozen=True)
class ControlMakers:
    """The settings that make arrays of what is asked for; `max_bytes`, `max_words`: of a file of notes."""

    audio: AudioParams
    melody: MelodyParams
    separator: SeparatorParams
    codec: CodecParams
    drums: CoarseParams
    sketch: CoarseParams
    max_bytes: int
    max_words: int


def request_of(row: Mapping[str, Any], files: Mapping[str, Path], bpm: float | None) -> ControlRequest:
    """What the fields of a row ask for; `files`: where those lie that it names.

    Raises:
        ValueError: chords or seconds to keep that are no text or cannot be read, chords without a tempo, one of `keep` and
            `keep_from` without the other.
    """
    kept = _kept_of(row.get("keep"), files.get("keep_from"))
    named = files.get("melody"), files.get("drums"), files.get("like"), *kept
    text = row.get("chords")
    if text is None:
        return ControlRequest(None, bpm, *named)
    if not isinstance(text, str):
        raise ValueError(f"chords: {str(text)[:40]!r} is no text; give some, such as 'C | Dm7 G7 | C'")
    chords = chords_in(text)
    if bpm is None:
        raise ValueError("chords: they need a tempo; give bpm (quarter notes a minute)")
    return ControlRequest(chords, bpm, *named)


def check_words_for_holes(asked: ControlRequest, has_times: bool) -> None:
    """Raises a ValueError where seconds are kept and words have no times: rough ones of a whole song would lie over what is kept."""
    if asked.keep is not None and not has_times:
        raise ValueError(
            "keep: the words have no times, and rough or predicted ones would lie over what is kept; give lyrics with times of words, of the whole song, or "
            "to `jam generate --lyrics` plain words for what is made"
        )


def _kept_of(text: Any, path: Path | None) -> tuple[Spans | None, Path | None]:
    if text is None:
        if path is not None:
            raise ValueError("keep: keep_from is given and no seconds; give keep, such as 0-10,20-25")
        return None, None
    if not isinstance(text, str):
        raise ValueError(f"keep: {str(text)[:40]!r} is no text; give some, such as '0-10,20-25'")
    if path is None:
        raise ValueError("keep: nobody says of which song; give keep_from, a song of yours or a candidate")
    return spans_in(text), path


def text_of_chords(given: str) -> str:
    """Chords as they are written, or those in the file of that name.

    Raises:
        ValueError: the file is too long or no text.
    """
    try:
        path = Path(given)
        if not path.is_file():
            return given
    except (OSError, ValueError):  # too long for a name, or no name at all
        return given
    try:
        return decode_text(first_bytes(path, 4 * MAX_CHARS))
    except Refused as error:
        raise ValueError(f"chords: {path}: {error.detail}") from error


def controls_of(asked: ControlRequest, duration_s: float, makers: ControlMakers) -> dict[str, np.ndarray]:
    """The arrays of a song of this length, by the model's names: `chords` and `melody` float32 [T], `drums` and `audio` [T, 64],
    `painting` [T, 65].

    Raises:
        ValueError: a file cannot be read, holds nothing that is asked of it, or needs a model that is not chosen.
    """
    num_frames = frames_of_seconds(duration_s)
    made: dict[str, np.ndarray] = {}
    if asked.chords is not None:
        assert asked.bpm is not None, "request_of asks for it"
        made["chords"] = frames_of_chords(asked.chords.spans(asked.bpm, duration_s), num_frames)
    if asked.melody is not None:
        made["melody"] = _melody(asked.melody, num_frames, makers)
    if asked.drums is not None:
        made["drums"] = _coarse(_sound(asked.drums, "drums", makers.audio), num_frames, makers.drums, makers)
    if asked.like is not None:
        like_CN = _sound(asked.like, "like", makers.audio)
        band_CN = like_CN - build_separator(makers.separator).separate(like_CN)
        made["audio"] = _coarse(band_CN, num_frames, makers.sketch, makers)
    if asked.keep is not None:
        kept_CN = _kept_sound(asked, num_frames, makers.audio)
        latents_TC, _ = build_codec(makers.codec).encode(kept_CN)
        made["painting"] = painting_of(asked.keep, latents_TC, num_frames)
    return made


def check_files(asked: ControlRequest, num_frames: int, makers: ControlMakers) -> None:
    """Whether `controls_of` a song of this length can read the files that are asked for: all that is known without a model.

    Raises:
        ValueError: in one line that begins with the field.
    """
    if asked.melody is not None:
        noted_T = _noted(asked.melody, num_frames, makers)
        if noted_T is None:
            _melody_sound(asked.melody, makers)
        else:
            _pitches(asked.melody, noted_T)
    for name, path in (("drums", asked.drums), ("like", asked.like)):
        if path is not None:
            _sound(path, name, makers.audio)
    if asked.keep is not None:
        _kept_sound(asked, num_frames, makers.audio)


def _kept_sound(asked: ControlRequest, num_frames: int, audio: AudioParams) -> np.ndarray:
    """The song that seconds are kept of, [2, N]: as much of it as there are frames."""
    assert asked.keep is not None and asked.keep_from is not None, "request_of asks for both"
    kept_CN = _sound(asked.keep_from, "keep_from", audio)
    check_within(asked.keep, kept_CN.shape[1] / SAMPLE_RATE_HZ, seconds_of_frames(num_frames))
    mask_of(asked.keep, num_frames)
    return kept_CN[:, : num_frames * HOP_SAMPLES]


def frames_of_chords(spans: Iterable[tuple[float, float, str]], num_frames: int) -> np.ndarray:
    """Spans of labels as indices, float32 [T]: of the chord in the middle of each frame."""
    return _filled(0.0, ((start_s, end_s, chord_index(label)) for start_s, end_s, label in spans), num_frames)


def frames_of_tones(tones: Iterable[Tone], num_frames: int) -> np.ndarray:
    """Notes as a MIDI pitch a frame, float32 [T], NaN where there is none."""
    return _filled(np.nan, ((tone.start_s, tone.end_s, tone.pitch) for tone in tones), num_frames)


def _filled(empty: float, spans: Iterable[tuple[float, float, float]], num_frames: int) -> np.ndarray:
    """The value of the span in the middle of each frame, float32 [T]; of several the last."""
    middles_T = frame_middles_s(num_frames)
    value_T = np.full(num_frames, empty, np.float32)
    for start_s, end_s, value in spans:
        value_T[np.searchsorted(middles_T, start_s) : np.searchsorted(middles_T, end_s)] = value
    return value_T


def _melody(path: Path, num_frames: int, makers: ControlMakers) -> np.ndarray:
    midi_T = _noted(path, num_frames, makers)
    if midi_T is None:
        midi_T = np.full(num_frames, np.nan, np.float32)
        sound_N = _melody_sound(path, makers).mean(axis=0)
        sung_T = build_melody(makers.melody).track(sound_N).as_column()[:num_frames, 0]
        midi_T[: len(sung_T)] = sung_T
    return _pitches(path, midi_T)


def _noted(path: Path, num_frames: int, makers: ControlMakers) -> np.ndarray | None:
    """A MIDI pitch a frame of a file of notes; None of one that has none."""
    data = first_bytes(path, makers.max_bytes)
    if len(data) > makers.max_bytes or not has_notes(data):
        return None
    try:
        return frames_of_tones(melody_in(data, makers.max_bytes, makers.max_words), num_frames)
    except Refused as error:
        raise ValueError(f"melody: {path}: {error.detail}") from error


def _melody_sound(path: Path, makers: ControlMakers) -> np.ndarray:
    """The sound of a melody that somebody is chosen to follow, [2, N]."""
    try:
        sound_CN = _sound(path, "melody", makers.audio)
    except ValueError as error:
        why = error.__cause__
        if not isinstance(why, Refused) or why.reason not in ("not_audio", "empty"):
            raise
        raise ValueError(
            f"melody: {path} is neither notes (MIDI, MusicXML, UltraStar or .ds, at most {makers.max_bytes} bytes) nor a sound: "
            f"{why.detail}"
        ) from error
    if makers.melody.model == NONE:
        raise ValueError(
            f"melody: {path} is a sound, and models.melody.model is none; choose who follows it (--set models.melody.model=embedded), "
            "or give notes: MIDI, MusicXML, UltraStar or .ds"
        )
    return sound_CN


def _pitches(path: Path, midi_T: np.ndarray) -> np.ndarray:
    index_T = melody_frames(np.stack([midi_T, midi_T], axis=1), len(midi_T))
    if not index_T.any():
        raise ValueError(
            f"melody: {path} has no pitch from G2 to B6 within the song; give notes that are sung in it"
        )
    return index_T


def _sound(path: Path, name: str, audio: AudioParams) -> np.ndarray:
    """A file's sound, [2, N] at 44.1 kHz."""
    try:
        sound_CN, _ = read_audio(path, audio)
    except (Refused, OSError) as error:
        raise ValueError(f"{name}: {path}: {error}") from error
    if not sound_CN.any():
        raise ValueError(f"{name}: {path} is silent; give a sound to follow")
    return sound_CN


def _coarse(sound_CN: np.ndarray, num_frames: int, params: CoarseParams, makers: ControlMakers) -> np.ndarray:
    """Blurred latents of a sound that is repeated until the song ends, float32 [T, 64]."""
    samples = num_frames * HOP_SAMPLES
    whole_CN = np.tile(sound_CN, (1, -(-samples // sound_CN.shape[1])))[:, :samples]
    return coarse_latents(whole_CN, build_codec(makers.codec), params)
