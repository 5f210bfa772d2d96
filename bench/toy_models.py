"""The embedded models on new toy songs, through the same classes the stages use.

python bench/toy_models.py --songs 40 --seed 424242 --out bench/results/toy_models.json
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.scores import si_sdr_gain
from eval.metrics.error_rates import NO_COUNTS, ErrorCounts, count_errors, normalise
from eval.metrics.lyrics_alignment import (
    absolute_error,
    percentage_correct,
    percentage_correct_segments,
)
from flows.settings.params import load_params
from tasks.engine.song import Refused
from tasks.models.aligner import build_aligner
from tasks.models.codec import build_codec
from tasks.models.judge import build_judge
from tasks.models.phonemizer import build_phonemizer
from tasks.models.separator import build_separator
from tasks.models.transcriber import build_transcriber
from tasks.toy.composition import GENRES, compose, song_seed
from tasks.toy.performance import perform


def measure(num_songs: int, seed: int, noise_snr_db: float = 10.0) -> dict[str, Any]:
    """WER of clean, separated and codec-round-trip vocals; word time errors; SI-SDR gain; judge ranking."""
    params = load_params()
    separator, codec, judge = (
        build_separator(params.models.separator),
        build_codec(params.models.codec),
        build_judge(params.models.judge),
    )
    transcriber = build_transcriber(params.models.transcriber, params.transcribe.min_confidence)
    aligner = build_aligner(params.models.aligner)
    phonemizer = build_phonemizer(params.models.phonemizer)
    words: dict[str, dict[str, ErrorCounts]] = defaultdict(lambda: defaultdict(lambda: NO_COUNTS))
    phones: dict[str, ErrorCounts] = defaultdict(lambda: NO_COUNTS)
    times: dict[str, list[tuple[float, float]]] = defaultdict(list)
    gains: dict[str, list[float]] = defaultdict(list)
    alignment: dict[str, list[float | None]] = defaultdict(list)
    failures: dict[str, int] = {"alignment": 0, "transcript": 0}
    ranked = 0
    for index in range(num_songs):
        score = compose(song_seed(seed, index))
        song = perform(score)
        voice = GENRES[score.genre].voice
        mix_CN = song.mix_CN
        separated_N = separator.separate(mix_CN)
        mean_TC, _ = codec.encode(mix_CN)
        round_trip_N = separator.separate(codec.decode(mean_TC))
        texts = normalise([timed.text for timed in song.words])
        reference_phones = phonemizer.phones(texts)
        for condition, vocals_N in (
            ("ground truth", song.vocals_N),
            ("separated", separated_N),
            ("codec, separated", round_trip_N),
        ):
            heard = transcriber.transcribe(vocals_N)
            failures["transcript"] += not heard.words
            counts = count_errors(texts, [word.text for word in heard.words])
            words[condition]["all"] += counts
            words[condition][voice] += counts
            phones[condition] += count_errors(reference_phones, heard.phones)
        said = zip(texts, (one.phonemes for one in phonemizer.phonemize(texts)), strict=True)
        try:
            aligned = aligner.align(separated_N, list(said))
            starts = [np.array([word.start_s for word in side]) for side in (song.words, aligned)]
            alignment["aae_mean_s"].append(absolute_error(*starts)[0])
            alignment["aae_median_s"].append(absolute_error(*starts)[1])
            alignment["pco"].append(percentage_correct(*starts))
            alignment["pcs_mirex_2020"].append(percentage_correct_segments(*starts))
            for found, true in zip(aligned, song.words, strict=True):
                error = (abs(found.start_s - true.start_s), abs(found.end_s - true.end_s))
                times["all"].append(error)
                times[voice].append(error)
        except Refused:
            failures["alignment"] += 1
        mono = "mono band" if GENRES[score.genre].mono_band else "stereo band"
        gain = si_sdr_gain(separated_N, mix_CN.mean(axis=0), song.vocals_N)
        if gain is not None:
            gains[mono].append(gain)
            gains[score.genre].append(gain)
        random = np.random.default_rng([seed, index])
        rms = float(np.sqrt(np.mean(np.square(mix_CN, dtype=np.float64))))
        noisy_CN = mix_CN + (rms * 10 ** (-noise_snr_db / 20) * random.standard_normal(mix_CN.shape)).astype(
            "f4"
        )
        untrained_CN = codec.decode(random.standard_normal(mean_TC.shape).astype("f4"))
        ranks = [judge.score(audio_CN).mean() for audio_CN in (mix_CN, noisy_CN, untrained_CN)]
        ranked += bool(ranks[0] > ranks[1] > ranks[2])
    return {
        "songs": num_songs,
        "seed": seed,
        "stand_ins": [
            separator.identity,
            codec.identity,
            judge.identity,
            transcriber.identity,
            aligner.identity,
        ],
        "failures": failures,
        "wer": {c: {voice: round(n.rate, 4) for voice, n in sorted(by.items())} for c, by in words.items()},
        "acoustic_per": {condition: round(counts.rate, 4) for condition, counts in phones.items()},
        "word_times_ms": {voice: _times(pairs) for voice, pairs in sorted(times.items())},
        "lyrics_alignment": {
            name: round(float(np.mean([value for value in values if value is not None])), 4)
            for name, values in alignment.items()
        },
        "si_sdr_gain_db": {
            name: {"mean": round(float(np.mean(values)), 2), "n": len(values)}
            for name, values in sorted(gains.items())
        },
        "judge_ranks_truth_noisy_untrained": f"{ranked} of {num_songs}",
    }


def _times(pairs: list[tuple[float, float]]) -> dict[str, float]:
    start_ms, end_ms = 1000 * np.array(pairs).T
    return {
        "words": len(pairs),
        "start_median": round(float(np.median(start_ms)), 1),
        "start_p90": round(float(np.percentile(start_ms, 90)), 1),
        "end_median": round(float(np.median(end_ms)), 1),
        "end_p90": round(float(np.percentile(end_ms, 90)), 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=424242)
    parser.add_argument("--out", type=Path, default=Path("bench/results/toy_models.json"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    result = measure(given.songs, given.seed)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text + "\n")
    print(text)
