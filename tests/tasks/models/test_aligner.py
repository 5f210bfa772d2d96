import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from flows.settings.params import load_params
from tasks.engine.song import Refused
from tasks.models.aligner import Line, build_aligner
from tasks.models.embedded.forced_alignment import align_phones
from tasks.toy.voice import sing
from tests.tasks.models.sung import lyrics, said, scores, separated, songs, with_words

PARAMS = load_params().models.aligner


@pytest.fixture(scope="module")
def aligner():
    return build_aligner(PARAMS)


def align(aligner, vocals_N, words, lines=None):
    return aligner.align(vocals_N, said(words), lines)


def frames(symbols: list[int], inventory: int = 5) -> np.ndarray:
    """Sure log-probabilities of these symbols, one a frame."""
    frames_TV = np.full((len(symbols), inventory), np.log(0.01), np.float32)
    frames_TV[np.arange(len(symbols)), symbols] = np.log(0.96)
    return frames_TV


def test_phones_are_laid_where_they_sound():
    spans = align_phones(frames([0, 0, 1, 1, 2, 0, 3, 3, 1, 2, 0]), [[1, 2], [3], [1, 2]], 4.0)
    assert [(span.first, span.end) for span in spans] == [(2, 5), (6, 8), (8, 10)]
    assert all(span.score == pytest.approx(0.96, abs=1e-3) for span in spans)


def test_sound_that_nobody_wrote_down_is_passed_over():
    spans = align_phones(frames([1, 2, 4, 4, 4, 4, 3, 3]), [[1, 2], [3]], 2.0)
    assert [(span.first, span.end) for span in spans] == [(0, 2), (6, 8)]


def test_windows_choose_among_repeats():
    twice = frames([1, 2, 0, 0, 1, 2, 0])
    assert align_phones(twice, [[1, 2]], 2.0, [(3, 7)])[0].first == 4
    assert align_phones(twice, [[1, 2]], 2.0, [(0, 4)])[0].first == 0


def test_words_that_cannot_fit_are_refused():
    with pytest.raises(match="need more than 2 frames"):
        align_phones(frames([1, 2]), [[1, 2, 3]], 2.0)
    with pytest.raises(match="no room"):
        align_phones(frames([1, 2, 3, 0]), [[1, 2], [3]], 2.0, [(3, 4), (0, 1)])


def test_a_span_is_never_empty_and_its_score_never_zero():
    (span,) = align_phones(np.log(np.full((3, 3), 1e-9, np.float32)), [[1]], 50.0)
    assert span.score == pytest.approx(1e-4) and span.end > span.first


def test_word_times_of_separated_vocals_are_near_the_truth(aligner):
    starts, ends = [], []
    for song, vocals_N in zip(songs(), separated(), strict=True):
        for word, true in zip(align(aligner, vocals_N, lyrics(song)), song.words, strict=True):
            starts.append(abs(word.start_s - true.start_s))
            ends.append(abs(word.end_s - true.end_s))
    assert np.median(starts) <= 0.03 and np.percentile(starts, 90) <= 0.12
    assert np.median(ends) <= 0.06


def test_words_come_back_in_order_without_overlap_and_with_scores(aligner):
    words = lyrics(songs()[1])
    timed = align(aligner, separated()[1], words)
    assert [word.text for word in timed] == words
    assert all(0 < word.score <= 1 and word.start_s < word.end_s for word in timed)
    assert all(one.end_s <= other.start_s for one, other in pairwise(timed))


def test_wrong_lyrics_score_below_right_ones(aligner):
    for i, song in enumerate(songs()):
        right = [word.score for word in align(aligner, separated()[i], lyrics(song))]
        wrong = [word.score for word in align(aligner, separated()[i], lyrics(songs()[i - 1]))]
        assert np.mean(right) > 0.6 > 0.35 > np.mean(wrong)


def test_a_word_repeated_through_the_song_is_found_every_time(aligner):
    take = sing(with_words(scores()[0], ["love", "love", "river"]))
    timed = align(aligner, take.vocals_N, [word.text for word in take.words])
    assert (
        np.max([abs(word.start_s - true.start_s) for word, true in zip(timed, take.words, strict=True)])
        <= 0.15
    )


def test_words_the_recogniser_never_learnt_are_aligned_by_their_nearest_phones(aligner):
    take = sing(with_words(scores()[0], ["yesterday", "vision", "mountain", "joy"]))
    timed = align(aligner, take.vocals_N, [word.text for word in take.words])
    assert (
        np.median([abs(word.start_s - true.start_s) for word, true in zip(timed, take.words, strict=True)])
        <= 0.1
    )


def test_lines_hold_their_words_within_their_times(aligner):
    song, (first, last) = songs()[2], scores()[2].lines[-1]
    words = lyrics(song)[first:last]
    start_s, end_s = song.words[first].start_s, song.words[last - 1].end_s
    timed = align(aligner, separated()[2], words, [Line(0, len(words) - 1, start_s, end_s)])
    assert timed[0].start_s >= start_s - PARAMS.line_tolerance_s - 0.01
    assert timed[-1].end_s <= end_s + PARAMS.line_tolerance_s + 0.01
    assert abs(timed[0].start_s - start_s) <= 0.12


@pytest.mark.parametrize(
    ("words", "lines", "reason"),
    [
        ([], None, "no_words"),
        (["love"] * 3000, None, "too_many_words"),
        (["love", "river"], [Line(0, 1, 500.0, 501.0)], "line_times"),
        (["love", "river"], [Line(0, 5, 0.0, 1.0)], "line_times"),
    ],
)
def test_what_cannot_be_aligned_is_refused_with_its_reason(aligner, words, lines, reason):
    with pytest.raises(Refused) as refused:
        align(aligner, separated()[0], words, lines)
    assert refused.value.reason == reason and isinstance(refused.value, ValueError)


def test_a_word_without_phones_is_refused_by_name(aligner):
    with pytest.raises(Refused, match="'日本'") as refused:
        aligner.align(separated()[0], [("love", "lˈʌv"), ("日本", "")])
    assert refused.value.reason == "no_phones"


def test_a_song_of_four_minutes_is_aligned_in_bounded_memory(aligner):
    rounds = 25
    vocals_N = np.tile(songs()[0].vocals_N, rounds)
    words = lyrics(songs()[0]) * rounds
    timed = align(aligner, vocals_N, words)
    true_s = [
        r * len(songs()[0].vocals_N) / 44100 + word.start_s
        for r in range(rounds)
        for word in songs()[0].words
    ]
    assert np.percentile(np.abs(np.array([word.start_s for word in timed]) - true_s), 90) <= 0.12


def test_alignments_are_the_same_every_time_and_after_pickling(aligner):
    words = lyrics(songs()[3])
    once = align(aligner, separated()[3], words)
    assert (
        once
        == align(aligner, separated()[3], words)
        == align(pickle.loads(pickle.dumps(aligner)), separated()[3], words)
    )


def test_identity_is_bound_to_the_weights_and_unknown_models_are_refused():
    assert PARAMS.identity().startswith("embedded/ctc-aligner@1-")
    with pytest.raises(ValueError, match="choose one of: embedded"):
        build_aligner(PARAMS.model_copy(update={"model": "murmur"}))
    with pytest.raises(ValueError, match="shipped"):
        build_aligner(PARAMS.model_copy(update={"weights": "missing"}))


def test_lines_are_values():
    assert replace(Line(0, 1, 0.0, 1.0), last=2) == Line(0, 2, 0.0, 1.0)


def test_a_song_that_is_aligned_again_is_heard_once_and_its_copy_is_another_song(aligner, monkeypatch):
    heard = []
    listen = type(aligner._recogniser).listen
    monkeypatch.setattr(
        type(aligner._recogniser), "listen", lambda net, vocals_N: heard.append(1) or listen(net, vocals_N)
    )
    vocals_N, words = separated()[2].copy(), lyrics(songs()[2])
    first = align(aligner, vocals_N, words)
    assert align(aligner, vocals_N, words, [Line(0, len(words) - 1, 0.0, 60.0)]) == first
    assert len(heard) == 1
    assert align(aligner, vocals_N.copy(), words) == first
    assert len(heard) == 2
