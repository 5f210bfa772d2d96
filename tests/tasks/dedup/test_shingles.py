"""Shingles: what share of the shorter text stands in the other."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.dedup.shingles import shared_text, shingles


def text(seed: int, count: int) -> list[str]:
    return [f"w{number}" for number in np.random.default_rng(seed).integers(0, 5000, count)]


def test_the_same_words_share_everything_and_others_nothing() -> None:
    one, other = shingles(text(0, 200), 3, 512), shingles(text(1, 200), 3, 512)
    assert shared_text(one, one, 512, 6) == 1.0
    assert shared_text(one, other, 512, 6) == 0.0


def test_an_excerpt_is_wholly_inside() -> None:
    words = text(0, 300)
    assert shared_text(shingles(words, 3, 512), shingles(words[60:200], 3, 512), 512, 6) == 1.0


def test_every_fifth_word_misheard_leaves_about_half() -> None:
    words = text(0, 400)
    heard = [f"x{place}" if place % 5 == 0 else word for place, word in enumerate(words)]
    share = shared_text(shingles(words, 3, 512), shingles(heard, 3, 512), 512, 6)
    assert share == pytest.approx(0.4, abs=0.02)


def test_cut_sketches_estimate_what_whole_ones_say() -> None:
    words = text(0, 4000)
    mixed = words[:2000] + text(1, 2000)
    whole = shared_text(shingles(words, 3, 9000), shingles(mixed, 3, 9000), 9000, 6)
    assert shared_text(shingles(words, 3, 512), shingles(mixed, 3, 512), 512, 6) == pytest.approx(
        whole, abs=0.08
    )


def test_short_texts_tell_nothing() -> None:
    short = shingles(["la"] * 50, 3, 512)
    assert len(short) == 1
    assert shared_text(short, short, 512, 6) == 0.0
    assert len(shingles(["la", "la"], 3, 512)) == len(shingles([], 3, 512)) == 0


def test_a_few_words_beside_a_long_cut_text_are_not_judged_by_one_hash() -> None:
    words = text(0, 3000)
    long, short = shingles(words, 3, 100), shingles(words[:12], 3, 100)
    assert len(short) == 10 and len(long) == 100
    assert shared_text(long, short, 100, 6) == 0.0
