"""WhisperX's alignment aligns words where their letters are heard, within their lines, over songs of any length."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.models.aligner import Line, build_aligner
from tasks.models.real.whisperx import WhisperXAligner, lay
from tests.every import every
from tests.tasks.models.checkpoints.wav2vec2 import write_wav2vec2
from tests.tasks.models.voices import vocals, whisperx_params

WORDS = ["hello", "moon", "it's", "river"]
LETTERS = {
    "<pad>": 0,
    "|": 1,
    **{letter: number for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz'", 2)},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav2vec2(tmp_path_factory.mktemp("wav2vec2"))


@pytest.fixture()
def aligner(folder: Path) -> WhisperXAligner:
    return build_aligner(whisperx_params(folder))  # type: ignore[return-value]


def emissions(heard: dict[int, str], num_frames: int, sure: float = 0.95) -> torch.Tensor:
    """Frames that surely hear these letters, each in its frame, and blanks around them."""
    frames_TV = torch.full((num_frames, len(LETTERS)), (1 - sure) / (len(LETTERS) - 1))
    symbols = [LETTERS[heard[t]] if t in heard else 0 for t in range(num_frames)]
    frames_TV[torch.arange(num_frames), symbols] = sure
    return frames_TV.log()


def sung(*words: tuple[str, int], every: int = 4) -> dict[int, str]:
    """Letters of words that begin at these frames, one in `every` frames, and the sign between words after each."""
    heard = {first + every * i: letter for word, first in words for i, letter in enumerate(word)}
    return heard | {first + every * len(word): "|" for word, first in words}


class Hears:
    """A net that hears the frames it was given in everything."""

    def __init__(self, frames_TV: torch.Tensor, letters: dict[str, int] = LETTERS) -> None:
        self.frames_TV, self.letters, self.blank, self.frame_s = frames_TV, letters, 0, 0.02

    def listen(self, vocals_N: np.ndarray) -> torch.Tensor:
        return self.frames_TV


def hearing(frames_TV: torch.Tensor, letters: dict[str, int] = LETTERS) -> WhisperXAligner:
    """The aligner over frames that are known."""
    return WhisperXAligner(Hears(frames_TV, letters), "whisperx-v1@test", line_tolerance_s=0.1)  # type: ignore[arg-type]


def silent(words: list[str]) -> list[tuple[str, str]]:
    """Words without pronunciations, which play no part."""
    return [(word, "") for word in words]


def times(
    aligner: WhisperXAligner, words: list[str], lines: list[Line] | None = None
) -> list[tuple[float, float]]:
    timed = aligner.align(np.zeros(1), silent(words), lines)
    assert [word.text for word in timed] == words
    return [(round(word.start_s / 0.02), round(word.end_s / 0.02)) for word in timed]


def test_words_are_laid_where_their_letters_are_heard() -> None:
    """A word lasts from its first letter to the sign behind it."""
    aligner = hearing(emissions(sung(("hello", 50), ("moon", 120), ("hello", 400)), 600))
    assert times(aligner, ["hello", "moon", "hello"]) == [(50, 70), (120, 136), (400, 420)]


def test_truth_is_found_among_uncertain_frames() -> None:
    noise = np.random.default_rng(0)
    firsts = np.cumsum(noise.integers(30, 120, 60)) + 40
    words = [WORDS[i % 4] for i in range(60)]
    frames_TV = emissions(sung(*zip(words, firsts.tolist(), strict=True)), int(firsts[-1]) + 100, sure=0.6)
    frames_TV += torch.from_numpy(noise.normal(0, 1.0, frames_TV.shape)).float()
    found = times(hearing(frames_TV.log_softmax(1)), words)
    late = [abs(start - first) for (start, _), first in zip(found, firsts, strict=True)]
    assert np.median(late) == 0 and np.percentile(late, 95) <= 1


def test_sound_that_nobody_wrote_down_does_not_draw_words_to_the_front() -> None:
    heard = sung(("hello", 3000), ("moon", 3100))
    frames_TV = emissions(heard, 6000)
    unsure = torch.ones(6000, dtype=torch.bool)
    unsure[list(heard)] = False
    frames_TV[unsure] = torch.full((len(LETTERS),), 1 / len(LETTERS)).log()
    assert [start for start, _ in times(hearing(frames_TV), ["hello", "moon"])] == [3000, 3100]


def test_right_words_score_high_and_wrong_ones_low() -> None:
    aligner = hearing(emissions(sung(("hello", 50), ("moon", 120)), 300))
    right = aligner.align(np.zeros(1), silent(["hello", "moon"]))
    wrong = aligner.align(np.zeros(1), silent(["jazzy", "quick"]))
    assert all(word.score == pytest.approx(0.95, abs=1e-3) for word in right)
    assert all(0 < word.score < 0.05 for word in wrong)


def test_lines_choose_among_repeats_and_hold_their_words() -> None:
    aligner = hearing(emissions(sung(("moon", 50), ("moon", 150), ("moon", 300)), 400))
    assert times(aligner, ["moon"], [Line(0, 0, 5.9, 7.0)]) == [(300, 316)]
    assert times(aligner, ["moon"], [Line(0, 0, 3.0, 3.5)]) == [(150, 166)]
    first_free = times(aligner, ["moon", "moon"], [Line(1, 1, 5.9, 7.0)])
    assert first_free[1] == (300, 316) and first_free[0][1] <= 295


def test_words_of_lines_that_overlap_stay_in_order() -> None:
    aligner = hearing(emissions(sung(("moon", 50), ("river", 70), ("hello", 95)), 200))
    lines = [Line(0, 0, 0.9, 1.4), Line(1, 1, 1.2, 2.0), Line(2, 2, 1.5, 3.0)]
    found = times(aligner, ["moon", "river", "hello"], lines)
    assert [start for start, _ in found] == [50, 70, 95]
    assert all(one[1] <= other[0] for one, other in pairwise(found))


def test_words_in_letters_the_net_does_not_know_are_laid_between_the_others() -> None:
    aligner = hearing(emissions(sung(("hello", 50), ("dix", 120), ("moon", 200)), 300))
    words = ["hello", "42a", "日本", "moon"]
    timed = aligner.align(np.zeros(1), silent(words))
    assert [word.text for word in timed] == words
    assert timed[0].start_s == 1.0 and timed[3].start_s == 4.0
    assert timed[0].end_s <= timed[1].start_s and timed[2].end_s <= timed[3].start_s
    assert timed[2].score == 0.0 and timed[1].score > 0, "what nothing was heard of is not scored"


def test_a_net_without_a_sign_between_words_aligns_too() -> None:
    letters = {letter: number for letter, number in LETTERS.items() if letter != "|"}
    heard = {t: letter for t, letter in sung(("hello", 50), ("moon", 120)).items() if letter != "|"}
    assert [start for start, _ in times(hearing(emissions(heard, 200), letters), ["hello", "moon"])] == [
        50,
        120,
    ]


@every(
    ("words", "lines", "reason"),
    [
        ([], None, "no_words"),
        (["日本", "42"], None, "no_phones"),
        (["love"] * 200, None, "too_many_words"),
        (["love", "river"], [Line(0, 1, 500.0, 501.0)], "line_times"),
        (["love", "river"], [Line(0, 1, 0.0, 0.02)], "line_times"),
        (["love", "river"], [Line(0, 5, 0.0, 1.0)], "line_times"),
        (["love", "river"], [Line(1, 1, 0.0, 1.0), Line(0, 0, 1.0, 2.0)], "line_times"),
    ],
)
def test_what_cannot_be_aligned_is_refused_with_its_reason(
    words: list[str], lines: list[Line] | None, reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        times(hearing(emissions({}, 300)), words, lines)
    assert refused.value.reason == reason


def test_words_of_a_real_song_come_back_in_order_with_scores(aligner: WhisperXAligner) -> None:
    words = WORDS * 2
    lines = [Line(0, 3, 0.0, 3.0), Line(4, 7, 3.5, 6.0)]
    for given in (None, lines):
        timed = aligner.align(vocals(6.0), silent(words), given)
        assert timed == aligner.align(vocals(6.0), silent(words), given)
        assert [word.text for word in timed] == words
        assert all(0 < word.score <= 1 and word.start_s < word.end_s <= 6.0 for word in timed)
        assert all(one.end_s <= other.start_s for one, other in pairwise(timed))
    assert timed[4].start_s >= 3.2 - 0.02


def test_a_song_of_four_minutes_is_aligned(aligner: WhisperXAligner) -> None:
    words = WORDS * 100
    timed = aligner.align(vocals(240.0), silent(words))
    assert [word.text for word in timed] == words


def test_a_letter_is_scored_where_it_is_heard_and_lasts_until_the_next() -> None:
    a, b = LETTERS["a"], LETTERS["b"]
    letters = lay(emissions({2: "a", 6: "b"}, 9), [a, b], 0)
    assert [(letter.first, letter.end) for letter in letters] == [(2, 6), (6, 7)]


def test_identity_is_the_content(folder: Path) -> None:
    identity = whisperx_params(folder).identity()
    assert identity.startswith("whisperx-v1@") and identity == build_aligner(whisperx_params(folder)).identity


def test_phones_have_their_share_of_the_letters_heard_within_their_word_and_no_score(
    aligner: WhisperXAligner,
) -> None:
    vocals_N = vocals(2.0)
    words = [Word("hello", 0.5, 1.1, "hɛlˈoʊ"), Word("na", 1.1, 1.11, "nɑ"), Word("...", 1.2, 1.3, "")]
    hello, na, nothing = aligner.phones(vocals_N, words)
    assert [phone.text for phone in hello] == ["h", "ɛ", "l", "oʊ"] and nothing == []
    for word, phones in zip(words, (hello, na), strict=False):
        assert (phones[0].start_s, phones[-1].end_s) == (word.start_s, word.end_s)
        assert all(a.start_s < a.end_s == b.start_s for a, b in pairwise(phones))
        assert all(phone.score is None for phone in phones)
