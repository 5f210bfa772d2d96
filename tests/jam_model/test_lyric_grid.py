from dataclasses import replace

import numpy as np
import pytest

from jam_model.config import JamConfig
from jam_model.lyric_grid import SONG_FILLER, SYMBOLS, VOCAL_FILLER, lyric_grid, words_on_grid
from jam_model.words import Word
from tests.jam_model.conftest import TINY

SLOT_S = 512 / 44_100


def slow_grid(words, max_frames, crop_start_frame, num_latent_frames):
    """Algorithm 1 as the paper's figure tells it, one word and one slot at a time."""
    grid = [SONG_FILLER] * (4 * max_frames)
    crop_start_s = crop_start_frame * 2048 / 44_100
    crop_end_s = min(crop_start_frame + max_frames, num_latent_frames) * 2048 / 44_100
    for word in words:
        if not (word.end_s > crop_start_s and word.start_s < crop_end_s):
            continue
        start = max(0, int((word.start_s - crop_start_s) * 44_100 / 512))
        end = min(len(grid), int((word.end_s - crop_start_s) * 44_100 / 512))
        text = word.phonemes
        if text and text[-1] != "_":
            text += "_"
        tokens = [SYMBOLS[letter] for letter in text if letter in SYMBOLS]
        if end <= start or not tokens:
            continue
        for slot in range(start, end):
            grid[slot] = VOCAL_FILLER
        gap = (end - start) // len(tokens) or 1
        for number, token in enumerate(tokens):
            if start + number * gap < end:
                grid[start + number * gap] = token
    return grid


def random_words(random, count):
    letters = [symbol for symbol in SYMBOLS if len(symbol) == 1] + ["X", "日", "\U0001f3b5", "\ud800"]
    at_s, words = random.uniform(0, 1), []
    for _ in range(count):
        at_s += random.choice([0, 0.01, 0.05, 0.5, -0.3])
        at_s = max(at_s, 0.0)
        end_s = at_s + random.choice([0, 0.005, 0.0116, 0.03, 0.12, 0.77, 2.4])
        length = random.choice([0, 1, 2, 5, 15])
        words.append(Word("", at_s, end_s, "".join(random.choice(letters, length))))
        at_s = max(at_s, end_s)
    return words


def test_grid_equals_the_slow_algorithm_on_odd_lyrics():
    differing = []
    for seed in range(150):
        random = np.random.default_rng(seed)
        max_frames = int(random.choice([1, 7, 64, 300]))
        total = int(random.choice([1, 5, max_frames, 2 * max_frames, 3 * max_frames]))
        start = int(random.integers(0, max(1, total - max_frames + 1)))
        words = random_words(random, int(random.choice([0, 1, 3, 40])))
        grid = lyric_grid(words, max_frames, start, total)
        if grid.dtype != np.int64 or grid.tolist() != slow_grid(words, max_frames, start, total):
            differing.append(f"seed {seed}")
    assert not differing


def test_phonemes_stand_in_their_word_as_the_filler_says_and_end_with_a_boundary():
    grid = lyric_grid([Word("", 4 * SLOT_S, 11 * SLOT_S + 1e-9, "ab")], max_frames=4)
    sung = [SYMBOLS["a"], VOCAL_FILLER, SYMBOLS["b"], VOCAL_FILLER, SYMBOLS["_"], VOCAL_FILLER, VOCAL_FILLER]
    assert grid.tolist() == [SONG_FILLER] * 4 + sung + [SONG_FILLER] * 5
    a, b, end = (SYMBOLS[symbol] for symbol in "ab_")
    others = {
        "pad_right": [a, b, end] + [VOCAL_FILLER] * 4,
        "average_repeat": [a, a, a, b, b, end, end],
    }
    for filler, slots in others.items():
        word = Word("", 4 * SLOT_S, 11 * SLOT_S + 1e-9, "ab")
        assert lyric_grid([word], 4, filler=filler).tolist()[4:11] == slots
        assert lyric_grid([replace(word, end_s=6 * SLOT_S + 1e-9)], 4, filler=filler).tolist()[4:6] == [a, b]

    # drawn durations fill a word in order, each phoneme at least once, and are the same again
    words = [
        Word("", 4 * SLOT_S, 44 * SLOT_S + 1e-9, "abd"),
        Word("", 50 * SLOT_S, 90 * SLOT_S + 1e-9, "abd"),
    ]
    grid = lyric_grid(words, 30, filler="random_duration").tolist()
    assert grid == lyric_grid(words, 30, filler="random_duration").tolist()
    spoken = [SYMBOLS[symbol] for symbol in "abd_"]
    first, second = grid[4:44], grid[50:90]
    assert [first.count(token) for token in spoken] != [second.count(token) for token in spoken]
    for slots in (first, second):
        assert sorted(slots, key=spoken.index) == slots and set(slots) == set(spoken)
    config = replace(TINY, filler="pad_right")
    assert JamConfig.from_dict(config.to_dict()) == config and "filler" not in TINY.to_dict()
    with pytest.raises(ValueError, match="filler is 'none'"):
        replace(TINY, filler="none")


def test_word_cut_by_the_crop_start_keeps_all_phonemes():
    grid = lyric_grid([Word("", 0.0, 14 * SLOT_S + 1e-9, "abd")], max_frames=2, crop_start_frame=2)
    assert grid[:4].tolist() == [SYMBOLS[symbol] for symbol in "abd_"]


def test_word_too_short_loses_its_last_phonemes():
    grid = lyric_grid([Word("", 0.0, 2 * SLOT_S + 1e-9, "abd")], max_frames=1)
    assert grid.tolist() == [SYMBOLS["a"], SYMBOLS["b"], SONG_FILLER, SONG_FILLER]


def test_later_word_takes_the_slots_it_shares():
    first, second = (
        Word("", 0.0, 12 * SLOT_S + 1e-9, "a"),
        Word("", 4 * SLOT_S + 1e-9, 8 * SLOT_S + 1e-9, "b"),
    )
    grid = lyric_grid([first, second], max_frames=3)
    assert grid[4] == SYMBOLS["b"]
    assert lyric_grid([second, first], max_frames=3)[4] == VOCAL_FILLER


def test_word_that_starts_after_the_songs_end_is_not_sung():
    word = Word("", 10 * SLOT_S, 14 * SLOT_S, "a")
    assert (lyric_grid([word], max_frames=4, num_latent_frames=2) == SONG_FILLER).all()
    assert (lyric_grid([word], max_frames=4) != SONG_FILLER).any()


def test_word_without_a_known_symbol_leaves_only_its_boundary():
    grid = lyric_grid([Word("", 0.0, 2 * SLOT_S + 1e-9, "X日")], max_frames=1)
    assert grid.tolist() == [SYMBOLS["_"], VOCAL_FILLER, SONG_FILLER, SONG_FILLER]
    assert (lyric_grid([Word("", 0.0, 1.0, "")], max_frames=1) == SONG_FILLER).all()


@pytest.mark.parametrize("word", [Word("la", 1.0, float("inf"), "b"), Word("la", 1.0, 2.0)])
def test_word_without_an_end_or_phonemes_is_refused_by_number(word):
    with pytest.raises(ValueError, match="word 1 has no phonemes or no finite end"):
        lyric_grid([Word("", 0.0, 1.0, "a"), word], max_frames=4)


def test_symbols_are_below_the_fillers_and_distinct():
    assert sorted(SYMBOLS.values()) == list(range(len(SYMBOLS)))
    assert len(SYMBOLS) == 57
    assert len(SYMBOLS) <= VOCAL_FILLER < SONG_FILLER
    own = replace(TINY, num_text_embeddings=65, own_symbols="øy")
    assert {**own.vocabulary} == {**SYMBOLS, "ø": 64, "y": 65} and TINY.vocabulary is SYMBOLS
    assert JamConfig.from_dict(own.to_dict()) == own and "own_symbols" not in TINY.to_dict()
    word = Word("", 0.0, 2 * SLOT_S + 1e-9, "ø")
    assert lyric_grid([word], max_frames=1, vocabulary=own.vocabulary).tolist()[:2] == [64, SYMBOLS["_"]]
    for wrong in ("øø", "a", "øyç"):
        with pytest.raises(ValueError, match="own_symbols"):
            replace(own, own_symbols=wrong)


def test_a_word_is_on_the_grid_where_its_own_token_stands_there():
    letters = [symbol for symbol in SYMBOLS if len(symbol) == 1 and symbol != "_"]
    found = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        words = [
            replace(word, phonemes=letter)
            for word, letter in zip(random_words(random, 12), letters, strict=False)
        ]
        words[3] = replace(words[3], phonemes="")
        grid = set(lyric_grid(words, 60).tolist())
        found += words_on_grid(words, 60)
        assert words_on_grid(words, 60) == [SYMBOLS.get(word.phonemes) in grid for word in words], seed
    assert 0.2 < sum(found) / len(found) < 0.9
