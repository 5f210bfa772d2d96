"""hama's released net hears phones of toy songs' singers; a tiny one loads strictly, and another file is refused.

A package of requirements.real.lock holds the weights: where it is missing the test of them fails, it is not skipped.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eval.metrics.error_rates import NO_COUNTS, count_errors
from flows.settings.params import load_params
from tasks.engine.stage import BadModel
from tasks.models.real.hama.net import MAX_TENSORS
from tasks.models.real.hama.recogniser import NET, TOKENS
from tasks.models.transcriber import GuardTranscriberParams, build_transcriber
from tests.tasks.models.checkpoints.hama import write_hama
from tests.tasks.models.sung import PHONEMIZER, songs
from tests.tasks.models.voices import choosing

DEFAULT = load_params().models.guard_transcriber


def hama(weights: Path | str) -> GuardTranscriberParams:
    return choosing(DEFAULT, "hama", weights, batch_size=2)


@pytest.mark.slow
def test_the_released_net_hears_two_phones_in_three_of_the_true_singer() -> None:
    net = build_transcriber(hama(DEFAULT.hama.weights))
    assert net.identity == "hama-v1@hama-1.7.0-47fec3370bc7"
    counts = NO_COUNTS
    for song in songs():
        heard = net.transcribe(song.vocals_N)
        assert heard.words is None and heard.phones and heard.language is None
        counts += count_errors(PHONEMIZER.phones([word.text for word in song.words]), heard.phones)
    assert counts.rate < 1 / 3


def test_a_tiny_net_hears_songs_of_any_length_in_windows_and_a_file_of_another_form_is_refused(
    tmp_path: Path,
) -> None:
    folder = write_hama(tmp_path / "net")
    net = build_transcriber(hama(folder))
    assert net.identity == hama(folder).identity()
    for seconds in (0.001, 3.0, 25.0):
        sound_N = np.random.default_rng(0).normal(0, 0.1, round(seconds * 44_100))
        heard = net.transcribe(sound_N.astype(np.float32))
        assert heard.words is None and set(heard.phones or ()) <= {"ɑ", "tʃ", "n"}
    held, tokens = (folder / NET).read_bytes(), (folder / TOKENS).read_bytes()
    more = json.dumps({"decoder": ["a"] * 9}).encode()
    for net_bytes, token_bytes, said in (
        (held[:900], tokens, "ends within its table"),
        (held[:-2], tokens, "is not where and what the table says"),
        (held[:8] + np.uint32(MAX_TENSORS + 1).tobytes() + held[12:], tokens, "at most 2000 are read"),
        (b"PK" + held, tokens, "does not begin as a file of hama"),
        (held.replace(b"onnx::MatMul_5", b"onnx::Mammal_5"), tokens, "make no whole blocks"),
        (held, b"[]", "has no list `decoder`"),
        (held, more, "tells 6 tokens apart"),
    ):
        (folder / NET).write_bytes(net_bytes)
        (folder / TOKENS).write_bytes(token_bytes)
        with pytest.raises(BadModel, match=said):
            build_transcriber(hama(folder))
