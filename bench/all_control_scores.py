"""What a song made by `all_controls.py` is scored by, and the figures of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from bench.control_figures import Found, adherence_of
from bench.controls import sung_midi
from bench.floor_measures import TrueSong
from bench.measuring import rounded
from bench.scores import chroma_cosine
from bench.toy2_causes import RESAMPLING
from bench.toy2_songs import Studio
from eval.metrics.controls.beats import beat_f1
from eval.metrics.controls.chords import chord_accuracy, majmin
from eval.metrics.controls.contour import contour_scores
from eval.metrics.controls.tempo import tempo_right
from eval.metrics.error_rates import count_errors, normalise
from eval.metrics.lyrics_alignment import onset_scores
from eval.metrics.style_similarity import style_similarity
from eval.stats.intervals import Estimate, mean, paired_mean_difference, paired_rate_difference, rate
from jam_model.shards import Sample
from tasks.models.beats import Beats, LibrosaTracker
from tasks.models.chords import ChordRecogniser
from tasks.models.embedded.chroma import chroma_of
from tasks.models.embedded.onsets import librosa_onsets
from tasks.models.melody import VoicePitch

MARGINS = {"per": 0.03, "style": 0.05}
"""Within which two rows count as equal, by two one-sided tests at 5 %; chosen before anything was measured."""
Z_90, Z_95 = 1.645, 1.96


@dataclass(frozen=True)
class Ears:
    """Who hears: none of them made a condition."""

    studio: Studio
    beats: LibrosaTracker
    pitch: VoicePitch
    chords: ChordRecogniser

    def scores(
        self, latent_TC: np.ndarray, song: Sample, sides: Mapping[str, tuple[Sample, TrueSong]]
    ) -> Found:
        """Of one song: against the truth of each side (`own`, `others`), its words, and how like the asked style it is."""
        studio = self.studio
        mix_CN = studio.codec.decode(latent_TC)
        vocals_N = studio.separator.separate(mix_CN)
        band_CN = mix_CN - vocals_N
        phones = studio.phonemizer.phones(normalise([word.text for word in song.words]))
        found: Found = {
            "style": style_similarity(studio.style.embed_audio(mix_CN), song.style_NS),
            "phone errors": count_errors(phones, studio.transcriber.transcribe(vocals_N).phones or []).errors,
            "phones": len(phones),
        }
        if not sides:
            return found
        onsets_s, beats = librosa_onsets(band_CN), self.beats.track(mix_CN)
        chroma_TP, midi_T = chroma_of(band_CN), self.pitch.track(vocals_N).midi_T
        chords = [(span.start_s, span.end_s, span.label) for span in self.chords.recognise(band_CN)]
        for whose, (sample, truth) in sides.items():
            asked_TP = sample.extras["chroma"]
            frames = min(len(asked_TP), len(chroma_TP), len(midi_T))
            bpm = Beats(tuple(truth.beats_s), None).tempo_bpm or 1.0
            right = tempo_right(bpm, Beats(tuple(beats.times_s), None).tempo_bpm)
            found |= {
                f"{whose} drum onset F1": onset_scores(sample.extras["onsets"].tolist(), onsets_s)[0],
                f"{whose} beat F1": beat_f1(truth.beats_s, beats.times_s),
                f"{whose} tempo, accuracy 1": float(right[0]),
                f"{whose} tempo, accuracy 2": float(right[1]),
                f"{whose} chroma cosine": chroma_cosine(asked_TP[:frames], chroma_TP[:frames]),
                f"{whose} chords majmin": chord_accuracy(truth.chords, chords, majmin),
                f"{whose} melody contour": contour_scores(
                    sung_midi(truth, frames), midi_T[:frames]
                ).correlation,
            }
        return found


OF = {
    "drums": ("drum onset F1", "beat F1", "tempo, accuracy 1", "tempo, accuracy 2"),
    "audio": ("chroma cosine", "chords majmin", "beat F1"),
    "chords": ("chords majmin", "chroma cosine"),
    "melody": ("melody contour",),
}
"""What each control is judged by; all together by all."""


def figures(rows: Mapping[str, Sequence[Found]], asked: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Scores with their intervals over songs, and the adherence of each asked row.

    Args:
        rows: by name; `floor` is the round trip.
        asked: rows asked for a song's own controls: the row of another song's, and which control it is (`all`: every one).
    """
    told: dict[str, Any] = {}
    for name, songs in rows.items():
        errors, phones = ([one[key] for one in songs] for key in ("phone errors", "phones"))
        keys = [key for key in songs[0] if not key.startswith("phone")]
        told[name] = {"per": rounded(rate(errors, phones, RESAMPLING))}
        told[name] |= {key: rounded(mean([one[key] for one in songs], RESAMPLING)) for key in keys}
    adherence: dict[str, Any] = {}
    paired: dict[str, Any] = {}
    for name, (other, control) in asked.items():
        if name not in rows or other not in rows:
            continue
        for key in scores_of(control):
            own, others = ([one[f"own {key}"] for one in rows[row]] for row in (name, other))
            paired[f"{name} - {other}: {key}"] = rounded(paired_mean_difference(own, others, RESAMPLING))
            adherence[f"{name}: {key}"] = adherence_of(
                [(rows["floor"], rows[name], rows[other])], f"own {key}"
            )
    return {"rows": told, "adherence": adherence, "own less other's, paired": paired}


def alike(ones: Sequence[Found], others: Sequence[Found]) -> dict[str, Any]:
    """PER and style of `ones` less those of `others`, and whether they are equal by two one-sided tests within `MARGINS`.

    A margin below twice the standard error decides nothing. The error is that of songs alone, so the word is of these weights.
    """
    columns = [[one[key] for one in side] for side in (ones, others) for key in ("phone errors", "phones")]
    found = {
        "per": paired_rate_difference(*columns, RESAMPLING),
        "style": paired_mean_difference(
            [one["style"] for one in ones], [one["style"] for one in others], RESAMPLING
        ),
    }
    return {name: [*rounded(one), _word(one, MARGINS[name])] for name, one in found.items()}


def pooled(
    seeds: Sequence[Mapping[str, Sequence[Found]]], asked: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    """Adherence over the seeds of a model, songs and seeds drawn anew, and own less the other's of each seed."""
    told: dict[str, Any] = {}
    for name, (other, control) in asked.items():
        for key in (f"own {one}" for one in scores_of(control)):
            of_seed = [
                mean([a[key] - b[key] for a, b in zip(rows[name], rows[other], strict=True)], RESAMPLING)  # type: ignore[operator]
                for rows in seeds
            ]
            told[f"{name}: {key}"] = {
                "adherence": adherence_of([(rows["floor"], rows[name], rows[other]) for rows in seeds], key),
                "own less other's, by seed": [rounded(one)[0] for one in of_seed],
            }
    return told


def equal_over_seeds(ones: Sequence[Sequence[Found]], others: Sequence[Sequence[Found]]) -> dict[str, Any]:
    """PER and style of rows less those of others, a pair a seed: [difference, standard error of seeds and songs together, word]."""
    told: dict[str, Any] = {}
    for name, margin in MARGINS.items():
        apart_SN = np.array(
            [
                [_score(one, name) - _score(other, name) for one, other in zip(*pair, strict=True)]
                for pair in zip(ones, others, strict=True)
            ]
        )
        seeds, songs = apart_SN.shape
        of_seeds, of_songs = (apart_SN.mean(axis=axis).std(ddof=1) ** 2 for axis in (1, 0))
        error = float(np.sqrt(of_seeds / seeds + of_songs / songs))
        value, reach = float(apart_SN.mean()), float(stats.t.ppf(0.95, seeds - 1)) * error
        equal = (
            "equal" if abs(value) + reach < margin else "differs" if abs(value) > reach else "not shown equal"
        )
        told[name] = [round(value, 4), round(error, 4), "not decidable" if margin < 2 * error else equal]
    return told


def _score(found: Found, name: str) -> float:
    """The phone error rate of one song, or its style."""
    errors, phones, style = found["phone errors"], found["phones"], found["style"]
    assert errors is not None and phones is not None and style is not None
    return errors / phones if name == "per" else style


def scores_of(control: str) -> tuple[str, ...]:
    """What a control is judged by; `all` by every one."""
    return OF.get(control) or tuple(dict.fromkeys(key for keys in OF.values() for key in keys))


def _word(found: Estimate, margin: float) -> str:
    assert found.value is not None and found.low is not None and found.high is not None
    error = (found.high - found.low) / (2 * Z_95)
    if margin < 2 * error:
        return "not decidable"
    if abs(found.value) + Z_90 * error < margin:
        return "equal"
    return "differs" if found.low > 0 or found.high < 0 else "not shown equal"
