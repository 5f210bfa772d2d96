"""Whisper lays given words: dealt to windows by what it heard or by lines, in order, within the song, each with a score."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from jam_model.words import Word
from tasks.models.aligner import Line
from tasks.models.real.whisper_words.aligner import word_times
from tasks.models.real.whisper_words.anchors import anchors, around, borne_out, likely_times, likeness
from tasks.models.real.whisper_words.windows import WINDOW_S, bounds, in_order, windows

TEXTS = ["hello", "moons", "über", "日本"]


def test_words_that_were_heard_are_anchors_however_they_were_written_and_the_others_stand_between() -> None:
    heard = [Word("suis", 1.0, 1.5), Word("Contents", 1.5, 2.0), Word("?", 3.0, 3.5), Word("nuit", 4.0, 4.5)]
    words = ["je", "suis", "content", "la", "nuit", "tombe"]
    assert anchors(words, [word.text for word in heard]) == [(1, 0), (2, 1), (4, 3)]
    times_W2 = likely_times(words, heard, 4.6)
    assert times_W2[[1, 2, 4]].tolist() == [[1.0, 1.5], [1.5, 2.0], [4.0, 4.5]]
    assert 0 <= times_W2[0, 0] < 1.0 and 2.0 <= times_W2[3, 0] < times_W2[3, 1] <= 4.0 < times_W2[5, 0] < 4.6
    starts_W = times_W2[:, 0].copy()
    alike_W = np.array([0.0, 1.0, likeness(words, ["contents"])[2, 0], 0.0, 1.0, 0.0])
    assert borne_out(words, starts_W, heard) == pytest.approx(around(alike_W))
    starts_W[2] += 1.1
    assert borne_out(words, starts_W, heard) == pytest.approx(around(np.array([0.0, 1, 0, 0, 1, 0])))
    assert not borne_out(words, starts_W, []).any() and around(np.ones(3)).tolist() == [1.0] * 3
    chorus = ["la", "nuit", "encore"] * 3
    assert [place for _, place in anchors(chorus, chorus[3:])] == [0, 1, 2, 3, 4, 5]
    assert anchors(words, []) == [] and likely_times(["a", "b"], [], 3.0)[-1].tolist() == [2.0, 3.0]


def test_windows_hold_all_words_end_in_pauses_and_are_never_too_long() -> None:
    starts_W = np.concatenate([np.arange(40) * 0.5, 25 + np.arange(40) * 0.5, [90.0, 99.5]])
    times_W2 = np.stack([starts_W, starts_W + 0.4], axis=1)
    cut = list(windows(times_W2, [1] * 82, 100.0))
    assert [(one.first, one.end) for one in cut[:2]] == [(0, 40), (40, 80)]
    assert [word for one in cut for word in range(one.first, one.end)] == list(range(82))
    assert all(0 <= one.start_s < one.stop_s <= min(100.0, one.start_s + WINDOW_S) for one in cut)
    assert max(one.end - one.first for one in windows(times_W2, [100] * 82, 100.0)) <= 2


def test_times_are_put_in_order_within_their_lines_and_no_word_loses_all_its_time() -> None:
    noise = np.random.default_rng(0)
    within_W2 = bounds([Line(4, 11, 3.0, 5.0), Line(12, 29, 4.5, 9.0)], 40, 0.3, 10.0)
    for _ in range(20):
        laid_W2 = in_order(noise.uniform(-2, 12, (40, 2)), within_W2)
        assert (laid_W2[:, 1] - laid_W2[:, 0] > 0.019).all() and (
            laid_W2[1:, 0] >= laid_W2[:-1, 1] - 1e-9
        ).all()
        assert (laid_W2 >= within_W2[:, :1] - 1e-9).all() and (laid_W2 <= within_W2[:, 1:] + 1e-9).all()


def test_a_pause_is_taken_from_the_word_behind_it_and_scores_are_means_over_tokens() -> None:
    path = [(0, 0), (0, 140), (1, 150), (2, 160), (3, 170), (4, 180), (5, 190), (5, 300), (6, 400)]
    result = SimpleNamespace(alignments=path, text_token_probs=[0.9, 0.5, 0.1, 0.0, 1.0, 1.0])
    times_K2, scores_K = word_times(result, [1, 2, 1, 1, 1])
    assert times_K2 == pytest.approx(np.array([[2.8, 3.0], [3.0, 3.4], [3.4, 3.6], [3.6, 3.8], [7.8, 8.0]]))
    assert scores_K == pytest.approx([0.9, 0.3, 0.0, 1.0, 1.0])
