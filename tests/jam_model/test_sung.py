"""The filler that puts every phone where it is sung: slots of a word's symbols, and a grid of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jam_model.lyric_grid import SONG_FILLER, SYMBOLS, VOCAL_FILLER, lyric_grid, words_without_phones
from jam_model.sung.slots import owners
from jam_model.words import Word
from tests.jam_model.test_lyric_grid import SLOT_S, random_words

A, B, OH, UH, LONG, STRESS, END, SONG = (*(SYMBOLS[one] for one in "aboʊːˈ_"), SONG_FILLER)
WORD = Word("", 4 * SLOT_S, 14 * SLOT_S + 1e-9, "baˈoʊː")


def phones(*starts: float, of: Word = WORD, names: tuple[str, ...] = ("b", "a", "oʊ")) -> list[Word]:
    bounds = [*(start * SLOT_S for start in starts), of.end_s]
    return [Word(name, *bounds[place : place + 2]) for place, name in enumerate(names)]


def sung(words: list[Word], its: list[list[Word]], frames: int = 4, **crop: int) -> list[int]:
    return lyric_grid(words, frames, filler="sung", phones=its, **crop).tolist()


def test_phones_lie_where_they_are_sung_and_words_whose_phones_nobody_knows_evenly() -> None:
    said = [
        B,
        B,
        A,
        STRESS,
        OH,
        OH,
        OH,
        OH,
        LONG,
        END,
    ]  # two symbols of a phone share it, a mark takes a slot of it
    told = phones(4, 6.4, 6.6)
    assert sung([WORD], [told]) == [SONG] * 4 + [B, B, A, STRESS, OH, OH, UH, UH, LONG, END] + [SONG] * 2
    assert said[:3] == [B, B, A]
    late = sung([WORD], [phones(4, 13.9, 13.95)])[4:14]  # as few slots are moved as every symbol needs
    assert late == [B, B, B, B, A, STRESS, OH, UH, LONG, END]
    own = [*phones(4, 6, 8)[:2], Word("o", 8 * SLOT_S, 9 * SLOT_S), Word("ʊ", 9 * SLOT_S, 11 * SLOT_S)]
    timed = [
        *own,
        Word("_", 11 * SLOT_S, WORD.end_s),
    ]  # phones of a symbol each, and a boundary with a time of its own
    assert sung([WORD], [timed])[4:14] == [B, B, A, A, STRESS, OH, UH, LONG, END, END]
    short = replace(WORD, end_s=7 * SLOT_S + 1e-9)
    assert sung([short], [phones(4, 5, 6, of=short)])[4:8] == [
        B,
        A,
        STRESS,
        SONG,
    ]  # its last ones find no slot
    even = lyric_grid([WORD], 4, filler="average_repeat").tolist()
    unlike = phones(4, 5, 6, names=("b", "a", "a"))
    for its in ([], unlike, told[:2]):
        assert sung([WORD], [its]) == even and words_without_phones([WORD], [its]) == [0]
    assert words_without_phones([WORD, Word("", 0, 1, "")], [told, []]) == []
    cut = sung([WORD], [told], crop_start_frame=2, num_latent_frames=4)  # of a crop what is sung in it
    assert cut[:8] == sung([WORD], [told])[8:] and set(cut[8:]) == {SONG}
    assert sung([WORD], [told], frames=2) == sung([WORD], [told])[:8]
    over = Word("", 8 * SLOT_S, 9 * SLOT_S + 1e-9, "a")
    assert sung([WORD, over], [told, []])[7:10] == [STRESS, A, OH] and sung([over, WORD], [[], told])[8] == OH
    foreign = Word("", 0.0, 4 * SLOT_S + 1e-9, "日a")
    assert sung([foreign], [phones(0, 2, of=foreign, names=("日", "a"))], 1) == [
        VOCAL_FILLER,
        VOCAL_FILLER,
        A,
        END,
    ]
    assert owners("tʰa_", ("tʰ", "a")) == (0, 0, 1, 1) and owners("", ()) is None is owners("a", ("",))
    with pytest.raises(
        ValueError, match=r"phones in time of 1 words and got none; .*pack.extras: \[phones\]"
    ):
        lyric_grid([WORD], 4, filler="sung")
    for seed in range(40):  # without phones it is the even filler, whatever the words and the crop
        random = np.random.default_rng(seed)
        words, start = random_words(random, 12), int(random.integers(0, 40))
        both = [
            lyric_grid(words, 64, start, 90, filler=filler, phones=its).tolist()
            for filler, its in (("average_repeat", None), ("sung", [[]] * len(words)))  # type: ignore[list-item]
        ]
        assert both[0] == both[1], seed
